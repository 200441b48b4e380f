"""Values of an earlier time: the lag that maximises equality."""

from collections.abc import Iterator
from math import log
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftline.sketch.arrays import BoolArray, FloatArray, IntArray
from driftline_processor.skew.explanation import STALE, Explanation, UnequalFeature, excess
from driftline_processor.skew.feature import Feature

_MOST: Final = 0.6
_SURE: Final = log(1e5)
_MOST_ROWS: Final = 60
_TIE: Final = 0.02
"""A period explains about as much as a number of rows: it is told."""

_BUCKETS: Final = ((86400.0, 31), (3600.0, 48), (60.0, 60), (604800.0, 8))
"""Units of time, and the lags that are tried of each."""


class History(NamedTuple):
    """All recomputed rows, in which earlier values are looked for.

    joined: [joined rows], their numbers here. times: [rows], seconds, None where rows have none and their order counts.
    entities: [rows], numbers of what the rows are of; None where all are of one.
    """

    joined: IntArray
    times: FloatArray | None
    entities: IntArray | None


def explain_staleness(feature: UnequalFeature, recomputed: Feature, history: History) -> Explanation | None:
    """Served values that an earlier row has. recomputed: the feature in all rows of the history."""
    codes, wanted = _codes(recomputed, feature)
    own = history.joined[feature.rows]
    found = list(_by_rows(codes, wanted, own, history))
    if history.times is not None:
        found = [*_by_time(codes, wanted, own, history.times), *found]
    best = max((each.coverage for each in found), default=0.0)
    return next((each for each in found if each.coverage >= best - _TIE), None)


def _codes(recomputed: Feature, feature: UnequalFeature) -> tuple[IntArray, IntArray]:
    """Values as numbers that are alike where values are: of the history, and those that were served. -1: missing."""
    served, missing = feature.unequal.served, feature.unequal.served_missing
    values: NDArray[Any] = (
        np.concatenate([recomputed.values, served])
        if not recomputed.is_text
        else np.array([str(each) for each in (*recomputed.values.tolist(), *served.tolist())])
    )
    if not recomputed.is_text:
        values = _shortened(values.astype(np.float64))
    codes = np.unique(values, return_inverse=True)[1].reshape(-1).astype(np.int64)
    codes[np.concatenate([recomputed.missing, missing])] = -1
    return codes[: len(recomputed.values)], codes[len(recomputed.values) :]


def _shortened(values: FloatArray, digits: int = 9) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        scale = 10.0 ** (digits - 1 - np.floor(np.log10(np.abs(values))))
        short = np.round(values * scale) / scale
    return np.where(np.isfinite(short), short, values)


def _by_rows(codes: IntArray, wanted: IntArray, own: IntArray, history: History) -> Iterator[Explanation]:
    """The row so many rows before, of the same entity."""
    size = len(codes)
    times = np.arange(size) if history.times is None else history.times
    entities = np.zeros(size, np.int64) if history.entities is None else history.entities
    order = np.lexsort((times, entities))
    place = np.empty(size, np.int64)
    place[order] = np.arange(size)
    chance = _chance(codes, wanted)
    for lag in range(1, min(_MOST_ROWS, size - 1) + 1):
        there = place[own] >= lag
        source = order[np.maximum(place[own] - lag, 0)]
        there &= entities[source] == entities[own]
        hits = there & (codes[source] == wanted) & (wanted >= 0)
        if hits.mean() < _MOST or excess(hits, chance) < _SURE + log(_MOST_ROWS):
            continue
        detail: dict[str, Any] = {"rows": lag}
        if history.times is not None:
            detail["seconds"] = round(float(np.median((times[own] - times[source])[hits])), 6)
        yield Explanation(STALE, detail, hits)


def _by_time(codes: IntArray, wanted: IntArray, own: IntArray, times: FloatArray) -> Iterator[Explanation]:
    """A value of so many days, hours or minutes before."""
    known = np.isfinite(times) & (codes >= 0)
    for unit, most in _BUCKETS:
        buckets = np.floor(np.where(np.isfinite(times), times, -1.0) / unit).astype(np.int64)
        first = buckets[known].min(initial=0)
        buckets -= first - most - 1
        width = int(buckets.max(initial=0)) + 1
        held = np.unique(codes[known] * width + buckets[known])

        def matches(
            values: IntArray,
            lag: int,
            *,
            own_buckets: IntArray = buckets[own],
            held: IntArray = held,
            width: int = width,
        ) -> BoolArray:
            sought = values * width + own_buckets - lag
            place = np.minimum(np.searchsorted(held, sought), len(held) - 1)
            return np.asarray((held[place] == sought) & (values >= 0), np.bool_)

        if not len(held):
            continue
        lag = max(range(1, most + 1), key=lambda lag: (int(matches(wanted, lag).sum()), -lag))
        hits = matches(wanted, lag)
        chance = float(matches(np.random.default_rng(0).permutation(wanted), lag).mean())
        if hits.mean() >= _MOST and excess(hits, max(chance, _chance(codes, wanted))) >= _SURE + log(most):
            yield Explanation(STALE, {"seconds": lag * unit}, hits)


def _chance(codes: IntArray, wanted: IntArray) -> float:
    """The share of the history that has the value, on average over the served ones."""
    counts = np.bincount(codes[codes >= 0], minlength=int(max(codes.max(initial=0), wanted.max(initial=0))) + 1)
    return float(np.mean(np.where(wanted >= 0, counts[wanted], 0)) / max(len(codes), 1))
