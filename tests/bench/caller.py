"""caller_1000x30 and caller_10000x30: how much longer a batch takes its caller.

Measured: the caller's time of `predict_proba` of a LogisticRegression on a batch of 30 floats a row, instrumented, its
trace not sampled (see span_1x30 for spans). Against: the original method, in the same process, nothing of Driftline's
around it. Medians of blocks of calls, while the background counts the rows of the calls before; between blocks it
catches up, so that no row is dropped.
"""

from functools import partial
from types import MethodType
from typing import Final

import numpy as np
from numpy.typing import NDArray
from opentelemetry.trace import NonRecordingSpan, SpanContext, use_span
from sklearn.linear_model import LogisticRegression

import driftline
from bench.harness import Figure, interleaved, typical
from bench.rig import FEATURES, Rig, rig

_BLOCK_BYTES: Final = 10 << 20
"""Of rows in a block: less than Driftline has room for."""


def fitted() -> LogisticRegression:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, FEATURES))
    return LogisticRegression().fit(X, X[:, 0] + rng.normal(size=2000) > 0)


def measure(rows: int) -> NDArray[np.float64]:
    model = fitted()
    bare = MethodType(LogisticRegression.predict_proba, model)
    batch = np.random.default_rng(1).normal(size=(rows, FEATURES))
    calls = min(100, _BLOCK_BYTES // batch.nbytes)
    with rig() as process:
        seconds = interleaved(
            {
                "bare": lambda: _bare(bare, batch, calls),
                "driftline": lambda: _instrumented(process, model, batch, calls),
            }
        )
    return seconds["driftline"] / seconds["bare"]


def _bare(predict: MethodType, batch: NDArray[np.float64], calls: int) -> float:
    with driftline.paused():  # what the original calls in turn is instrumented: it is to pass by
        return typical(partial(predict, batch), calls)


def _instrumented(process: Rig, model: LogisticRegression, batch: NDArray[np.float64], calls: int) -> float:
    with use_span(NonRecordingSpan(SpanContext(1, 1, is_remote=True))):
        seconds = typical(lambda: model.predict_proba(batch), calls)
    process.settle()
    return seconds


FIGURES: Final = (
    Figure("caller_1000x30", "bare predict_proba of 1,000 rows", 1.35, 1.1, partial(measure, 1000)),
    Figure("caller_10000x30", "bare predict_proba of 10,000 rows", 1.8, 1.3, partial(measure, 10_000)),
)
