"""Chunks of the training data, of equal duration or of equal rows: they show how much healthy data varies."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from driftline.sketch.arrays import FloatArray, IntArray
from driftline.sketch.time_units import DAY_SECONDS

MOST_CHUNKS: Final = 128
"""Chunks of a reference: a power of two, as neighbours are joined again and again to see what lasts."""

COARSE: Final = 2 / 3 * DAY_SECONDS
"""Seconds in a chunk from which on chunks show next to nothing of a daily season."""

FEWEST_ROWS: Final = 8
"""Rows that a chunk has on average at least; short data is cut into fewer chunks."""


@dataclass(frozen=True, slots=True, eq=False)
class Chunks:
    """Where each chunk starts and ends, [chunks], ascending: Unix seconds, or row numbers without timestamps."""

    has_timestamps: bool
    starts: FloatArray
    ends: FloatArray

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def tells_hours(self) -> bool:
        """Whether they show what the time of day does."""
        return self.has_timestamps and 0.0 < float(self.ends[-1] - self.starts[0]) / len(self) <= COARSE

    @classmethod
    def by_time(cls, least: float, greatest: float, rows: int) -> "Chunks":
        """Of equal duration, for so many rows between two times, in Unix seconds."""
        edges = np.linspace(least, greatest, _number(rows) + 1)
        return cls(True, edges[:-1], edges[1:])

    @classmethod
    def by_rows(cls, rows: int) -> "Chunks":
        """Of equal rows, in the order of the data."""
        number = _number(rows)
        edges = (np.arange(number + 1) * rows // number).astype(np.float64)
        return cls(False, edges[:-1], edges[1:])

    def of(self, places: ArrayLike) -> IntArray:
        """The chunk of each time or row number; -1 for NaN, a row without a time."""
        x = np.asarray(places, np.float64)
        chunk = np.searchsorted(self.starts[1:], x, "right").astype(np.int64)
        chunk[np.isnan(x)] = -1
        return chunk


def _number(rows: int) -> int:
    return max(1, min(MOST_CHUNKS, rows // FEWEST_ROWS))


_UNITS: Final = ((1e11, 1.0), (1e14, 1e-3), (1e17, 1e-6), (np.inf, 1e-9))
"""Unix times below the first number of a row are in units of so many seconds: until the year 5138, all agree."""


def second_of(greatest: float) -> float:
    """Seconds in the unit of Unix times up to `greatest`: they may count seconds, or their 10³rds, 10⁶ths or 10⁹ths."""
    return next(unit for limit, unit in _UNITS if abs(greatest) < limit)
