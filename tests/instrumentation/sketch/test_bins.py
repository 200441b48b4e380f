from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from driftline.sketch import Intervals, NumericSketch, cut_bins, fit_layout, project
from driftline.sketch.exponential import HUGE

ROWS = 20_000


def sketch(rows: NDArray[np.float64]) -> Intervals:
    result = NumericSketch(fit_layout(rows))
    result.add(rows)
    return result.points().intervals()


def test_cells_of_a_smooth_column_weigh_about_the_same() -> None:
    """At most 32 between the two outside, and the reference itself leaves those empty."""
    reference = sketch(np.random.default_rng(0).normal(1_000, 1, ROWS))
    edges = cut_bins(reference)
    cells = project(reference, edges)

    assert 28 <= len(edges) - 1 <= 32
    assert (np.diff(edges) > 0).all()
    assert cells[0] == cells[-1] == 0
    assert cells.sum() == ROWS
    assert cells[1:-1].min() > ROWS / 32 / 2
    assert cells.max() < ROWS / 32 * 1.6


def test_up_to_the_limit_every_value_has_a_cell() -> None:
    """Of 11 whole numbers none shares one."""
    values = np.random.default_rng(0).integers(0, 11, ROWS).astype(float)
    edges = cut_bins(sketch(values))

    assert len(edges) == 12
    assert project(sketch(values), edges)[1:-1].tolist() == np.bincount(values.astype(int)).tolist()


def test_a_heavy_value_has_a_cell_of_its_own() -> None:
    """70% zeros among a lognormal column, and three more atoms in it."""
    rng = np.random.default_rng(0)
    values = np.where(rng.random(ROWS) < 0.7, 0.0, rng.lognormal(0, 1, ROWS))
    values[:3_000:3], values[1:3_000:3], values[2:3_000:3] = 0.5, 1.0, 2.0
    reference = sketch(values)
    edges = cut_bins(reference)
    cells = project(reference, edges)

    assert len(edges) <= 33
    for atom in (0.0, 0.5, 1.0, 2.0):
        inside = np.searchsorted(edges, atom, "left")
        exact = ((values > edges[inside - 1]) & (values <= edges[inside])).sum()
        assert cells[inside] == exact
        assert exact <= (values == atom).sum() + 60


def test_a_constant_is_one_cell_between_two_empty_ones() -> None:
    """What is not the constant is noticed outside of it, on either side."""
    reference = sketch(np.full(500, 7.0))
    edges = cut_bins(reference)

    assert len(edges) == 2
    assert project(Intervals.of_values([6.9, 7.0, 7.0, 7.1]), edges).tolist() == [1, 2, 1]


@pytest.mark.parametrize("limit", [1, 2, 7, 32, 64])
def test_cells_never_exceed_the_limit(limit: int) -> None:
    """Also where heavy and light buckets alternate, which calls for twice as many."""
    weight = np.tile([60.0, 1.0, 1.0], 40)
    lower = np.arange(len(weight), dtype=float)
    alternating = Intervals(lower, lower + 1, weight)
    edges = cut_bins(alternating, limit)

    assert 2 <= len(edges) <= limit + 1
    assert project(alternating, edges)[1:-1].sum() == alternating.total


def test_an_empty_reference_has_no_cells() -> None:
    """And all rows of a window fall into the one that is left."""
    edges = cut_bins(Intervals.empty())

    assert len(edges) == 0
    assert project(Intervals.of_values([1.0, 2.0]), edges).tolist() == [2]


def test_a_bucket_over_two_cells_is_split_as_the_reference_is() -> None:
    """By its atoms where it has some there, by length where it has nothing, and nothing is lost."""
    edges = np.array([0.0, 10.0, 20.0, 30.0])
    guide = Intervals(np.array([0.0, 14.0, 19.0]), np.array([1.0, 15.0, 20.0]), np.array([5.0, 1.0, 2.0]))
    window = Intervals(np.array([5.0, 12.0, 19.0]), np.array([18.0, 26.0, 29.5]), np.array([10.0, 8.0, 21.0]))

    assert project(window, edges, guide).tolist() == [0, 0, 10 + 8 + 21, 0, 0]
    assert project(window, edges).round(9).tolist() == [
        0,
        round(10 * 5 / 13, 9),
        round(10 * 8 / 13 + 8 * 8 / 14 + 21 / 10.5, 9),
        round(8 * 6 / 14 + 21 * 9.5 / 10.5, 9),
        0,
    ]
    beyond = Intervals(np.array([25.0]), np.array([35.0]), np.array([4.0]))
    assert project(beyond, edges, guide).tolist() == [0, 0, 0, 2, 2]


@pytest.mark.parametrize("name", ["normal", "ages", "constant", "lognormal", "zero-inflated"])
def test_under_no_change_the_shares_of_all_prefixes_are_right(name: str) -> None:
    """A window with a layout of its own: within .0015 of the exact share below every edge of a cell."""
    rng = np.random.default_rng(0)
    draws: dict[str, Callable[[], NDArray[np.float64]]] = {
        "normal": lambda: rng.normal(0, 1, ROWS),
        "ages": lambda: np.clip(rng.normal(42, 14, ROWS), 18, 95).round(),
        "constant": lambda: np.full(ROWS, 42.0),
        "lognormal": lambda: rng.lognormal(0, 1, ROWS),
        "zero-inflated": lambda: np.where(rng.random(ROWS) < 0.7, 0.0, rng.lognormal(3, 1, ROWS)),
    }
    draw = draws[name]
    reference = sketch(draw())
    edges = cut_bins(reference)
    for window in (draw(), np.append([1e9, -1e9], draw()[2:])):
        cells = project(sketch(window), edges, reference)
        exact = np.searchsorted(np.sort(window), edges, "right") / ROWS

        assert cells.sum() == pytest.approx(ROWS)
        assert np.abs(np.cumsum(cells)[:-1] / ROWS - exact).max() <= 0.0015


def test_no_row_is_lost_at_the_ends_of_float64() -> None:
    """Intervals of one float, of denormals, and wider than the largest float."""
    edges = np.array([-HUGE, -5e-324, 0.0, HUGE / 2])
    lower = np.array([-HUGE, np.nextafter(0, -1) * 2, 0.0, np.nextafter(HUGE, 0)])
    window = Intervals(lower, np.array([HUGE, 0.0, 5e-324, HUGE]), np.ones(4))

    assert project(window, edges).sum() == pytest.approx(4)
    assert project(window, edges, Intervals.of_values([1.0])).sum() == pytest.approx(4)
