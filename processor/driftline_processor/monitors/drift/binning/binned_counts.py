"""A window as one vector: what every column held, in the reference's bins. Windows are merged by adding them.

Several windows may be in one, with an axis more in front: [..., bins].
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
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

    bins: rows by bin, those of one column after those of another, [..., bins]. novel: rows at values that training
    never saw; of a categorical column they are in none of its bins, of a numeric one they are among them. states:
    [..., STATES, columns]. rows and squares: sums of the weights of all rows, and of their squares, [..., columns].
    """

    bins: FloatArray
    novel: FloatArray
    states: FloatArray
    rows: FloatArray
    squares: FloatArray

    @classmethod
    def of_vector(cls, vector: FloatArray, columns: int) -> "BinnedCounts":
        """The parts of vectors, [..., bins + 6 columns]."""
        bins = vector.shape[-1] - (3 + len(STATES)) * columns
        others = vector[..., bins:].reshape(*vector.shape[:-1], -1, columns)
        novel, rows, squares = (others[..., place, :] for place in (0, -2, -1))
        return cls(vector[..., :bins], novel, others[..., 1:-2, :], rows, squares)

    @classmethod
    def stack(cls, parts: Sequence["BinnedCounts"]) -> "BinnedCounts":
        """Several, with an axis more in front."""
        return cls(*(np.stack([getattr(part, field.name) for part in parts]) for field in fields(cls)))

    @property
    def vector(self) -> FloatArray:
        """All parts of one window."""
        return np.concatenate((self.bins, self.novel, self.states.ravel(), self.rows, self.squares))

    @cached_property
    def effective(self) -> FloatArray:
        """Effective rows per row, 1 unless sampled: (sum w)²/sum w² over sum w (Kish 1965), [..., columns]."""
        sampled = self.squares > 0.0
        return np.where(sampled, self.rows / np.where(sampled, self.squares, 1.0), 1.0)

    def valued(self, starts: IntArray, apart: FloatArray) -> FloatArray:
        """Rows with a value of the column's own type, [..., columns]; apart: 1 where novel rows are in no bin."""
        return np.asarray(np.add.reduceat(self.bins, starts, axis=-1) + self.novel * apart)
