"""Views of one made column: what statistics see of it through sketches, and of its rows as they are."""

from collections.abc import Callable
from dataclasses import fields

import numpy as np

from driftline.sketch import Intervals
from driftline_processor.monitors.drift.binning.bins import NumericBins
from driftline_processor.monitors.drift.binning.stacked_intervals import StackedIntervals
from driftline_processor.monitors.drift.statistics import View
from driftline_processor.monitors.drift.statistics.compute import reference_spread
from driftline_processor.monitors.drift.statistics.view import Sample
from driftline_processor.records import ColumnSummary
from made_columns import Values, numeric_column, numeric_summary


def share_missing(side: Values) -> Values:
    return np.array([np.isnan(side).mean() if len(side) else np.nan])


def numeric_view(reference: Values, window: Values) -> View:
    column = numeric_column(reference, chunks=10)
    stacked = StackedIntervals.of([(numeric_summary(window) if len(window) else ColumnSummary()).intervals])
    valued = np.flatnonzero(stacked.totals)
    return View(
        sizes=np.array([len(column.edges) + 1]),
        numeric=np.array([True]),
        reference=column.chunks.sum(axis=0),
        window=NumericBins([column]).place(stacked).bins,
        valued=valued,
        reference_values=StackedIntervals.of([column.summary.intervals]).take(valued),
        window_values=stacked.take(valued),
        spread=np.array([reference_spread(column.summary.intervals)]),
        reference_missing=share_missing(reference),
        window_missing=share_missing(window),
    )


def category_view(reference: Values, window: Values) -> View:
    """The same samples, as categories: whole numbers, and NaN as missing."""
    names = np.unique(np.floor(np.concatenate((reference, window))))
    names = names[np.isfinite(names)]
    counts = [np.array([(np.floor(side) == name).sum() for name in names], float) for side in (reference, window)]
    return View(
        sizes=np.array([len(names)]),
        numeric=np.array([False]),
        reference=counts[0],
        window=counts[1],
        valued=np.zeros(0, np.int64),
        reference_values=StackedIntervals.of([]),
        window_values=StackedIntervals.of([]),
        spread=np.ones(1),
        reference_missing=share_missing(reference),
        window_missing=share_missing(window),
    )


def side_by_side(first: View, second: View) -> View:
    """Two views of one column each, as one of two."""

    def stacked(of: str) -> StackedIntervals:
        each = [getattr(view, of) for view in (first, second)]
        parts = [np.concatenate([getattr(stacked, part) for stacked in each]) for part in ("lower", "upper", "weight")]
        return StackedIntervals(*parts, np.append(0, np.cumsum(np.concatenate([stacked.sizes for stacked in each]))))

    def joined(part: str) -> Values:
        return np.concatenate([getattr(view, part) for view in (first, second)])

    sketches = ("reference_values", "window_values")
    parts = {part.name: (stacked if part.name in sketches else joined)(part.name) for part in fields(View)}
    return View(**parts | {"valued": np.append(first.valued, second.valued + 1)})


def points(values: Values) -> Intervals:
    """Every value as an interval of its own, as narrow as numbers can be: a sketch that blurs nothing."""
    distinct, rows = np.unique(values, return_counts=True)
    return Intervals(np.nextafter(distinct, -np.inf), distinct, rows.astype(float))


def exact_view(reference: Values, window: Values) -> View:
    """Numbers that no sketch has blurred, in bins between quantiles of the reference."""
    sides = [side[np.isfinite(side)] for side in (reference, window)]
    edges = np.unique(np.quantile(sides[0], np.linspace(0.0, 1.0, 33)[1:-1]))
    counts = [np.bincount(np.searchsorted(edges, side), minlength=len(edges) + 1).astype(float) for side in sides]
    intervals = [points(side) for side in sides]
    return View(
        sizes=np.array([len(edges) + 1]),
        numeric=np.array([True]),
        reference=counts[0],
        window=counts[1],
        valued=np.zeros(1, np.int64),
        reference_values=StackedIntervals.of(intervals[:1]),
        window_values=StackedIntervals.of(intervals[1:]),
        spread=np.array([reference_spread(intervals[0])]),
        reference_missing=share_missing(reference),
        window_missing=share_missing(window),
    )


def samples(view: View, reference: Values, window: Values) -> tuple[Sample, Sample]:
    """Both sides of a view of one column, as an oracle takes them."""

    def of(side: Values, counts: Values) -> Sample:
        values = side[np.isfinite(side)] / view.spread[0] if view.numeric[0] else np.zeros(0)
        return Sample(values, counts, float(np.isnan(side).mean()))

    return of(reference, view.reference), of(window, view.window)


def with_missing(values: Values, share: float) -> Values:
    return np.append(values, np.full(int(share * len(values)), np.nan))


def drawn(*, reference: int, window: int, make: Callable[[Values], Values]) -> Callable[[float], tuple[Values, Values]]:
    """Two samples of so many rows of a made distribution, the window's `shift` standard deviations away."""

    def at(shift: float) -> tuple[Values, Values]:
        random = np.random.default_rng(9)
        sides = random.normal(size=reference), random.normal(shift, 1.0, window)
        return with_missing(make(sides[0]), 0.1), with_missing(make(sides[1]), 0.1 + shift / 10)

    return at


SHAPES = {
    "normal": drawn(reference=2_000, window=2_000, make=lambda x: x),
    "lognormal, few against many": drawn(reference=5_000, window=150, make=np.exp),
    "heavy tails": drawn(reference=2_000, window=1_000, make=lambda x: np.tan(1.5 * np.tanh(x))),
    "integers": drawn(reference=2_000, window=1_000, make=lambda x: np.round(20 + 5 * x)),
    "half of the rows 0": drawn(reference=1_000, window=2_000, make=lambda x: np.maximum(x, 0.0)),
    "far from 0": drawn(reference=1_000, window=1_000, make=lambda x: 1e6 + x),
    "a dozen rows": drawn(reference=40, window=12, make=lambda x: 10 * x),
    "two values": drawn(reference=500, window=500, make=lambda x: (x > 1.0).astype(float)),
}
LARGE = {
    "normal": drawn(reference=20_000, window=5_000, make=lambda x: x),
    "lognormal": drawn(reference=20_000, window=5_000, make=np.exp),
    "integers": drawn(reference=20_000, window=5_000, make=lambda x: np.round(20 + 5 * x)),
}
