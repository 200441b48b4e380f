"""What a statistic sees: the columns of a window beside the same columns of the reference, cell by cell."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from driftline.sketch.arrays import FloatArray, IntArray
from driftline_processor.monitors.drift.binning.stacked_intervals import StackedIntervals

NUMERIC = "numeric"
CATEGORY = "category"


@dataclass(frozen=True, eq=False)
class View:
    """Two samples of some columns on the same cells, those of one column after those of another, [cells].

    sizes: cells of each column, at least one. numeric: which columns are, [columns]; the others are categorical.
    reference, window: effective rows in each cell. valued: numeric columns with rows on both sides, by position, and
    their sketches: reference_values, window_values. spread: of each column's reference, in its own unit.
    reference_missing, window_missing: share of all rows, NaN where there are no rows, [columns].
    """

    sizes: IntArray
    numeric: NDArray[np.bool_]
    reference: FloatArray
    window: FloatArray
    valued: IntArray
    reference_values: StackedIntervals
    window_values: StackedIntervals
    spread: FloatArray
    reference_missing: FloatArray
    window_missing: FloatArray

    @cached_property
    def starts(self) -> IntArray:
        """The first cell of each column."""
        return np.cumsum(self.sizes) - self.sizes

    @cached_property
    def column(self) -> IntArray:
        """The column of each cell."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    @cached_property
    def reference_rows(self) -> FloatArray:
        return self.sums(self.reference)

    @cached_property
    def window_rows(self) -> FloatArray:
        return self.sums(self.window)

    @cached_property
    def p(self) -> FloatArray:
        """Shares of the reference; all 0 where it is empty."""
        return self.reference / np.maximum(self.reference_rows, 1e-300)[self.column]

    @cached_property
    def q(self) -> FloatArray:
        """Shares of the window; all 0 where it is empty."""
        return self.window / np.maximum(self.window_rows, 1e-300)[self.column]

    @cached_property
    def empty(self) -> NDArray[np.bool_]:
        """Whether one side has no rows: nothing can be compared, [columns]."""
        return np.asarray((self.reference_rows == 0.0) | (self.window_rows == 0.0))

    def sums(self, cells: FloatArray) -> FloatArray:
        """The sum of each column's cells, [columns]."""
        return np.add.reduceat(cells, self.starts)

    def known(self, values: FloatArray) -> FloatArray:
        """The values of columns that have rows on both sides; NaN elsewhere."""
        return np.where(self.empty, np.nan, values)

    def of_valued(self, values: FloatArray) -> FloatArray:
        """Values of the `valued` columns; NaN elsewhere."""
        every = np.full(len(self.sizes), np.nan)
        every[self.valued] = values
        return every


@dataclass(frozen=True, slots=True)
class Statistic:
    """A distance that users read; the verdict decides by itself, see README.md in this folder.

    name: as in `ml.drift.<name>`. kinds: the columns it applies to. reading: how to read it. compute: by column, at
    least 0, and 0 where both sides are equal; NaN where one of them is empty.
    """

    name: str
    title: str
    kinds: frozenset[str]
    description: str
    reading: str
    compute: Callable[[View], FloatArray]


ANY_KIND = frozenset({NUMERIC, CATEGORY})
