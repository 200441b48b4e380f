"""The rows a window of buckets leaves unresolved: those that share a bucket or tail with other values."""

from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from driftline.sketch.arrays import IntArray, run_starts
from driftline.sketch.exponential import HUGE, MAX_SCALE, TINY, bucket_index

SAMPLE: Final = 2048
"""Maximum number of values considered."""

_ORIGIN: Final = 1 << 40
"""Offset that makes all indices non-negative, at every scale."""


class CandidateLayout(NamedTuple):
    """The window of a possible layout: `size` buckets per sign, from index `first` on, at one scale."""

    scale: int
    first: int
    size: int
    signs: tuple[int, ...]

    @property
    def shift(self) -> int:
        """Right shift from indices of the finest scale to those of this one."""
        return MAX_SCALE - self.scale


class SortedSample(NamedTuple):
    """The finite non-zero values of a sample, ascending.

    place: bucket of each at the finest scale, [n], complemented for negative values: so they ascend, and right-shifted
    they identify the buckets of any scale for both signs. run: number of rows equal to each, [n]. negative: number of
    negative values, which come first.
    """

    place: IntArray
    run: IntArray
    negative: int

    @classmethod
    def of(cls, values: ArrayLike) -> "SortedSample":
        """From any sample, of which at most SAMPLE evenly spaced values are used."""
        x = np.asarray(values, np.float64)
        x = np.sort(x[:: -(-len(x) // SAMPLE)] if len(x) > SAMPLE else x)
        lowest, above = x.searchsorted((-HUGE, TINY)).tolist()
        below, end = x.searchsorted((-TINY, HUGE), "right").tolist()
        x = np.concatenate((x[lowest:below], x[above:end]))
        place = bucket_index(np.abs(x), MAX_SCALE) + _ORIGIN
        negative = below - lowest
        np.invert(place[:negative], out=place[:negative])
        run = np.ones(len(x), np.int64)
        if len(x) and len(starts := run_starts(x)) < len(x):
            lengths = np.diff(starts, append=len(x))
            run = np.repeat(lengths, lengths)
        return cls(place, run, negative)

    @property
    def total(self) -> int:
        return len(self.place)

    def indices(self, signs: tuple[int, ...]) -> IntArray:
        """Buckets of the rows of these signs at the finest scale, ascending."""
        positive = self.place[self.negative :] - _ORIGIN
        negative = ~self.place[: self.negative][::-1] - _ORIGIN
        if len(signs) == 2:
            return np.sort(np.concatenate((negative, positive)))
        return positive if signs == (1,) else negative

    def blurred_bucket(self, window: CandidateLayout) -> int:
        """The rows of the worst bucket without its most frequent value."""
        inside, _ = self._parts(window)
        bucket = np.concatenate([self.place[part] for part in inside]) >> window.shift
        if not len(bucket):
            return 0
        starts = run_starts(bucket)
        rows = np.append(starts[1:], len(bucket)) - starts
        heaviest = np.maximum.reduceat(np.concatenate([self.run[part] for part in inside]), starts)
        return int((rows - heaviest).max())

    def blurred_tail(self, window: CandidateLayout) -> int:
        """The rows of the worst tail, as in `layout.PARTS`, without its most frequent value."""
        _, tails = self._parts(window)
        return max(blurred(self.run[part]) for part in tails)

    def _parts(self, window: CandidateLayout) -> tuple[list[slice], list[slice]]:
        """Slices of the rows in the window, by sign, and in its tails."""
        low, high = ((edge << window.shift) + _ORIGIN for edge in (window.first, window.first + window.size))
        cuts = [0, *self.place.searchsorted((-high, -low, low, high)).tolist(), self.total]
        if window.signs == (1,):
            del cuts[1:3]
        elif window.signs == (-1,):
            del cuts[3:5]
        parts = [slice(*ends) for ends in pairwise(cuts)]  # tails and window alternate
        return parts[1::2], parts[::2]


def blurred(run: IntArray) -> int:
    """The number of rows without the most frequent value, for whole runs of equal values."""
    return len(run) - int(np.maximum.reduce(run, initial=0))
