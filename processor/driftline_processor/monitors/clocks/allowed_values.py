"""Which values of a clock go with a stretch of time, and how many rows of a window have others.

Sketches know values as intervals. A row is counted as off where its whole interval is, so what is told is certain.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from driftline.reference.clocks import COUNTER, DAY_OF_MONTH, EPOCH, HOURS, MONTH, MONTHS, Clock
from driftline.sketch.arrays import FloatArray, IntArray
from driftline.sketch.time_units import DAY_SECONDS, HOUR
from driftline_processor.records import ColumnSummary, Window

SECOND: Final = 1e-9

SLIPS: Final = (0, -1, 1)
"""Hours that a clock may go wrong by: as summer time does."""

LATE: Final = 60.0
"""Seconds that an epoch may be farther from the time of its row than ever in training."""

FASTER: Final = 10.0
"""So many times as fast as in training a counter may rise."""

ZONE: Final = 14 * 3_600.0
"""Seconds that local time may be from UTC at most."""

EXPLAINED: Final = 0.1
"""Share of rows that may still not go with their time where a clock is said to be so much behind."""

ROUNDED: Final = 1e-6
"""Of a value: ends of a sketch's intervals are so far off at most."""


@dataclass(frozen=True, slots=True, eq=False)
class ClockValues:
    """Values of a window: rows between lower and upper ends, [values]; unknown: rows of names that have no number."""

    lower: FloatArray
    upper: FloatArray
    rows: FloatArray
    unknown: float

    @classmethod
    def of(cls, summary: ColumnSummary, clock: Clock) -> "ClockValues":
        """In the numbers of the clock."""
        places = {name: float(place) for place, name in enumerate(clock.names)}
        read = [
            (places.get(name) if places else _number(name, clock.kind), rows)
            for name, rows in summary.categories.items()
        ]
        named = [(number, rows) for number, rows in read if number is not None]
        at = np.array([number for number, _ in named], np.float64)
        intervals = summary.intervals
        slack = ROUNDED * np.abs(intervals.upper)
        return cls(
            np.concatenate((intervals.lower - slack, at)),
            np.concatenate((intervals.upper + slack, at)),
            np.concatenate((intervals.weight, [rows for _, rows in named])),
            sum(rows for number, rows in read if number is None),
        )

    @property
    def total(self) -> float:
        return float(self.rows.sum()) + self.unknown

    @property
    def median(self) -> float:
        """The middle of the interval of the middle row."""
        order = np.argsort(self.lower)
        at = order[np.searchsorted(np.cumsum(self.rows[order]), self.rows.sum() / 2.0)]
        return float(self.lower[at] + self.upper[at]) / 2.0

    def outside(self, low: float, high: float) -> float:
        """Rows that are certainly not between."""
        return float(self.rows[(self.upper < low) | (self.lower > high)].sum()) + self.unknown


def _number(name: str, kind: str) -> float | None:
    month = name[:3].lower()
    if kind == MONTH and month in MONTHS:
        return MONTHS.index(month) + 1.0
    try:
        return float(name)
    except ValueError:
        return None


def share_off(clock: Clock, values: ClockValues, window: Window, hours: Mapping[int, float]) -> float:
    """The share of the rows whose values certainly do not go with their time.

    hours: in what proportion they came in each hour, by its start, nanoseconds; empty where that is not known.
    """
    start, end = window.start * SECOND, window.end * SECOND
    if clock.kind == EPOCH:
        low, high = clock.lows[0] - LATE, clock.highs[0] + LATE
        off = values.outside((start + low) / clock.scale, (end + high) / clock.scale)
    elif clock.kind == COUNTER:
        off = values.outside(*counter_range(clock, start, end))
    elif clock.kind in HOURS:
        off = min(_off_the_hours(clock, values, phases, parts) for phases, parts in _slipped(clock, window, hours))
    else:
        off = _off_the_dates(clock, values, start, end)
    return off / values.total


def counter_range(clock: Clock, start: float, end: float) -> tuple[float, float]:
    """What a counter may be at between two times: beyond training it goes on as it rose or fell, or more slowly."""
    within = (clock.times[:-1] <= end) & (clock.times[1:] >= start)
    first, last = (clock.lows[0], clock.highs[0]), (clock.lows[-1], clock.highs[-1])
    held = [*zip(clock.lows[within].tolist(), clock.highs[within].tolist(), strict=True)]
    rises = last[1] >= first[0] and last[0] >= first[0]
    extent = float(clock.highs.max() - clock.lows.min())
    pace = FASTER * extent / max(float(clock.times[-1] - clock.times[0]), 1.0)
    step = float((clock.highs - clock.lows).max())
    after, before = (max(end - float(clock.times[-1]), 0.0), max(float(clock.times[0]) - start, 0.0))
    if after > 0.0:
        beyond = pace * after + step
        held += [(last[0], last[1] + beyond) if rises else (last[0] - beyond, last[1])]
    if before > 0.0:
        beyond = pace * before + step
        held += [(first[0] - beyond, first[1]) if rises else (first[0], first[1] + beyond)]
    return min(low for low, _ in held) - step, max(high for _, high in held) + step


def slipped_by(clock: Clock, values: ClockValues, window: Window, hours: Mapping[int, float]) -> float | None:
    """Seconds that a clock that goes round is behind, within half a period; None where no such slip explains it."""
    period = HOURS[clock.kind]
    slips = sorted(range(-(period // 2), period // 2), key=abs)
    off = [
        _off_the_hours(clock, values, *parts) / values.total for parts in _slipped(clock, window, hours, tuple(slips))
    ]
    least = int(np.argmin(off))
    return -slips[least] * HOUR * SECOND if off[least] < EXPLAINED else None


def _slipped(
    clock: Clock, window: Window, hours: Mapping[int, float], slips: tuple[int, ...] = SLIPS
) -> list[tuple[IntArray, FloatArray]]:
    """The hours of the day or week that a window is of, and at most what part of its rows in each, for each slip."""
    if hours:
        begins, parts = np.array([*hours], np.int64), np.array([*hours.values()], np.float64)
        parts /= parts.sum()
    else:
        begins = np.arange(window.start // HOUR, -(-window.end // HOUR)) * HOUR
        parts = np.ones(len(begins))
    phase = begins // HOUR
    return [((phase + slip) % HOURS[clock.kind], parts) for slip in slips]


def _off_the_hours(clock: Clock, values: ClockValues, phases: IntArray, parts: FloatArray) -> float:
    """Rows beyond those of the hours that may have such values."""
    lows, highs = clock.lows[phases], clock.highs[phases]
    free = np.isnan(lows)
    may = (values.upper[:, None] >= lows) & (values.lower[:, None] <= highs) | free
    sets, alike = np.unique(may, axis=0, return_inverse=True)
    held = np.bincount(alike.ravel(), values.rows, len(sets))
    return float(np.maximum(held - sets @ parts * values.total, 0.0).sum()) + values.unknown


def _off_the_dates(clock: Clock, values: ClockValues, start: float, end: float) -> float:
    days = np.arange((start - ZONE) // DAY_SECONDS, (end + ZONE) // DAY_SECONDS + 1).astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    if clock.kind == DAY_OF_MONTH:
        allowed = np.unique((days - months).astype(np.int64) + 1)
    else:
        allowed = np.unique(months.astype(np.int64) % 12 + 1)
    may = (values.upper[:, None] >= allowed) & (values.lower[:, None] <= allowed)
    return float(values.rows[~may.any(axis=1)].sum()) + values.unknown
