"""What a stretch of rows held, cell by cell, and what was to be expected of it: additive over windows and processes.

Expectations are made window by window and then added up (standardisation): a mix that changes over time is no finding.
A model with 30 columns takes 1.4 MB a stretch.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from driftline.segments.flags import STATUSES
from driftline.segments.lattice import Codes, raked
from driftline.segments.training import LABELLED, LOW, ROWS, WRONG, SegmentTraining, sums_by_status
from driftline.sketch.arrays import FloatArray, IntArray

Counts = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Counts of consecutive windows.

    sums: by what is counted and cell, [4, cells], in effective rows. low, wrong: rows of each cell times the level of
    their window against training's, [cells] each: what a cell would hold if only the whole had moved, in rows of
    training. pairs: training's tables fitted to the margins of each window, [pairs, CODES, CODES]. weight: rows that
    one effective row stands for, times these.
    """

    sums: Counts
    low: Counts
    wrong: Counts
    pairs: Counts
    weight: float

    def __add__(self, other: "Stretch") -> "Stretch":
        return Stretch(
            self.sums + other.sums,
            self.low + other.low,
            self.wrong + other.wrong,
            self.pairs + other.pairs,
            self.weight + other.weight,
        )


class WindowCounter:
    """Counts the rows of windows of one model."""

    def __init__(self, training: SegmentTraining) -> None:
        self._training = training
        self._lattice = training.lattice
        self._tables = self._lattice.tables(training.sums[ROWS]) * training.correction

    def count(self, codes: Codes, status: IntArray, weights: FloatArray | None = None, effect: float = 1.0) -> Stretch:
        """One window. Rows of unequal weights count as the fewer that tell as much (Kish 1965).

        Args:
            codes: [rows, columns].
            status: of each row, [rows].
            weights: how many rows each stands for, [rows]; None for one each.
            effect: rows that repeat count as so many times fewer.

        """
        rows = float(len(codes)) if weights is None else float(weights.sum())
        if weights is not None and len(weights):
            squares = float(weights @ weights)
            weights = None if np.ptp(weights) == 0.0 else weights * (rows / squares)
        sums = sums_by_status(self._lattice.count(codes, status, STATUSES, weights)).astype(np.float32)
        sums /= np.float32(effect)
        first, second = self._lattice.margins(sums[ROWS].astype(np.float64))
        return Stretch(
            sums,
            sums[ROWS] * np.float32(self._level(sums, ROWS, LOW)),
            sums[LABELLED] * np.float32(self._level(sums, LABELLED, WRONG)),
            raked(self._tables, first, second).astype(np.float32),
            rows,
        )

    def _level(self, sums: Counts, of: int, flag: int) -> float:
        """The window's overall rate of a flag, in training's."""
        rows, flagged = (self._lattice.rows(sums[each]) for each in (of, flag))
        totals = self._training.totals
        trained = float(totals[flag] / totals[of]) if totals[of] else 0.0
        return flagged / rows / trained if rows and trained else 1.0
