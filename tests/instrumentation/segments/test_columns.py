"""The codes of a column."""

import numpy as np
import pytest

from driftline.rows.codes import CodedColumn
from driftline.segments.columns import NONE, SegmentColumn, cut_at

NUMBERS = SegmentColumn("age", (30.0, 50.0))
NAMES = SegmentColumn("plan", None, ("basic", "gold"))


def test_numbers_are_coded_by_the_cell_they_lie_in() -> None:
    """Upper edges are inside; without a value there is a code of its own."""
    values = np.array([-1.0, 30.0, 30.1, 50.0, 51.0, np.nan])
    assert NUMBERS.codes(values).tolist() == [0, 0, 1, 1, 2, NONE]


def test_categories_without_a_code_are_counted_with_missing_ones() -> None:
    """The reference names the others."""
    values = np.array(["gold", "basic", "none of these", None], object)
    assert NAMES.codes(values).tolist() == [1, 0, 2, NONE]


@pytest.mark.parametrize("edges", [[10.0, 30.0, 40.0, 50.0, 70.0], [30.0, 50.0]])
def test_codes_of_bins_are_those_of_the_values(edges: list[float]) -> None:
    """Rows that came as the bins of a reference lie in the cells that their values would."""
    values = np.concatenate([np.linspace(0, 90, 181), [np.nan]])
    bins = CodedColumn(np.array(edges)).codes(values)
    assert (NUMBERS.codes_of_bins(bins, np.array(edges)) == NUMBERS.codes(values)).all()


def test_codes_of_categories_are_those_of_the_values() -> None:
    """A reference may name more categories than have a code."""
    values = np.array(["gold", "basic", "rare", "never", None], object)
    bins = CodedColumn(None, ("basic", "gold", "rare")).codes(values)
    found = NAMES.codes_of_bins(bins, None)
    assert found.tolist() == [1, 0, 2, 2, NONE]


def test_bins_are_joined_to_nine_cells_of_about_equal_rows() -> None:
    """Cuts are edges of the bins; an empty end makes no cell."""
    rows = np.array([0.0, *np.full(32, 10.0), 0.0])
    edges = np.arange(33.0)
    cuts = cut_at(edges, rows)
    assert len(cuts) == 8
    assert set(cuts) <= set(edges)
    assert cut_at(np.array([1.0, 2.0]), np.array([0.0, 50.0, 0.0])) == ()


def test_integers_are_told_as_they_occur() -> None:
    """Children 1 to 2, not above 0.5."""
    column = SegmentColumn("children", (0.5, 2.0), whole=True)
    assert [column.label(code) for code in range(3)] == ["up to 0", "1 to 2", "above 2"]
