"""The sketch of rows, as it is collected, sent and acknowledged."""

import numpy as np
import pytest

from driftline.sketch.row_sketch import RowSketch


def test_cumulative_points_count_since_the_start() -> None:
    """Each includes all rows before."""
    sketch = RowSketch(10)
    for rows, now in ((3, 20), (2, 30)):
        sketch.add(np.arange(rows))
        ((span, numbers),) = sketch.collect(now).numbers
        sketch.acknowledge()

    assert span == (10, 30)
    assert numbers.core.positive.index.tolist() == [0, 1, 2]
    assert numbers.core.positive.count.tolist() == [2, 2, 1]


@pytest.mark.parametrize("arrives", [True, False])
def test_deltas_count_since_what_arrived(arrives: bool) -> None:
    """What did not arrive is sent again with what came since."""
    sketch = RowSketch(10, delta=True)
    sketch.add(np.array([1, 1]))
    sketch.collect(20)
    if arrives:
        sketch.acknowledge()
    sketch.add(np.array([1, 5]))
    ((span, numbers),) = sketch.collect(30).numbers

    assert span == ((20, 30) if arrives else (10, 30))
    assert numbers.core.count == (2 if arrives else 4)


def test_a_sketch_is_due_with_new_rows_or_after_a_while() -> None:
    """Backends would mark a silent stream as stale; deltas of nothing are not sent."""
    sketch, delta = RowSketch(0), RowSketch(0, delta=True)
    for each in (sketch, delta):
        each.add(np.array([1]))
        assert each.is_due(1, 60)
        each.collect(1)
        each.acknowledge()
        assert not each.is_due(2, 60)

    assert sketch.is_due(100, 60)
    assert not delta.is_due(100, 60)
