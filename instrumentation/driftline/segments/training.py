"""What training's counts of the lattice were, and how much they vary from one stretch of time to another."""

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from driftline.segments.columns import SegmentColumn
from driftline.segments.lattice import CODES, Lattice
from driftline.sketch.arrays import FloatArray

ROWS, LOW, LABELLED, WRONG = range(4)
"""What is counted of a cell: rows, those of low confidence, those with a label, and of these the wrong ones."""

SUMS = 4


@dataclass(frozen=True, slots=True)
class Flags:
    """What makes a row one of low confidence or a wrong one.

    low_below: confidence below this is low; None where there is none. error_beyond: an error farther from the label is
    one, of numbers; None where classes are right or wrong, or where there are no labels or predictions.
    """

    low_below: float | None = None
    error_beyond: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Variation:
    """How much rates vary by themselves between stretches of some length, beyond what counting explains.

    duration: of the stretches, in chunks of the reference. stretches: their number. shares, low, wrong: squared
    coefficients of variation of single cells, [singles] each. pairs: excess variance of conditional distributions, a
    row, by pair and code, along the first and the second column, [2, pairs, CODES].
    """

    duration: float
    stretches: int
    shares: FloatArray
    low: FloatArray
    wrong: FloatArray
    pairs: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class SegmentTraining:
    """Training's counts of the lattice of its columns.

    columns: of the lattice. paired: those whose pairs are counted. chunks: of the reference. sums: by what is counted
    and cell, [SUMS, cells]. correction: by which expected tables are to be multiplied, [pairs, CODES, CODES], so that
    those of training's own chunks add up to its counts. variation: at growing durations. flags: as they were defined.
    declared: names of those columns that somebody declared.
    """

    columns: tuple[SegmentColumn, ...]
    paired: tuple[int, ...]
    chunks: int
    sums: FloatArray
    correction: FloatArray
    variation: tuple[Variation, ...]
    flags: Flags = field(default_factory=Flags)
    declared: tuple[str, ...] = ()

    @property
    def lattice(self) -> Lattice:
        """The cells."""
        return Lattice(len(self.columns), self.paired)

    def only(self, names: Collection[str]) -> "SegmentTraining | None":
        """The same of some of the columns; None without any."""
        kept = [i for i, column in enumerate(self.columns) if column.name in names]
        if len(kept) == len(self.columns) or not kept:
            return self if kept else None
        whole = self.lattice
        cells, pairs = whole.cells_of(kept), whole.pairs_of(kept)
        lattice = whole.only(kept)
        singles = cells[: lattice.singles]
        varied = [
            Variation(
                each.duration,
                each.stretches,
                each.shares[singles],
                each.low[singles],
                each.wrong[singles],
                each.pairs[:, pairs],
            )
            for each in self.variation
        ]
        columns, sums, corrected = tuple(self.columns[i] for i in kept), self.sums[:, cells], self.correction[pairs]
        declared = tuple(name for name in self.declared if name in names)
        return SegmentTraining(
            columns, lattice.paired, self.chunks, sums, corrected, tuple(varied), self.flags, declared
        )

    @property
    def totals(self) -> FloatArray:
        """Of all rows, by what is counted, [SUMS]."""
        return np.asarray(self.sums[:, :CODES].sum(axis=1))

    @property
    def rows(self) -> float:
        """Rows of the training data."""
        return float(self.totals[ROWS])


def sums_by_status(table: FloatArray) -> FloatArray:
    """Counts by cell and status → what is counted of each cell, [SUMS, cells].

    table: [cells, 6], by `low + 2 * label`, of a label 0 for none, 1 for right and 2 for wrong.
    """
    return np.stack([table.sum(1), table[:, 1::2].sum(1), table[:, 2:].sum(1), table[:, 4:].sum(1)])
