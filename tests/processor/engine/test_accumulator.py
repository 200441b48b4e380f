"""Adding up a column while its rows still come."""

import numpy as np
import pytest

from driftline.semconv import OTHER
from driftline.sketch import Histogram
from driftline_processor.engine.accumulator import WAITING, Sum
from driftline_processor.engine.summary_ops import MAX_CATEGORIES
from driftline_processor.records import Tally


def test_values_are_numbers_categories_or_states() -> None:
    """Every value of an example row is counted once, as what it is."""
    held = Sum()
    held.add_values([1.5, True, "web", None, float("nan"), float("inf")], np.full(6, 2.0))
    tally = held.tally()

    assert tally.rows == 12
    assert tally.squares == 24
    assert tally.intervals.total == 4
    assert tally.categories == {"web": 2.0}
    assert tally.states == {"missing": 4.0, "non_finite": 2.0}


def test_sketches_and_counters_add_up_to_what_was_there() -> None:
    """The sum goes on from a tally, and holds what was added before and after somebody asked."""
    held = Sum(Tally(categories={"web": 1.0}, rows=1.0, squares=1.0))
    held.add_histogram(Histogram.of(np.array([1.0, 2.0]), 4, 320))
    held.add_category("web", 3.0)
    first = held.tally()
    held.add_state("missing", 2.0)
    held.add_histogram(Histogram.of(np.array([2.0]), 4, 320))
    second = held.tally()

    assert (first.rows, first.categories, first.intervals.total) == (6, {"web": 4.0}, 2)
    assert (second.rows, second.squares, second.states) == (9, 9, {"missing": 2.0})
    assert second.intervals.total == 3


def test_asking_twice_gives_the_same_object() -> None:
    """Windows that share a pane do not sum it again."""
    held = Sum()
    held.add_category("web", 1.0)

    assert held.tally() is held.tally()


@pytest.mark.parametrize("state", ["valid", "out_of_range"])
def test_rows_that_a_sketch_counts_are_not_counted_again(state: str) -> None:
    """`valid` and `out_of_range` speak of rows that are in a sketch or a category."""
    held = Sum()
    held.add_state(state, 5.0)

    assert held.tally().rows == 0


def test_a_hundred_thousand_categories_cost_no_more_than_the_bound() -> None:
    """What does not fit counts as OTHER, and no row is lost."""
    held = Sum()
    for i in range(100_000):
        held.add_category(f"c{i}", 1.0 + (i < 100))
    tally = held.tally()

    assert len(tally.categories) == MAX_CATEGORIES
    assert {f"c{i}" for i in range(100)} <= tally.categories.keys()
    assert tally.categories[OTHER] > 90_000
    assert sum(tally.categories.values()) == tally.rows == 100_100


def test_what_waits_is_bounded() -> None:
    """Values are added up in blocks, whether or not somebody asks for the sum."""
    held = Sum()
    for i in range(3 * WAITING):
        held.add_values([float(i % 10)], np.ones(1))

    assert len(held._numbers) <= WAITING
    assert held.tally().intervals.total == 3 * WAITING
    assert len(held.tally().intervals) == 10
