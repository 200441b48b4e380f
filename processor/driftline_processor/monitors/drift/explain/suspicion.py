"""How likely a row of the window is one that moved: what is more there than in training, as a share of what is there.


Where training has 2% of its rows and the window 10%, four rows of five are new ones.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from driftline.semconv import MISSING, NON_FINITE, OTHER, WRONG_TYPE
from driftline.sketch import Intervals, project
from driftline.sketch.arrays import FloatArray
from driftline.sketch.decimals import LEVELS, decimals
from driftline.sketch.values import class_name
from driftline_processor.monitors.drift.binning.decimal_columns import DECIMALS
from driftline_processor.monitors.drift.binning.reading import WindowReader, reader_of_texts
from driftline_processor.monitors.drift.detection.column_baseline import VALUE
from driftline_processor.records import ColumnSummary, ReferenceColumn, Scalar


def suspicion(column: ReferenceColumn, window: ColumnSummary, aspect: str, values: Sequence[Scalar]) -> list[float]:
    """For each row of a window by its value in a column, from 0 to 1; low where few rows tell.

    Args:
        column: Of the reference.
        window: What the window held.
        aspect: In which the column moved: `value`, or a state such as `missing`; only rows of that one are suspect.
        values: One for each row.

    """
    (read,) = WindowReader([column]).read([window])
    if aspect == DECIMALS:
        return _of_decimals(column, read, values)
    if aspect != VALUE:
        return _in_state(column, read, aspect, values)
    return (_numbers if column.kind == "numeric" else _categories)(column, read, values)


def excess(live: float, expected: float) -> float:
    """The share of `live` rows that training does not explain, less what chance may do."""
    return max(live - expected - math.sqrt(live + 1.0), 0.0) / (live + 1.0)


def _in_state(column: ReferenceColumn, read: ColumnSummary, state: str, values: Sequence[Scalar]) -> list[float]:
    chunks = column.states.get(state)
    known = chunks.sum(axis=0) if chunks is not None and len(chunks) else np.zeros(2)
    usual = float(known[1] / known.sum()) if known.sum() else 0.0
    suspect = excess(read.states.get(state, 0.0), usual * read.rows)
    number = _reader(column)
    return [suspect if _state(column, number, value) == state else 0.0 for value in values]


def _of_decimals(column: ReferenceColumn, read: ColumnSummary, values: Sequence[Scalar]) -> list[float]:
    usual = np.zeros(len(LEVELS)) if column.decimals is None else column.decimals.sum(axis=0)
    live = np.array([read.decimals.get(level, 0.0) for level in LEVELS])
    expected = usual * (live.sum() / max(usual.sum(), 1.0))
    share = [excess(*each) for each in zip(live.tolist(), expected.tolist(), strict=True)]
    number = _reader(column)
    numbers = np.array([np.nan if (x := number(value)) is None else x for value in values], np.float64)
    return [share[level] if level >= 0 else 0.0 for level in decimals(numbers).tolist()]


def _numbers(column: ReferenceColumn, read: ColumnSummary, values: Sequence[Scalar]) -> list[float]:
    """By bin; where a value has become so frequent that it stands out of its bin, by value, and by what is left."""
    live, known = read.intervals.merge(), column.summary.intervals
    scale = live.total / known.total if known.total else 0.0
    usual = scale * _within(known, live)
    single = np.array([excess(*each) for each in zip(live.weight.tolist(), usual.tolist(), strict=True)])
    bins = np.searchsorted(column.edges, live.upper)
    rows, expected = project(live, column.edges, known), scale * project(known, column.edges)
    out = single > np.array([excess(*each) for each in zip(rows.tolist(), expected.tolist(), strict=True)])[bins]
    rows = np.maximum(
        rows - np.bincount(bins[out], live.weight[out], len(rows)), 0.0
    )  # a value may lie astride an edge
    expected -= np.bincount(bins[out], usual[out], len(rows))
    # An interval may lie across an edge: more rows may stand out of its bin than are in it.
    parts = (np.maximum(each, 0.0).tolist() for each in (rows, expected))
    left = [excess(*each) for each in zip(*parts, strict=True)]
    number, outside = _reader(column), _Tails(live, known, scale)

    def suspect(x: float | None) -> float:
        if x is None or not np.isfinite(x):
            return 0.0
        at = int(np.searchsorted(live.upper, x))
        alone = at < len(live) and live.lower[at] < x and out[at]
        within = int(np.searchsorted(column.edges, x))
        own = float(single[at]) if alone else left[within]
        return max(own, outside.suspicion(x)) if within in (0, len(left) - 1) else own

    numbers = [number(value) for value in values]
    return _of_repeated(numbers, [suspect(x) for x in numbers], live)


def _of_repeated(numbers: Sequence[float | None], shares: list[float], live: Intervals) -> list[float]:
    """Where one value of an interval comes again and again, it is that one; its neighbours are there as ever."""
    places = [None if x is None or not np.isfinite(x) else int(np.searchsorted(live.upper, x)) for x in numbers]
    times = Counter(zip(places, numbers, strict=True))
    most: dict[int | None, int] = {}
    for (place, _), count in times.items():
        most[place] = max(most.get(place, 0), count)
    return [
        share if most[place] == 1 or times[place, x] > 1 else 0.0
        for place, x, share in zip(places, numbers, shares, strict=True)
    ]


class _Tails:
    """The outermost bins are wide: a row there is also as suspect as all that lie as far out are together."""

    def __init__(self, live: Intervals, known: Intervals, scale: float) -> None:
        self._points = np.unique(np.concatenate((live.lower, live.upper)))
        rows, expected = project(live, self._points), scale * project(known, self._points)
        above = [excess(*each) for each in zip(_from_right(rows), _from_right(expected), strict=True)]
        below = [excess(*each) for each in zip(rows.cumsum().tolist(), expected.cumsum().tolist(), strict=True)]
        self._above = np.maximum.accumulate(above)
        self._below = np.maximum.accumulate(below[::-1])[::-1]

    def suspicion(self, x: float) -> float:
        at = int(np.searchsorted(self._points, x))
        return float(max(self._above[at], self._below[at]))


def _from_right(counts: FloatArray) -> list[float]:
    found: list[float] = np.maximum(counts[::-1].cumsum()[::-1], 0.0).tolist()
    return found


def _within(known: Intervals, live: Intervals) -> FloatArray:
    """Rows of training within each interval of the window, [intervals]."""
    points = np.unique(np.concatenate((live.lower, live.upper)))
    below = project(known, points).cumsum() if len(points) else np.zeros(0)
    return np.asarray(below[np.searchsorted(points, live.upper)] - below[np.searchsorted(points, live.lower)])


def _categories(column: ReferenceColumn, read: ColumnSummary, values: Sequence[Scalar]) -> list[float]:
    """Rows are compared with the same category of the whole of training."""
    live, known = _valid(read), _valid(column.summary)
    scale = live / known if known else 0.0
    found = []
    for value in values:
        names = _names(value)
        rows, usual = (_held(each, names, value) for each in (read, column.summary))
        found.append(excess(rows, usual * scale) if names else 0.0)
    return found


def _names(value: Scalar) -> tuple[str, ...]:
    """What a category may be called; nothing for a missing value."""
    if value is None or value != value:  # noqa: PLR0124  (NaN)
        return ()
    return tuple(dict.fromkeys((str(value), class_name(value))))


def _held(summary: ColumnSummary, names: Sequence[str], value: Scalar) -> float:
    """Rows of a category; of all that are not named, where it is none of those that are."""
    rows = sum(summary.categories.get(name, 0.0) for name in names)
    if not isinstance(value, str) and value is not None:
        rows += _at(summary.intervals, float(value))
    return rows or summary.categories.get(OTHER, 0.0)


def _at(intervals: Intervals, value: float) -> float:
    return float(intervals.weight[(intervals.lower < value) & (value <= intervals.upper)].sum())


def _valid(summary: ColumnSummary) -> float:
    return float(sum(summary.categories.values()) + summary.intervals.total)


def _reader(column: ReferenceColumn) -> Callable[[Scalar], float | None]:
    """What a value is as a number; None where it is none, NaN where it is missing."""
    read = reader_of_texts(column.type)

    def number(value: Scalar) -> float | None:
        if value is None:
            return float("nan")
        return read(value) if isinstance(value, str) else float(value)

    return number


def _state(column: ReferenceColumn, number: Callable[[Scalar], float | None], value: Scalar) -> str | None:
    if column.kind != "numeric":
        return MISSING if not _names(value) else None
    x = number(value)
    if x is None:
        return WRONG_TYPE
    return MISSING if np.isnan(x) else NON_FINITE if np.isinf(x) else None
