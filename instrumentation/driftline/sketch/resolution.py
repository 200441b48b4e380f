"""What a window of buckets leaves unresolved: rows that share their bucket, or their tail, with other values."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from driftline.sketch.arrays import FloatArray, IntArray
from driftline.sketch.exponential import MAX_SCALE, TINY, bucket_index

SAMPLE: Final = 2048
"""Values that are looked at."""


class Window(NamedTuple):
    """A layout in the making: `size` buckets a sign, from index `first` on, at one scale."""

    scale: int
    first: int
    size: int
    signs: tuple[int, ...]

    @property
    def shift(self) -> int:
        """Indices of the finest scale, shifted right by this, are those of this one."""
        return MAX_SCALE - self.scale


class Blur(NamedTuple):
    """Rows of the worst bucket and of the worst tail, less those of its most frequent value."""

    bucket: int
    tail: int

    @property
    def worst(self) -> int:
        return max(self.bucket, self.tail)


class _Part(NamedTuple):
    """Some of the rows: how many, and how many of them have the most frequent value."""

    rows: int
    heaviest: int

    def join(self, other: "_Part") -> "_Part":
        """Both together; they have no value in common."""
        return _Part(self.rows + other.rows, max(self.heaviest, other.heaviest))

    @property
    def blurred(self) -> int:
        return self.rows - self.heaviest


class Side(NamedTuple):
    """The rows of one sign, by magnitude.

    finest: bucket of each at the finest scale, ascending, [n]. run: rows that have the value of each, [n].
    before, after: the longest run among the first p rows, and among the others, [n + 1].
    """

    finest: IntArray
    run: IntArray
    before: IntArray
    after: IntArray

    @classmethod
    def of(cls, magnitudes: FloatArray) -> "Side":
        """From ascending magnitudes, each at least TINY."""
        run = np.ones(len(magnitudes), np.int64)
        starts = np.flatnonzero(magnitudes[1:] != magnitudes[:-1]) + 1
        if len(starts) + 1 < len(magnitudes):
            lengths = np.diff(starts, prepend=0, append=len(magnitudes))
            run = np.repeat(lengths, lengths)
        before, after = np.zeros((2, len(magnitudes) + 1), np.int64)
        np.maximum.accumulate(run, out=before[1:])
        after[:-1] = np.maximum.accumulate(run[::-1])[::-1]
        return cls(bucket_index(magnitudes, MAX_SCALE), run, before, after)

    def __len__(self) -> int:
        return len(self.finest)

    @property
    def whole(self) -> _Part:
        return _Part(len(self.finest), int(self.before[-1]))

    def cut(self, window: Window) -> tuple[_Part, slice, _Part]:
        """Rows of smaller magnitude, where those of the window are, and rows of larger magnitude.

        No value is astride: the limits of a window are those of buckets.
        """
        limits = np.array([window.first, window.first + window.size]) << window.shift
        low, high = self.finest.searchsorted(limits).tolist()
        return (
            _Part(low, int(self.before[low])),
            slice(low, high),
            _Part(len(self.finest) - high, int(self.after[high])),
        )

    def blurred(self, within: slice, shift: int) -> int:
        """Of the rows `within`: those of the worst bucket, less its longest run."""
        bucket = self.finest[within] >> shift
        if not len(bucket):
            return 0
        starts = np.append(0, np.flatnonzero(bucket[1:] != bucket[:-1]) + 1)
        rows = np.append(starts[1:], len(bucket)) - starts
        return int((rows - np.maximum.reduceat(self.run[within], starts)).max())


class Rows(NamedTuple):
    """The finite values of a sample that are not zero."""

    positive: Side
    negative: Side

    @classmethod
    def of(cls, values: ArrayLike) -> "Rows":
        """From any sample, of which at most SAMPLE evenly spaced values are looked at."""
        x = np.asarray(values, np.float64)
        x = x[:: -(-len(x) // SAMPLE)] if len(x) > SAMPLE else x
        x = np.sort(x[np.isfinite(x) & (np.abs(x) >= TINY)])
        negative = int(x.searchsorted(0.0))
        return cls(Side.of(x[negative:]), Side.of(-x[:negative][::-1]))

    @property
    def total(self) -> int:
        return len(self.positive.finest) + len(self.negative.finest)

    def blur(self, window: Window) -> Blur:
        """What the window leaves unresolved; its tails are those of `layout.PARTS`."""
        if len(window.signs) == 2:
            return self._blur_of_both(window)
        own, other = (self.positive, self.negative) if window.signs == (1,) else (self.negative, self.positive)
        smaller, within, larger = own.cut(window)
        tail = max(larger.blurred, smaller.join(other.whole).blurred)
        return Blur(own.blurred(within, window.shift), tail)

    def _blur_of_both(self, window: Window) -> Blur:
        smaller, within, larger = zip(*(side.cut(window) for side in self), strict=True)
        buckets = [side.blurred(rows, window.shift) for side, rows in zip(self, within, strict=True)]
        tails = smaller[0].join(smaller[1]), *larger
        return Blur(max(buckets), max(tail.blurred for tail in tails))
