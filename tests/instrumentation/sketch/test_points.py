import numpy as np
import pytest

from driftline.sketch import Layout, NumericPoints, NumericSketch
from driftline.sketch.layout import CORE_BUCKETS
from driftline.sketch.points import TAIL_BUCKETS

LAYOUT = Layout(3, -20, 40, (1,))


def sketch_of(*values: float, layout: Layout = LAYOUT) -> NumericSketch:
    result = NumericSketch(layout)
    result.add(np.array(values, float))
    return result


def test_minus_is_what_came_since() -> None:
    """In core, tails and states; a tail that is new has come as a whole, and one without rows is left out."""
    sketch = sketch_of(1.0, 0.0, 100.0, np.nan)
    older = sketch.points()
    sketch.add(np.array([2.0, 0.001, np.nan, np.inf]))
    since = sketch.points().minus(older)

    assert since is not None
    assert since.core == sketch_of(2.0).points().core
    assert since.tails == {"below": sketch_of(0.001).points().tails["below"]}
    assert (since.missing, since.non_finite, since.rows) == (1, 1, 4)


@pytest.mark.parametrize("fewer", [[1.0, 100.0, np.nan], [0.0, 100.0, np.nan], [1.0, 0.0, np.nan], [1.0, 0.0, 100.0]])
def test_minus_refuses_what_is_no_successor(fewer: list[float]) -> None:
    """A place that has lost rows tells of another stream."""
    older = sketch_of(1.0, 0.0, 100.0, np.nan).points()

    assert sketch_of(*fewer * 3).points().minus(older) is None


def test_minus_refuses_a_tail_that_has_lost_rows() -> None:
    """Though all else has grown."""
    older = sketch_of(100.0, 100.0).points()

    assert sketch_of(100.0, 1.0, 1.0).points().minus(older) is None


def test_a_merge_keeps_the_size_of_a_point() -> None:
    """Cores and tails of far layouts become coarser; every row stays in its part."""
    near = sketch_of(*np.linspace(0.2, 5, 500), 1e3, 1e6)
    far = sketch_of(*np.linspace(900, 2_000, 500), 1e9, -3.0, layout=Layout(7, 1_250, 320, (1,)))
    merged = near.points().merge(far.points())

    assert merged.rows == 1_004
    assert {part: tail.count for part, tail in merged.tails.items()} == {"above": 3, "below": 1}
    assert len(merged.core.positive.dense()[1]) <= CORE_BUCKETS
    assert all(len(tail.positive.dense()[1]) <= TAIL_BUCKETS for tail in merged.tails.values())


def test_intervals_hold_all_valid_rows() -> None:
    """Of the core and of all tails."""
    points = sketch_of(1.0, 1.0, 0.0, 1e9, -1e9, np.nan).points()
    intervals = points.intervals()

    assert intervals.total == points.valid == 5
    assert isinstance(points, NumericPoints)
    assert intervals.upper.max() == 1e9
    assert intervals.upper.min() == -1e9
