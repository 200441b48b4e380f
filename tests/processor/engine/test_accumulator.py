"""Adding up a column while its rows still come."""

import numpy as np
import pytest

from driftline.semconv import OTHER
from driftline.sketch import Histogram
from driftline_processor.engine.accumulator import BUFFER_LIMIT, Accumulator
from driftline_processor.engine.summary_ops import MAX_CATEGORIES
from driftline_processor.records import ColumnSummary


def test_values_are_numbers_categories_or_states() -> None:
    """Every value of an example row is counted once, as what it is."""
    held = Accumulator()
    held.add_values([1.5, True, "web", None, float("nan"), float("inf")], np.full(6, 2.0))
    summary = held.summary()

    assert summary.rows == 12
    assert summary.squares == 24
    assert summary.intervals.total == 4
    assert summary.categories == {"web": 2.0}
    assert summary.states == {"missing": 4.0, "non_finite": 2.0}


def test_sketches_and_counters_add_up_to_what_was_there() -> None:
    """The sum goes on from a summary, and holds what was added before and after somebody asked."""
    held = Accumulator(ColumnSummary(categories={"web": 1.0}, rows=1.0, squares=1.0))
    held.add_histogram(Histogram.of(np.array([1.0, 2.0]), 4, 320))
    held.add_category("web", 3.0)
    first = held.summary()
    held.add_state("missing", 2.0)
    held.add_histogram(Histogram.of(np.array([2.0]), 4, 320))
    second = held.summary()

    assert (first.rows, first.categories, first.intervals.total) == (6, {"web": 4.0}, 2)
    assert (second.rows, second.squares, second.states) == (9, 9, {"missing": 2.0})
    assert second.intervals.total == 3


def test_asking_twice_gives_the_same_object() -> None:
    """Windows that share a pane do not sum it again."""
    held = Accumulator()
    held.add_category("web", 1.0)

    assert held.summary() is held.summary()


@pytest.mark.parametrize("state", ["valid", "out_of_range"])
def test_rows_that_a_sketch_counts_are_not_counted_again(state: str) -> None:
    """`valid` and `out_of_range` speak of rows that are in a sketch or a category."""
    held = Accumulator()
    held.add_state(state, 5.0)

    assert held.summary().rows == 0


def test_a_hundred_thousand_categories_cost_no_more_than_the_bound() -> None:
    """What does not fit counts as OTHER, and no row is lost."""
    held = Accumulator()
    for i in range(100_000):
        held.add_category(f"c{i}", 1.0 + (i < 100))
    summary = held.summary()

    assert len(summary.categories) == MAX_CATEGORIES
    assert {f"c{i}" for i in range(100)} <= summary.categories.keys()
    assert summary.categories[OTHER] > 90_000
    assert sum(summary.categories.values()) == summary.rows == 100_100


def test_what_waits_is_bounded() -> None:
    """Values are added up in blocks, whether or not somebody asks for the sum."""
    held = Accumulator()
    for i in range(3 * BUFFER_LIMIT):
        held.add_values([float(i % 10)], np.ones(1))

    assert len(held._numbers) <= BUFFER_LIMIT
    assert held.summary().intervals.total == 3 * BUFFER_LIMIT
    assert len(held.summary().intervals) == 10
