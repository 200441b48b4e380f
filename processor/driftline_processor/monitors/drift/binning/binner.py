"""A window's columns in the bins of a reference."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from driftline.sketch.arrays import BoolArray, FloatArray, IntArray
from driftline_processor.monitors.drift.binning.binned_counts import STATES, BinnedCounts
from driftline_processor.monitors.drift.binning.bins import BinnedCategories, CategoryBins, NumericBins
from driftline_processor.monitors.drift.binning.stacked_intervals import StackedIntervals
from driftline_processor.records import ColumnSummary, ReferenceColumn


class BinnedWindow(NamedTuple):
    """stacked: the sketches of all columns; numeric: of the numeric ones. categories: of the others, by column."""

    counts: BinnedCounts
    stacked: StackedIntervals
    numeric: StackedIntervals
    categories: Mapping[int, BinnedCategories]


class Binner:
    """The bins of a reference's columns; those of each are in `numbers` or in `categories`, by column."""

    def __init__(self, columns: Sequence[ReferenceColumn], numeric: BoolArray, sizes: IntArray) -> None:
        """numeric: which columns are. sizes: bins of each, [columns]."""
        self._sizes, self._starts = sizes, np.cumsum(sizes) - sizes
        self._numeric = np.flatnonzero(numeric)
        self._numeric_bins = np.flatnonzero(np.repeat(numeric, sizes))
        self.numbers = NumericBins([columns[i] for i in self._numeric.tolist()])
        self.categories = {i: CategoryBins(columns[i]) for i in np.flatnonzero(~numeric).tolist()}

    def place(self, held: Sequence[ColumnSummary]) -> BinnedWindow:
        """What a window held of each column."""
        stacked = StackedIntervals.of([summary.intervals for summary in held])
        numeric = stacked.take(self._numeric)
        categories = {i: bins.place(held[i]) for i, bins in self.categories.items()}
        return BinnedWindow(self._counts(held, numeric, categories), stacked, numeric, categories)

    def numeric_bins(self) -> dict[int, tuple[FloatArray, slice]]:
        """The edges of each numeric column, and where its bins are among those of all, by the number of the column."""
        places = zip(self._numeric.tolist(), self.numbers.edges, strict=True)
        starts, sizes = self._starts.tolist(), self._sizes.tolist()
        return {i: (edges, slice(starts[i], starts[i] + sizes[i])) for i, edges in places}

    def classes(self, column: int, summary: ColumnSummary, aligned: BinnedCategories) -> Mapping[str, float]:
        """Rows of a categorical column by class: as they were sent, or by the numbers that stand for classes."""
        bins = self.categories[column]
        if not summary.intervals.total or not len(bins.codes.values):
            return bins.classes(summary.categories)
        named = zip(bins.names, aligned.bins, strict=False)
        return {name: float(rows) for name, rows in named if rows}

    def _counts(
        self, held: Sequence[ColumnSummary], numeric: StackedIntervals, categories: Mapping[int, BinnedCategories]
    ) -> BinnedCounts:
        bins, novel = np.zeros(int(self._sizes.sum())), np.zeros(len(held))
        placed = self.numbers.place(numeric)
        bins[self._numeric_bins], novel[self._numeric] = placed.bins, placed.novel
        states = np.array([[summary.states.get(state, 0.0) for summary in held] for state in STATES])
        for i, aligned in categories.items():
            start = self._starts[i]
            bins[start : start + len(aligned.bins)] = aligned.bins
            novel[i] = aligned.novel_rows
            states[-1, i] += aligned.mistyped
        rows, squares = (np.array([getattr(summary, name) for summary in held], float) for name in ("rows", "squares"))
        return BinnedCounts(bins, novel, states, rows, squares)
