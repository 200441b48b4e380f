"""The statistics of a window: the reference's side of every one, prepared."""

from collections.abc import Sequence

import numpy as np

from driftline.semconv import MISSING
from driftline_processor.monitors.drift.binning.binned_counts import STATES, Counts
from driftline_processor.monitors.drift.binning.stacked_intervals import StackedIntervals
from driftline_processor.monitors.drift.detection.detector import Detector
from driftline_processor.monitors.drift.statistics import STATISTICS, View
from driftline_processor.monitors.drift.statistics.view import CATEGORY, NUMERIC
from driftline_processor.monitors.drift.statistics.wasserstein import reference_spread
from driftline_processor.records import ColumnSummary, ReferenceColumn
from driftline_processor.reference.category_bins import cell_rows


class Trained:
    """What the training data held, as statistics see it: with a cell more in each column, for never seen categories."""

    def __init__(self, columns: Sequence[ReferenceColumn], judge: Detector) -> None:
        self._numeric, self._apart = judge.numeric, judge.apart
        self._sizes = judge.sizes + 1
        ends = np.cumsum(self._sizes)
        self._last = ends - 1
        self._cells = np.setdiff1d(np.arange(int(self._sizes.sum())), self._last)
        self._counts = np.zeros(int(self._sizes.sum()))
        self._counts[self._cells] = np.concatenate([cell_rows(column) for column in columns])
        numeric = [column for column in columns if column.kind == NUMERIC]
        self._stacked = StackedIntervals.of([column.summary.intervals for column in numeric])
        self._spread = np.array([reference_spread(column.summary.intervals) for column in columns])
        self._missing = np.array([_missing(column.summary) for column in columns])

    def statistics(self, counts: Counts, stacked: StackedIntervals) -> list[dict[str, float]]:
        """Those that apply to each column. stacked: the sketches of the window's numeric columns."""
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

    def _view(self, counts: Counts, stacked: StackedIntervals) -> View:
        scale = counts.effective
        window = np.zeros(len(self._counts))
        window[self._cells] = counts.cells
        window[self._last] = counts.novel * self._apart
        valued = np.flatnonzero((self._stacked.totals > 0.0) & (stacked.totals > 0.0))
        rows = counts.rows > 0.0
        missing = counts.states[STATES.index(MISSING)] / np.where(rows, counts.rows, 1.0)
        return View(
            sizes=self._sizes,
            numeric=self._numeric,
            reference=self._counts,
            window=window * np.repeat(scale, self._sizes),
            valued=np.flatnonzero(self._numeric)[valued],
            reference_values=self._stacked.take(valued),
            window_values=stacked.take(valued),
            spread=self._spread,
            reference_missing=self._missing,
            window_missing=np.where(rows, missing, np.nan),
        )


def _missing(summary: ColumnSummary) -> float:
    return summary.states.get(MISSING, 0.0) / summary.rows if summary.rows else float("nan")
