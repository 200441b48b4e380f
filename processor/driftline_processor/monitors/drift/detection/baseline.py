"""What the reference says of the events of its columns, prepared once for all windows to come."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftline.sketch.arrays import BoolArray, FloatArray, IntArray
from driftline_processor.monitors.drift.detection.overdispersion import Variation
from driftline_processor.monitors.drift.detection.tested_sets import BinSets, Family
from driftline_processor.monitors.drift.detection.variation_fit import fit_variation


@dataclass(frozen=True, eq=False)
class Baseline:
    """What the reference says of the events of some columns: shares, natural variation and what matters, [events].

    sizes: events of each column. spread: variance of one row in an event. by_ranks: events by degrees. unseen: events
    that all or none of the training rows are in, such as the numeric range beyond its ends: how much seen values vary
    with the season says nothing about them. daily_inflation: how many times as large the variance of a row is at some
    time of the day, at least 1.
    """

    sizes: IntArray
    rows: FloatArray  # [columns]
    shares: FloatArray
    spread: FloatArray
    by_ranks: BoolArray
    variation: Variation
    unseen: BoolArray
    tolerance: FloatArray
    daily_inflation: FloatArray

    @classmethod
    def of(cls, chunks: FloatArray, events: BinSets, tolerance: float, *, ordered: bool) -> "Baseline":
        """Prepare a column once, from counts by [chunk, bin]; `ordered` when the bins are ranges of numbers."""
        rows = float(chunks.sum())
        bins = chunks.sum(axis=0) / max(rows, 1.0)
        shares = np.minimum(events.sums(bins), 1.0)
        variation = fit_variation(chunks, events, shares)
        by_ranks = events.are(Family.RANKS)
        unseen = (shares * (1.0 - shares) * rows < 0.5) & ordered & ~by_ranks
        allowed = max(tolerance, float(np.sqrt(variation.pooled_growth[0])))  # 2 tau; tau² = growth p(1-p) at p = 1/2
        return cls(
            sizes=np.array([len(events)]),
            rows=np.array([max(rows, 1.0)]),
            shares=shares,
            spread=events.variance(shares, bins),
            by_ranks=by_ranks,
            variation=variation,
            unseen=unseen,
            tolerance=np.where(unseen, allowed, tolerance),
            daily_inflation=np.ones(len(events)),
        )

    def over_a_day(self, shifts: FloatArray, parameters: int) -> "Baseline":
        """Of one column whose shares are shifted so at times of the day, [times, events].

        As many numbers as are `parameters` were fitted beside each share: the reference's rows tell less of each.
        """
        most = self.spread_at(np.clip(self.shares + shifts, 0.0, 1.0)).max(axis=0)
        daily_inflation = np.maximum(most / np.maximum(self.spread, 0.25 / self.rows), 1.0)
        return replace(self, rows=self.rows / (1.0 + parameters), daily_inflation=daily_inflation)

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
            variation=self.variation.divided(len(parts)),
            unseen=self.unseen[every],
            tolerance=self.tolerance[every],
            daily_inflation=self.daily_inflation[every],
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
            variation=Variation.stack([part.variation for part in parts]),
            unseen=joined("unseen"),
            tolerance=joined("tolerance"),
            daily_inflation=joined("daily_inflation"),
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

    def distance(self, shares: FloatArray) -> FloatArray:
        """From the reference's shares, [..., events]; none by ranks, which tell that a column moved, not how far."""
        return np.where(self.by_ranks, 0.0, np.abs(shares - self.shares))

    def error(self, q: FloatArray, n: FloatArray) -> FloatArray:
        """Standard error of distances by independent rows: of shares `q` of `n` rows, and of the reference's."""
        variance = self.daily_inflation * np.maximum(self.spread_at(q), 0.25 / n) / n
        return np.asarray(np.sqrt(variance + self.variance))

    @cached_property
    def natural(self) -> FloatArray:
        """Inflation of that by natural variation, a row."""
        return self.variation.of_reference() / self.by_event
