"""The decision: an alarm needs an event that moved by more than matters, and by more than chance and nature explain.

Relevance: the 95 % lower bound of the distance d = amp |q - p| exceeds the tolerance. Evidence: the signed root of the
likelihood ratio, divided by the inflation that the reference's own chunks show, exceeds the critical value at the
false-alarm budget. Two conditions, because one bound at the budget's level could never find twice the tolerance in
1,000 rows, and a bound at 95 % alone would alarm every night.

All columns are judged at once: arrays are [events], the events of one column after those of another, or [columns].
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from driftline.sketch.arrays import BoolArray, FloatArray, IntArray
from driftline_processor.monitors.drift.detection.overdispersion import Variation, fit_variation
from driftline_processor.monitors.drift.detection.significance import critical_value, signed_root
from driftline_processor.monitors.drift.detection.tested_sets import Events, Family, magnify
from driftline_processor.records import State

Z95 = 1.645
"""One-sided 95 % quantile of the normal distribution."""

EXCLUDED = 4.0
"""A window is too small for a verdict while this many tolerances cannot be excluded: about 100 rows by default."""

BAND = 2.0
"""So many roots of n away lies what n rows cannot exclude for all events at once: 1.36 for the largest distance that
chance makes in 95 % of windows (Kolmogorov), and 0.5 standard errors of 1.645 on top, rounded down."""

DAY_DEGREES = 60.0
"""Degrees of freedom of a dependence that was measured on a day: 22 second differences, in about three directions."""

NEARLY = 0.95
"""Of events about as loud the first is named: novelty, then prefixes, which read better than intervals."""


@dataclass(frozen=True, eq=False)
class Baseline:
    """What the reference says of the events of some columns: shares, natural variation and what matters, [events].

    sizes: events of each column. spread: variance of one row in an event. by_ranks: events by degrees. magnified:
    least and most magnification, [2, events]. unseen: events that all or none of the training rows are in, such as the
    numeric range beyond its ends: how much seen values vary with the season says nothing about them. swing: how many
    times as large the variance of a row is at some time of the day, at least 1.
    """

    sizes: IntArray
    rows: FloatArray  # [columns]
    shares: FloatArray
    spread: FloatArray
    by_ranks: BoolArray
    magnified: FloatArray
    variation: Variation
    unseen: BoolArray
    tolerance: FloatArray
    swing: FloatArray

    @classmethod
    def of(cls, chunks: FloatArray, events: Events, tolerance: float, *, ordered: bool) -> "Baseline":
        """Prepare a column once, from counts by [chunk, cell]; `ordered` when the cells are ranges of numbers."""
        rows = float(chunks.sum())
        cells = chunks.sum(axis=0) / max(rows, 1.0)
        shares = np.minimum(events.sums(cells), 1.0)
        variation = fit_variation(chunks, events, shares)
        by_ranks = np.array([event.family is Family.RANKS for event in events.items], bool)
        unseen = (shares * (1.0 - shares) * rows < 0.5) & ordered & ~by_ranks
        excused = max(tolerance, float(np.sqrt(variation.pooled_growth[0])))  # 2 tau; tau² = growth p(1-p) at p = 1/2
        return cls(
            sizes=np.array([len(events)]),
            rows=np.array([max(rows, 1.0)]),
            shares=shares,
            spread=events.variance(shares, cells),
            by_ranks=by_ranks,
            magnified=events.magnified,
            variation=variation,
            unseen=unseen,
            tolerance=np.where(unseen, excused, tolerance),
            swing=np.ones(len(events)),
        )

    def over_a_day(self, shifts: FloatArray, parameters: int) -> "Baseline":
        """Of one column whose shares are shifted so at times of the day, [times, events].

        As many numbers as are `parameters` were fitted beside each share: the reference's rows tell less of each.
        """
        most = self.spread_at(np.clip(self.shares + shifts, 0.0, 1.0)).max(axis=0)
        swing = np.maximum(most / np.maximum(self.spread, 0.25 / self.rows), 1.0)
        return replace(self, rows=self.rows / (1.0 + parameters), swing=swing)

    def divided(self, parts: FloatArray) -> "Baseline":
        """Of one column, with parts of its last event as events too: of each only its share of that is known, [parts].

        What the last event as a whole does over time is the best guess at what its parts do.
        """
        every = np.minimum(np.arange(len(self.shares) + len(parts)), len(self.shares) - 1)
        shares = np.concatenate((self.shares, self.shares[-1] * parts))
        return replace(
            self,
            sizes=self.sizes + len(parts),
            shares=shares,
            spread=shares * (1.0 - shares),
            by_ranks=self.by_ranks[every],
            magnified=self.magnified[:, every],
            variation=self.variation.divided(len(parts)),
            unseen=self.unseen[every],
            tolerance=self.tolerance[every],
            swing=self.swing[every],
        )

    @classmethod
    def stack(cls, parts: Sequence["Baseline"]) -> "Baseline":
        """The columns of all parts, one after the other."""

        def joined(name: str) -> NDArray[Any]:
            return np.concatenate([getattr(part, name) for part in parts], axis=-1)

        return cls(
            sizes=joined("sizes"),
            rows=joined("rows"),
            shares=joined("shares"),
            spread=joined("spread"),
            by_ranks=joined("by_ranks"),
            magnified=joined("magnified"),
            variation=Variation.stack([part.variation for part in parts]),
            unseen=joined("unseen"),
            tolerance=joined("tolerance"),
            swing=joined("swing"),
        )

    @property
    def column(self) -> IntArray:
        """The column of each event."""
        return self.variation.column

    @cached_property
    def by_event(self) -> FloatArray:
        """Rows of the reference, [events]."""
        return np.asarray(self.rows[self.column])

    @cached_property
    def variance(self) -> FloatArray:
        """Of the reference's shares, by sampling."""
        return np.maximum(self.spread, 0.25 / self.by_event) / self.by_event

    def spread_at(self, shares: FloatArray) -> FloatArray:
        """Variance of one row in each event where a window has these shares, [..., events]; by ranks as in training."""
        return np.where(self.by_ranks, self.spread, shares * (1.0 - shares))

    def magnify(self, shares: FloatArray) -> FloatArray:
        """Factors of distances from the reference's shares, [..., events]."""
        return magnify((shares + self.shares) / 2.0, self.magnified)

    @cached_property
    def natural(self) -> FloatArray:
        """Inflation of that by natural variation, a row."""
        return self.variation.of_reference() / self.by_event


