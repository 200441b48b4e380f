"""Detects columns that tell the time: counters, dates and epochs, which rise with it, and clocks, which go round.

A sample is enough: what is looked for explains next to all of a column's variance.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.profiling.plan import PlannedColumn
from driftline.reference.clocks import MONTHS
from driftline.semconv import TARGET_INPUT
from driftline.sketch.arrays import FloatArray, IntArray
from driftline.sketch.time_units import DAY_SECONDS, WEEK_SECONDS

CERTAIN: Final = 0.95
"""Rank correlation with time, or share of the variance of ranks between times of day or of week, from which on a column
tells the time. Columns that depend on it reach .45."""

CYCLES: Final = 3
"""Days or weeks that a clock has gone round at least."""

ALMOST: Final = 0.99
"""Of so many days or weeks, as the last row comes a little before their end."""

MOST_PARTS: Final = 4
"""Stretches that each tell a clock by themselves; most have to: with summer time a local clock jumps in one of them."""

ROWS_AN_HOUR: Final = 20
"""Rows in an hour of the day or of the week, in the mean, to tell a clock."""

FEWEST_ROWS: Final = 500
"""Of a few hundred rows, perhaps of some hours, many a quantity rises with time."""

HOUR_SECONDS: Final = DAY_SECONDS / 24

MINUTE_SECONDS: Final = HOUR_SECONDS / 60

ZONES: Final = range(-12, 15)
"""Hours that local time may be from UTC."""

COUNTER: Final = "a clock or counter, it will always drift"
DATE: Final = "a clock, the date tells its value"
CLOCKS: Final[Mapping[float, str]] = {
    HOUR_SECONDS: "a clock, the minute tells its value",
    DAY_SECONDS: "a clock, the time of day tells its value",
    WEEK_SECONDS: "a clock, the time of the week tells its value",
}


def told_time(column: PlannedColumn, sample: Any, times: FloatArray) -> str | None:
    """What a column is that tells the time; None for all others.

    Args:
        column: The column.
        sample: Rows, a record batch.
        times: Of these rows, Unix seconds, NaN where unknown, [rows].

    """
    if column.key.target != TARGET_INPUT:
        return None
    x = codes(column, sample)
    known = np.isfinite(x) & np.isfinite(times)
    x, times = ranks(x[known]), times[known]
    if len(x) < FEWEST_ROWS or x.min() == x.max() or times.min() == times.max():
        return None
    if abs(float(np.corrcoef(x, ranks(times))[0, 1])) >= CERTAIN:
        return COUNTER
    if _is_date(dates(column, sample)[known], times):
        return DATE
    return next((name for period, name in CLOCKS.items() if _goes_round(x, times, period)), None)


def dates(column: PlannedColumn, sample: Any) -> FloatArray:
    """Numbers as they are; months by name as their number, NaN for all other texts."""
    if not column.is_text:
        return column.numbers(sample)
    month = pc.index_in(pc.utf8_slice_codeunits(pc.utf8_lower(sample.column(column.source)), 0, 3), pa.array(MONTHS))
    return np.asarray(pc.add(month, 1).cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)


def _is_date(values: FloatArray, times: FloatArray) -> bool:
    """Whether values are the day of the month or the month at these times, in some time zone.

    Both go round too slowly to be told by their repetition.
    """
    if np.mean((values >= 1.0) & (values <= 31.0) & (values % 1.0 == 0.0)) < CERTAIN:
        return False
    days = _days(times)
    months = [day.astype("datetime64[M]") for day in days]
    fields = [(day - month).astype(np.int64) + 1 for day, month in zip(days, months, strict=True)]
    return any(_tells(field, values) for field in fields) or is_month(values, times)


def is_month(values: FloatArray, times: FloatArray) -> bool:
    """Whether values are the month at these times, in some time zone."""
    return any(_tells(day.astype("datetime64[M]").astype(np.int64) % 12 + 1, values) for day in _days(times))


def _days(times: FloatArray) -> list[Any]:
    """The date of each time, in every time zone."""
    return [((times + zone * HOUR_SECONDS) // DAY_SECONDS).astype("datetime64[D]") for zone in ZONES]


def _tells(field: IntArray, values: FloatArray) -> bool:
    return bool(field.min() < field.max() and (field == values).mean() >= CERTAIN)


def codes(column: PlannedColumn, sample: Any) -> FloatArray:
    """Numbers as they are; texts by their rank, NaN where missing."""
    if not column.is_text:
        return column.numbers(sample)
    places = pc.index_in(
        sample.column(column.source), value_set=pa.array(text_names(column, sample), pa.large_string())
    )
    return np.asarray(places.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)


def text_names(column: PlannedColumn, sample: Any) -> tuple[str, ...]:
    """The texts of a column by their rank; () of numbers."""
    return tuple(sorted(pc.unique(sample.column(column.source).drop_null()).to_pylist())) if column.is_text else ()


def ranks(x: FloatArray) -> FloatArray:
    """From 0, equal ones alike in the middle."""
    _, value, rows = np.unique(x, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(rows) - (rows + 1) / 2.0)[value])


def _goes_round(x: FloatArray, times: FloatArray, period: float) -> bool:
    """Whether the hour of the day or of the week, or the minute of an hour, tells the value.

    In most of up to MOST_PARTS stretches of time.
    """
    begin, lasting = float(times.min()), float(times.max() - times.min())
    phase = MINUTE_SECONDS if period == HOUR_SECONDS else HOUR_SECONDS
    hour = (times % period // phase).astype(np.int64)
    rounds = int(lasting // (ALMOST * CYCLES * period))
    parts = min(MOST_PARTS, rounds, len(x) // (ROWS_AN_HOUR * len(np.unique(hour))))
    if not parts:
        return False
    part = np.minimum(((times - begin) / lasting * parts).astype(np.int64), parts - 1)
    told = [_explained(x[part == i], hour[part == i]) for i in range(parts)]
    return sorted(told)[parts // 4] >= CERTAIN


def _explained(x: FloatArray, group: IntArray) -> float:
    """The share of the variance that is between groups: epsilon², corrected for their number (Kelley 1935)."""
    groups = len(np.unique(group))
    if len(x) <= groups or x.min() == x.max():
        return 0.0
    total = float(((x - x.mean()) ** 2).sum())
    rows = np.bincount(group)
    means = np.bincount(group, x) / np.maximum(rows, 1)
    within = float(((x - means[group]) ** 2).sum())
    return 1.0 - within / total * (len(x) - 1) / (len(x) - groups)
