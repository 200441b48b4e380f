"""Columns that have taken each other's places."""

from collections.abc import Iterable, Mapping
from math import log
from typing import Final

import numpy as np

from driftline.sketch.arrays import BoolArray
from driftline_processor.skew.explanation import SWAPPED, Explanation, UnequalFeature, excess, nearly
from driftline_processor.skew.feature import Feature, FeaturePair, pair

_SURE: Final = log(1e4)
"""A match by chance is less likely than e to the minus this, over all columns that were tried."""

_MOST: Final = 0.6
_FEW: Final = 20
"""Values of a column that are looked at one by one."""


def explain_swap(
    feature: UnequalFeature, served: Feature, recomputed: Mapping[str, Feature], moved: Iterable[str]
) -> Explanation | None:
    """The column whose recomputed values were served.

    Args:
        feature: What is to be explained.
        served: Its served side, [joined rows].
        recomputed: All columns, [joined rows].
        moved: Names of the columns that are unequal themselves: of two that fit alike, one of these was swapped.

    """
    others = [name for name in recomputed if name != feature.name]
    preferred = set(moved)
    rows = np.random.default_rng(0).permutation(len(feature.whole.served))
    best, found = 0.0, None
    for name in sorted(others, key=lambda each: each not in preferred):
        other = recomputed[name]
        if other.is_text != served.is_text:
            continue
        both = pair(served.chosen(feature.rows), other.chosen(feature.rows))
        hits = _equal(both)
        if hits.mean() < max(_MOST, best + 1e-9):
            continue
        shuffled = pair(served.chosen(feature.rows), other.chosen(rows[feature.rows]))
        if _evidence(hits, both, feature.whole, other, _equal(shuffled)) >= _SURE + log(len(others)):
            best, found = float(hits.mean()), Explanation(SWAPPED, {"with": name}, hits)
    return found


def _evidence(hits: BoolArray, both: FeaturePair, whole: FeaturePair, other: Feature, shuffled: BoolArray) -> float:
    """Excess over chance, value by value where there are few: some rows that differ from it here have it there."""
    kinds = set(both.served[both.both].tolist())
    if not both.numeric or len(kinds) > _FEW:
        return excess(hits, float(shuffled.mean()))
    found = 0.0
    for kind in kinds:
        differ = ~other.missing & (whole.recomputed != kind)
        chance = float(np.mean(other.values[differ] == kind)) if differ.any() else 0.0
        found += excess(hits[both.served == kind], chance)
    return found


def _equal(both: FeaturePair) -> BoolArray:
    if both.numeric:
        return np.asarray(both.both & nearly(both.served, both.recomputed), np.bool_)
    same = [a == b for a, b in zip(both.served.tolist(), both.recomputed.tolist(), strict=True)]
    return np.array(same, np.bool_) & both.both
