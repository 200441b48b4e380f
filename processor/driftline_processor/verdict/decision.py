"""The decision: an alarm needs an event that moved by more than matters, and by more than chance and nature explain.

Relevance: the 95 % lower bound of the distance d = amp |q - p| exceeds the tolerance. Evidence: the signed root of the
likelihood ratio, divided by the inflation that the reference's own chunks show, exceeds the critical value at the
false-alarm budget. Two conditions, because one bound at the budget's level could never find twice the tolerance in
1,000 rows, and a bound at 95 % alone would alarm every night.
"""

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from driftline_processor.records import FloatArray, State
from driftline_processor.verdict.events import BoolArray, Events
from driftline_processor.verdict.evidence import critical_value, signed_root
from driftline_processor.verdict.variation import Variation, fit_variation

Z95 = 1.645
"""One-sided 95 % quantile of the normal distribution."""

EXCLUDED = 4.0
"""A window is too small for a verdict while this many tolerances cannot be excluded: about 100 rows by default."""

BAND = 2.0
"""So many roots of n away lies what n rows cannot exclude for all events at once: 1.36 for the largest distance that
chance makes in 95 % of windows (Kolmogorov), and 0.5 standard errors of 1.645 on top, rounded down."""

NEARLY = 0.95
"""Of events about as loud the first is named: novelty, then prefixes, which read better than intervals."""


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """What the reference says of a column's events, [events]: shares, natural variation and what matters.

    unseen: events that all or none of the training rows are in, such as the numeric range beyond its ends: how much
    seen values vary with the season says nothing about them.
    """

    events: Events
    shares: FloatArray
    rows: float
    variance: FloatArray  # of the reference's shares: by sampling, and with natural variation
    natural: FloatArray
    variation: Variation
    unseen: BoolArray
    tolerance: FloatArray

    @classmethod
    def of(cls, chunks: FloatArray, events: Events, tolerance: float, *, ordered: bool) -> "Baseline":
        """Prepare a column once, from counts by [chunk, cell]; `ordered` when the cells are ranges of numbers."""
        rows = float(chunks.sum())
        shares = np.minimum(events.sums(chunks.sum(axis=0)) / max(rows, 1.0), 1.0)
        variation = fit_variation(chunks, events, shares)
        unseen = (shares * (1.0 - shares) * rows < 0.5) & ordered
        excused = max(tolerance, float(np.sqrt(variation.pooled_growth)))  # 2 tau, with tau² = growth p(1-p) at p = 1/2
        return cls(
            events=events,
            shares=shares,
            rows=rows,
            variance=np.maximum(shares * (1.0 - shares), 0.25 / max(rows, 1.0)) / max(rows, 1.0),
            natural=variation.of_reference() / max(rows, 1.0),
            variation=variation,
            unseen=unseen,
            tolerance=np.where(unseen, excused, tolerance),
        )


@dataclass(frozen=True, eq=False)
class Assessment:
    """What a window says of a column's events, [events]; distances and widths are shares of rows, magnified in tails.

    sampling and natural: standard errors of the distance, by sampling (as autocorrelated as the training data) and with
    natural variation. evidence and surprise: |z| over its critical value, with natural variation and without.
    """

    shares: FloatArray
    expected: FloatArray
    distance: FloatArray
    lower_bound: FloatArray
    tolerance: FloatArray
    sampling: FloatArray
    natural: FloatArray
    critical: FloatArray
    evidence: FloatArray
    surprise: FloatArray

    @cached_property
    def score(self) -> FloatArray:
        """Above 1 exactly where an event is an alarm: the weaker of the two conditions."""
        relevance = self.lower_bound / self.tolerance
        return np.where(relevance > 1.0, self.evidence, np.minimum(self.evidence, relevance))

    @cached_property
    def loudest(self) -> int:
        """The event to name: the nearest to an alarm, and where none surely moved, the one that moved most."""
        score = self.score
        loudest = float(score.max())
        return int(np.argmax(score >= NEARLY * loudest) if loudest > 0.0 else np.argmax(self.distance))

    @property
    def required(self) -> FloatArray:
        """What the lower bound has to exceed: the tolerance, widened by natural variation at the budget's level."""
        return np.maximum(self.tolerance, self.critical * self.natural - Z95 * self.sampling)

    def beyond_nature(self, tolerance: float) -> float:
        """What some event moved at least, beyond natural variation; scaled as if its own tolerance were `tolerance`."""
        return float(((self.distance - Z95 * self.natural) * (tolerance / self.tolerance)).max())

    def joined(self, other: "Assessment") -> "Assessment":
        """The events of both."""
        return Assessment(*(np.concatenate((getattr(self, part.name), getattr(other, part.name))) for part in PARTS))


PARTS = fields(Assessment)


def assess(
    baseline: Baseline, counts: FloatArray, rows: float, alpha: float, chunks: float | None = None
) -> Assessment:
    """Hold a window's cell counts, of `rows` effective rows, against the reference.

    alpha: false alarms allowed, for each event. chunks: the window's duration in chunks, where both sides have clocks.
    """
    p, n, N, variation = baseline.shares, rows, baseline.rows, baseline.variation
    x = baseline.events.sums(counts)
    q = np.minimum(x / n, 1.0)
    magnified = baseline.events.magnify((p + q) / 2.0)
    error = magnified * np.sqrt(np.maximum(q * (1.0 - q), 0.25 / n) / n + baseline.variance)
    inflation = (variation.inflation(n, chunks) / n + baseline.natural) / (1.0 / n + 1.0 / N)
    steady = np.sqrt(np.minimum(inflation, variation.floor))
    inflation = np.sqrt(np.where(baseline.unseen, min(variation.pooled_floor, max(n, 1.0)), inflation))
    critical = critical_value(alpha, variation.degrees(n, chunks))
    distance = magnified * np.abs(q - p)
    evidence = signed_root(x, n, p * N, N) / critical
    sampling = error * steady
    return Assessment(
        shares=q,
        expected=p,
        distance=distance,
        lower_bound=distance - Z95 * sampling,
        tolerance=baseline.tolerance,
        sampling=sampling,
        natural=error * inflation,
        critical=np.full(len(q), critical),
        evidence=evidence / inflation,
        surprise=evidence / np.minimum(steady, inflation),
    )


def decide(assessment: Assessment, rows: float, tolerance: float) -> State:
    """What a window of so many effective rows says of a column.

    warning: moved beyond chance but not beyond natural variation; or real but too small to matter; or the reverse.
    insufficient data: no alarm, and four tolerances cannot be excluded.
    """
    relevant = assessment.lower_bound > assessment.tolerance
    evident = assessment.evidence > 1.0
    if (relevant & evident).any():
        return State.ALARM
    if (relevant & (assessment.surprise > 1.0)).any():
        return State.WARNING
    possible = max(float((assessment.distance + Z95 * assessment.sampling).max()), BAND / rows**0.5)
    if possible > EXCLUDED * tolerance:
        return State.INSUFFICIENT_DATA
    return State.WARNING if (relevant | evident).any() else State.HEALTHY
