"""How the values of a numeric column moved: up or down, and their medians before and now, in digits that tell."""

import math
from collections.abc import Iterable, Mapping
from typing import Final

from driftline_processor.verdicts.reasons import Moved, Reason, Region

UNIT: Final = 1.5
"""Values so many times as large, all alike, may be in another unit."""

ALIKE: Final = 0.1
"""Quantiles that grew by the same factor do so within this share of it."""

LARGER: Final = 2.0
"""Medians whose ratio is at least this, or its inverse, are told with it."""

STEPS: Final = 20
"""The digits of a median tell at least so many steps between the quantiles."""

_QUANTILES: Final = ("p05", "p50", "p95")
_SIGN: Final[Mapping[Region, int]] = {
    Region.BELOW_MINIMUM: -1,
    Region.UP_TO: -1,
    Region.ABOVE: 1,
    Region.ABOVE_MAXIMUM: 1,
    Region.HIGHER_RANK: 1,
}
"""Which way values have gone where this share has grown."""


def direction(reasons: Iterable[Reason], before: Mapping[str, float], now: Mapping[str, float]) -> str:
    """`up`, `down`, or nothing where values went both ways or have no order.

    Args:
        reasons: Of the verdict; the first that moved decides.
        before: Quantiles of the training data, where the column is numeric.
        now: Of the window.

    """
    first = next((reason for reason in reasons if isinstance(reason, Moved)), None)
    if first is None:
        sign = _sign(now["p50"] - before["p50"]) if _are_known(before, now) else 0
    else:
        sign = _SIGN.get(first.region, 0) * _sign(first.after - first.before)
    return {1: "up", -1: "down", 0: ""}[sign]


def medians(before: Mapping[str, float], now: Mapping[str, float]) -> str:
    """Both, and their ratio where it is large; nothing where they look alike or are unknown.

    >>> print(medians({"p05": 11e3, "p50": 40_112.0, "p95": 80e4}, {"p05": 11e5, "p50": 4_011_200.0, "p95": 80e6}))
    median 40,100 → 4,010,000, ×100: a unit?
    """
    if not _are_known(before, now):
        return ""
    spread = max(before["p95"] - before["p05"], 0.0)
    was, is_now = (grouped(each["p50"], spread) for each in (before, now))
    return "" if was == is_now else f"median {was} → {is_now}{_ratio(before, now)}"


def grouped(value: float, spread: float) -> str:
    """Three significant digits, more where a spread is finer, and thousands set apart."""
    if not value or not 1e-4 <= abs(value) < 1e15:
        return f"{value:.3g}"
    digits = 2 - math.floor(math.log10(abs(value)))
    if spread > 0.0:
        digits = max(digits, -math.floor(math.log10(spread / STEPS)))
    text = f"{round(value, digits):,.{min(max(digits, 0), 9)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _ratio(before: Mapping[str, float], now: Mapping[str, float]) -> str:
    """The factor by which values grew, and whether all of them did."""
    if before["p50"] * now["p50"] <= 0.0:
        return ""
    factor = now["p50"] / before["p50"]
    apart = max(factor, 1.0 / factor)
    same = all(abs(now[name] - factor * before[name]) <= ALIKE * abs(factor * before[name]) for name in _QUANTILES)
    if apart < (UNIT if same else LARGER):
        return ""
    return f", {'×' if factor > 1.0 else '÷'}{_nearest(apart)}{': a unit?' if same else ''}"


def _nearest(factor: float) -> str:
    """A factor with three digits; a power of ten that is as near as chance makes it."""
    power = 10.0 ** round(math.log10(factor))
    return grouped(power if abs(factor / power - 1.0) < ALIKE / 2.0 else factor, 0.0)


def _are_known(before: Mapping[str, float], now: Mapping[str, float]) -> bool:
    return all(name in each and math.isfinite(each[name]) for name in _QUANTILES for each in (before, now))


def _sign(difference: float) -> int:
    return (difference > 0.0) - (difference < 0.0)
