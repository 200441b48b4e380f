"""caller_1000x30 and caller_10000x30: how much longer a batch takes its caller.

Measured: the caller's time of `predict_proba` of a LogisticRegression on a batch of 30 floats a row, instrumented, its
trace not sampled (see span_1x30 for spans). Against: the original method, in the same process, nothing of Driftline's
around it. Medians of blocks of 16 calls with 20 ms between two, as a busy server gets them: the background counts the
rows meanwhile. (A loop without a pause fills the buffer faster than one thread can count it.)
"""

import time
from functools import partial
from types import MethodType
from typing import Final

import numpy as np
from numpy.typing import NDArray
from opentelemetry.trace import NonRecordingSpan, SpanContext, use_span
from sklearn.linear_model import LogisticRegression

import driftline
from bench.harness import Figure, interleaved
from bench.rig import FEATURES, Rig, rig

CALLS: Final = 16
PAUSE: Final = 0.02
"""Seconds between two calls."""


def fitted() -> LogisticRegression:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, FEATURES))
    return LogisticRegression().fit(X, X[:, 0] + rng.normal(size=2000) > 0)


def measure(rows: int) -> NDArray[np.float64]:
    model = fitted()
    bare = MethodType(LogisticRegression.predict_proba, model)
    batch = np.random.default_rng(1).normal(size=(rows, FEATURES))
    with rig() as process:
        seconds = interleaved(
            {
                "bare": lambda: _bare(bare, batch),
                "driftline": lambda: _instrumented(process, model.predict_proba, batch),
            }
        )
    return seconds["driftline"] / seconds["bare"]


def _bare(predict: MethodType, batch: NDArray[np.float64]) -> float:
    with driftline.paused():  # what the original calls in turn is instrumented: it is to pass by
        return _typical(predict, batch)


def _instrumented(process: Rig, predict: MethodType, batch: NDArray[np.float64]) -> float:
    with use_span(NonRecordingSpan(SpanContext(1, 1, is_remote=True))):
        seconds = _typical(predict, batch)
    process.settle()
    return seconds


def _typical(predict: MethodType, batch: NDArray[np.float64]) -> float:
    seconds = []
    for _ in range(CALLS):
        time.sleep(PAUSE)
        start = time.perf_counter()
        predict(batch)
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


FIGURES: Final = (
    Figure("caller_1000x30", "bare predict_proba of 1,000 rows", 1.35, 1.1, partial(measure, 1000)),
    Figure("caller_10000x30", "bare predict_proba of 10,000 rows", 1.8, 1.3, partial(measure, 10_000)),
)
