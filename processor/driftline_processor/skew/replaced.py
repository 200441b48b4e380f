"""Values that a constant has taken the place of: a default for what is missing, or the end of a range."""

import math
from typing import Any, Final

import numpy as np

from driftline.sketch.arrays import BoolArray, FloatArray
from driftline_processor.skew.explanation import (
    CLIPPED,
    DEFAULT,
    FEWEST,
    Explanation,
    UnequalFeature,
    most_frequent,
)
from driftline_processor.skew.feature import FeaturePair

_MOST: Final = 0.6
ERRORS: Final = 3.0
"""Standard errors of the mean within which a default is about it."""

_WITHIN: Final = 0.02
"""Share of values inside the end of a range that was cut off."""


def explain_default(feature: UnequalFeature) -> Explanation | None:
    """One side has a constant where the other has nothing, or anything."""
    found = [
        each
        for side, pair, whole in (
            ("served", feature.unequal, feature.whole),
            ("recomputed", feature.unequal.swapped(), feature.whole.swapped()),
        )
        if (each := _default(side, pair, _numbers(whole))) is not None
    ]
    return max(found, key=lambda each: each.coverage, default=None)


def _default(side: str, pair: FeaturePair, known: FloatArray) -> Explanation | None:
    """known: numbers that the other side has, [rows]."""
    there = ~pair.served_missing & (np.isfinite(pair.served) if pair.numeric else True)
    if np.count_nonzero(there) < FEWEST:
        return None
    value, at = most_frequent(pair.served[there])
    hits = np.zeros(len(there), np.bool_)
    hits[there] = at
    others = pair.recomputed_missing[hits]
    filled = bool(others.mean() >= _MOST)
    if hits.mean() < _MOST or np.count_nonzero(hits) < FEWEST:
        return None
    if not filled and (side == "recomputed" or _kinds(pair, hits) < FEWEST):
        return None  # one category became another, or the other side has it right
    detail = {"default": _plain(value), "side": side, "for": "missing" if filled else "any"}
    return Explanation(DEFAULT, detail | _mean(value, known), hits)


def _mean(value: Any, known: FloatArray) -> dict[str, str]:
    """Whether a default is about the mean of the values that are known, as an imputer's is, and no round number."""
    if not len(known) or not isinstance(value, float) or round(value, 2) == value:
        return {}
    error = float(known.std()) / math.sqrt(len(known))
    return {"about": "mean"} if abs(value - float(known.mean())) <= ERRORS * error else {}


def _numbers(pair: FeaturePair) -> FloatArray:
    """Of the recomputed side, those that are finite."""
    if not pair.numeric:
        return np.zeros(0)
    values = np.asarray(pair.recomputed[~pair.recomputed_missing], np.float64)
    return values[np.isfinite(values)]


def _kinds(pair: FeaturePair, hits: BoolArray) -> int:
    return len(set(pair.recomputed[hits & ~pair.recomputed_missing].tolist()))


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value


def explain_clipping(feature: UnequalFeature) -> Explanation | None:
    """Values beyond an end became the end, on either side."""
    if not feature.unequal.numeric:
        return None
    found = [
        each
        for side, whole, pair in (
            ("served", feature.whole, feature.unequal),
            ("recomputed", feature.whole.swapped(), feature.unequal.swapped()),
        )
        if (each := _clipping(side, whole, pair)) is not None
    ]
    return max(found, key=lambda each: each.coverage, default=None)


def _clipping(side: str, whole: FeaturePair, pair: FeaturePair) -> Explanation | None:
    explained = np.zeros(len(pair.served), np.bool_)
    detail: dict[str, Any] = {}
    for end, sign in (("high", 1.0), ("low", -1.0)):
        cut = pair.both & (sign * pair.recomputed > sign * pair.served)
        if not cut.any():
            continue
        value, at = most_frequent(pair.served[cut])
        beyond = sign * whole.recomputed[whole.both] > sign * value
        inside = sign * whole.recomputed[whole.both] < sign * value
        if at.mean() < _MOST or inside.mean() < _WITHIN or not beyond.any():
            continue
        detail[end] = _plain(value)
        explained[np.flatnonzero(cut)[at]] = True
    if not detail or np.count_nonzero(explained) < FEWEST or len(set(detail.values())) < len(detail):
        return None
    return Explanation(CLIPPED, {**detail, "side": side}, explained)
