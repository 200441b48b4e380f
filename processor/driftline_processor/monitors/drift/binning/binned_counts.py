"""A window as one vector: what every column held, in the reference's bins. Windows are merged by adding them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from driftline.semconv import MISSING, NON_FINITE, WRONG_TYPE
from driftline.sketch.arrays import FloatArray, IntArray

STATES: Final = (MISSING, NON_FINITE, WRONG_TYPE)
"""States that are judged, each as a column of two bins."""


@dataclass(frozen=True, eq=False)
class BinnedCounts:
    """What all columns held, weighted.

    bins: rows by bin, those of one column after those of another. novel: rows at values that training never saw; of
    a categorical column they are in none of its bins, of a numeric one they are among them. states: [STATES, columns].
    rows and squares: sums of the weights of all rows, and of their squares, [columns].
    """

    bins: FloatArray
    novel: FloatArray
    states: FloatArray
    rows: FloatArray
    squares: FloatArray

    @classmethod
    def of_vector(cls, vector: FloatArray, columns: int) -> "BinnedCounts":
        """The parts of a vector, [bins + 6 columns]."""
        bins = len(vector) - (3 + len(STATES)) * columns
        novel, *states, rows, squares = vector[bins:].reshape(-1, columns)
        return cls(vector[:bins], novel, np.stack(states), rows, squares)

    @property
    def vector(self) -> FloatArray:
        return np.concatenate((self.bins, self.novel, self.states.ravel(), self.rows, self.squares))

    @cached_property
    def effective(self) -> FloatArray:
        """Effective rows per row: (sum w)²/sum w² over sum w (Kish 1965); 1 where nothing was sampled, [columns]."""
        sampled = self.squares > 0.0
        return np.where(sampled, self.rows / np.where(sampled, self.squares, 1.0), 1.0)

    def valued(self, starts: IntArray, apart: FloatArray) -> FloatArray:
        """Rows with a value of the column's own type, [columns]; apart: 1 where novel rows are in no bin."""
        return np.asarray(np.add.reduceat(self.bins, starts) + self.novel * apart)
