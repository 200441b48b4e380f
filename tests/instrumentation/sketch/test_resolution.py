from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from driftline.sketch.exponential import bucket_index
from driftline.sketch.layout import INSIDE, Layout
from driftline.sketch.resolution import CandidateLayout, SortedSample

LAYOUTS = [Layout(4, -40, 160, (1, -1)), Layout(3, -160, 320, (1,)), Layout(0, -2, 3, (-1,)), Layout(20, 5, 7, (1, -1))]


def mixed() -> NDArray[np.float64]:
    """Values of both signs and many sizes, some of them often."""
    rng = np.random.default_rng(0)
    return np.concatenate([rng.standard_t(1, 500), rng.integers(-5, 6, 400), rng.choice([0.25, -8.0, 1e9], 300)])


def counted(values: NDArray[np.float64], layout: Layout) -> tuple[int, int]:
    """The same by hand: the worst bucket and the worst tail, from what a layout says of each value."""
    values = values[values != 0]
    places = zip(layout.region(values).tolist(), bucket_index(np.abs(values), layout.scale).tolist(), strict=True)
    held: dict[tuple[int, ...], Counter[float]] = {}
    for value, (region, bucket) in zip(values.tolist(), places, strict=True):
        place = (region, bucket, int(value < 0)) if region == INSIDE else (region,)
        held.setdefault(place, Counter())[value] += 1
    blurred = {place: rows.total() - max(rows.values()) for place, rows in held.items()}
    worst = [max((b for p, b in blurred.items() if (p[0] == INSIDE) == within), default=0) for within in (True, False)]
    return worst[0], worst[1]


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_unresolved_rows_are_those_that_the_layout_itself_puts_together(layout: Layout) -> None:
    """Value by value, in every bucket and tail."""
    values = mixed()

    rows, window = SortedSample.of(values), CandidateLayout(layout.scale, layout.first, layout.size, layout.signs)

    assert (rows.blurred_bucket(window), rows.blurred_tail(window)) == counted(values, layout)


def test_what_has_no_bucket_is_no_row() -> None:
    """Zeros, denormals, NaN and infinities."""
    assert SortedSample.of([0.0, -0.0, 1e-320, np.nan, np.inf, -np.inf, 2.0, -3.0]).total == 2
