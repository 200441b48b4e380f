"""The decision: an alarm needs an event that moved by more than matters, and by more than chance and nature explain.

Relevance: the lower bound of the distance d = |q - p| exceeds the tolerance at 95%, and at the budget's level four
fifths of it (see `tolerance_bound`). Evidence: the signed root of the likelihood ratio, divided by the inflation that
the reference's own chunks show, exceeds the critical value at the false-alarm budget. Two conditions, because a bound
of the whole tolerance at the budget's level would need many hours to find twice the tolerance in 1,000 rows, and a
bound at 95% alone would alarm every night.

All columns and horizons are judged at once: arrays are [..., events], the events of one column after those of another,
or [..., columns].
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from driftline.sketch.arrays import FloatArray, IntArray
from driftline_processor.monitors.drift.detection.assessment import Z95, Assessment, Move, Significance
from driftline_processor.monitors.drift.detection.baseline import Baseline
from driftline_processor.monitors.drift.detection.rare import RareFindings
from driftline_processor.monitors.drift.detection.significance import critical_value, signed_root
from driftline_processor.monitors.drift.detection.tolerance_bound import (
    AT_ONCE,
    KEPT,
    at_least,
    critical_bound,
    width_beyond,
)
from driftline_processor.verdicts.verdict import State

EXCLUDED = 4.0
"""A window is too small for a verdict while this many tolerances cannot be excluded: about 100 rows by default."""

BAND = 2.0
"""So many roots of n away lies what n rows cannot exclude for all events at once: 1.36 for the largest distance that
chance makes in 95% of windows (Kolmogorov), and 0.5 standard errors of 1.645 on top, rounded down."""

DAY_DEGREES = 60.0
"""Degrees of freedom of a dependence that was measured on a day: 22 second differences, in about three directions."""


class SeasonalAllowance(NamedTuple):
    """What a stream does by itself, as learned from it where the reference has no timestamps, [..., columns].

    season: the distance that the time of day and of the week may make. shown: what the stream has shown of it; the rest
    cannot be excluded yet. masked: what it may take off a move, without what only a weekend may do. design_effect:
    variance inflation by the dependence of rows, at least. days: for how long the stream has been known.
    """

    season: FloatArray
    shown: FloatArray
    masked: FloatArray
    design_effect: FloatArray
    days: float

    @classmethod
    def stack(cls, parts: Sequence["SeasonalAllowance | None"]) -> "SeasonalAllowance | None":
        """Of several horizons, [horizons, columns]; None where none of them has any."""
        known = next((part for part in parts if part is not None), None)
        if known is None:
            return None
        nothing = np.zeros_like(known.season)
        none = cls(nothing, nothing, nothing, nothing + 1.0, 0.0)
        season, shown, masked, effect, _ = zip(*(none if part is None else part for part in parts), strict=True)
        return cls(np.array(season), np.array(shown), np.array(masked), np.array(effect), known.days)


def assess(
    baseline: Baseline,
    x: FloatArray,
    rows: ArrayLike,
    alpha: ArrayLike,
    chunks: ArrayLike | None = None,
    *,
    of_column: ArrayLike | None = None,
    allowance: SeasonalAllowance | None = None,
    rare: RareFindings | None = None,
) -> Assessment:
    """Hold windows against the reference: `x` rows in each event, of `rows` effective rows of its column.

    alpha: false alarms allowed for each event of a column, [columns]. chunks: each window's duration in chunks, [...],
    where both sides have timestamps. of_column: false alarms allowed for all events of a column together,
    [columns]; `alpha` where it has one. allowance: what the stream does by itself, where the reference cannot tell.
    rare: events that are in alarm by their ratio.
    """
    column, variation = baseline.column, baseline.variation
    n_column = np.asarray(rows, float) + np.zeros(len(baseline.sizes))
    p, n = baseline.shares, n_column.take(column, axis=-1)
    q = np.minimum(np.maximum(x / n, 0.0), 1.0)
    error = baseline.error(q, n)
    degrees, effect = variation.degrees(n_column, chunks), np.ones_like(n_column)
    season, masked, averaged = np.zeros_like(q), np.zeros_like(q), variation.floor
    if allowance is not None:
        effect = np.minimum(allowance.design_effect, np.maximum(n_column, 1.0))
        averaged = np.maximum(averaged, effect.take(column, axis=-1))
        degrees = np.where(allowance.design_effect > 1.0, np.minimum(degrees, DAY_DEGREES), degrees)
        season, masked = (each.take(column, axis=-1) for each in (allowance.season, allowance.masked))
    inflation = _inflation(baseline, n_column, chunks, effect)
    steady = np.sqrt(np.minimum(inflation, averaged))
    seen_alike = np.minimum(variation.pooled_floor, np.maximum(n_column, 1.0)).take(column, axis=-1)
    inflation = np.sqrt(np.where(baseline.unseen, seen_alike, inflation))
    critical = critical_value(alpha, degrees).take(column, axis=-1)
    distance = baseline.distance(q)
    sampling, natural = error * steady, error * inflation
    known = variation.degrees(n_column)  # of the width by rows, of which chance is most (Satterthwaite 1946)
    limit = critical_bound(alpha if of_column is None else of_column, known, AT_ONCE).take(column, axis=-1)
    least = distance - Z95 * sampling
    move = Move(p, q, distance, least, baseline.tolerance, sampling)
    kept, width = KEPT * baseline.tolerance + season, natural.copy()
    near = np.nonzero((least > baseline.tolerance) & (distance > kept))
    if len(near[-1]):
        shrunk = np.minimum(inflation, np.sqrt(_inflation(baseline, n_column, chunks, effect, shrunk=True)))[near]
        by_ratio = _likelihood_error(baseline, x, n, kept, near) * shrunk
        width[near] = width_beyond(distance[near] - kept[near], error[near] * shrunk, by_ratio, limit[near])
    alone, ratio = _ratios(baseline, x, n, q, critical)
    beyond = np.maximum(1.0 - season / np.maximum(distance, 1e-300), 0.0)  # z is about linear in the distance
    significance = Significance(
        ratio=ratio / inflation * beyond,
        critical=critical,
        alone=alone / inflation * beyond,
        surprise=ratio / np.minimum(steady, inflation),
    )
    proven = at_least(distance, width, baseline.tolerance, limit)
    found = Assessment(baseline.sizes, baseline.by_ranks, move, significance, natural, season, masked, proven)
    if rare is None or not len(rare.ratio):
        return found
    return _with_rare(found, rare.among(found.score <= 1.0))


def _with_rare(assessment: Assessment, rare: RareFindings) -> Assessment:
    """With events in alarm by nothing but their ratio: what they have to exceed is a matter of that, season and all."""
    where, move, significance = rare.where, assessment.move, assessment.significance

    def put(values: FloatArray, those: ArrayLike) -> FloatArray:
        changed = np.array(np.broadcast_to(values, move.distance.shape))
        changed[where] = those
        return changed

    ratio, alone, surprise = (
        put(each, np.maximum(np.broadcast_to(each, move.distance.shape)[where], rare.ratio))
        for each in (significance.ratio, significance.alone, significance.surprise)
    )
    return replace(
        assessment,
        move=replace(
            move,
            lower_bound=put(move.lower_bound, rare.lower_bound),
            tolerance=put(move.tolerance, rare.tolerance),
        ),
        significance=replace(significance, ratio=ratio, alone=alone, surprise=surprise),
        season=put(assessment.season, 0.0),
        proven=put(assessment.proven, rare.lower_bound),
        rare=put(np.zeros_like(move.distance), 1.0) > 0.0,
    )


def _inflation(
    baseline: Baseline, rows: FloatArray, chunks: ArrayLike | None, effect: FloatArray, *, shrunk: bool = False
) -> FloatArray:
    """Of the variance of a distance, by natural variation on both sides, and `effect` at least, [..., events]."""
    n, least, N = (*(each.take(baseline.column, axis=-1) for each in (rows, effect)), baseline.by_event)
    natural = np.maximum(baseline.variation.inflation(rows, chunks, shrunk=shrunk), least)
    return np.asarray((natural / n + baseline.natural) / (1.0 / n + 1.0 / N))


def _likelihood_error(
    baseline: Baseline, x: FloatArray, n: FloatArray, kept: FloatArray, at: tuple[IntArray, ...]
) -> FloatArray:
    """Standard error, by sampling, of distances beyond `kept`: the one that makes the likelihood ratio a normal z.

    The ratio is that against the nearest share within `kept`. Unlike a variance it is right in small counts.
    """
    events = at[-1]
    (x, n, kept), p, N = (each[at] for each in (x, n, kept)), baseline.shares[events], baseline.by_event[events]
    near = np.clip(p + np.where(x > p * n, kept, -kept), 0.0, 1.0)
    z = signed_root(x, n, near * N, N) / np.sqrt(baseline.daily_inflation[events])
    return np.asarray((np.abs(x / n - p) - kept) / np.maximum(z, 1e-300))


def _ratios(
    baseline: Baseline, x: FloatArray, n: FloatArray, q: FloatArray, critical: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """|z| by sampling over its critical value, [..., events]: of each event alone, and with the ranks of its column."""
    p, N = baseline.shares, baseline.by_event
    by_ranks = np.abs(q - p) / np.sqrt(np.maximum(baseline.spread, 0.25 / n) * (1.0 / n + 1.0 / N))
    alone = np.where(baseline.by_ranks, by_ranks, signed_root(x, n, p * N, N)) / critical
    ratio = np.maximum(alone, _of_ranks(baseline, alone))
    root = np.sqrt(baseline.daily_inflation)
    return alone / root, ratio / root


def _of_ranks(baseline: Baseline, ratios: FloatArray) -> FloatArray:
    """What the ranks of a column prove, they prove for all of its events: that it moved.

    How far is for each event to say, and how far it moves naturally.
    """
    ranks, proven = np.flatnonzero(baseline.by_ranks), np.zeros((*ratios.shape[:-1], len(baseline.sizes)))
    proven[..., baseline.column[ranks]] = ratios.take(ranks, axis=-1)
    return proven.take(baseline.column, axis=-1)


HEALTHY, INSUFFICIENT, WARNING, ALARM = range(4)

SEVERITY = (State.HEALTHY, State.INSUFFICIENT_DATA, State.WARNING, State.ALARM)
"""States by their number, the least severe first."""


def decide(assessment: Assessment, rows: ArrayLike, tolerance: ArrayLike, usual: float = 0.0) -> IntArray:
    """What a window of so many effective rows says of each column: numbers in SEVERITY, [..., columns].

    tolerance: of each column. usual: of the model; rows that are enough for it are enough for a narrower one.

    warning: moved beyond chance but not beyond natural variation; or real but too small to matter; or the reverse.
    insufficient data: no alarm, and four tolerances cannot be excluded.
    """
    move, surprise = assessment.move, assessment.significance.surprise
    relevant, significant = assessment.relevant, assessment.significance.ratio > 1.0
    possible = assessment.most(move.distance + Z95 * move.error)
    band = BAND / np.sqrt(np.asarray(rows, float))
    few = (possible > EXCLUDED * np.asarray(tolerance)) | (band > EXCLUDED * np.maximum(tolerance, usual))
    state = np.where(assessment.any(relevant | significant), WARNING, HEALTHY)
    state = np.where(few, INSUFFICIENT, state)
    state = np.where(assessment.any(relevant & (surprise > 1.0)), WARNING, state)
    return np.where(assessment.any(assessment.score > 1.0), ALARM, state)
