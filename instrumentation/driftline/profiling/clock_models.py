"""Which values of a column that tells the time go with which time, by a sample of the training data."""

from typing import Any, Final

import numpy as np

from driftline.profiling.clock_columns import (
    CLOCKS,
    DATE,
    codes,
    dates,
    is_month,
    text_names,
)
from driftline.profiling.clock_columns import (
    COUNTER as RISES,
)
from driftline.profiling.plan import PlannedColumn
from driftline.reference.clocks import (
    COUNTER,
    DAY_OF_MONTH,
    EPOCH,
    HOURS,
    MONTH,
    TIME_OF_DAY,
    TIME_OF_WEEK,
    Clock,
)
from driftline.sketch.arrays import FloatArray
from driftline.sketch.time_units import DAY_SECONDS, WEEK_SECONDS

UNITS: Final = (1e-9, 1e-6, 1e-3, 1.0, 60.0, 3_600.0, DAY_SECONDS)
"""Of epochs, seconds."""

OUTER: Final = 0.01
"""Share of rows at either end of an epoch's distance from the time that are passed over, as wrong ones are."""

LITTLE: Final = 0.1
"""Of the time that the data takes: an epoch is no farther apart from it."""

STRETCHES: Final = 32
"""Of a counter."""

STEPS: Final = 0.9
"""Of a counter, from row to row, that do not go back."""

ROBUST: Final = 0.05
"""Share of the rows of an hour at either end that are passed over, of OF_ROWS at least."""

OF_ROWS: Final = 20

BEYOND: Final = 0.15
"""Of the range of the others, by which it is then widened at either end."""

HOUR_SECONDS: Final = DAY_SECONDS / 24

_PERIODS: Final = {CLOCKS[DAY_SECONDS]: TIME_OF_DAY, CLOCKS[WEEK_SECONDS]: TIME_OF_WEEK}


def fit_clock(column: PlannedColumn, sample: Any, times: FloatArray, told: str) -> Clock | None:
    """What a clock tells when; None of one that cannot be held against the time of a window.

    Args:
        column: The column.
        sample: Rows, a record batch.
        times: Of these rows, Unix seconds, NaN where unknown, [rows].
        told: What the column is, by `told_time`.

    """
    name = column.key.name
    if told == DATE:
        x = dates(column, sample)
        known = np.isfinite(x) & np.isfinite(times)
        return Clock(name, MONTH if is_month(x[known], times[known]) else DAY_OF_MONTH)
    x = codes(column, sample)
    known = np.isfinite(x) & np.isfinite(times)
    x, times = x[known], times[known]
    if told in _PERIODS:
        return _cyclic(name, _PERIODS[told], x, times, text_names(column, sample))
    if told != RISES or column.is_text:
        return None
    return _epoch(name, x, times) or _counter(name, x, times)


def _epoch(name: str, x: FloatArray, times: FloatArray) -> Clock | None:
    """A clock that goes as fast as time, by one of the units."""
    most = LITTLE * float(times.max() - times.min())
    for scale in UNITS:
        apart = scale * x - times
        low, high = np.quantile(apart, [OUTER, 1.0 - OUTER])
        if high - low <= max(most, scale):
            spread = np.array([low - (high - low), high + (high - low)])
            off = float(np.mean((apart < spread[0]) | (apart > spread[1])))
            return Clock(name, EPOCH, spread[:1], spread[1:], scale=scale, off=off)
    return None


def _counter(name: str, x: FloatArray, times: FloatArray) -> Clock | None:
    """A number that rises, or falls, with hardly a step back."""
    order = np.argsort(times, kind="stable")
    x, times = x[order], times[order]
    steps = np.diff(x) * (1.0 if x[-1] >= x[0] else -1.0)
    if np.mean(steps >= 0.0) < STEPS:
        return None
    edges = np.linspace(times[0], times[-1], STRETCHES + 1)
    stretch = np.clip(np.searchsorted(edges, times, "right") - 1, 0, STRETCHES - 1)
    held = [x[stretch == i] for i in range(STRETCHES)]
    filled = [i for i in range(STRETCHES) if len(held[i])]
    lows, highs = (np.array([end(held[i]) for i in filled]) for end in (np.min, np.max))
    return Clock(name, COUNTER, lows, highs, np.append(edges[filled], edges[-1]))


def _cyclic(name: str, kind: str, x: FloatArray, times: FloatArray, names: tuple[str, ...]) -> Clock:
    hours = HOURS[kind]
    phase = (times // HOUR_SECONDS % hours).astype(int)
    lows, highs = np.full((2, hours), np.nan)
    for hour in range(hours):
        held = np.sort(x[phase == hour])
        if len(held):
            passed = int(ROBUST * len(held)) if len(held) >= OF_ROWS else 0
            beyond = BEYOND * (held[-1 - passed] - held[passed]) if passed else 0.0
            lows[hour], highs[hour] = held[passed] - beyond, held[-1 - passed] + beyond
    off = float(np.mean((x < lows[phase]) | (x > highs[phase])))
    return Clock(name, kind, lows, highs, names=names, off=off)
