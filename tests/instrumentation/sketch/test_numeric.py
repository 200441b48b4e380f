from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from driftline.sketch import Histogram, Layout, NumericPoints, NumericSketch, fit_layout
from driftline.sketch.bit_index import BLOCK
from driftline.sketch.points import TAIL_BUCKETS

LAYOUT = Layout(3, -20, 40, (1,))  # (2**-2.5, 2**2.5]


def sketched(*blocks: NDArray[Any], layout: Layout = LAYOUT) -> NumericPoints:
    sketch = NumericSketch(layout)
    for block in blocks:
        sketch.add(block)
    assert sketch.rows == sum(len(block) for block in blocks)
    return sketch.points()


def test_every_row_has_its_place() -> None:
    """Core, zeros, tails, missing and infinite ones."""
    points = sketched(np.array([1.0, 2.0, 0.0, -0.0, 1e-310, np.nan, np.inf, -np.inf, 100.0, 0.01, -4.0]))

    assert points.core.count == 5
    assert points.core.zero == 3
    assert (points.core.minimum, points.core.maximum) == (None, None)
    assert {part: tail.count for part, tail in points.tails.items()} == {"below": 2, "above": 1}
    assert (points.tails["below"].minimum, points.tails["below"].maximum) == (-4.0, 0.01)
    assert (points.missing, points.non_finite, points.out_of_range) == (1, 2, 3)
    assert (points.valid, points.rows) == (8, 11)


def test_an_empty_sketch_has_empty_points() -> None:
    """No tails, no rows, the scale of its layout."""
    assert sketched(np.zeros(0)) == NumericPoints(Histogram.empty(3), {}, 0, 0)


@pytest.mark.parametrize("signs", [(1,), (-1,), (1, -1)])
def test_the_core_is_the_histogram_of_what_lies_inside(signs: tuple[int, ...]) -> None:
    """And the tails are those of what lies outside, at their own scales."""
    layout = Layout(4, -50, 100, signs)
    rows = np.random.default_rng(0).normal(0, 3, 30_000)
    points = sketched(rows, layout=layout)
    inside = layout.inside(rows)
    whole = Histogram.of(rows[inside], 4, 10**6)

    assert points.core.positive == whole.positive
    assert points.core.negative == whole.negative
    outside = rows[~inside]
    for part, tail in enumerate(("below", "middle", "above")):
        own = outside[layout.region(outside) == part]
        assert points.tails.get(tail, Histogram.empty(4)) == Histogram.of(own, 4, TAIL_BUCKETS)


@pytest.mark.parametrize("size", [1, 7, 2_000, BLOCK, BLOCK + 1])
def test_blocks_of_any_size_give_the_same(size: int) -> None:
    """The result does not depend on how rows come, with many strays, zeros and missing ones among them."""
    rng = np.random.default_rng(0)
    rows = rng.lognormal(0, 3, 40_000 if size > 7 else 3_000)
    rows[rng.random(len(rows)) < 0.2] = np.nan
    rows[rng.random(len(rows)) < 0.2] = 0.0
    blocks = [rows[start : start + size] for start in range(0, len(rows), size)]

    assert sketched(*blocks) == sketched(rows)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int64, np.int8, np.bool_, ">f8", ">f4"])
def test_other_dtypes_count_as_the_values_they_hold(dtype: Any) -> None:
    """float32 has tables of its own; others are converted."""
    rows = np.random.default_rng(0).integers(0, 9, 5_000).astype(dtype)

    assert sketched(rows) == sketched(rows.astype(np.float64))


def test_float32_rows_count_as_their_float64_values() -> None:
    """Also next to edges, among the denormals and in the tails, and when both dtypes come."""
    rng = np.random.default_rng(0)
    rows = np.append(rng.lognormal(0, 2, 9_000), rng.lognormal(-90, 5, 500)).astype(np.float32)
    layout = fit_layout(rows)

    assert sketched(rows, layout=layout) == sketched(rows.astype(np.float64), layout=layout)
    mixed = sketched(rows[:4_000], rows[4_000:].astype(np.float64), layout=layout)
    assert mixed == sketched(rows, layout=layout)


def test_a_column_of_a_matrix_need_not_be_contiguous() -> None:
    """It is made so; the matrix stays as it is."""
    matrix = np.random.default_rng(0).lognormal(0, 1, (2_000, 3))
    before = matrix.copy()

    assert sketched(matrix[:, 1]) == sketched(matrix[:, 1].copy())
    assert np.array_equal(matrix, before)


def test_read_only_rows_are_counted() -> None:
    """As they come from Arrow."""
    rows = np.random.default_rng(0).lognormal(0, 1, 2_000)
    rows.flags.writeable = False

    assert sketched(rows).rows == 2_000


def test_points_stand_apart_from_the_sketch() -> None:
    """Later rows do not change them."""
    sketch = NumericSketch(LAYOUT)
    sketch.add(np.ones(10))
    first = sketch.points()
    sketch.add(np.array([1.0, 1e9]))

    assert first.rows == 10
    assert sketch.points().rows == 12


@pytest.mark.parametrize("odd", [0.0, np.nan, np.inf, -np.inf])
def test_rows_that_are_mostly_outside_can_be_refused(odd: float) -> None:
    """Nothing of them is counted then. What has no place in any window is no reason, nor is a share on the limit."""
    sketch = NumericSketch(LAYOUT)
    mostly_inside = np.array([1.0] * 10 + [odd] * 9 + [100.0])

    assert sketch.add(mostly_inside, 0.05)
    assert not sketch.add(np.append(mostly_inside, 100.0), 0.05)
    assert sketch.rows == sketch.points().rows == 20
