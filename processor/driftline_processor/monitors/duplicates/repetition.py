"""How often the rows of a window repeat, from the squares of counts of a hash."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from driftline.sketch.row_hash import BUCKETS, counts_of, repeats
from driftline_processor.records import ColumnSummary

ANSCOMBE: Final = 0.375
"""sqrt(count + 3/8) of a Poisson count has a standard error of 1/2 (Anscombe 1948)."""

HOT: Final = 0.02
"""Share of a row that is many rows by itself: of a health check, or of what a cache asks for again and again."""

NEARLY_ALL: Final = 0.9
"""Share of the rows."""

DIFFERENT: Final = 4
"""So many rows that differ are traffic of some kind."""

FEW: Final = 10
"""Rows that may be the same by chance."""


@dataclass(frozen=True, slots=True)
class Repetition:
    """The rows of a window.

    rows: sum of their weights; sampled: how many there are, where each weighs alike (Kish). repeats: further
    occurrences of a row, on average. pairs: of rows in one bucket. most: share of the row that is repeated most; hot:
    of all those that are many rows each.
    """

    rows: float
    sampled: float
    repeats: float
    pairs: float
    most: float
    hot: float

    @classmethod
    def of(cls, summary: ColumnSummary) -> "Repetition":
        """summary: rows by hash, as a column of numbers."""
        counts = counts_of(summary.intervals.upper, summary.intervals.weight)
        rows, squares = float(counts.sum()), summary.squares
        sampled = rows**2 / squares
        pairs = sampled * (float(counts @ counts) / squares - 1.0) / 2.0
        shares = counts / rows
        others = shares[shares < HOT].sum() / BUCKETS
        hot = (shares - others)[(shares >= HOT) & (shares * sampled >= FEW)]
        return cls(
            rows, sampled, repeats(counts, squares), max(pairs, 0.0), float(hot.max(initial=0.0)), float(hot.sum())
        )

    @property
    def effective(self) -> float:
        """As many rows without repetition tell as much."""
        return self.sampled / (1.0 + max(self.repeats, 0.0))

    @property
    def by_one_row(self) -> bool:
        """Whether one row alone makes most of the repetition."""
        return 2.0 * self.most**2 * self.sampled > self.repeats

    @property
    def of_few_values(self) -> bool:
        """Whether hardly any row differs: then it is the values that have changed, to defaults or to nothing."""
        return self.hot >= NEARLY_ALL and self.effective < DIFFERENT

    def at_least(self, errors: float) -> float:
        """A lower bound on the repeats, so many standard errors below: different rows meet in a bucket by chance."""
        root = max(np.sqrt(self.pairs + ANSCOMBE) - errors / 2.0, 0.0)
        same = root**2 - ANSCOMBE - self.sampled**2 / (2.0 * BUCKETS)
        return float(2.0 * same / self.sampled / (1.0 - 1.0 / BUCKETS))
