"""Summaries: their sum, their bounds, and their form in a snapshot."""

import numpy as np
import pytest

from driftline.semconv import OTHER
from driftline.sketch import Histogram, Intervals
from driftline_processor.engine import summary_ops as module
from driftline_processor.engine.summary_ops import pack_summary, total, unpack_summary
from driftline_processor.records import ColumnSummary


def test_the_sum_holds_every_row() -> None:
    """Rows, squares, intervals, categories and states add up."""
    held = total(
        [
            ColumnSummary(intervals=Histogram.of(np.array([1.0, 2.0]), 4, 320).intervals(), rows=2.0, squares=2.0),
            ColumnSummary(categories={"web": 3.0}, rows=3.0, squares=9.0),
            ColumnSummary(categories={"web": 1.0, "shop": 1.0}, states={"missing": 2.0}, rows=4.0, squares=4.0),
        ]
    )

    assert (held.rows, held.squares) == (9, 15)
    assert held.intervals.total == 2
    assert held.categories == {"web": 4.0, "shop": 1.0}
    assert held.states == {"missing": 2.0}


def test_nothing_adds_up_to_nothing() -> None:
    """A column without rows is a summary without rows."""
    assert total([]).rows == 0
    assert not len(total([ColumnSummary(), ColumnSummary()]).intervals)


def test_categories_past_the_bound_are_counted_as_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest stay, ties by name, rows of OTHER stay there, and no row is lost."""
    monkeypatch.setattr(module, "MAX_CATEGORIES", 3)
    held = total(
        [ColumnSummary(categories={"d": 1.0, "c": 2.0, "b": 2.0, OTHER: 5.0}), ColumnSummary(categories={"a": 9.0})]
    )

    assert held.categories == {"a": 9.0, "b": 2.0, OTHER: 8.0}


def test_intervals_past_the_bound_are_joined() -> None:
    """Very many layouts of one column cost no more than the bound, and no row is lost."""
    lower = np.arange(10_000.0)
    held = total([ColumnSummary(Intervals(lower, lower + 1, np.ones(10_000)), rows=1e4), ColumnSummary()])

    assert len(held.intervals) <= module.MAX_INTERVALS
    assert held.intervals.total == 10_000


def test_packing_keeps_everything() -> None:
    """A summary survives a snapshot."""
    held = ColumnSummary(Intervals.of_values([1.0, -2.5], [3.0, 0.1]), {"b": 1.0}, {"missing": 3.0}, 7.1, 19.01)
    back = unpack_summary(pack_summary(held))  # type: ignore[arg-type]

    assert (back.categories, back.states, back.rows, back.squares) == ({"b": 1.0}, {"missing": 3.0}, 7.1, 19.01)
    for name in ("lower", "upper", "weight"):
        assert np.array_equal(getattr(back.intervals, name), getattr(held.intervals, name))
