"""What a pair of inputs does because its members move: that is no change of how they go together.

How two columns go together is their odds ratio, which keeps its value where margins change (Plackett 1965; Mosteller
1968): rows above both medians and below both, over those above one of them alone. Training tells the odds ratio; with a
window's own shares above the medians it tells how many rows are to be expected on the same side.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from driftline.semconv import SAME, TARGET_INPUT
from driftline.sketch.arrays import BoolArray, FloatArray, IntArray
from driftline_processor.monitors.drift.binning.binned_counts import BinnedCounts
from driftline_processor.records import ColumnKey, ColumnSummary, ReferenceColumn

RAREST: Final = 1e-4
"""Share of rows that any two sides have together, at least: an odds ratio is finite."""


class PairMargins:
    """The pairs of a reference whose members it has.

    pairs: their columns; members: those of both members, [2, pairs]. first: the first event of each column; middle: its
    median.
    """

    def __init__(
        self, columns: Sequence[ReferenceColumn], shares: FloatArray, first: IntArray, middle: IntArray
    ) -> None:
        place = {column.key: i for i, column in enumerate(columns)}
        found = [
            (i, *(place[ColumnKey(TARGET_INPUT, name)] for name in column.pair.members))
            for i, column in enumerate(columns)
            if column.pair is not None and all(ColumnKey(TARGET_INPUT, name) in place for name in column.pair.members)
        ]
        self.pairs, *members = np.array(found, np.int64).reshape(-1, 3).T
        self.members = np.stack(members)
        swapped = np.array([columns[i].categories[0] != SAME for i in self.pairs.tolist()], np.int64)
        self._medians = middle[self.members]
        self._same, self._opposite = first[self.pairs] + swapped, first[self.pairs] + 1 - swapped
        self._odds = _odds_ratio(shares[self._medians], shares[self._same])
        self._trained = _same(shares[self._medians], self._odds)

    def without(self, counts: BinnedCounts, pairs: BoolArray, starts: IntArray) -> BinnedCounts:
        """The counts as if some of the pairs had not been counted, [pairs]."""
        if not pairs.any():
            return counts
        kept = np.ones(len(starts))
        kept[self.pairs[pairs]] = 0.0
        sizes = np.diff(np.append(starts, len(counts.bins)))
        return replace(
            counts,
            bins=counts.bins * np.repeat(kept, sizes),
            novel=counts.novel * kept,
            rows=counts.rows * kept,
            squares=counts.squares * kept,
        )

    def explain(self, values: FloatArray, rows: FloatArray) -> None:
        """Takes out of the rows in each event, [..., events], what the members explain. rows: [..., columns]."""
        if not len(self._same):
            return
        above = values.take(self._medians, axis=-1) / rows.take(self.members, axis=-1)
        margins = np.minimum(np.maximum(above, 0.0), 1.0)
        same, opposite = values.take(self._same, axis=-1), values.take(self._opposite, axis=-1)
        both = same + opposite
        explained = (_same(margins, self._odds) - self._trained) * both
        same = np.minimum(np.maximum(same - explained, 0.0), both)
        values[..., self._same], values[..., self._opposite] = same, both - same


def _odds_ratio(margins: FloatArray, same: FloatArray) -> FloatArray:
    """Of the shares on one side of each median, [2, pairs], and the shares of rows on the same side of both."""
    a, b = margins
    both = (same - 1.0 + a + b) / 2.0
    sides = (np.maximum(side, RAREST) for side in (both, 1.0 - a - b + both, a - both, b - both))
    here, there, first, second = sides
    return np.asarray(here * there / (first * second))


def _same(margins: FloatArray, odds: FloatArray) -> FloatArray:
    """Share of rows on the same side of both, [..., pairs], by the odds ratio (Plackett 1965).

    margins: shares on one side of each median, [..., 2, pairs].
    """
    a, b = margins[..., 0, :], margins[..., 1, :]
    apart = np.where(np.abs(odds - 1.0) < RAREST, RAREST, odds - 1.0)
    total = 1.0 + (a + b) * apart
    root = np.sqrt(np.maximum(total**2 - 4.0 * (apart + 1.0) * apart * a * b, 0.0))
    return np.asarray((total - root) / apart + 1.0 - a - b)


def has_one_value(summary: ColumnSummary, resolution: float) -> bool:
    """Whether a column has but one, to the resolution of the sketch."""
    seen = summary.intervals
    if seen.total:
        low, high = float(seen.lower.min()), float(seen.upper.max())
        return high - low <= resolution or bool(((seen.lower == low) & (seen.upper == high)).all())
    return sum(rows > 0.0 for rows in summary.categories.values()) == 1
