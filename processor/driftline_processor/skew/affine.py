"""Constant factors, constant offsets, and both together: units."""

from typing import Final

import numpy as np

from driftline.sketch.arrays import BoolArray, FloatArray
from driftline_processor.skew.explanation import FACTOR, FEWEST, OFFSET, Explanation, UnequalFeature, nearly
from driftline_processor.skew.feature import FeaturePair
from driftline_processor.skew.units import units_of

_TOO_NEAR: Final = 1e-5
"""A factor so near to 1 is rounding."""

_STEPS: Final = 10.0
"""Values that a formula explains after rounding spread over so many of its steps."""

_DECIMALS: Final = range(5)
_WHOLE: Final = 0.99


def explain_factor(feature: UnequalFeature) -> Explanation | None:
    """Served = recomputed × factor."""
    pair = feature.unequal
    if not pair.numeric or pair.is_time:
        return None
    used = pair.both & (pair.recomputed != 0.0) & (pair.served != 0.0)
    x, y = pair.served[used], pair.recomputed[used]
    if not _varied(y):
        return None
    factor = _snapped(float(np.median(x / y)), x, y)
    if abs(factor - 1.0) <= _TOO_NEAR:
        return None
    explained = _explained(pair, used, factor, 0.0)
    if not explained.any():
        return None
    return Explanation(FACTOR, _detail(feature.name, factor, 0.0), explained)


def explain_offset(feature: UnequalFeature) -> Explanation | None:
    """Served = recomputed + offset."""
    pair = feature.unequal
    if not pair.numeric:
        return None
    used = pair.both
    x, y = pair.served[used], pair.recomputed[used]
    if not _varied(y):
        return None
    offset = float(np.median(x - y))
    if abs(offset) <= _TOO_NEAR * float(np.median(np.abs(y))) and not pair.is_time:
        return None
    explained = _explained(pair, used, 1.0, offset)
    if not explained.any():
        return None
    detail = {"offset": _short(offset)}
    units = None if pair.is_time else units_of(feature.name, 1.0, offset)
    return Explanation(OFFSET, detail | ({"units": units} if units else {}), explained)


def explain_affine(feature: UnequalFeature) -> Explanation | None:
    """Served = recomputed × factor + offset, as °F = °C × 1.8 + 32 or a feature that was scaled."""
    pair = feature.unequal
    if not pair.numeric or pair.is_time:
        return None
    used = pair.both
    x, y = pair.served[used], pair.recomputed[used]
    if len(np.unique(y)) < FEWEST + 1:
        return None
    factor, offset = _line(x, y)
    if not np.isfinite(factor) or factor == 0.0 or abs(factor - 1.0) <= _TOO_NEAR:
        return None
    explained = _explained(pair, used, factor, offset)
    if np.count_nonzero(explained) <= FEWEST:  # two parameters
        return None
    return Explanation(FACTOR, _detail(feature.name, factor, offset), explained)


def _line(x: FloatArray, y: FloatArray) -> tuple[float, float]:
    """Theil and Sen's line, by the slopes between rows half the values apart."""
    order = np.argsort(y, kind="stable")
    half = len(y) // 2
    low, high = order[:half], order[len(y) - half :]
    rise, run = x[high] - x[low], y[high] - y[low]
    apart = run > 0.0
    if not apart.any():
        return np.nan, np.nan
    factor = float(np.median(rise[apart] / run[apart]))
    return factor, float(np.median(x - factor * y))


def _varied(y: FloatArray) -> bool:
    return len(y) >= FEWEST and len(np.unique(y)) > 1


def _explained(pair: FeaturePair, used: BoolArray, factor: float, offset: float) -> BoolArray:
    """Rows that the formula gives: exactly, or else rounded to as few decimals as the served values have."""
    x, y = pair.served[used], pair.recomputed[used]
    expected = factor * y + offset
    hits = nearly(x, expected, abs(offset) + float(np.median(np.abs(factor * y))))
    step = None if hits.mean() >= 0.5 else _step(x)
    if step is not None and float(np.std(x)) >= _STEPS * step:
        hits = np.abs(x - expected) <= 0.5 * step + 1e-3 * np.abs(expected - x.mean()) * (step / np.std(x))
    explained = np.zeros(len(used), np.bool_)
    if len(np.unique(y[hits])) > 1:  # a single pair of values follows from any formula
        explained[used] = hits
    return explained


def _step(x: FloatArray) -> float | None:
    """The unit of the last decimal that all values have; None where they have many."""
    for decimals in _DECIMALS:
        if float(np.mean(np.abs(x - np.round(x, decimals)) <= 1e-9 * np.maximum(np.abs(x), 1.0))) >= _WHOLE:
            return float(10.0**-decimals)
    return None


def _snapped(factor: float, x: FloatArray, y: FloatArray) -> float:
    """The factor without its last digits where it explains no fewer rows: 1.8, and not 1.7999999999999998."""
    short = _short(factor)
    return short if nearly(x, short * y).sum() >= nearly(x, factor * y).sum() else factor


def _short(value: float, digits: int = 7) -> float:
    return float(f"{value:.{digits}g}")


def _detail(name: str, factor: float, offset: float) -> dict[str, object]:
    found: dict[str, object] = {"factor": _short(factor)}
    if offset:
        found["offset"] = _short(offset)
    units = units_of(name, factor, offset)
    return found | ({"units": units} if units else {})
