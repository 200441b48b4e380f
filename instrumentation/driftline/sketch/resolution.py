"""What a window of buckets leaves unresolved: rows that share their bucket, or their tail, with other values."""

from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from driftline.sketch.arrays import IntArray, run_starts
from driftline.sketch.exponential import HUGE, MAX_SCALE, TINY, bucket_index

SAMPLE: Final = 2048
"""Values that are looked at."""

_ORIGIN: Final = 1 << 40
"""Added to indices of the finest scale: none of them is negative then, at no scale."""


class CandidateLayout(NamedTuple):
    """A layout in the making: `size` buckets a sign, from index `first` on, at one scale."""

    scale: int
    first: int
    size: int
    signs: tuple[int, ...]

    @property
    def shift(self) -> int:
        """Indices of the finest scale, shifted right by this, are those of this one."""
        return MAX_SCALE - self.scale


class SortedSample(NamedTuple):
    """The finite values of a sample that are not zero, ascending.

    place: the bucket of each at the finest scale, [n]; of negative values its complement. So they ascend as well, and
    shifted right they tell buckets of any scale apart, of both signs. run: rows that have the value of each, [n].
    negative: how many values are, the first ones.
    """

    place: IntArray
    run: IntArray
    negative: int

    @classmethod
    def of(cls, values: ArrayLike) -> "SortedSample":
        """From any sample, of which at most SAMPLE evenly spaced values are looked at."""
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
        """Buckets at the finest scale of the rows of these signs, ascending."""
        positive = self.place[self.negative :] - _ORIGIN
        negative = ~self.place[: self.negative][::-1] - _ORIGIN
        if len(signs) == 2:
            return np.sort(np.concatenate((negative, positive)))
        return positive if signs == (1,) else negative

    def blurred_bucket(self, window: CandidateLayout) -> int:
        """Of the rows of the worst bucket: those that are not of its most frequent value."""
        inside, _ = self._parts(window)
        bucket = np.concatenate([self.place[part] for part in inside]) >> window.shift
        if not len(bucket):
            return 0
        starts = run_starts(bucket)
        rows = np.append(starts[1:], len(bucket)) - starts
        heaviest = np.maximum.reduceat(np.concatenate([self.run[part] for part in inside]), starts)
        return int((rows - heaviest).max())

    def blurred_tail(self, window: CandidateLayout) -> int:
        """Of the rows of the worst tail: those that are not of its most frequent value. Tails as in `layout.PARTS`."""
        _, tails = self._parts(window)
        return max(blurred(self.run[part]) for part in tails)

    def _parts(self, window: CandidateLayout) -> tuple[list[slice], list[slice]]:
        """Where the rows of the window are, by sign, and those of its tails: the limits are those of buckets."""
        low, high = ((edge << window.shift) + _ORIGIN for edge in (window.first, window.first + window.size))
        cuts = [0, *self.place.searchsorted((-high, -low, low, high)).tolist(), self.total]
        if window.signs == (1,):
            del cuts[1:3]
        elif window.signs == (-1,):
            del cuts[3:5]
        parts = [slice(*ends) for ends in pairwise(cuts)]  # tails and sides of the window take turns
        return parts[1::2], parts[::2]


def blurred(run: IntArray) -> int:
    """Of rows that have no value in common with others: how many are not of the most frequent value."""
    return len(run) - int(np.maximum.reduce(run, initial=0))
