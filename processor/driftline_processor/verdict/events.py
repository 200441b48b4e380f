"""The events that a verdict is about: named sets of cells whose share of rows may move.

A verdict about one number (a p-value, a PSI) cannot say what happened. A verdict about events can: "share above 3.2".
Numeric columns have every prefix (what Kolmogorov-Smirnov looks at), the dyadic intervals of about 1/4, 1/8 and 1/16 of
the mass (which see a new mode) and both tails together (which see spread); other columns have every cell.
"""

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from driftline_processor.records import FloatArray

BoolArray: TypeAlias = NDArray[np.bool_]

MAGNIFICATION = 1.6
"""Most that a tail or a rare category is magnified. Without a cap (the arcsine scale) a uniform shift of half the
tolerance reaches twice the tolerance in the tail; a cap of 2 would put it exactly on the tolerance."""


class Family(Enum):
    """What kind of set of cells an event is. Only intervals and tails are not magnified: they come from the middle."""

    PREFIX = "prefix"
    INTERVAL = "interval"
    TAILS = "tails"
    CELL = "cell"


class Event(NamedTuple):
    """The cells first <= i < last; for `TAILS` all cells but those."""

    family: Family
    first: int
    last: int


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """Events over a number of cells. `members` is [cells, events] of 0 and 1, or None where every cell is an event."""

    cells: int
    items: tuple[Event, ...]
    members: FloatArray | None
    magnified: BoolArray

    def __len__(self) -> int:
        return len(self.items)

    def sums(self, counts: FloatArray) -> FloatArray:
        """Counts of the events, [..., events], from counts of the cells, [..., cells]."""
        return counts if self.members is None else counts @ self.members

    def magnify(self, shares: FloatArray) -> FloatArray:
        """Factor of the distance at these shares: 0.5/sqrt(p(1-p)) within [1, 1.6], so that a tail counts for more.

        Source: the arcsine transform (Freeman and Tukey 1950), capped.
        """
        spread = np.sqrt(np.maximum(shares * (1.0 - shares), 1e-12))
        return np.where(self.magnified, np.minimum(np.maximum(0.5 / spread, 1.0), MAGNIFICATION), 1.0)


@lru_cache(maxsize=256)
def numeric_events(cells: int) -> Events:
    """Events of a numeric column of so many cells; the first and the last cell lie outside the training range."""
    items = (*_prefixes(cells), *_intervals(cells), *_tails(cells))
    index = np.arange(cells)
    columns = [((index >= event.first) & (index < event.last)) ^ (event.family is Family.TAILS) for event in items]
    magnified = np.array([event.family is Family.PREFIX for event in items])
    return Events(cells, items, np.array(columns, float).reshape(len(items), cells).T.copy(), magnified)


@lru_cache(maxsize=256)
def category_events(cells: int) -> Events:
    """Events of a categorical column: every cell."""
    items = tuple(Event(Family.CELL, cell, cell + 1) for cell in range(cells))
    return Events(cells, items, None, np.ones(cells, bool))


@lru_cache(maxsize=1)
def state_events() -> Events:
    """The one event of a column "not it, it": it."""
    return Events(2, (Event(Family.CELL, 1, 2),), np.array([[0.0], [1.0]]), np.ones(1, bool))


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
