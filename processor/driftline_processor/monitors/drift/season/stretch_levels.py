"""How far a stream was from its reference in each of its last hours or days, and what that shows by itself.

None of it depends on a tolerance or on alarms: comparisons of one reference at several tolerances share a reader.
"""

from collections.abc import Sequence
from functools import cached_property
from math import sqrt
from typing import Final

import numpy as np

from driftline.sketch.arrays import FloatArray, IntArray
from driftline_processor.monitors.drift.binning.binned_counts import BinnedCounts
from driftline_processor.monitors.drift.detection.detector import Detector
from driftline_processor.monitors.drift.history.stream_history import TimedCounts
from driftline_processor.monitors.drift.season.amplitude import design_effect, inflations, returned, spread

RANKS_SCALE: Final = sqrt(2.0)
"""What ranks move, times so much, is what shares move at most: so it is for a small shift of a normal mean."""

FEWEST: Final = 18
"""Hours from which the dependence of rows is estimated, at least."""

EVERY: Final = slice(None)


class StretchLevels:
    """Levels of some stretches: how far each event was from its share in training, and rows, [stretches, events].

    counts: of each stretch, [stretches, counts of a window]. effect: variance inflation by the dependence of rows,
    [columns]; by default what the stretches show.
    """

    def __init__(self, detector: Detector, counts: FloatArray, effect: FloatArray | None = None) -> None:
        self._detector, self._baseline, self.counts = detector, detector.baseline, counts
        self._starts = np.cumsum(self._baseline.sizes) - self._baseline.sizes
        self._scale = np.where(self._baseline.by_ranks, RANKS_SCALE, 1.0)
        shares, self.rows = detector.shares(BinnedCounts.of_vector(counts, len(detector.sizes)))
        self.levels = self._scale * (shares - self._baseline.shares)
        self.effect = self._measured() if effect is None else effect

    def __len__(self) -> int:
        return len(self.levels)

    def _measured(self) -> FloatArray:
        return design_effect(self.bends) if len(self) >= FEWEST else np.ones(len(self._starts))

    @cached_property
    def bends(self) -> FloatArray:
        """Variance inflation by the dependence of rows, [stretches - 2, columns]."""
        return inflations(self.levels / self._scale, self.rows, self._baseline.spread, self._starts)

    @cached_property
    def range(self) -> FloatArray:
        """Of the levels of each event, [events]."""
        return spread(self.levels)

    @cached_property
    def amplitudes(self) -> FloatArray:
        """The largest rise or fall of each event that was undone later, [events]."""
        return returned(self.levels, self.errors(self.effect))

    @cached_property
    def last(self) -> "StretchLevels":
        """The last stretch by itself."""
        return StretchLevels(self._detector, self.counts[-1:], self.effect)

    @cached_property
    def _variance(self) -> FloatArray:
        """Of one row in each event: what became frequent varies more than in training, [events]."""
        shares = np.clip(self._baseline.shares + self.levels / self._scale, 0.0, 1.0)
        return np.asarray(np.maximum(self._baseline.spread, self._baseline.spread_at(shares).mean(axis=0)))

    def errors(self, effect: FloatArray, events: IntArray | slice = EVERY) -> FloatArray:
        """Standard error of each level of some events, [stretches, events], with another effect."""
        return self._error(self.rows[:, events], effect, events)

    def error(self, effect: FloatArray) -> FloatArray:
        """Of one of the levels, with as many rows as they have on average, [events]."""
        return self._error(self.rows.mean(axis=0), effect, EVERY)

    def _error(self, rows: FloatArray, effect: FloatArray, events: IntArray | slice) -> FloatArray:
        inflation = effect[self._baseline.column[events]]
        variance = np.maximum(self._variance[events], 0.25 / rows)
        return np.asarray(self._scale[events] * np.sqrt(variance / rows * inflation))


class StretchReader:
    """Reads stretches in time order. The last ones are remembered, for comparisons at other tolerances."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._hours: StretchLevels | None = None
        self._days: StretchLevels | None = None

    def hours(self, stretches: Sequence[TimedCounts]) -> StretchLevels:
        """The last hours of a stream."""
        counts = _stacked(stretches)
        if self._hours is None or not np.array_equal(self._hours.counts, counts):
            self._hours = StretchLevels(self._detector, counts)
        return self._hours

    def days(self, stretches: Sequence[TimedCounts], effect: FloatArray) -> StretchLevels:
        """The last days, with the effect that the last hours show."""
        counts, known = _stacked(stretches), self._days
        if known is None or not (np.array_equal(known.counts, counts) and np.array_equal(known.effect, effect)):
            self._days = known = StretchLevels(self._detector, counts, effect)
        return known

    def together(self, stretches: Sequence[TimedCounts], effect: FloatArray) -> StretchLevels:
        """Some stretches as one."""
        return StretchLevels(self._detector, np.sum([each.counts for each in stretches], axis=0)[None], effect)


def _stacked(stretches: Sequence[TimedCounts]) -> FloatArray:
    return np.array([each.counts for each in stretches], float)
