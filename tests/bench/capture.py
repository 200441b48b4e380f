"""capture_1x30: what Driftline adds to a call of one row whose trace is not sampled.

Measured: the caller's time of `predict` on one row of 30 floats, of an estimator without any arithmetic, inside an
unsampled parent span under the default sampler; less the same of an uninstrumented class with the same method. Against:
what a span of the SDK around that method adds (sampled, no attributes, batch processor, encoding exporter). Medians of
1,000 calls; counting and exporting happen between the blocks, they are other threads' (see span_1x30 for all of it).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from opentelemetry.trace import NonRecordingSpan, SpanContext, use_span

from bench.harness import Figure, interleaved, typical
from bench.rig import FEATURES, Bare, NoOp, Rig, rig

CALLS: Final = 1000
"""In a block: fewer than wake the aggregating thread."""


def measure() -> NDArray[np.float64]:
    row = np.random.default_rng(0).normal(size=(1, FEATURES))
    bare, model = Bare(), NoOp()
    with rig() as process:

        def in_span() -> None:
            with process.tracer.start_as_current_span("predict"):
                bare.predict(row)

        seconds = interleaved(
            {
                "bare": lambda: typical(lambda: bare.predict(row), CALLS),
                "span": lambda: _settled(process, typical(in_span, CALLS)),
                "capture": lambda: _settled(process, _unsampled(model, row)),
            }
        )
    return (seconds["capture"] - seconds["bare"]) / (seconds["span"] - seconds["bare"])


def _unsampled(model: NoOp, row: NDArray[np.float64]) -> float:
    with use_span(NonRecordingSpan(SpanContext(1, 1, is_remote=True))):
        return typical(lambda: model.predict(row), CALLS)


def _settled(process: Rig, seconds: float) -> float:
    process.settle()
    return seconds


FIGURE: Final = Figure("capture_1x30", "a bare SDK span around a no-op predict", gate=0.25, goal=0.10, measure=measure)
