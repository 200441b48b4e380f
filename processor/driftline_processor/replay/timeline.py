"""Event time of rows: by their clock, or by their number; and what a moment of it is called."""

from datetime import datetime, timedelta, timezone
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from driftline.reference.chunks import second_of
from driftline.reference.column_types import TIMESTAMP
from driftline.sketch.arrays import IntArray

NO_TIME: Final = 0
"""Event time of a row that has none, or one that is not within 1970 to 2262."""

_UNITS: Final = {1.0: "seconds", 1e-3: "milliseconds", 1e-6: "microseconds", 1e-9: "nanoseconds"}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MOST_MICROSECONDS: Final = (1 << 63) // 1_000 - 1


class Timeline(Protocol):
    """Gives rows their event time, and moments a name."""

    def times(self, batch: Any, first: int) -> IntArray:
        """When each row of a batch was, [rows], nanoseconds since the Unix epoch; first: the number of its first row.

        A row of the moment t counts at t + 1: one on the bound of two windows belongs to the later one.
        """
        ...

    def name(self, time: int, rows: int) -> str | int:
        """The bound of a window; rows: how many there have been by now."""
        ...


class Clock:
    """A column of times, or of Unix times in a unit that the first rows tell."""

    def __init__(self, column: str, kind: str) -> None:
        self.column = column
        self._second = 1.0 if kind == TIMESTAMP else None
        self.guessed: str | None = None

    def times(self, batch: Any, first: int) -> IntArray:
        del first
        x = np.asarray(batch.column(self.column).to_numpy(zero_copy_only=False), np.float64)
        microseconds = np.rint(x * (self._unit(x) * 1e6))
        known = (microseconds > 0.0) & (microseconds < _MOST_MICROSECONDS)
        times = np.full(len(x), NO_TIME, np.int64)
        times[known] = microseconds[known].astype(np.int64) * 1_000 + 1
        return times

    def name(self, time: int, rows: int) -> str:
        """In UTC, ISO 8601."""
        del rows
        return (_EPOCH + timedelta(microseconds=time // 1_000)).isoformat().replace("+00:00", "Z")

    def _unit(self, x: NDArray[np.float64]) -> float:
        """Seconds in one unit of the column."""
        if self._second is None:
            finite = np.abs(x[np.isfinite(x)])
            if not len(finite):
                return 1.0
            self._second = second_of(float(finite.max()))
            self.guessed = _UNITS[self._second]
        return self._second


class RowNumbers:
    """No clock: every row takes equally long, so many nanoseconds."""

    def __init__(self, each: int) -> None:
        self._each = each

    def times(self, batch: Any, first: int) -> IntArray:
        return np.arange(first, first + batch.num_rows, dtype=np.int64) * self._each + 1

    def name(self, time: int, rows: int) -> int:
        """A row's number."""
        return min(max(time // self._each, 0), rows)
