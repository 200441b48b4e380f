"""Choosing the layout of a column from a sample of it: the one that leaves the least unresolved."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from driftline.sketch.arrays import run_starts
from driftline.sketch.exponential import MAX_SCALE, MIN_SCALE
from driftline.sketch.layout import CORE_BUCKETS, Layout
from driftline.sketch.resolution import CandidateLayout, SortedSample, blurred

_FILL: Final = 0.8
"""Part of the window that the sample may take up; the rest is room for what it has not shown."""

_RARE_SIGN: Final = 0.005
"""A sign with a smaller share of the values gets no buckets of its own: it is a tail."""

_SPREAD: Final = 0.025
"""The search begins where a window holds the values between this quantile and its opposite."""


def fit_layout(sample: ArrayLike) -> Layout:
    """The layout that resolves a sample best; 2,048 of its rows, evenly spaced, are looked at.

    Give it a sample of everything that the sketch is to count: rows in order of time show only where a clock begins.
    Outliers go to the tails. Integers get a scale that separates them, a constant the finest one. Without any finite
    non-zero value it is the finest about 1: a flag that was never set has its value exactly when it is, and any other
    value goes to a tail, which is finer than octaves.
    """
    rows = SortedSample.of(sample)
    if not rows.total:
        return Layout(MAX_SCALE, -CORE_BUCKETS // 2, CORE_BUCKETS, (1,))
    negative, positive = rows.run[: rows.negative], rows.run[rows.negative :]
    main, rare = ((1,), negative) if len(positive) > len(negative) else ((-1,), positive)
    alone = _Search(rows, main)
    if len(rare) <= _RARE_SIGN * rows.total:
        return Layout(*alone.run())
    both = _Search(rows, (1, -1))
    best = both.run()
    if blurred(rare) <= both.least:  # else this tail alone is worse
        window = alone.run()
        best = window if alone.least <= both.least else best
    return Layout(*best)


def unresolved_share(sample: ArrayLike, layout: Layout) -> float:
    """Share of a sample's finite non-zero values that a layout does not resolve, 0 without any.

    That is the worst single bucket or tail, less its most frequent value: alone in a bucket a value is resolved.
    """
    rows = SortedSample.of(sample)
    window = CandidateLayout(layout.scale, layout.first, layout.size, layout.signs)
    return max(rows.blurred_bucket(window), rows.blurred_tail(window)) / rows.total if rows.total else 0.0


class _Search:
    """The best window of one set of signs, over all scales: least unresolved, the finer scale among equals.

    At each scale there is one window: where it covers most rows of these signs. The search begins at a likely scale,
    and goes on both ways until nothing better can come:

    - Coarser: buckets only join, so the worst of them never gets better.
    - Finer: a window covers no more than one at the next coarser scale did, so the rows in the tails only get more.
    """

    def __init__(self, rows: SortedSample, signs: tuple[int, ...]) -> None:
        self._rows, self._signs, self._own = rows, signs, rows.indices(signs)
        self._size = CORE_BUCKETS // len(signs)
        self._filled = int(self._size * _FILL)
        self._tails = len(signs) + 1
        self._resolved_tails = self._tails * int(rows.run.max())  # what tails may hold without any being unresolved
        self.least = rows.total + 1

    def run(self) -> CandidateLayout:
        start = self._likely_scale()
        scale = start
        while scale >= MIN_SCALE:
            window, covered = self._window(scale)
            bucket = self._rows.blurred_bucket(window)
            worst = max(bucket, self._rows.blurred_tail(window))
            if worst < self.least:
                best, self.least = window, worst
            if scale == start:
                covered_at_start = covered
            if covered == len(self._own) or bucket >= self.least:
                break
            scale -= 1
        covered = covered_at_start
        for scale in range(start + 1, MAX_SCALE + 1):
            if len(self._own) - covered - self._resolved_tails > self._tails * self.least:
                break
            window, covered = self._window(scale)
            tail = self._rows.blurred_tail(window)
            if tail <= self.least and (bucket := self._rows.blurred_bucket(window)) <= self.least:
                best, self.least = window, max(tail, bucket)
        return best

    def _likely_scale(self) -> int:
        cut = int(_SPREAD * len(self._own))
        spread = int(self._own[-1 - cut] - self._own[cut])
        shift = (spread // self._filled).bit_length()
        return max(MIN_SCALE, MAX_SCALE - shift)

    def _window(self, scale: int) -> tuple[CandidateLayout, int]:
        """The window that covers most rows at a scale, in the middle of which they are; and how many."""
        index = self._own >> (MAX_SCALE - scale)
        starts = run_starts(index)
        occupied = index[starts]
        end = occupied.searchsorted(occupied + self._filled)  # the first bucket behind a window that begins with each
        covered = np.append(starts, len(index))[end] - starts
        at = int(covered.argmax())
        first, last = int(occupied[at]), int(occupied[end[at] - 1])
        return CandidateLayout(scale, first - (self._size - (last - first + 1)) // 2, self._size, self._signs), int(
            covered[at]
        )