class Excuse(NamedTuple):
    """What a stream does by itself, as learned from it where the reference has no clock, [columns].

    season: the distance that the time of day and of the week may make. shown: what the stream has shown of it; the rest
    cannot be excluded yet. clumped: variance inflation by the dependence of rows, at least.
    """

    season: FloatArray
    shown: FloatArray
    clumped: FloatArray


@dataclass(frozen=True, eq=False)
class Assessment:
    """What a window says of the events; distances and widths are shares of rows, magnified in tails.

    sampling and natural: standard errors of the distance, by sampling (as autocorrelated as the training data) and with
    natural variation. excused: distance that a season may make, and shown: as much of it as an alarm may close on.
    evidence and surprise: |z| over its critical value, with all of these and without; alone: evidence of the event by
    itself, without the ranks of its column. sizes: events of each column, of which none is without any.
    """

    sizes: IntArray
    by_ranks: BoolArray
    shares: FloatArray
    expected: FloatArray
    distance: FloatArray
    lower_bound: FloatArray
    tolerance: FloatArray
    sampling: FloatArray
    natural: FloatArray
    excused: FloatArray
    shown: FloatArray
    critical: FloatArray
    evidence: FloatArray
    alone: FloatArray
    surprise: FloatArray

    @cached_property
    def score(self) -> FloatArray:
        """Above 1 exactly where an event is an alarm: the weaker of the two conditions."""
        relevance = self.lower_bound / (self.tolerance + self.excused)
        return np.where(relevance > 1.0, self.evidence, np.minimum(self.evidence, relevance))

    @cached_property
    def relevant(self) -> BoolArray:
        return np.asarray(self.lower_bound > self.tolerance)

    @cached_property
    def starts(self) -> IntArray:
        """The first event of each column."""
        return np.cumsum(self.sizes) - self.sizes

    def most(self, values: FloatArray) -> FloatArray:
        """The largest value of each column, [columns]."""
        return np.maximum.reduceat(values, self.starts)

    def any(self, values: BoolArray) -> BoolArray:
        """Whether one event of a column is so, [columns]."""
        return np.logical_or.reduceat(values, self.starts)

    @cached_property
    def loudest(self) -> IntArray:
        """The event to name, [columns]: the nearest to an alarm; where none surely moved, the one that moved most.

        Ranks say least of what happened: they are named where no other event is in alarm.
        """
        of_sets = np.repeat(self.most(np.where(self.by_ranks, 0.0, self.score)) > 1.0, self.sizes)
        alarmed = np.where((self.score > 1.0) & ~self.by_ranks, self.alone, 0.0)
        nameable = np.where(of_sets, alarmed, self.score)
        score, distance = (np.repeat(self.most(each), self.sizes) for each in (nameable, self.distance))
        named = np.flatnonzero(np.where(score > 0.0, nameable >= NEARLY * score, self.distance >= distance))
        return np.asarray(named[named.searchsorted(self.starts)])

    @cached_property
    def required(self) -> FloatArray:
        """What the lower bound has to exceed: the tolerance, widened by natural variation at the budget's level.

        It exceeds that exactly where an event is an alarm: what evidence proves otherwise, by ranks or by likelihood in
        rare events, needs the tolerance alone, and what it does not prove asks for more than there is.
        """
        tolerated = self.excused + self.tolerance
        usual = np.maximum(tolerated, self.excused + self.critical * self.natural - Z95 * self.sampling)
        proven = np.where(usual < self.lower_bound, usual, tolerated)
        return np.where(self.evidence > 1.0, proven, np.maximum(usual, self.lower_bound))

    def beyond_nature(self, tolerance: float) -> FloatArray:
        """What a column has surely moved beyond natural variation, as if each tolerance were `tolerance`, [columns]."""
        return self.most((self.distance - self.shown - Z95 * self.natural) * (tolerance / self.tolerance))

    @cached_property
    def withheld(self) -> BoolArray:
        """Columns that would be an alarm, were it not for what a season may make, [columns]."""
        moved = self.relevant & (self.surprise > 1.0) & (self.excused > 0.0)
        return np.asarray(self.any(moved) & ~self.any(self.score > 1.0))


