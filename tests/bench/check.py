"""check_1x30 and check_1000x30: what an input check adds to a call.

Measured: the caller's time of `predict` on 30 floats a row, of an instrumented estimator without any arithmetic whose
input is checked against a training profile (`reject`); less the same of one without a check. Traces are not sampled, as
in capture_1x30, and counting and exporting happen between the blocks. No row breaks a rule.

Of one row, against: what a span of the SDK around that method adds. Of 1,000 rows, against: 100 ns for each row after
the first.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from opentelemetry.trace import NonRecordingSpan, SpanContext, use_span

import driftline
from bench.harness import Figure, interleaved, typical
from bench.rig import FEATURES, Bare, NoOp, Rig, rig

ROWS: Final = 1000
CALLS: Final = 1000
"""Of one row, in a block: fewer than wake the aggregating thread."""

CALLS_OF_MANY: Final = 30
"""Of ROWS rows, in a block."""

BUDGET: Final = 100e-9
"""Seconds a row more."""

TRAINING: Final = np.random.default_rng(1).normal(size=(10_000, FEATURES))


def measure_one() -> NDArray[np.float64]:
    row = TRAINING[:1].copy()
    bare, model, checked = Bare(), NoOp(), _checked()
    with rig() as process:

        def in_span() -> None:
            with process.tracer.start_as_current_span("predict"):
                bare.predict(row)

        seconds = interleaved(
            {
                "bare": lambda: typical(lambda: bare.predict(row), CALLS),
                "span": lambda: _settled(process, lambda: typical(in_span, CALLS)),
                "unchecked": lambda: _unsampled(process, model, row, CALLS),
                "checked": lambda: _unsampled(process, checked, row, CALLS),
            }
        )
    return (seconds["checked"] - seconds["unchecked"]) / (seconds["span"] - seconds["bare"])


def measure_many() -> NDArray[np.float64]:
    row, rows = TRAINING[:1].copy(), TRAINING[:ROWS].copy()
    model, checked = NoOp(), _checked()
    with rig() as process:
        seconds = interleaved(
            {
                "unchecked row": lambda: _unsampled(process, model, row, CALLS),
                "checked row": lambda: _unsampled(process, checked, row, CALLS),
                "unchecked rows": lambda: _unsampled(process, model, rows, CALLS_OF_MANY),
                "checked rows": lambda: _unsampled(process, checked, rows, CALLS_OF_MANY),
            }
        )
    one = seconds["checked row"] - seconds["unchecked row"]
    many = seconds["checked rows"] - seconds["unchecked rows"]
    return (many - one) / (ROWS - 1) / BUDGET


def _checked() -> NoOp:
    model = NoOp()
    driftline.check(model, reference=driftline.profile(TRAINING), mode="reject")
    return model


def _unsampled(process: Rig, model: NoOp, rows: NDArray[np.float64], calls: int) -> float:
    """The second of two blocks: in the first, the pool makes the buffers that the rows are copied to."""

    def block() -> float:
        with use_span(NonRecordingSpan(SpanContext(1, 1, is_remote=True))):
            return typical(lambda: model.predict(rows), calls)

    _settled(process, block)
    return _settled(process, block)


def _settled(process: Rig, measured: Callable[[], float]) -> float:
    seconds = measured()
    process.settle()
    return seconds


FIGURES: Final = (
    Figure("check_1x30", "a bare SDK span around a no-op predict", gate=0.5, goal=0.25, measure=measure_one),
    Figure("check_1000x30", "100 ns for each row after the first", gate=1.0, goal=0.5, measure=measure_many),
)
