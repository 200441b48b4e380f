"""Diffuse change: many categories that moved a little each, none of them by enough to be named.

The distance is total variation, without what chance alone makes of it: with k categories and n rows about sqrt(k/n) of
it is noise. Relevance: what stands out by itself counts linearly, the rest in quadrature beyond its expectation.
Evidence: Pearson's chi-square, inflated as the single categories are. Rare categories are pooled.
"""

from typing import Final

import numpy as np
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
        self._p = baseline.shares[self._at]

    def may_alarm(self, shares: FloatArray, rows: FloatArray) -> bool:
        """Whether total variation without what chance makes of it exceeds the tolerance. shares: of all events."""
        if not len(self._at):
            return False
        moved = np.bincount(self._column, np.abs(shares[self._at] - self._p), self._columns) / 2.0
        chance = np.sqrt(FOLDED * self._p * (1.0 - self._p) / rows[self._column])
        noise = np.bincount(self._column, chance, self._columns) / 2.0
        return bool((moved**2 - noise**2 > self._tolerance**2).any())

    def assess(
        self, events: Assessment, rows: FloatArray, alpha: FloatArray, of_column: FloatArray, chunks: float | None
    ) -> Assessment:
        """Hold the shares of all categories together against the reference's, [columns].

        rows: effective rows of each column of the baseline; alpha: false alarms allowed in each of the first ones by
        themselves; of_column: in all of such a column, within its tolerance.
        """
        baseline, column = self._baseline, self._column
        if not len(column):
            nothing = np.zeros(self._columns)
            return self._assessment(nothing, nothing, nothing, nothing, nothing)
        n, N = rows[column], baseline.rows[column]
        inflation = (baseline.variation.inflation(rows, chunks) / rows[baseline.column] + baseline.natural)[self._at]
        q, p = events.move.after[self._at], self._p
        group = np.where(p * np.minimum(n, N) < 1.0, len(p) + column, np.arange(len(p)))
        size = len(p) + self._columns
        moved, share, variance = (np.bincount(group, x, size).astype(np.float64) for x in (q - p, p, p * inflation))
        variance = variance * np.maximum(1.0 - share, 0.0)
        of = np.append(column, np.arange(self._columns)).astype(np.int64)
        alone = moved**2 > STANDS_OUT**2 * variance
        total, single = self._halves(of, np.abs(moved), alone)
        noise, _ = self._halves(of, np.sqrt(FOLDED * variance), alone)
        spread, spread_single = (np.sqrt(x / 2.0) for x in self._halves(of, variance, alone))
        spread *= np.sqrt(1.0 - FOLDED)

        def at_least(z: FloatArray | float) -> FloatArray:
            """The distance, when both parts are so many standard errors smaller."""
            sure = np.maximum(total - z * spread, 0.0)
            rest = np.sqrt(np.maximum(sure**2 - noise**2, 0.0))
            return np.asarray(rest + np.maximum(single - z * spread_single, 0.0))

        distance = np.sqrt(np.maximum(total**2 - noise**2, 0.0)) + single
        seasonal = np.bincount(column, events.season[self._at], self._columns) > 0.0
        ratio = np.where(seasonal, 0.0, self._ratio(q, inflation, rows, alpha, chunks))  # whole days will show
        proven = at_least(critical_bound(of_column, self._degrees(rows, chunks))) + (1.0 - KEPT) * self._tolerance
        return self._assessment(distance, at_least(Z95), at_least(-Z95), proven, ratio)

    def _degrees(self, rows: FloatArray, chunks: float | None) -> FloatArray:
        """Of freedom of the width that was estimated, [columns]."""
        return self._baseline.variation.degrees(rows, chunks)[: self._columns]

    def _halves(self, of: IntArray, values: FloatArray, alone: BoolArray) -> tuple[FloatArray, FloatArray]:
        """Half the sums by column, of what does not stand out and of what does."""
        rest = np.bincount(of, values * ~alone, self._columns) / 2.0
        return rest, np.bincount(of, values * alone, self._columns) / 2.0

    def _ratio(
        self, q: FloatArray, inflation: FloatArray, rows: FloatArray, alpha: FloatArray, chunks: float | None
    ) -> FloatArray:
        """Chi-square over its critical value: F where its width was estimated."""
        column, p = self._column, self._p
        enough = p * rows[column] >= 2.0
        expected = np.where(enough, p * inflation, 1.0)
        square = np.bincount(column, np.where(enough, (q - p) ** 2 / expected, 0.0), self._columns)
        count = np.bincount(column, enough, self._columns)
        freedom = np.maximum(count - 1.0, 1.0)
        width = self._degrees(rows, chunks)
        known = width > NORMAL_FROM
        by_f = freedom * fdtri(freedom, np.where(known, 1.0, width), 1.0 - alpha)
        critical = np.where(known, chdtri(freedom, np.maximum(alpha, TINY)), by_f)
        return np.where(self.possible & (count >= FEWEST), square / critical, 0.0)

    def _assessment(
        self, distance: FloatArray, lower: FloatArray, upper: FloatArray, proven: FloatArray, ratio: FloatArray
    ) -> Assessment:
        """lower, upper: 95 % bounds; the error is by the farther one, as a distance within the noise has none below."""
        nothing = np.zeros(self._columns)
        error = np.maximum(distance - lower, upper - distance) / Z95
        move = Move(nothing, distance, distance, lower, nothing + self._tolerance, error)
        return Assessment.of_columns(move, Significance.by_sampling(ratio, critical=nothing), proven)
