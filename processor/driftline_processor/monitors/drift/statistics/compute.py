"""Computes every statistic of a window, with the reference's side prepared once."""

from collections.abc import Sequence

import numpy as np

from driftline.semconv import MISSING
from driftline.sketch import Intervals
from driftline_processor.monitors.drift.binning.binned_counts import STATES, BinnedCounts
from driftline_processor.monitors.drift.binning.stacked_intervals import StackedIntervals
from driftline_processor.monitors.drift.statistics import STATISTICS, View
from driftline_processor.monitors.drift.statistics.view import CATEGORY, NUMERIC
from driftline_processor.records import ColumnSummary, ReferenceColumn
from driftline_processor.reference.category_bins import cell_rows

NORMAL_IQR = 1.349
"""Interquartile range of a normal distribution of standard deviation 1."""


class ReferenceStatistics:
    """The reference's columns as statistics see them: each has one bin more, for categories training never saw."""

    def __init__(self, columns: Sequence[ReferenceColumn]) -> None:
        rows = [cell_rows(column) for column in columns]
        self._numeric = np.array([column.kind == NUMERIC for column in columns], bool)
        self._sizes = np.array([len(each) + 1 for each in rows], np.int64)
        self._novel_bins = np.cumsum(self._sizes) - 1
        self._bins = np.setdiff1d(np.arange(int(self._sizes.sum())), self._novel_bins)
        self._counts = np.zeros(int(self._sizes.sum()))
        self._counts[self._bins] = np.concatenate(rows)
        self._stacked = StackedIntervals.of([column.summary.intervals for column in columns if column.kind == NUMERIC])
        self._spread = np.array([reference_spread(column.summary.intervals) for column in columns])
        self._missing = np.array([_missing(column.summary) for column in columns])

    def of_window(self, counts: BinnedCounts, stacked: StackedIntervals) -> list[dict[str, float]]:
        """Compute the statistics that apply to each column.

        Args:
            counts: rows of the window in the reference's bins.
            stacked: sketches of the window's numeric columns.

        Returns:
            Values by the statistic's name, a mapping for each column; without those that are not defined.

        """
        view = self._view(counts, stacked)
        found: list[dict[str, float]] = [{} for _ in range(len(self._sizes))]
        numeric = self._numeric.tolist()
        for statistic in STATISTICS:
            of_kind = NUMERIC in statistic.kinds, CATEGORY in statistic.kinds
            values = statistic.compute(view).tolist()
            for column, (value, is_numeric) in enumerate(zip(values, numeric, strict=True)):
                if of_kind[not is_numeric] and value == value:  # noqa: PLR0124  (NaN: one side has no rows)
                    found[column][statistic.name] = value
        return found

    def _view(self, counts: BinnedCounts, stacked: StackedIntervals) -> View:
        window = np.zeros(len(self._counts))
        window[self._bins] = counts.bins
        window[self._novel_bins] = np.where(self._numeric, 0.0, counts.novel)  # new numbers lie in bins already
        valued = np.flatnonzero((self._stacked.totals > 0.0) & (stacked.totals > 0.0))
        rows = counts.rows > 0.0
        missing = counts.states[STATES.index(MISSING)] / np.where(rows, counts.rows, 1.0)
        return View(
            sizes=self._sizes,
            numeric=self._numeric,
            reference=self._counts,
            window=window * np.repeat(counts.effective, self._sizes),
            valued=np.flatnonzero(self._numeric)[valued],
            reference_values=self._stacked.take(valued),
            window_values=stacked.take(valued),
            spread=self._spread,
            reference_missing=self._missing,
            window_missing=np.where(rows, missing, np.nan),
        )


def reference_spread(values: Intervals) -> float:
    """The unit of distances between values: the reference's robust standard deviation (IQR / 1.349).

    Where half of the rows share one value, the standard deviation; of a constant its size; of a constant 0, 1. A
    constant's moves are thus shares of the constant, whatever its unit.
    """
    if not values.total:
        return 1.0
    low, high = values.quantiles((0.25, 0.75))
    robust = (high / 2 - low / 2) / NORMAL_IQR * 2
    middle, weight = values.lower / 2 + values.upper / 2, values.weight / values.total
    centre = float(middle @ weight)
    size = float(np.abs(middle).max())
    deviation = size * float(np.sqrt(((middle / size - centre / size) ** 2) @ weight)) if size else 0.0
    resolution = float((values.upper / 2 - values.lower / 2) @ weight) * 2  # a bucket's width is no spread
    return next((unit for unit in (robust, deviation) if unit > 2 * resolution), abs(centre)) or 1.0


def _missing(summary: ColumnSummary) -> float:
    return summary.states.get(MISSING, 0.0) / summary.rows if summary.rows else float("nan")
