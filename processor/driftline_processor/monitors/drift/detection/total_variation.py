"""Diffuse change: many categories that moved a little each, none of them by enough to be named.

The distance is total variation, without what chance alone makes of it: with k categories and n rows about sqrt(k/n) of
it is noise. Relevance: what stands out by itself counts linearly, the rest in quadrature beyond its expectation.
Evidence: Pearson's chi-square, inflated as the single categories are. Rare categories are pooled.
"""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtri, fdtri

from driftline.sketch.arrays import BoolArray, FloatArray, IntArray
from driftline_processor.monitors.drift.detection.assessment import Z95, Assessment, Move, Significance
from driftline_processor.monitors.drift.detection.baseline import Baseline
from driftline_processor.monitors.drift.detection.significance import NORMAL_FROM
from driftline_processor.monitors.drift.detection.tolerance_bound import KEPT, critical_bound

FEWEST: Final = 5
"""Categories that are expected twice at least: with fewer each of them speaks for itself."""

STANDS_OUT: Final = 4.0
"""Standard errors from which on a category counts by itself."""

FOLDED: Final = 2.0 / np.pi
"""The square of the mean of |z|, of a standard normal z."""

TINY: Final = 1e-300


class TotalVariation:
    """The categories of columns among all events.

    by_cell: which of the baseline's first columns are categorical; single: which of their events are one category;
    tolerance: of each, [columns].
    """

    def __init__(self, baseline: Baseline, by_bin: BoolArray, single: BoolArray, tolerance: FloatArray) -> None:
        self._baseline, self._columns, self._tolerance = baseline, len(by_bin), tolerance
        self.possible = by_bin & (baseline.sizes[: len(by_bin)] >= FEWEST)
        self._at = np.flatnonzero(self.possible[baseline.column[: len(single)]] & single)
        self._column: IntArray = baseline.column[self._at]
        self._of, self._first = np.unique(self._column, return_index=True)
        self._p = baseline.shares[self._at]

    def may_alarm(self, shares: FloatArray, rows: FloatArray) -> BoolArray:
        """Whether total variation without what chance makes of it exceeds the tolerance, [...].

        shares: of all events, [..., events]; rows: effective rows of each column, [..., columns].
        """
        if not len(self._at):
            return np.zeros(shares.shape[:-1], bool)
        moved = self._sums(np.abs(shares.take(self._at, axis=-1) - self._p)) / 2.0
        chance = np.sqrt(FOLDED * self._p * (1.0 - self._p) / rows.take(self._column, axis=-1))
        noise = self._sums(chance) / 2.0
        return np.asarray((moved**2 - noise**2 > self._tolerance[self._of] ** 2).any(axis=-1))

    def assess(
        self,
        events: Assessment,
        rows: FloatArray,
        alpha: FloatArray,
        of_column: FloatArray,
        chunks: ArrayLike | None,
    ) -> Assessment:
        """Hold the shares of all categories together against the reference's, [..., columns].

        rows: effective rows of each column of the baseline; alpha: false alarms allowed in each of the first ones by
        themselves; of_column: in all of such a column, within its tolerance.
        """
        baseline, column = self._baseline, self._column
        if not len(column):
            nothing = np.zeros((*rows.shape[:-1], self._columns))
            return self._assessment(nothing, nothing, nothing, nothing, nothing)
        n, N = rows.take(column, axis=-1), baseline.rows[column]
        inflation = baseline.variation.inflation(rows, chunks).take(self._at, axis=-1) / n + baseline.natural[self._at]
        q, p = events.move.after.take(self._at, axis=-1), self._p
        pooled = p * np.minimum(n, N) < 1.0
        moved, share, variance = (self._pooled(each, pooled) for each in (q - p, p, p * inflation))
        variance = variance * np.maximum(1.0 - share, 0.0)
        alone = moved**2 > STANDS_OUT**2 * variance
        total, single = self._halves(np.abs(moved), alone)
        noise, _ = self._halves(np.sqrt(FOLDED * variance), alone)
        spread, spread_single = (np.sqrt(x / 2.0) for x in self._halves(variance, alone))
        spread *= np.sqrt(1.0 - FOLDED)

        def at_least(z: FloatArray | float) -> FloatArray:
            """The distance, when both parts are so many standard errors smaller."""
            sure = np.maximum(total - z * spread, 0.0)
            rest = np.sqrt(np.maximum(sure**2 - noise**2, 0.0))
            return np.asarray(rest + np.maximum(single - z * spread_single, 0.0))

        distance = np.sqrt(np.maximum(total**2 - noise**2, 0.0)) + single
        degrees = baseline.variation.degrees(rows, chunks).take(self._of, axis=-1)
        seasonal = self._sums(events.season.take(self._at, axis=-1)) > 0.0
        enough = p * n >= 2.0
        squares = np.where(enough, (q - p) ** 2 / np.where(enough, p * inflation, 1.0), 0.0)
        ratio = self._ratio(self._sums(squares), self._sums(enough.astype(np.float64)), degrees, alpha[self._of])
        ratio = np.where(seasonal, 0.0, ratio)  # whole days will show
        proven = at_least(critical_bound(of_column.take(self._of, axis=-1), degrees))
        found = (distance, at_least(Z95), at_least(-Z95), proven, ratio)
        distance, lower, upper, proven, ratio = (self._of_all(each) for each in found)
        return self._assessment(distance, lower, upper, proven + (1.0 - KEPT) * self._tolerance, ratio)

    def _sums(self, cells: FloatArray) -> FloatArray:
        """By column, [..., possible]."""
        return np.add.reduceat(cells, self._first, axis=-1)

    def _of_all(self, values: FloatArray) -> FloatArray:
        """From those of the possible columns, [..., columns]; 0 elsewhere."""
        every = np.zeros((*values.shape[:-1], self._columns))
        every[..., self._of] = values
        return every

    def _pooled(self, cells: FloatArray, pooled: BoolArray) -> FloatArray:
        """The same with the pooled ones as one more at the end for each column, [..., cells + possible]."""
        together = self._sums(np.where(pooled, cells, 0.0))
        return np.concatenate((np.where(pooled, 0.0, cells), together), axis=-1)

    def _halves(self, values: FloatArray, alone: BoolArray) -> tuple[FloatArray, FloatArray]:
        """Half the sums by column, of what does not stand out and of what does."""
        cells = len(self._at)

        def half(part: FloatArray) -> FloatArray:
            return np.asarray((self._sums(part[..., :cells]) + part[..., cells:]) / 2.0)

        return half(values * ~alone), half(values * alone)

    def _ratio(self, square: FloatArray, count: FloatArray, degrees: FloatArray, alpha: FloatArray) -> FloatArray:
        """Chi-square of `count` categories over its critical one, [..., possible]: F where its width was estimated."""
        freedom = np.maximum(count - 1.0, 1.0)
        known = degrees > NORMAL_FROM
        by_f = freedom * fdtri(freedom, np.where(known, 1.0, degrees), 1.0 - alpha)
        critical = np.where(known, chdtri(freedom, np.maximum(alpha, TINY)), by_f)
        return np.where(count >= FEWEST, square / critical, 0.0)

    def _assessment(
        self, distance: FloatArray, lower: FloatArray, upper: FloatArray, proven: FloatArray, ratio: FloatArray
    ) -> Assessment:
        """lower, upper: 95% bounds; the error is by the farther one, as a distance within the noise has none below."""
        nothing = np.zeros(self._columns)
        error = np.maximum(distance - lower, upper - distance) / Z95
        move = Move(nothing, distance, distance, lower, nothing + self._tolerance, error)
        return Assessment.of_columns(move, Significance.by_sampling(ratio, critical=nothing), proven)
