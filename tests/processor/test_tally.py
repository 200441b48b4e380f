"""Adding up what columns held."""

import numpy as np
import pytest

from driftline.sketch import Histogram, Intervals
from driftline_processor import tally as module
from driftline_processor.records import Tally
from driftline_processor.tally import of_category, of_histogram, of_state, of_values, pack, total, unpack


def test_values_are_numbers_categories_or_states() -> None:
    """Every value of an example row is counted once, as what it is."""
    held = of_values([1.5, True, "web", None, float("nan"), float("inf")], weight=2.0)

    assert held.rows == 12
    assert held.squares == 24
    assert held.intervals.total == 4
    assert held.categories == {"web": 2.0}
    assert held.states == {"missing": 4.0, "non_finite": 2.0}


def test_the_sum_holds_every_row() -> None:
    """Rows, squares, intervals, categories and states add up."""
    parts = [
        of_histogram(Histogram.of(np.array([1.0, 2.0]), 4, 320)),
        of_category("web", 3.0),
        of_category("web", 1.0),
        of_state("missing", 2.0),
    ]
    held = total(parts)

    assert held.rows == held.squares == 8
    assert held.intervals.total == 2
    assert held.categories == {"web": 4.0}
    assert held.states == {"missing": 2.0}


@pytest.mark.parametrize("state", ["valid", "out_of_range"])
def test_rows_that_a_sketch_counts_are_not_counted_again(state: str) -> None:
    """`valid` and `out_of_range` speak of rows that are in a sketch or a category."""
    assert of_state(state, 5.0).rows == 0


def test_categories_past_the_bound_are_counted_as_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """100,000 categories cost no more than the bound, the largest stay, and no row is lost."""
    names = {f"c{i}": float(i) for i in range(1, 100_001)}
    held = total([Tally(categories=names, rows=sum(names.values())), of_category("c100000", 1.0)])

    assert len(held.categories) == module.MAX_CATEGORIES
    assert held.categories["c100000"] == 100_001
    assert sum(held.categories.values()) == held.rows


def test_intervals_past_the_bound_are_joined() -> None:
    """Very many layouts of one column cost no more than the bound, and no row is lost."""
    lower = np.arange(10_000.0)
    held = total([Tally(Intervals(lower, lower + 1, np.ones(10_000)), rows=1e4), of_category("x", 1.0)])

    assert len(held.intervals.weight) <= module.MAX_INTERVALS
    assert held.intervals.total == 10_000


def test_packing_keeps_everything() -> None:
    """A tally survives a snapshot."""
    held = total([of_values([1.0, -2.5, "a", None], 3.0), of_category("b", 1.0)])
    back = unpack(pack(held))  # type: ignore[arg-type]

    assert (back.categories, back.states, back.rows, back.squares) == (
        held.categories,
        held.states,
        held.rows,
        held.squares,
    )
    assert np.array_equal(back.intervals.lower, held.intervals.lower)
    assert np.array_equal(back.intervals.weight, held.intervals.weight)
