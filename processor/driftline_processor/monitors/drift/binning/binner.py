"""A window's columns in the cells of a reference."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from driftline_processor.monitors.drift.binning.binned_counts import STATES, Counts
from driftline_processor.monitors.drift.binning.bins import Aligned, CategoryCells, NumericCells
from driftline_processor.monitors.drift.binning.stacked_intervals import StackedIntervals
from driftline_processor.monitors.drift.detection.detector import Detector
from driftline_processor.records import ColumnSummary, ReferenceColumn


class InCells(NamedTuple):
    """stacked: the sketches of all columns; numeric: of the numeric ones. categories: of the others, by column."""

    counts: Counts
    stacked: StackedIntervals
    numeric: StackedIntervals
    categories: Mapping[int, Aligned]


class Placing:
    """The cells of a reference's columns; those of each are in `numbers` or in `categories`, by column."""

    def __init__(self, columns: Sequence[ReferenceColumn], judge: Detector) -> None:
        self._sizes, self._starts = judge.sizes, judge.starts
        self._numeric = np.flatnonzero(judge.numeric)
        self._numeric_cells = np.flatnonzero(np.repeat(judge.numeric, judge.sizes))
        self.numbers = NumericCells([columns[i] for i in self._numeric.tolist()])
        self.categories = {i: CategoryCells(columns[i]) for i in np.flatnonzero(~judge.numeric).tolist()}

    def place(self, held: Sequence[ColumnSummary]) -> InCells:
        """What a window held of each column."""
        stacked = StackedIntervals.of([summary.intervals for summary in held])
        numeric = stacked.take(self._numeric)
        categories = {i: cells.place(held[i]) for i, cells in self.categories.items()}
        return InCells(self._counts(held, numeric, categories), stacked, numeric, categories)

    def classes(self, column: int, summary: ColumnSummary, aligned: Aligned) -> Mapping[str, float]:
        """Rows of a categorical column by class: as they were sent, or by the numbers that stand for classes."""
        cells = self.categories[column]
        if not summary.intervals.total or not len(cells.codes.values):
            return summary.categories
        named = zip(cells.names, aligned.cells, strict=False)
        return {name: float(rows) for name, rows in named if rows}

    def _counts(
        self, held: Sequence[ColumnSummary], numeric: StackedIntervals, categories: Mapping[int, Aligned]
    ) -> Counts:
        cells, novel = np.zeros(int(self._sizes.sum())), np.zeros(len(held))
        placed = self.numbers.place(numeric)
        cells[self._numeric_cells], novel[self._numeric] = placed.cells, placed.novel
        states = np.array([[summary.states.get(state, 0.0) for summary in held] for state in STATES])
        for i in self._numeric.tolist():
            if held[i].categories:  # text where numbers were
                states[-1, i] += sum(held[i].categories.values())
        for i, aligned in categories.items():
            start = self._starts[i]
            cells[start : start + len(aligned.cells)] = aligned.cells
            novel[i] = aligned.novel_rows
            states[-1, i] += aligned.mistyped
        rows, squares = (np.array([getattr(summary, name) for summary in held], float) for name in ("rows", "squares"))
        return Counts(cells, novel, states, rows, squares)
