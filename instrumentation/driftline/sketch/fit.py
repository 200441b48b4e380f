"""Choosing the layout of a column from a sample of it: the one that leaves the least unresolved."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from driftline.sketch.arrays import FloatArray, IntArray
from driftline.sketch.exponential import MAX_SCALE, MIN_SCALE, TINY, bucket_index
from driftline.sketch.layout import CORE_BUCKETS, INSIDE, Layout

SAMPLE: Final = 2048
"""Values that a fit looks at: 3 to 6 ms."""

_FILL: Final = 0.8
"""Part of the window that the sample may take up; the rest is room for what it has not shown."""

_RARE_SIGN: Final = 0.005
"""A sign with a smaller share of the values gets no buckets of its own: it is a tail."""

_GAIN: Final = 1e-9
"""Less is a tie, and the finer scale stays."""


class _Sample(NamedTuple):
    """Finite non-zero values, ascending, and the bucket of each magnitude at the finest scale."""

    values: FloatArray
    finest: IntArray

    @classmethod
    def of(cls, values: ArrayLike) -> "_Sample":
        x = np.asarray(values, np.float64)
        x = x[:: -(-len(x) // SAMPLE)] if len(x) > SAMPLE else x
        x = np.sort(x[np.isfinite(x) & (np.abs(x) >= TINY)])
        return cls(x, bucket_index(np.abs(x), MAX_SCALE))


def fit_layout(sample: ArrayLike) -> Layout:
    """The layout that resolves a sample best; 2,048 of its rows, evenly spaced, are looked at.

    Give it a sample of everything that the sketch is to count: rows in order of time show only where a clock begins.
    Outliers go to the tails. Integers get a scale that separates them, a constant the finest one. Without any finite
    non-zero value the layout is 320 octaves about 1.
    """
    rows = _Sample.of(sample)
    best, least = Layout(0, -CORE_BUCKETS // 2, CORE_BUCKETS, (1,)), np.inf
    for layout in _candidates(rows):
        cost = _unresolved(rows, layout)
        if cost < least - _GAIN:
            best, least = layout, cost
    return best


def unresolved_share(sample: ArrayLike, layout: Layout) -> float:
    """Share of a sample's finite non-zero values that a layout does not resolve, 0 without any.

    That is the worst single bucket or tail, less its most frequent value: alone in a bucket a value is resolved.
    """
    return _unresolved(_Sample.of(sample), layout)


def _candidates(rows: _Sample) -> Iterator[Layout]:
    """For each set of signs that occurs and each scale, the finest first: the window with most of the sample."""
    for signs in _sign_sets(rows):
        own = np.sort(rows.finest if len(signs) == 2 else rows.finest[(rows.values < 0) == (signs[0] < 0)])
        size = CORE_BUCKETS // len(signs)
        for scale in range(MAX_SCALE, MIN_SCALE - 1, -1):
            j = own >> (MAX_SCALE - scale)
            covered = np.searchsorted(j, j + int(size * _FILL)) - np.arange(len(j))
            at = int(covered.argmax())
            first, last = int(j[at]), int(j[at + covered[at] - 1])
            yield Layout(scale, first - (size - (last - first + 1)) // 2, size, signs)
            if covered[at] == len(own):
                break  # coarser scales only join buckets: they resolve no more


def _sign_sets(rows: _Sample) -> list[tuple[int, ...]]:
    if not len(rows.values):
        return []
    negative = float(np.mean(rows.values < 0))
    main = (1,) if negative < 0.5 else (-1,)
    return [main, (1, -1)] if _RARE_SIGN < negative < 1 - _RARE_SIGN else [main]


def _unresolved(rows: _Sample, layout: Layout) -> float:
    """As `unresolved_share`; equal values, buckets and tails are runs, as the sample is sorted."""
    if not len(rows.values):
        return 0.0
    region = layout.region(rows.values)
    bucket = 2 * (rows.finest >> (MAX_SCALE - layout.scale)) + (rows.values < 0)
    place = np.where(region == INSIDE, bucket, 2**60 + region)
    starts = np.flatnonzero(np.append(True, (np.diff(place) != 0) | (np.diff(rows.values) != 0)))
    equal = np.diff(starts, append=len(rows.values))  # rows of each value
    groups = np.flatnonzero(np.append(True, np.diff(place[starts]) != 0))
    blurred = np.add.reduceat(equal, groups) - np.maximum.reduceat(equal, groups)
    return float(blurred.max()) / len(rows.values)
