"""What a statistic sees: the columns of a window beside the same columns of the reference, bin by bin."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftline.sketch.arrays import FloatArray, IntArray
from driftline_processor.monitors.drift.binning.stacked_intervals import Gaps, StackedIntervals, gaps_between

NUMERIC = "numeric"
CATEGORY = "category"

LARGEST = float(np.finfo(np.float64).max)


@dataclass(frozen=True, eq=False)
class View:
    """Two samples of some columns in the same bins, those of one column after those of another.

    Attributes:
        sizes: bins of each column, at least one, [columns].
        numeric: which columns are numeric, [columns]; the others are categorical.
        reference: effective rows of the reference in each bin, [bins].
        window: the same of the window, [bins].
        valued: positions of the numeric columns that have rows on both sides, [valued].
        reference_values: sketches of the reference's `valued` columns.
        window_values: sketches of the window's `valued` columns.
        spread: spread of each column's reference, in the column's own unit, [columns].
        reference_missing: share of all rows that are missing, NaN where there are no rows, [columns].
        window_missing: the same of the window, [columns].

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
        """The first bin of each column."""
        return np.cumsum(self.sizes) - self.sizes

    @cached_property
    def column(self) -> IntArray:
        """The column of each bin."""
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

    @cached_property
    def gaps(self) -> Gaps:
        """Between the cumulative shares of the `valued` columns, in spreads of the reference."""
        if not len(self.valued):
            return Gaps(np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
        return gaps_between(self.reference_values, self.window_values, self.spread[self.valued])

    def integral(self, heights: FloatArray) -> FloatArray:
        """The integral of heights over the stretches of `gaps`; NaN in columns that are not `valued`, [columns]."""
        if not len(self.valued):
            return self.of_valued(np.zeros(0))
        with np.errstate(over="ignore"):
            halves = np.add.reduceat(heights * self.gaps.half_width, self.gaps.starts)
            return self.of_valued(np.minimum(2.0 * halves, LARGEST))

    def sums(self, bins: FloatArray) -> FloatArray:
        """The sum of each column's bins, [columns]."""
        return np.add.reduceat(bins, self.starts)

    def below(self, bins: FloatArray) -> FloatArray:
        """The sum of what lies in the bins before each, within its column, [bins]."""
        before = np.cumsum(bins) - bins
        return np.asarray(before - before[self.starts][self.column])

    def known(self, values: FloatArray) -> FloatArray:
        """The values of columns that have rows on both sides; NaN elsewhere."""
        return np.where(self.empty, np.nan, values)

    def of_valued(self, values: FloatArray) -> FloatArray:
        """Values of the `valued` columns; NaN elsewhere."""
        every = np.full(len(self.sizes), np.nan)
        every[self.valued] = values
        return every


class Sample(NamedTuple):
    """The rows of one column on one side as they are, before any sketch.

    Attributes:
        values: in spreads of the reference; empty for a categorical column, [rows].
        counts: rows in each bin or category, [bins].
        missing: share of all rows that are missing.

    """

    values: FloatArray
    counts: FloatArray
    missing: float

    @property
    def shares(self) -> FloatArray:
        return np.asarray(self.counts / self.counts.sum())


@dataclass(frozen=True, slots=True)
class Statistic:
    """A distance for people to read; it has no part in the verdict, see docs/concepts/verdict.md.

    Attributes:
        name: as in `ml.drift.<name>`.
        title: its name in the literature.
        kinds: the columns it applies to, `NUMERIC` or `CATEGORY` or both.
        description: what it measures.
        reading: which values are usual, and what they mean.
        compute: values by column, [columns]: at least 0, 0 where both sides are equal, NaN where one of them is empty.
        oracle: the value by definition, of the reference and the window of one column that has rows on both sides: a
            function of SciPy, or the formula written plainly. The contract suite holds `compute` to it.

    """

    name: str
    title: str
    kinds: frozenset[str]
    description: str
    reading: str
    compute: Callable[[View], FloatArray]
    oracle: Callable[[Sample, Sample], float]


ANY_KIND = frozenset({NUMERIC, CATEGORY})
