"""Event time of rows, by timestamp or by row number, and how a bound of a window is displayed."""

from datetime import datetime, timedelta, timezone
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from driftline.reference.chunks import second_of
from driftline.reference.column_types import TIMESTAMP
from driftline.sketch.arrays import IntArray

NO_TIME: Final = 0
"""Event time of a row without a timestamp within 1970 to 2262."""

_UNITS: Final = {1.0: "seconds", 1e-3: "milliseconds", 1e-6: "microseconds", 1e-9: "nanoseconds"}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MAX_MICROSECONDS: Final = (1 << 63) // 1_000 - 1


class Timeline(Protocol):
    """The event time of rows, and its display."""

    def times(self, batch: Any, first: int) -> IntArray:
        """The event times of a batch, [rows], Unix nanoseconds. first: the number of its first row.

        A row at time t counts at t + 1, so that one on the bound of two windows belongs to the later one.
        """
        ...

    def name(self, time: int, rows: int) -> str | int:
        """A window's bound for display. rows: rows read so far."""
        ...


class TimestampColumn:
    """A column of timestamps, or of Unix times in a unit inferred from the first rows."""

    def __init__(self, column: str, kind: str) -> None:
        self.column = column
        self._unit_seconds = 1.0 if kind == TIMESTAMP else None
        self.guessed: str | None = None

    def times(self, batch: Any, first: int) -> IntArray:
        del first
        x = np.asarray(batch.column(self.column).to_numpy(zero_copy_only=False), np.float64)
        microseconds = np.rint(x * (self._seconds_per_unit(x) * 1e6))
        known = (microseconds > 0.0) & (microseconds < _MAX_MICROSECONDS)
        times = np.full(len(x), NO_TIME, np.int64)
        times[known] = microseconds[known].astype(np.int64) * 1_000 + 1
        return times

    def name(self, time: int, rows: int) -> str:
        """In UTC, ISO 8601."""
        del rows
        return (_EPOCH + timedelta(microseconds=time // 1_000)).isoformat().replace("+00:00", "Z")

    def _seconds_per_unit(self, x: NDArray[np.float64]) -> float:
        """Seconds per unit of the column."""
        if self._unit_seconds is None:
            finite = np.abs(x[np.isfinite(x)])
            if not len(finite):
                return 1.0
            self._unit_seconds = second_of(float(finite.max()))
            self.guessed = _UNITS[self._unit_seconds]
        return self._unit_seconds


class RowNumbers:
    """Event time without timestamps: every row lasts the same number of nanoseconds."""

    def __init__(self, each: int) -> None:
        self._row_nanoseconds = each

    def times(self, batch: Any, first: int) -> IntArray:
        return np.arange(first, first + batch.num_rows, dtype=np.int64) * self._row_nanoseconds + 1

    def name(self, time: int, rows: int) -> int:
        """A row's number."""
        return min(max(time // self._row_nanoseconds, 0), rows)
