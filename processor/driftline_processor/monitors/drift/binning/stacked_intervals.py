"""The intervals of many columns in one array, so that all columns are worked on at once.

What has to be looked up goes column by column, with one binary search; all arithmetic is done on the whole.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftline.sketch import Intervals
from driftline.sketch.arrays import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class StackedIntervals:
    """Intervals (lower, upper] of some columns, one after the other, [intervals].

    bounds: where each column begins, [columns + 1].
    """

    lower: FloatArray
    upper: FloatArray
    weight: FloatArray
    bounds: IntArray

    @classmethod
    def of(cls, parts: Sequence[Intervals]) -> "StackedIntervals":
        """Stacked, each ascending by upper ends as `Intervals.merge` leaves them."""
        bounds = np.zeros(len(parts) + 1, np.int64)
        np.cumsum([len(part) for part in parts], out=bounds[1:])
        if not parts:
            nothing = np.zeros(0)
            return cls(nothing, nothing, nothing, bounds)
        lower, upper, weight = (np.concatenate([getattr(part, name) for part in parts]) for name in _PARTS)
        stacked = cls(lower, upper, weight, bounds)
        if stacked.ascending(upper):
            return stacked
        order = np.lexsort((lower, upper, stacked.column))
        return cls(lower[order], upper[order], weight[order], bounds)

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def take(self, columns: IntArray) -> "StackedIntervals":
        """Some of the columns; itself where that is all of them."""
        if len(columns) == len(self):
            return self
        parts = [np.arange(self.bounds[i], self.bounds[i + 1]) for i in columns]
        at = np.concatenate(parts) if parts else np.zeros(0, np.int64)
        bounds = np.append(0, np.cumsum([len(part) for part in parts])).astype(np.int64)
        return StackedIntervals(self.lower[at], self.upper[at], self.weight[at], bounds)

    @cached_property
    def sizes(self) -> IntArray:
        return np.diff(self.bounds)

    @cached_property
    def column(self) -> IntArray:
        """The column of each interval."""
        return np.repeat(np.arange(len(self)), self.sizes)

    @cached_property
    def totals(self) -> FloatArray:
        """Weight of each column, [columns]."""
        return np.bincount(self.column, self.weight, len(self)).astype(np.float64)

    @cached_property
    def share(self) -> FloatArray:
        """Weight of each interval in its column."""
        return np.asarray(self.weight / self.totals[self.column])

    @cached_property
    def middle(self) -> FloatArray:
        return self.lower / 2 + self.upper / 2

    @cached_property
    def means(self) -> FloatArray:
        """Mean of the rows of each column, each taken for the middle of its interval, [columns]."""
        return np.bincount(self.column, self.middle * self.share, len(self)).astype(np.float64)

    @cached_property
    def ended(self) -> FloatArray:
        """Share of its column that surely lies at or below each upper end."""
        return self._accumulated(self.share)

    @cached_property
    def begun(self) -> tuple[FloatArray, FloatArray]:
        """Lower ends, ascending in each column, and the share that begins below each; one more at the column's end."""
        lower, share = self._rising(self.lower)
        return lower, self._leading(self._accumulated(share))

    @cached_property
    def centred(self) -> tuple[FloatArray, FloatArray]:
        """Middles, ascending in each column, and their shares."""
        return self._rising(self.middle)

    @cached_property
    def disjoint(self) -> NDArray[np.bool_]:
        """Whether no two intervals of a column overlap, [columns]."""
        apart = np.ones(len(self.lower), bool)
        apart[1:] = (self.upper[:-1] <= self.lower[1:]) | (self.column[1:] != self.column[:-1])
        return np.asarray(np.bincount(self.column, ~apart, len(self)) == 0)

    def parts(self, values: FloatArray) -> Iterable[FloatArray]:
        """Those of each column."""
        return (values[start:end] for start, end in pairwise(self.bounds.tolist()))

    def ascending(self, values: FloatArray) -> bool:
        """Whether they ascend within every column."""
        return bool(((values[1:] >= values[:-1]) | (self.column[1:] != self.column[:-1])).all())

    def quantiles(self, shares: Sequence[float]) -> FloatArray:
        """The value that each share of the rows does not exceed, [columns, shares]; every column has rows."""
        sums = np.cumsum(self.weight)  # over all columns, each of which begins where the one before ends
        wanted = sums[self.bounds[1:] - 1, None] - np.outer(self.totals, 1.0 - np.asarray(shares, float))
        i = np.clip(sums.searchsorted(wanted), self.bounds[:-1, None], self.bounds[1:, None] - 1)
        part = np.clip(1.0 - (sums[i] - wanted) / self.weight[i], 0.0, 1.0)
        half = (self.upper[i] / 2 - self.lower[i] / 2) * part
        found = np.minimum(self.lower[i] + half + half, self.upper[i])
        for overlapping in np.flatnonzero(~self.disjoint):
            found[overlapping] = self._intervals(int(overlapping)).quantiles(shares)
        return np.asarray(found)

    def _intervals(self, column: int) -> Intervals:
        part = slice(self.bounds[column], self.bounds[column + 1])
        return Intervals(self.lower[part], self.upper[part], self.weight[part])

    def _rising(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        if self.ascending(values):
            return values, self.share
        order = np.lexsort((values, self.column))
        return values[order], self.share[order]

    def _accumulated(self, share: FloatArray) -> FloatArray:
        """Sums of shares within each column: each column begins anew."""
        sums = np.cumsum(share)
        before = np.append(0.0, sums)[self.bounds[:-1]]
        return np.asarray(sums - before[self.column])

    def _leading(self, sums: FloatArray) -> FloatArray:
        """What lies before each, and at the end of each column its sum: [intervals + columns]."""
        led = np.zeros(len(sums) + len(self))
        led[np.arange(len(sums)) + self.column + 1] = sums
        return led


_PARTS = ("lower", "upper", "weight")


def surely_ahead(a: StackedIntervals, b: StackedIntervals) -> FloatArray:
    """By how much the share of `a` exceeds that of `b` at some value at least, [columns]; every column has rows."""
    lower, begun = b.begun
    pairs = zip(a.parts(a.upper), b.parts(lower), strict=True)
    at = np.concatenate([mine.searchsorted(ends) for ends, mine in pairs])
    ahead = a.ended - begun[at + (b.bounds[:-1] + np.arange(len(b)))[a.column]]
    return np.maximum.reduceat(ahead, a.bounds[:-1])


class Gaps(NamedTuple):
    """Differences of two columns' cumulative shares over the stretches on which they are constant, [stretches].

    starts: the first stretch of each column, [columns]. gap: the difference. half_width: half of the stretch, in units
    of its column.
    """

    starts: IntArray
    gap: FloatArray
    half_width: FloatArray


def gaps_between(a: StackedIntervals, b: StackedIntervals, unit: FloatArray) -> Gaps:
    """What lies between the cumulative shares, every row at the middle of its bucket; unit: of each column, [columns].

    Halves, because the widest difference of two floats is not a float; in units it may still be infinite.
    """
    (x, x_share), (y, y_share) = a.centred, b.centred
    pairs = zip(a.parts(x), b.parts(y), strict=True)
    at = np.concatenate([mine.searchsorted(theirs) for mine, theirs in pairs])
    at += a.bounds[:-1][b.column] + np.arange(len(y))  # those of `a` before it, and of all columns before
    points, step = np.empty(len(x) + len(y)), np.empty(len(x) + len(y))
    mine = np.ones(len(points), bool)
    mine[at] = False
    points[at], step[at], points[mine], step[mine] = y, -y_share, x, x_share
    starts = a.bounds + b.bounds
    half_width = np.zeros(len(points))
    half_width[:-1] = points[1:] / 2 - points[:-1] / 2
    half_width[starts[1:] - 1] = 0.0
    with np.errstate(over="ignore"):
        return Gaps(starts[:-1], np.cumsum(step), half_width / np.repeat(unit, np.diff(starts)))
