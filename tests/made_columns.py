"""Columns made from raw values, through real sketches: summaries as windows have them, references as profiles do."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from driftline.semconv import MISSING, NON_FINITE, VALID
from driftline.sketch import Intervals, Layout, NumericSketch, cut_bins, fit_layout, project
from driftline_processor.records import ColumnKey, ColumnSummary, Reference, ReferenceColumn

Values = NDArray[np.float64]

KEY = ColumnKey("input", "x")
HOUR = 3_600 * 10**9


def fitted(values: Values) -> Layout:
    finite = values[np.isfinite(values)]
    return fit_layout(finite[:: max(1, len(finite) // 2048)][:2048])


def numeric_summary(values: Values, layout: Layout | None = None) -> ColumnSummary:
    """What a window holds of numbers, each row once; NaN is missing."""
    sketch = NumericSketch(layout or fitted(values))
    sketch.add(np.ascontiguousarray(values, np.float64))
    points = sketch.points()
    intervals = Intervals.empty().merge(points.core.intervals(), *(tail.intervals() for tail in points.tails.values()))
    found = {VALID: intervals.total, MISSING: float(points.missing), NON_FINITE: float(points.non_finite)}
    states = {state: rows for state, rows in found.items() if rows}
    return ColumnSummary(intervals=intervals, states=states, rows=float(len(values)), squares=float(len(values)))


def category_summary(counts: Mapping[str, float], missing: float = 0.0) -> ColumnSummary:
    valid = float(sum(counts.values()))
    states = {state: rows for state, rows in ((VALID, valid), (MISSING, missing)) if rows}
    return ColumnSummary(categories=dict(counts), states=states, rows=valid + missing, squares=valid + missing)


def counted(values: Sequence[str] | NDArray[np.str_]) -> ColumnSummary:
    names, rows = np.unique(np.asarray(values), return_counts=True)
    return category_summary({str(name): float(count) for name, count in zip(names, rows, strict=True)})


def numeric_column(values: Values, chunks: int = 100, key: ColumnKey = KEY) -> ReferenceColumn:
    """A profile's column of numbers, in time order."""
    layout = fitted(values)
    summary = numeric_summary(values, layout)
    edges = cut_bins(summary.intervals)
    parts = [numeric_summary(part, layout) for part in np.array_split(values, chunks)]
    bins = np.array([project(part.intervals, edges, summary.intervals) for part in parts])
    states = {
        state: np.array([[part.rows - part.states.get(state, 0.0), part.states.get(state, 0.0)] for part in parts])
        for state in (MISSING, NON_FINITE)
        if state in summary.states
    }
    return ReferenceColumn(key, "double", "numeric", summary, edges, (), bins, states)


def category_column(
    values: NDArray[np.str_], chunks: int = 100, key: ColumnKey = KEY, limit: int = 1000
) -> ReferenceColumn:
    """A profile's column of strings, in time order; categories beyond `limit` have no bin of their own."""
    summary = counted(values)
    names = tuple(sorted(summary.categories, key=lambda name: (-summary.categories[name], name))[:limit])
    index = {name: i for i, name in enumerate(names)}
    unique, inverse = np.unique(values, return_inverse=True)
    placed = np.array([index.get(str(name), len(names)) for name in unique])[inverse]
    bins = np.array([np.bincount(part, minlength=len(names) + 1) for part in np.array_split(placed, chunks)], float)
    return ReferenceColumn(key, "string", "category", summary, np.zeros(0), names, bins, {})


def reference_of(*columns: ReferenceColumn, chunk_seconds: float = 0.0) -> Reference:
    """A training profile of these columns; with a clock where chunks have a duration."""
    starts = np.arange(len(columns[0].chunks)) * (chunk_seconds or 1.0)
    return Reference(
        id="0" * 16,
        name="model",
        version="",
        provisional=False,
        has_timestamps=chunk_seconds > 0.0,
        starts=starts,
        ends=starts + (chunk_seconds or 1.0),
        columns={column.key: column for column in columns},
    )
