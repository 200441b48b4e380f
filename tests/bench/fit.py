"""caller_during_fit: what a caller notices when the background is busy.

Measured: the 99th percentile of 1,000 calls of an instrumented LogisticRegression, `predict_proba` on one row of 30
floats, trace not sampled, while another thread makes Driftline fit 30 new layouts and export them, without a pause: it
predicts with a second model whose inputs change their scale each time, and flushes. Against: the same calls while the
background has nothing to do.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Final

import numpy as np
from numpy.typing import NDArray
from opentelemetry.trace import NonRecordingSpan, SpanContext, use_span
from sklearn.linear_model import LogisticRegression

import driftline
from bench.caller import fitted
from bench.harness import Figure, call_times, interleaved
from bench.rig import FEATURES, NoOp, Rig, rig

CALLS: Final = 1000
_MOVED_ROWS: Final = 4096


def measure() -> NDArray[np.float64]:
    model = fitted()
    row = np.random.default_rng(0).normal(size=(1, FEATURES))
    with rig() as process:
        seconds = interleaved(
            {"quiet": lambda: _slowest(process, model, row), "busy": lambda: _slowest_while_busy(process, model, row)}
        )
    return seconds["busy"] / seconds["quiet"]


def _slowest_while_busy(process: Rig, model: LogisticRegression, row: NDArray[np.float64]) -> float:
    with _fits():
        return _slowest(process, model, row)


def _slowest(process: Rig, model: LogisticRegression, row: NDArray[np.float64]) -> float:
    with use_span(NonRecordingSpan(SpanContext(1, 1, is_remote=True))):
        seconds = float(np.quantile(call_times(lambda: model.predict_proba(row), CALLS), 0.99))
    process.settle()
    return seconds


@contextmanager
def _fits() -> Iterator[None]:
    """Fits and exports, one after the other, from before the block until after it."""
    begun, ended = threading.Event(), threading.Event()
    rows = np.random.default_rng(1).normal(size=(_MOVED_ROWS, FEATURES))
    moving = NoOp()

    def work() -> None:
        for turn in count():
            moving.predict(rows * 1000.0 ** (turn % 8 - 4))
            assert driftline.flush()
            begun.set()
            if ended.is_set():
                return

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(60.0)
    try:
        yield
    finally:
        ended.set()
        thread.join()


FIGURE: Final = Figure("caller_during_fit", "p99 of the same calls, background idle", 2.0, 1.2, measure)
