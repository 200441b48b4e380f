"""The events that a verdict is about: named sets of bins whose share of rows may move.

A verdict about one number (a p-value, a PSI) cannot say what happened. A verdict about events can: "share above 3.2".
Numeric columns have every prefix (what Kolmogorov-Smirnov looks at), the dyadic intervals of about 1/4, 1/8 and 1/16 of
the mass (which see a new mode) and both tails together (which see spread); other columns have every bin.

Numbers have one event by degrees as well, their ranks: a row is in it as far as its value exceeds those of training.
Its share is the probability that a live value exceeds a trained one (Mann and Whitney 1947). A shift of all values
shows in it with fewer rows than in any one set: it proves that a column moved, and how far is for the sets to say.
"""

from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from driftline.sketch.arrays import BoolArray, FloatArray, IntArray


class Family(Enum):
    """What kind of set of bins an event is."""

    PREFIX = "prefix"
    INTERVAL = "interval"
    TAILS = "tails"
    BIN = "bin"
    RANKS = "ranks"


class BinSet(NamedTuple):
    """The bins first <= i < last; for `TAILS` all bins but those; for `RANKS` all, by degrees."""

    family: Family
    first: int
    last: int


@dataclass(frozen=True, slots=True, eq=False)
class BinSets:
    """Sets of so many bins: first, last and outside are those of `items`, [events], for arithmetic.

    ranks: of each bin, from 0 to 1, [bins]; nothing where no event is by ranks. That is the last event.
    """

    bins: int
    items: tuple[BinSet, ...]
    first: IntArray
    last: IntArray
    outside: BoolArray
    ranks: FloatArray

    @classmethod
    def of(cls, bins: int, items: tuple[BinSet, ...]) -> "BinSets":
        first, last = (np.array([event[part] for event in items], np.int64) for part in (1, 2))
        families = [event.family for event in items]
        outside = np.array([family is Family.TAILS for family in families], bool)
        return cls(bins, items, first, last, outside, np.zeros(0))

    def with_ranks(self, shares: FloatArray) -> "BinSets":
        """The same and one more, by ranks among training rows of which each bin has that share, [bins]."""
        below = running(shares)
        events = BinSets.of(self.bins, (*self.items, BinSet(Family.RANKS, 0, self.bins)))
        return replace(events, ranks=(below[:-1] + below[1:]) / 2.0)

    def __len__(self) -> int:
        return len(self.items)

    def are(self, family: Family) -> BoolArray:
        """Which events are of that kind, [events]."""
        return np.array([event.family is family for event in self.items], bool)

    @property
    def by_bin(self) -> bool:
        """Whether every event is a bin."""
        return all(event.family is Family.BIN for event in self.items)

    def sums(self, counts: FloatArray) -> FloatArray:
        """Counts of the events, [..., events], from counts of the bins, [..., bins]."""
        below = running(counts)
        inside = below[..., self.last] - below[..., self.first]
        sums = np.where(self.outside, below[..., -1:] - inside, inside)
        if len(self.ranks):
            sums[..., -1] = counts @ self.ranks
        return np.asarray(sums)

    def variance(self, shares: FloatArray, bins: FloatArray) -> FloatArray:
        """Of one row in each event, [events]: p(1 - p), but less by ranks. shares: of the bins, [bins]."""
        variance = shares * (1.0 - shares)
        if len(self.ranks):
            variance[-1] = bins @ self.ranks**2 - shares[-1] ** 2
        return np.maximum(variance, 0.0)

    def members(self, events: BoolArray) -> FloatArray:
        """Whether a bin belongs to an event, as 0 and 1, [bins, events]; of the given events only."""
        place = np.arange(self.bins)[:, None]
        inside = (place >= self.first[events]) & (place < self.last[events])
        return (inside ^ self.outside[events]).astype(np.float64)


def running(counts: FloatArray) -> FloatArray:
    """Sums of the bins before each, [..., bins + 1]."""
    sums = np.zeros((*counts.shape[:-1], counts.shape[-1] + 1))
    np.cumsum(counts, axis=-1, out=sums[..., 1:])
    return sums


@lru_cache(maxsize=256)
def numeric_events(bins: int) -> BinSets:
    """Events of a numeric column of so many bins; the first and the last bin lie outside the training range."""
    return BinSets.of(bins, (*_prefixes(bins), *_intervals(bins), *_tails(bins)))


@lru_cache(maxsize=256)
def category_events(bins: int, minor: int = 0) -> BinSets:
    """Events of a categorical column: every bin; the last `minor` bins are parts of one more, after the others."""
    major = bins - minor
    each = [BinSet(Family.BIN, place, place + 1) for place in range(bins)]
    together = [BinSet(Family.BIN, major, bins)] if minor else []
    return BinSets.of(bins, (*each[:major], *together, *each[major:]))


@lru_cache(maxsize=16)
def decimal_events(bins: int) -> BinSets:
    """Events of the decimals of a column: to have at most so many."""
    return BinSets.of(bins, tuple(_prefixes(bins)))


@lru_cache(maxsize=1)
def state_events() -> BinSets:
    """The one event of a column "not it, it": it."""
    return BinSets.of(2, (BinSet(Family.BIN, 1, 2),))


def _prefixes(bins: int) -> list[BinSet]:
    return [BinSet(Family.PREFIX, 0, end) for end in range(1, bins)]


def _intervals(bins: int) -> list[BinSet]:
    events = []
    width = bins // 4
    while width >= 2:
        events += [BinSet(Family.INTERVAL, start, start + width) for start in range(0, bins - width + 1, width)]
        width //= 2
    return events


def _tails(bins: int) -> list[BinSet]:
    outer = (max(1, bins // part) for part in (16, 8, 4))
    return [BinSet(Family.TAILS, end, bins - end) for end in outer if bins > 2 * end]
