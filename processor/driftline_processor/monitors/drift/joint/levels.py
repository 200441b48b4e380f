"""The level of a column: one event that a shift of it moves, so that columns are compared and added up alike.

Of numbers the ranks, which see a shift with the fewest rows; of a category the bin that parts the rows best.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from driftline.sketch.arrays import BoolArray, FloatArray, IntArray
from driftline_processor.monitors.drift.binning.binned_counts import BinnedCounts
from driftline_processor.monitors.drift.detection.assessment import Assessment
from driftline_processor.monitors.drift.detection.detector import Detector

RANKS_SCALE: Final = np.sqrt(2.0)
"""What ranks move, times so much, is what shares move at most: so it is for a small shift of a normal mean."""

RAREST: Final = 0.05
"""Of a bin whose share has a level: what is rarer is judged by counts, not by sums of squares."""

FREED: Final = 1.5
"""The variance by nature is that of other stretches than the one that is judged: times so much, to be safe."""


@dataclass(frozen=True, slots=True, eq=False)
class Shifts:
    """How far columns are from training, points of share as a reader subtracts them, and the standard errors of that.

    season: what a season may make. nature: its part of the variance. All are [columns]; an error of 0 is that of a
    column without rows.
    """

    moved: FloatArray
    error: FloatArray
    season: FloatArray
    nature: FloatArray

    @property
    def beyond_season(self) -> FloatArray:
        return np.sign(self.moved) * np.maximum(np.abs(self.moved) - self.season, 0.0)

    @property
    def natural(self) -> float:
        """Part of nature in the variance of all columns with rows together."""
        known = self.error > 0.0
        return float(self.nature[known].mean()) if known.any() else 0.0


def level_events(detector: Detector) -> IntArray:
    """The event of each column that is its level, [columns]."""
    sizes = detector.baseline.sizes[: len(detector.sizes)]
    return np.cumsum(sizes) - sizes + np.array([level.event for level in detector.levels], np.int64)


def has_level(detector: Detector) -> BoolArray:
    """Columns whose levels may be added up, [columns]."""
    at, baseline = level_events(detector), detector.baseline
    shares = baseline.shares[at]
    frequent = np.minimum(shares, 1.0 - shares) >= RAREST
    varies = baseline.spread[at] * baseline.by_event[at] >= 1.0
    return np.asarray(detector.known & frequent & varies)


def shifts(events: Assessment, at: IntArray, valued: BoolArray, freed: float) -> Shifts:
    """Of some columns, by their levels; freed: what the variance by nature is multiplied by."""
    scale = np.where(events.by_ranks[at], RANKS_SCALE, 1.0)
    moved = events.move.after[at] - events.move.before[at]
    sampling, natural = events.move.error[at] ** 2, events.natural[at] ** 2
    added = freed * np.maximum(natural - sampling, 0.0)
    error = np.where(valued, scale * np.sqrt(sampling + added), 0.0)
    nature = added / np.maximum(sampling + added, 1e-300)
    return Shifts(np.where(valued, scale * moved, 0.0), error, events.season[at], nature)


def level_shifts(detector: Detector, counts: BinnedCounts, at: IntArray, rows: FloatArray) -> Shifts:
    """The same by sampling alone, of so many effective rows of each column."""
    shares, _ = detector.shares(counts)
    baseline = detector.baseline
    scale = np.where(baseline.by_ranks[at], RANKS_SCALE, 1.0)
    error = scale * np.sqrt(baseline.spread[at] * (1.0 / np.maximum(rows, 1.0) + 1.0 / baseline.by_event[at]))
    nothing, valued = np.zeros(len(at)), rows > 0.0
    moved = np.where(valued, scale * (shares - baseline.shares)[at], 0.0)
    return Shifts(moved, np.where(valued, error, 0.0), nothing, nothing)
