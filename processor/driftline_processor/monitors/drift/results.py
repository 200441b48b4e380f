"""What is told of each column of a window: sizes, distribution, statistics and verdict, beside those of training."""

from collections.abc import Mapping, Sequence

import numpy as np

from driftline.sketch.arrays import BoolArray, FloatArray
from driftline_processor.monitors.drift.binning.binner import BinnedWindow, Binner
from driftline_processor.monitors.drift.binning.bins import BinnedCategories
from driftline_processor.monitors.drift.binning.describe import class_shares, numbers, state_shares
from driftline_processor.monitors.drift.binning.stacked_intervals import StackedIntervals
from driftline_processor.monitors.drift.statistics.compute import ReferenceStatistics
from driftline_processor.records import ColumnKey, ColumnResult, ColumnSummary, Histogram, ReferenceColumn
from driftline_processor.verdicts.verdict import Verdict


class ColumnResults:
    """The columns of a reference, prepared to be told of in every window. told: how many are, the first ones."""

    def __init__(self, columns: Sequence[ReferenceColumn], binner: Binner, told: int) -> None:
        self._columns, self._binner, self._told = columns, binner, told
        self._statistics = ReferenceStatistics(columns)
        summaries = [column.summary for column in columns]
        self._distributions = numbers(StackedIntervals.of([summary.intervals for summary in summaries]))
        placed = binner.place(summaries)
        self._shares, self._bins = self._class_shares(summaries, placed.categories), placed.counts.bins

    def of_window(
        self,
        held: Sequence[ColumnSummary],
        binned: BinnedWindow,
        judged: BoolArray,
        verdicts: Sequence[Verdict],
        detectable: FloatArray,
    ) -> list[ColumnResult]:
        """Of the columns that are judged. detectable: what is found in every other window, NaN without rows."""
        statistics = self._statistics.of_window(binned.counts, binned.numeric)
        distributions, shares = numbers(binned.stacked), self._class_shares(held, binned.categories)
        effective = (binned.counts.rows * binned.counts.effective).tolist()
        histograms = self._histograms(binned.counts.bins)
        return [
            ColumnResult(
                column=self._columns[i].key,
                rows=held[i].rows,
                effective_rows=effective[i],
                reference_rows=self._columns[i].summary.rows,
                statistics=statistics[i],
                distribution=distributions[i],
                shares=shares.get(i, {}),
                states=state_shares(held[i]),
                verdict=verdicts[i],
                reference_distribution=self._distributions[i],
                reference_shares=self._shares.get(i, {}),
                detectable=None if np.isnan(detectable[i]) else float(detectable[i]),
                histogram=histograms.get(i),
                type=self._columns[i].type,
            )
            for i in np.flatnonzero(judged).tolist()
        ]

    def _histograms(self, current: FloatArray) -> dict[int, Histogram]:
        """Of numeric columns with rows, by the number of the column. current: rows by bin, as a window has them."""
        found = {}
        for i, (edges, bins) in self._binner.numeric_bins().items():
            known, now = self._bins[bins], current[bins]
            if i < self._told and known.any() and now.any():
                found[i] = Histogram(edges, known / known.sum(), now / now.sum())
        return found

    def _class_shares(
        self, held: Sequence[ColumnSummary], placed: Mapping[int, BinnedCategories]
    ) -> dict[int, dict[str, float]]:
        """Of categorical columns, by the number of the column."""
        return {i: class_shares(self._binner.classes(i, held[i], bins)) for i, bins in placed.items() if i < self._told}


def describe_window(summaries: Mapping[ColumnKey, ColumnSummary]) -> tuple[ColumnResult, ...]:
    """What columns hold, where there is nothing to compare them with."""
    if not summaries:
        return ()
    distributions = numbers(StackedIntervals.of([summary.intervals for summary in summaries.values()]))
    return tuple(
        ColumnResult(
            column=key,
            rows=summary.rows,
            effective_rows=summary.rows**2 / summary.squares if summary.squares else summary.rows,
            reference_rows=0.0,
            statistics={},
            distribution=distribution,
            shares=class_shares(summary.categories),
            states=state_shares(summary),
            verdict=None,
        )
        for (key, summary), distribution in zip(summaries.items(), distributions, strict=True)
    )
