"""From a window's counts in bins to the effective rows in each event that is tested."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from driftline.sketch.arrays import FloatArray
from driftline_processor.monitors.drift.binning.binned_counts import BinnedCounts
from driftline_processor.monitors.drift.detection.baseline import Baseline
from driftline_processor.monitors.drift.detection.pair_margins import PairMargins
from driftline_processor.monitors.drift.detection.tested_sets import BinSets, running

NO_ROWS: Final = 1e-100
"""Weights may be anything; the square of one over so few rows is still a number."""


class EventRows(NamedTuple):
    """Effective rows of a window, or of several: in each event, [..., events]; of each column and aspect, [...,
    columns], at least a trace; at never seen values of each column, [..., columns].
    """

    events: FloatArray
    columns: FloatArray
    novel: FloatArray


class EventCounter:
    """Counts the events of the columns of a reference, values first, then states.

    first, last, column: the bins of each event of values, over all columns, and its column.
    """

    def __init__(self, events: Sequence[BinSets], baseline: Baseline, apart: FloatArray, pairing: PairMargins) -> None:
        """events: of the values of each column. apart: 1 where novel rows of a column are in none of its bins."""
        self._apart, self._pairing = apart, pairing
        sizes = np.array([each.bins for each in events], np.int64)
        self._starts = np.cumsum(sizes) - sizes
        self._ends = self._starts + sizes
        self.first, self.last = (
            np.concatenate([getattr(each, end) + start for each, start in zip(events, self._starts, strict=True)])
            for end in ("first", "last")
        )
        self.column = baseline.column[: len(self.first)]
        self._outside = np.flatnonzero(np.concatenate([each.outside for each in events]))
        self._by_ranks = np.flatnonzero(baseline.by_ranks)
        self._ranks = np.concatenate([each.ranks if len(each.ranks) else np.zeros(each.bins) for each in events])

    def sums(self, bins: FloatArray) -> FloatArray:
        """What events of values hold, [..., events], from what bins do, [..., bins]."""
        below = running(bins)
        values = np.asarray(below.take(self.last, axis=-1) - below.take(self.first, axis=-1))
        of, columns = self._outside, self.column[self._outside]
        total = below.take(self._ends, axis=-1) - below.take(self._starts, axis=-1)
        values[..., of] = total.take(columns, axis=-1) - values[..., of]
        values[..., self._by_ranks] = self._ranked(bins).take(self.column[self._by_ranks], axis=-1)
        return values

    def _ranked(self, bins: FloatArray) -> FloatArray:
        """The ranks of all rows together, [..., columns]; 0 where a column has none."""
        return np.add.reduceat(bins * self._ranks, self._starts, axis=-1)

    def count(self, counts: BinnedCounts) -> EventRows:
        """Effective rows of values and states; of pairs without what their members explain."""
        scale, rows = counts.effective, counts.rows * counts.effective
        values = self.sums(counts.bins) * scale.take(self.column, axis=-1)
        states = np.minimum(counts.states * scale[..., None, :], rows[..., None, :])
        n = np.concatenate((counts.valued(self._starts, self._apart) * scale, rows, rows, rows), axis=-1)
        n = np.where(n > NO_ROWS, n, 1.0)
        self._pairing.explain(values, n[..., : len(self._starts)])
        return EventRows(
            np.concatenate((values, states.reshape(*scale.shape[:-1], -1)), axis=-1), n, counts.novel * scale
        )
