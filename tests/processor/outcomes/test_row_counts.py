"""Rows of a model by time."""

import numpy as np
import pytest

from driftline.sketch.time_units import DAY, HOUR, MINUTE, SECOND
from driftline_processor.outcomes.row_counts import PARTS, RowCounts

BEGIN = 1_700_000_000 * SECOND


@pytest.mark.parametrize("window", [10 * SECOND, MINUTE, 7 * MINUTE, HOUR, 5 * HOUR, DAY, 30 * DAY])
@pytest.mark.parametrize("begin", [0, 17, 3599])
def test_rows_of_a_window_of_any_length(window: int, begin: int) -> None:
    """Wherever it begins; rows before it are not its own."""
    counts = RowCounts(window)
    times = BEGIN + begin * SECOND + np.linspace(0, 3 * window, 6000).astype(np.int64)
    for part in np.array_split(times, 20):
        counts.add("predict", part)
    end = int(times[-1])
    assert counts.within(end - window, end) == pytest.approx(2000, rel=0.02)


def test_two_operations_may_have_the_same_rows() -> None:
    """The busier one counts."""
    counts = RowCounts(MINUTE)
    for operation, rows in (("predict", 300), ("predict_proba", 200)):
        counts.add(operation, np.full(rows, BEGIN))
    assert counts.within(BEGIN - MINUTE, BEGIN) == 300
    assert sum(counts.by_hour.values()) == 300


def test_steps_of_old_windows_are_forgotten() -> None:
    """The memory is bounded, and the newest window stays whole."""
    counts = RowCounts(MINUTE)
    for second in range(5000):
        counts.add("predict", np.array([BEGIN + second * SECOND]))
        counts.forget(BEGIN - DAY, DAY)
    assert len(counts.steps["predict"]) <= 2 * PARTS
    end = BEGIN + 4999 * SECOND
    assert counts.within(end - 59 * SECOND, end) == 60


def test_it_is_packed_and_unpacked() -> None:
    """Steps of another length are left out, and so are those that a state of before lacks."""
    counts = RowCounts(HOUR)
    counts.add("predict", BEGIN + np.arange(100) * MINUTE)
    hours, steps = counts.pack()
    assert RowCounts.unpack(HOUR, hours, steps) == counts
    assert RowCounts.unpack(DAY, hours, steps) == RowCounts.unpack(DAY, hours) == RowCounts(DAY, counts.hours)
