"""span_1x30, span_values_1x30: what Driftline costs a call of one row that is sampled, in CPU time of all threads.

Measured: `predict` on one row of 30 floats, of an estimator without any arithmetic: its span with the output, and in
span_values_1x30 every input, in span_1x30 those of 20 spans a second, as attributes, encoded; the row counted in 30
sketches and its duration in a histogram, both encoded at the end of the block. Against: a span of the same SDK without
attributes around the same method, encoded by the same exporter. Both less the bare method. A block is 4,096 calls and
one export of sketches, as with 800 calls a second for the five seconds that are the default. Spans are flushed in
batches of 512, as they leave a server that is not overrun.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.harness import Figure, interleaved
from bench.rig import FEATURES, Bare, NoOp, Rig, rig

CALLS: Final = 4096
BATCH: Final = 512


def measure(**options: Any) -> NDArray[np.float64]:
    row = np.random.default_rng(0).normal(size=(1, FEATURES))
    bare, model = Bare(), NoOp()
    with rig(**options) as process:

        def in_span() -> None:
            with process.tracer.start_as_current_span("predict"):
                bare.predict(row)

        seconds = interleaved(
            {
                "bare": lambda: _cpu(process, lambda: bare.predict(row), spans=0),
                "span": lambda: _cpu(process, in_span, spans=CALLS),
                "driftline": lambda: _cpu(process, lambda: model.predict(row), spans=CALLS),
            }
        )
    return (seconds["driftline"] - seconds["bare"]) / (seconds["span"] - seconds["bare"])


def _cpu(process: Rig, call: Callable[[], object], *, spans: int) -> float:
    """CPU seconds of all threads for a block of calls until all of it is encoded."""
    before, start = process.exporter.spans, time.process_time()
    for _ in range(CALLS // BATCH):
        for _ in range(BATCH):
            call()
        process.tracer_provider.force_flush()
    process.settle()
    seconds = time.process_time() - start
    assert process.exporter.spans - before == spans, "a span that is dropped costs nothing"
    return seconds


AGAINST: Final = "CPU of all threads for a bare SDK span, encoded"
FIGURES: Final = (
    Figure("span_1x30", AGAINST, gate=2.0, goal=1.15, measure=measure),
    Figure("span_values_1x30", AGAINST, gate=6.0, goal=3.0, measure=partial(measure, span_examples="all")),
)
