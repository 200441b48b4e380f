"""The events that a verdict is about: named sets of cells whose share of rows may move.

A verdict about one number (a p-value, a PSI) cannot say what happened. A verdict about events can: "share above 3.2".
Numeric columns have every prefix (what Kolmogorov-Smirnov looks at), the dyadic intervals of about 1/4, 1/8 and 1/16 of
the mass (which see a new mode) and both tails together (which see spread); other columns have every cell.

Numbers have one event by degrees as well, their ranks: a row is in it as far as its value exceeds those of training.
Its share is the probability that a live value exceeds a trained one (Mann and Whitney 1947). A shift of all values
shows in it with fewer rows than in any one set.
"""

from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache
from math import sqrt
from typing import Final, NamedTuple

import numpy as np

from driftline.sketch.arrays import BoolArray, FloatArray, IntArray

MAGNIFICATION = 1.6
"""Most that a tail or a rare category is magnified. Without a cap (the arcsine scale) a uniform shift of half the
tolerance reaches twice the tolerance in the tail; a cap of 2 would put it exactly on the tolerance."""


class Family(Enum):
    """What kind of set of cells an event is."""

    PREFIX = "prefix"
    INTERVAL = "interval"
    TAILS = "tails"
    CELL = "cell"
    RANKS = "ranks"


MAGNIFIED: Final = {
    Family.PREFIX: (1.0, MAGNIFICATION),
    Family.CELL: (1.0, MAGNIFICATION),
    Family.INTERVAL: (1.0, 1.0),  # from the middle
    Family.TAILS: (1.0, 1.0),
    Family.RANKS: (sqrt(2.0), sqrt(2.0)),  # a small shift of a normal mean has then the distance of Kolmogorov-Smirnov
}
"""How much distances are magnified at least and at most."""


class Event(NamedTuple):
    """The cells first <= i < last; for `TAILS` all cells but those; for `RANKS` all, by degrees."""

    family: Family
    first: int
    last: int


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """Events over a number of cells: first, last and outside are those of `items`, [events], for arithmetic.

    magnified: least and most magnification, [2, events]. ranks: of each cell, from 0 to 1, [cells]; nothing where no
    event is by ranks. That is the last event.
    """

    cells: int
    items: tuple[Event, ...]
    first: IntArray
    last: IntArray
    outside: BoolArray
    magnified: FloatArray
    ranks: FloatArray

    @classmethod
    def of(cls, cells: int, items: tuple[Event, ...]) -> "Events":
        first, last = (np.array([event[part] for event in items], np.int64) for part in (1, 2))
        families = [event.family for event in items]
        outside = np.array([family is Family.TAILS for family in families], bool)
        magnified = np.array([MAGNIFIED[family] for family in families]).T
        return cls(cells, items, first, last, outside, magnified, np.zeros(0))

    def with_ranks(self, shares: FloatArray) -> "Events":
        """The same and one more, by ranks among training rows of which each cell has that share, [cells]."""
        below = running(shares)
        events = Events.of(self.cells, (*self.items, Event(Family.RANKS, 0, self.cells)))
        return replace(events, ranks=(below[:-1] + below[1:]) / 2.0)

    def __len__(self) -> int:
        return len(self.items)

    @property
    def by_cell(self) -> bool:
        """Whether every event is a cell."""
        return all(event.family is Family.CELL for event in self.items)

    def sums(self, counts: FloatArray) -> FloatArray:
        """Counts of the events, [..., events], from counts of the cells, [..., cells]."""
        below = running(counts)
        inside = below[..., self.last] - below[..., self.first]
        sums = np.where(self.outside, below[..., -1:] - inside, inside)
        if len(self.ranks):
            sums[..., -1] = counts @ self.ranks
        return np.asarray(sums)

    def variance(self, shares: FloatArray, cells: FloatArray) -> FloatArray:
        """Of one row in each event, [events]: p(1 - p), but less by ranks. shares: of the cells, [cells]."""
        variance = shares * (1.0 - shares)
        if len(self.ranks):
            variance[-1] = cells @ self.ranks**2 - shares[-1] ** 2
        return np.maximum(variance, 0.0)

    def members(self, events: BoolArray) -> FloatArray:
        """Whether a cell belongs to an event, as 0 and 1, [cells, events]; of the given events only."""
        cell = np.arange(self.cells)[:, None]
        inside = (cell >= self.first[events]) & (cell < self.last[events])
        return (inside ^ self.outside[events]).astype(np.float64)


def running(counts: FloatArray) -> FloatArray:
    """Sums of the cells before each, [..., cells + 1]."""
    sums = np.zeros((*counts.shape[:-1], counts.shape[-1] + 1))
    np.cumsum(counts, axis=-1, out=sums[..., 1:])
    return sums


def magnify(shares: FloatArray, magnified: FloatArray) -> FloatArray:
    """Factor of the distance at these shares: 0.5/sqrt(p(1-p)) within bounds, so that a tail counts for more.

    magnified: the bounds, [2, events]. Source: the arcsine transform (Freeman and Tukey 1950), capped.
    """
    spread = np.sqrt(np.maximum(shares * (1.0 - shares), 1e-12))
    return np.asarray(np.minimum(np.maximum(0.5 / spread, magnified[0]), magnified[1]))


@lru_cache(maxsize=256)
def numeric_events(cells: int) -> Events:
    """Events of a numeric column of so many cells; the first and the last cell lie outside the training range."""
    return Events.of(cells, (*_prefixes(cells), *_intervals(cells), *_tails(cells)))


@lru_cache(maxsize=256)
def category_events(cells: int, minor: int = 0) -> Events:
    """Events of a categorical column: every cell; the last `minor` cells are parts of one more, after the others."""
    major = cells - minor
    each = [Event(Family.CELL, cell, cell + 1) for cell in range(cells)]
    together = [Event(Family.CELL, major, cells)] if minor else []
    return Events.of(cells, (*each[:major], *together, *each[major:]))


@lru_cache(maxsize=1)
def state_events() -> Events:
    """The one event of a column "not it, it": it."""
    return Events.of(2, (Event(Family.CELL, 1, 2),))


def _prefixes(cells: int) -> list[Event]:
    return [Event(Family.PREFIX, 0, end) for end in range(1, cells)]


def _intervals(cells: int) -> list[Event]:
    events = []
    width = cells // 4
    while width >= 2:
        events += [Event(Family.INTERVAL, start, start + width) for start in range(0, cells - width + 1, width)]
        width //= 2
    return events


def _tails(cells: int) -> list[Event]:
    outer = (max(1, cells // part) for part in (16, 8, 4))
    return [Event(Family.TAILS, end, cells - end) for end in outer if cells > 2 * end]
