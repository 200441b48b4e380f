"""Compares two tables of joined rows: of each feature how much is unequal, and what it is."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from driftline.reference.column_types import BOOLEAN
from driftline.sketch.arrays import BoolArray, FloatArray, IntArray
from driftline_processor.performance.intervals import kish_size, wilson
from driftline_processor.skew.affine import explain_affine, explain_factor, explain_offset
from driftline_processor.skew.encoding import explain_mapping, explain_text_form
from driftline_processor.skew.equality import equal_rows
from driftline_processor.skew.explanation import FEWEST, OTHER, SWAPPED, TYPE, Explanation, UnequalFeature
from driftline_processor.skew.feature import Feature, FeaturePair, pair
from driftline_processor.skew.replaced import explain_clipping, explain_default
from driftline_processor.skew.rounding import explain_rounding
from driftline_processor.skew.sentences import skew_sentence
from driftline_processor.skew.staleness import History, explain_staleness
from driftline_processor.skew.swapping import explain_swap
from driftline_processor.skew.zones import explain_zone

_SAMPLE: Final = 5000
"""Unequal rows that explanations are sought on."""

_ENOUGH: Final = 0.6
_TIE: Final = 0.02

_OF_ONE_COLUMN: Final = (
    explain_clipping,
    explain_default,
    explain_zone,
    explain_text_form,
    explain_rounding,
    explain_factor,
    explain_offset,
    explain_affine,
    explain_mapping,
)
"""The first of those that explain about as much."""


class FeatureSkew(NamedTuple):
    """How unequal a feature is. unequal: share of rows, within low to high (95 %). kind: None where nothing is.

    detail: what is known of the kind, JSON values.
    """

    unequal: float
    low: float
    high: float
    kind: str | None
    detail: Mapping[str, Any]
    sentence: str


class _Sides(NamedTuple):
    """joined: the recomputed features, in the order of the served ones."""

    served: Mapping[str, Feature]
    joined: Mapping[str, Feature]
    recomputed: Mapping[str, Feature]
    history: History


def compare(
    served: Mapping[str, Feature],
    recomputed: Mapping[str, Feature],
    history: History,
    weights: FloatArray,
    tolerances: Mapping[str, float],
) -> dict[str, FeatureSkew]:
    """Compare the features that both sides have.

    Args:
        served: By name, [joined rows] each.
        recomputed: By name, [rows of the history] each.
        history: The rows of the recomputed side; where the joined ones are among them.
        weights: [joined rows], how many rows each stands for.
        tolerances: By name; what `equal_rows` takes.

    """
    names = [name for name in served if name in recomputed]
    joined = {name: recomputed[name].chosen(history.joined) for name in names}
    pairs = {name: pair(served[name], joined[name]) for name in names}
    unequal = {name: ~equal_rows(pairs[name], tolerances.get(name, 0.0)) for name in names}
    found: dict[str, FeatureSkew] = {}
    sides = _Sides(served, joined, recomputed, history)
    moved = [name for name in names if unequal[name].any()]
    for name in names:
        share = _share(unequal[name] if not _is_text_change(pairs[name]) else np.ones(len(weights), np.bool_), weights)
        best = _explanation(name, pairs[name], unequal[name], sides, moved)
        found[name] = FeatureSkew(*share, *_told(name, share, best, pairs[name], unequal[name]))
    return found


def _share(unequal: BoolArray, weights: FloatArray) -> tuple[float, float, float]:
    total = float(weights.sum())
    if not total:
        return 0.0, 0.0, 1.0
    found = wilson(float(weights[unequal].sum()) / total, kish_size(total, float(weights @ weights)))
    return found.value, found.low, found.high


def _is_text_change(both: FeaturePair) -> bool:
    """Texts where the other side has numbers: no row is the same to a model."""
    return both.retyped and BOOLEAN not in _number_types(both)


def _number_types(both: FeaturePair) -> tuple[str, ...]:
    return both.types if not any(each == "string" for each in both.types) else ()


def _explanation(
    name: str,
    both: FeaturePair,
    unequal: BoolArray,
    sides: _Sides,
    moved: list[str],
) -> Explanation | None:
    rows = _sampled(np.flatnonzero(unequal))
    if both.retyped and both.numeric and unequal.mean() < 1.0 - _ENOUGH:
        return Explanation(TYPE, {"served": both.types[0], "recomputed": both.types[1]}, np.ones(1, np.bool_))
    if len(rows) < FEWEST:
        return None
    feature = UnequalFeature(name, both, both.chosen(rows), rows)
    candidates = [
        explain_swap(feature, sides.served[name], sides.joined, moved),
        *(explain(feature) for explain in _OF_ONE_COLUMN),
    ]
    known = [each for each in candidates if each is not None and each.coverage >= _ENOUGH]
    best = max((each.coverage for each in known), default=0.0)
    if best < 1.0 - _TIE and sides.recomputed[name].is_text != both.numeric:  # it costs more than all others
        stale = explain_staleness(feature, sides.recomputed[name], sides.history)
        known += [stale] if stale is not None else []
        best = max((each.coverage for each in known), default=0.0)
    return next((each for each in known if each.coverage >= best - _TIE), None)


def _sampled(rows: IntArray) -> IntArray:
    if len(rows) <= _SAMPLE:
        return rows
    return np.sort(np.random.default_rng(0).choice(rows, _SAMPLE, replace=False))


def _told(
    name: str, share: tuple[float, float, float], best: Explanation | None, both: FeaturePair, unequal: BoolArray
) -> tuple[str | None, Mapping[str, Any], str]:
    if not unequal.any() and best is None:
        return None, {}, skew_sentence(name, share, None, _types(both))
    kind = OTHER if best is None else best.kind
    detail = {**({} if best is None else best.detail), **_size(both, unequal)}
    if best is not None and best.coverage < 1.0:
        detail["explained"] = round(best.coverage, 4)
    return kind, detail, skew_sentence(name, share, kind, detail)


def _types(both: FeaturePair) -> dict[str, Any]:
    if both.types[0] == both.types[1]:
        return {}
    return {"served": both.types[0], "recomputed": both.types[1]}


def _size(both: FeaturePair, unequal: BoolArray) -> dict[str, Any]:
    """How far apart unequal values are, and how many are missing on one side alone."""
    found: dict[str, Any] = {}
    used = unequal & both.both
    if both.numeric and used.any():
        apart = both.served[used] - both.recomputed[used]
        found |= {"median_difference": float(np.median(apart)), "largest_difference": float(np.abs(apart).max())}
    rows = len(unequal)
    for side, gone in (
        ("missing_served", both.served_missing & ~both.recomputed_missing),
        ("missing_recomputed", both.recomputed_missing & ~both.served_missing),
    ):
        if gone.any():
            found[side] = float(gone.sum() / rows)
    return found


def mark_one_hot(found: Mapping[str, FeatureSkew], served: Mapping[str, Feature]) -> dict[str, FeatureSkew]:
    """Swapped columns of zeros and ones that are never both one are of a one-hot block: in another order."""
    marked = dict(found)
    for name, skew in found.items():
        if skew.kind == SWAPPED and _are_exclusive(served[name], served[skew.detail["with"]]):
            detail = {**skew.detail, "one_hot": True}
            marked[name] = skew._replace(detail=detail, sentence=skew_sentence(name, skew[:3], SWAPPED, detail))
    return marked


def _are_exclusive(one: Feature, other: Feature) -> bool:
    if one.is_text or other.is_text:
        return False
    binary = all(np.isin(each.values[~each.missing], (0.0, 1.0)).all() for each in (one, other))
    return binary and not (one.values + other.values > 1.0).any()
