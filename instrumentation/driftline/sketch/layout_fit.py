"""Chooses the layout of a column from a sample: the one that leaves the fewest rows unresolved."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from driftline.sketch.arrays import run_starts
from driftline.sketch.exponential import MAX_SCALE, MIN_SCALE
from driftline.sketch.layout import CORE_BUCKETS, Layout
from driftline.sketch.resolution import CandidateLayout, SortedSample, blurred

_FILL: Final = 0.8
"""Share of the window the sample may occupy; the rest is room for values it did not contain."""

_RARE_SIGN: Final = 0.005
"""A sign with a smaller share of the values gets no buckets, only a tail."""

_SPREAD: Final = 0.025
"""The search starts at the scale whose window holds the values between this quantile and its opposite."""


def fit_layout(sample: ArrayLike) -> Layout:
    """Fit the layout that resolves a sample best.

    Outliers go to the tails. Integers get a scale that separates them, a constant the finest one. Without any finite
    non-zero value, the layout is the finest around 1: a flag that is first set later is exact, and any other value goes
    to a tail, which is finer than octaves.

    Args:
        sample: values, [n], representative of everything to be counted (the first rows of a timestamp are not); 2,048
            evenly spaced ones are used.

    Returns:
        The layout.

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
    if blurred(rare) <= both.least:  # otherwise this tail alone is worse
        window = alone.run()
        best = window if alone.least <= both.least else best
    return Layout(*best)


def unresolved_share(sample: ArrayLike, layout: Layout) -> float:
    """Share of a sample's finite non-zero values that a layout does not resolve; 0 without any.

    These are the rows of the worst bucket or tail, except for its most frequent value: a value alone in its bucket is
    resolved.
    """
    rows = SortedSample.of(sample)
    window = CandidateLayout(layout.scale, layout.first, layout.size, layout.signs)
    return max(rows.blurred_bucket(window), rows.blurred_tail(window)) / rows.total if rows.total else 0.0


class _Search:
    """Searches all scales for the best window of some signs: fewest unresolved rows, ties to the finer scale.

    Each scale has one candidate, the window that covers most rows of these signs. The search starts at a likely scale
    and continues in both directions until nothing better is possible:

    - Coarser: buckets only merge, so the worst bucket never improves.
    - Finer: a window covers no more than at the next coarser scale, so the tails only grow.
    """

    def __init__(self, rows: SortedSample, signs: tuple[int, ...]) -> None:
        self._rows, self._signs, self._own = rows, signs, rows.indices(signs)
        self._size = CORE_BUCKETS // len(signs)
        self._filled = int(self._size * _FILL)
        self._tails = len(signs) + 1
        self._resolved_tails = self._tails * int(rows.run.max())  # what tails may hold with every row resolved
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
        """The window that covers most rows at a scale, centred on them, and their number."""
        index = self._own >> (MAX_SCALE - scale)
        starts = run_starts(index)
        occupied = index[starts]
        end = occupied.searchsorted(occupied + self._filled)  # the first bucket after a window that starts at each
        covered = np.append(starts, len(index))[end] - starts
        at = int(covered.argmax())
        first, last = int(occupied[at]), int(occupied[end[at] - 1])
        return CandidateLayout(scale, first - (self._size - (last - first + 1)) // 2, self._size, self._signs), int(
            covered[at]
        )
