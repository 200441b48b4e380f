"""Times and hours of the day in another time zone."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftline.sketch.arrays import BoolArray, FloatArray
from driftline.sketch.values import read_number, read_text
from driftline_processor.skew.explanation import FEWEST, TIMEZONE, Explanation, UnequalFeature, most_frequent

_QUARTER: Final = 900.0
"""Seconds; no time zone is finer."""

_MOST_HOURS: Final = 14.0
_HOUR: Final = 3600.0
_DAY_HOURS: Final = 24.0
_READABLE: Final = 0.9

_UNITS: Final = ((1e8, 1e10, 1.0), (1e11, 1e13, 1e3), (1e14, 1e16, 1e6), (1e17, 1e19, 1e9))
"""Sizes of times since 1970 in seconds, milliseconds, microseconds and nanoseconds."""


def explain_zone(feature: UnequalFeature) -> Explanation | None:
    """The same clock reading, or the same instant, some hours apart."""
    pair = feature.unequal
    if pair.numeric:
        found = _shifted(pair.served, pair.recomputed, is_time=pair.is_time)
        return found or _hours_of_day(feature)
    served, recomputed = _times(pair.served), _times(pair.recomputed)
    if served is None or recomputed is None:
        return None
    return _shifted(served, recomputed, is_time=True)


def _shifted(x: FloatArray, y: FloatArray, *, is_time: bool) -> Explanation | None:
    used = np.isfinite(x) & np.isfinite(y)
    if np.count_nonzero(used) < FEWEST:
        return None
    unit = 1.0 if is_time else _unit(y[used])
    if unit is None or len(np.unique(y[used])) < FEWEST:
        return None
    apart = (x[used] - y[used]) / unit
    quarters = np.round(apart / _QUARTER)
    fits = (np.abs(apart - quarters * _QUARTER) <= 1e-3) & (quarters != 0.0) & (np.abs(apart) <= _MOST_HOURS * _HOUR)
    if not fits.any():
        return None
    most, _ = most_frequent(quarters[fits])
    beside = [most + step for step in (-4.0, 4.0) if np.any(fits & (quarters == most + step))]
    shown = [most, *beside[:1]]  # with and without daylight saving time
    explained = np.zeros(len(x), np.bool_)
    explained[used] = fits & np.isin(quarters, shown)
    hours = sorted(each / 4.0 for each in shown)
    return Explanation(TIMEZONE, {"hours": hours[0] if len(hours) == 1 else hours}, explained)


def _unit(y: FloatArray) -> float | None:
    size = float(np.median(np.abs(y)))
    return next((unit for low, high, unit in _UNITS if low <= size < high), None)


def _hours_of_day(feature: UnequalFeature) -> Explanation | None:
    """Hours from 0 to 23, of which some have gone over midnight."""
    whole, pair = feature.whole, feature.unequal
    for side in (whole.served[whole.both], whole.recomputed[whole.both]):
        if not len(side) or side.min() < 0.0 or side.max() >= _DAY_HOURS or len(np.unique(side)) < _DAY_HOURS / 2:
            return None
    used = pair.both
    apart = pair.served[used] - pair.recomputed[used]
    if len(apart) < FEWEST or not (apart.min() < 0.0 < apart.max()):
        return None
    shift, hits = most_frequent(np.round(apart % _DAY_HOURS, 2))
    explained: BoolArray = np.zeros(len(used), np.bool_)
    explained[used] = hits
    hours = shift if shift <= _MOST_HOURS else shift - _DAY_HOURS
    return Explanation(TIMEZONE, {"hours": hours, "of": "hour of the day"}, explained)


def _times(texts: NDArray[Any]) -> FloatArray | None:
    """Texts in ISO 8601 as seconds; None where they are no times."""
    known = {text: _time(text) for text in set(texts.tolist()) if text is not None}
    found = np.array([known.get(text, np.nan) if text is not None else np.nan for text in texts.tolist()], np.float64)
    return found if len(found) and np.isfinite(found).mean() >= _READABLE else None


def _time(text: str) -> float:
    number = None if read_number(text) is not None else read_text(text)
    return np.nan if number is None else number