def assess(
    baseline: Baseline,
    x: FloatArray,
    rows: ArrayLike,
    alpha: ArrayLike,
    chunks: float | None = None,
    *,
    excuse: Excuse | None = None,
) -> Assessment:
    """Hold a window against the reference: `x` rows in each event, of `rows` effective rows of its column.

    alpha: false alarms allowed for each event of a column, [columns]. chunks: the window's duration in chunks, where
    both sides have clocks. excuse: what the stream does by itself, where the reference cannot tell.
    """
    column, variation = baseline.column, baseline.variation
    n_column = np.asarray(rows, float) + np.zeros(len(baseline.sizes))
    p, n, N = baseline.shares, n_column[column], baseline.by_event
    q = np.clip(x / n, 0.0, 1.0)
    magnified = baseline.magnify(q)
    error = magnified * np.sqrt(baseline.swing * np.maximum(baseline.spread_at(q), 0.25 / n) / n + baseline.variance)
    inflation, degrees = variation.inflation(n_column, chunks), variation.degrees(n_column, chunks)
    excused, shown, averaged = np.zeros(len(p)), np.zeros(len(p)), variation.floor
    if excuse is not None:
        clumped = np.minimum(excuse.clumped, np.maximum(n_column, 1.0))
        inflation, averaged = (np.maximum(each, clumped[column]) for each in (inflation, averaged))
        degrees = np.where(excuse.clumped > 1.0, np.minimum(degrees, DAY_DEGREES), degrees)
        excused, shown = excuse.season[column], excuse.shown[column]
    inflation = (inflation / n + baseline.natural) / (1.0 / n + 1.0 / N)
    steady = np.sqrt(np.minimum(inflation, averaged))
    seen_alike = np.minimum(variation.pooled_floor, np.maximum(n_column, 1.0))[column]
    inflation = np.sqrt(np.where(baseline.unseen, seen_alike, inflation))
    critical = critical_value(alpha, degrees)[column]
    distance = magnified * np.abs(q - p)
    by_ranks = np.abs(q - p) / np.sqrt(np.maximum(baseline.spread, 0.25 / n) * (1.0 / n + 1.0 / N))
    alone = np.where(baseline.by_ranks, by_ranks, signed_root(x, n, p * N, N)) / critical
    evidence = np.maximum(alone, _of_ranks(baseline, alone))
    alone, evidence = alone / np.sqrt(baseline.swing), evidence / np.sqrt(baseline.swing)
    sampling = error * steady
    beyond = np.maximum(1.0 - excused / np.maximum(distance, 1e-300), 0.0)  # z is about linear in the distance
    return Assessment(
        sizes=baseline.sizes,
        by_ranks=baseline.by_ranks,
        shares=q,
        expected=p,
        distance=distance,
        lower_bound=distance - Z95 * sampling,
        tolerance=baseline.tolerance,
        sampling=sampling,
        natural=error * inflation,
        excused=excused,
        shown=shown,
        critical=critical,
        evidence=evidence / inflation * beyond,
        alone=alone / inflation * beyond,
        surprise=evidence / np.minimum(steady, inflation),
    )


def _of_ranks(baseline: Baseline, evidence: FloatArray) -> FloatArray:
    """What the ranks of a column prove, they prove for all of its events: that it moved.

    How far is for each event to say, and how far it moves naturally.
    """
    ranks, proven = np.flatnonzero(baseline.by_ranks), np.zeros(len(baseline.sizes))
    proven[baseline.column[ranks]] = evidence[ranks]
    return np.asarray(proven[baseline.column])


HEALTHY, INSUFFICIENT, WARNING, ALARM = range(4)

LOUDNESS = (State.HEALTHY, State.INSUFFICIENT_DATA, State.WARNING, State.ALARM)
"""States in the order in which they are told, by their number."""


def decide(assessment: Assessment, rows: ArrayLike, tolerance: float) -> IntArray:
    """What a window of so many effective rows says of each column: numbers of LOUDNESS, [columns].

    warning: moved beyond chance but not beyond natural variation; or real but too small to matter; or the reverse.
    insufficient data: no alarm, and four tolerances cannot be excluded.
    """
    relevant, evident = assessment.relevant, assessment.evidence > 1.0
    possible = assessment.most(assessment.distance + Z95 * assessment.sampling)
    possible = np.maximum(possible, BAND / np.sqrt(np.asarray(rows, float)))
    state = np.where(assessment.any(relevant | evident), WARNING, HEALTHY)
    state = np.where(possible > EXCLUDED * tolerance, INSUFFICIENT, state)
    state = np.where(assessment.any(relevant & (assessment.surprise > 1.0)), WARNING, state)
    return np.where(assessment.any(assessment.score > 1.0), ALARM, state)
