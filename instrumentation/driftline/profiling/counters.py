"""The second pass over a column: every row counted, in the whole and in its chunk."""

from dataclasses import replace
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from driftline import semconv
from driftline.profiling.survey import ColumnSurvey, Range
from driftline.reference.column_types import BOOLEAN, CATEGORY, FLOAT, INTEGER
from driftline.reference.format import FEWEST_BINS, MOST_CATEGORIES
from driftline.reference.profile_column import ProfileColumn
from driftline.semconv import TARGET_INPUT
from driftline.sketch import NumericPoints, NumericSketch, cut_bins, fit_layout
from driftline.sketch.arrays import FloatArray, IntArray
from driftline.sketch.decimals import LEVELS, decimals, sampled
from driftline.sketch.values import class_name

_MOST_BINS: Final = 256
_BINS_TOGETHER: Final = 2048
"""As many as the columns with more than FEWEST_BINS share: a reference of 30 columns stays under a megabyte."""


_DECIMALS_OF: Final = 8192
_DECIMALS_OF_EVERY: Final = 8
"""Of the rows of a batch, so many or that part are looked at for their decimals, whichever is more."""


class ColumnCounter(Protocol):
    """Counts the rows of one column. chunk: of each row, [rows], -1 for rows in none."""

    def add(self, batch: Any, chunk: IntArray) -> None: ...
    def result(self) -> ProfileColumn: ...


class ChunkCounts:
    """Rows by chunk and bin, and by chunk and state."""

    def __init__(self, chunks: int, bins: int) -> None:
        self.bins = np.zeros((chunks, bins), np.int64)
        self.states: dict[str, IntArray] = {}
        self.totals: dict[str, int] = {}

    def add(self, chunk: IntArray, bin_: IntArray) -> None:
        """Rows with a value: the chunk and the bin of each."""
        place = (chunk * self.bins.shape[1] + bin_)[chunk >= 0]
        self.bins += np.bincount(place, minlength=self.bins.size).reshape(self.bins.shape)

    def add_state(self, state: str, chunk: IntArray) -> None:
        """Rows without one."""
        if len(chunk):
            self.totals[state] = self.totals.get(state, 0) + len(chunk)
            counts = self.states.setdefault(state, np.zeros(len(self.bins), np.int64))
            counts += np.bincount(chunk[chunk >= 0], minlength=len(counts))


class NumericColumnCounter:
    """A numeric column: a sketch of the whole, bins of about equal rows in the chunks."""

    def __init__(self, survey: ColumnSurvey, sample: NDArray[np.float64], chunks: int) -> None:
        self._survey = survey
        layout = fit_layout(sample)
        self._sketch = NumericSketch(layout)
        expected = NumericSketch(layout)
        expected.add(sample)
        self._edges = _edges(expected.points(), survey.range)
        self._counts = ChunkCounts(chunks, len(self._edges) + 1)
        self._decimals = ChunkCounts(chunks, len(LEVELS)) if _has_decimals(survey) else None
        self._rows = 0

    def add(self, batch: Any, chunk: IntArray) -> None:
        x = self._survey.column.numbers(batch)
        self._rows += len(x)
        if self._survey.column.mixed:
            wrong = np.isnan(x) & batch.column(self._survey.column.source).is_valid().to_numpy(zero_copy_only=False)
            self._counts.add_state(semconv.WRONG_TYPE, chunk[wrong])
            x, chunk = x[~wrong], chunk[~wrong]
        self._sketch.add(x)
        finite = np.isfinite(x)
        if not finite.all():
            missing = np.isnan(x)
            self._counts.add_state(semconv.MISSING, chunk[missing])
            self._counts.add_state(semconv.NON_FINITE, chunk[~finite & ~missing])
            x, chunk = x[finite], chunk[finite]
        self._counts.add(chunk, np.searchsorted(self._edges, x, "left"))
        if self._decimals is not None:
            self._add_decimals(self._decimals, x, chunk)

    def _add_decimals(self, counts: ChunkCounts, x: FloatArray, chunk: IntArray) -> None:
        most = max(_DECIMALS_OF, len(x) // _DECIMALS_OF_EVERY)
        if len(x) > most:
            chosen = sampled(len(x), most, self._rows)
            x, chunk = x[chosen], chunk[chosen]
        level = decimals(x)
        counts.add(chunk[level >= 0], level[level >= 0])

    @property
    def edges(self) -> FloatArray:
        """Upper edges of all bins but the last."""
        return self._edges

    def result(self) -> ProfileColumn:
        column = self._survey.column
        points = _with_range(self._sketch.points(), self._survey.range)
        few = _ranked(self._survey) if column.kind == INTEGER and self._survey.values is not None else []
        return ProfileColumn(
            column.key,
            column.kind,
            self._rows,
            points,
            {each.name: each.rows for each in few},
            self._counts.totals,
            _hull(self._edges, points),
            (),
            self._counts.bins,
            self._counts.states,
            decimals=self._decimals.bins if self._decimals is not None else None,
        )


def _has_decimals(survey: ColumnSurvey) -> bool:
    """Numbers of which each is not known by itself: of few integers, every one has its own bin."""
    few = survey.column.kind == INTEGER and survey.values is not None
    return survey.column.key.target == TARGET_INPUT and survey.column.kind in (FLOAT, INTEGER) and not few


def _edges(points: NumericPoints, extent: Range) -> FloatArray:
    """Bins of about equal rows by the sample, whose outermost edges are those of all rows. None without a value."""
    if extent.empty:
        return np.zeros(0)
    least, greatest = float(np.nextafter(extent.least, -np.inf)), extent.greatest
    cuts = cut_bins(points.intervals())[1:-1]
    inner = cuts[(cuts > least) & (cuts < greatest)]
    return np.array([least, *inner, greatest])


def _hull(edges: FloatArray, points: NumericPoints) -> FloatArray:
    """Bins whose outermost edges are those of the sketch's outermost buckets: no row of the sketch lies astride."""
    if not len(edges):
        return edges
    seen = points.intervals()
    return np.array([min(edges[0], seen.lower.min()), *edges[1:-1], max(edges[-1], seen.upper.max())])


def _with_range(points: NumericPoints, extent: Range) -> NumericPoints:
    """The sketch with the range of its core, where that is known: where no tail reaches farther."""
    if not points.core.count:
        return points
    tails = points.tails.values()
    below = min((t.minimum for t in tails if t.minimum is not None), default=np.inf)
    above = max((t.maximum for t in tails if t.maximum is not None), default=-np.inf)
    core = replace(
        points.core,
        minimum=extent.least if extent.least < below else None,
        maximum=extent.greatest if extent.greatest > above else None,
    )
    return replace(points, core=core)


def most_bins(columns: int) -> int:
    """Categories with a bin of their own in each of so many columns that have more than FEWEST_BINS."""
    return max(FEWEST_BINS, min(_MOST_BINS, _BINS_TOGETHER // max(columns, 1)))


class _Category(NamedTuple):
    """A value of the data as a category; rows: at least so many have it."""

    name: str
    value: float | str
    rows: int


def _ranked(survey: ColumnSurvey) -> list[_Category]:
    """Values that the first pass has found, the most frequent first, by name among equals."""
    assert survey.values is not None
    boolean = survey.column.kind == BOOLEAN
    found = survey.values.counts().items()
    named = [_Category(class_name(bool(value) if boolean else value), value, rows) for value, rows in found]
    return sorted(named, key=lambda each: (-each.rows, each.name))


class CategoricalColumnCounter:
    """A categorical column: rows by name in the whole, the most frequent names in the chunks."""

    def __init__(self, survey: ColumnSurvey, chunks: int, bins: int) -> None:
        """bins: at most so many categories have one of their own."""
        self._column = survey.column
        named = [each for each in _ranked(survey) if each.name != semconv.OTHER][:MOST_CATEGORIES]
        self._names = [each.name for each in named]
        kind = pa.large_string() if self._column.is_text else pa.float64()
        self._values = pa.array([each.value for each in named], kind)
        self._totals = np.zeros(len(named) + 1, np.int64)
        self._bins = min(len(named), bins)
        self._counts = ChunkCounts(chunks, self._bins + 1)
        self._rows = 0

    def add(self, batch: Any, chunk: IntArray) -> None:
        self._rows += batch.num_rows
        if self._column.is_text:
            values = batch.column(self._column.source)
            missing = values.is_null().to_numpy(zero_copy_only=False)
        else:
            x = self._column.numbers(batch)
            missing, infinite = np.isnan(x), np.isinf(x)
            self._counts.add_state(semconv.NON_FINITE, chunk[infinite])
            values, chunk, missing = pa.array(x[~infinite] + 0.0), chunk[~infinite], missing[~infinite]
        self._counts.add_state(semconv.MISSING, chunk[missing])
        self._add_values(values.filter(pa.array(~missing)), chunk[~missing])

    def _add_values(self, values: Any, chunk: IntArray) -> None:
        others = len(self._names)
        place = pc.fill_null(pc.index_in(values, value_set=self._values), others).to_numpy().astype(np.int64)
        self._totals += np.bincount(place, minlength=others + 1)
        self._counts.add(chunk, np.minimum(place, self._counts.bins.shape[1] - 1))

    @property
    def named(self) -> tuple[list[str], Any]:
        """Categories with a bin of their own, the most frequent first: their names, and an Arrow array of them."""
        return self._names[: self._bins], self._values[: self._bins]

    def result(self) -> ProfileColumn:
        rows = dict(zip([*self._names, semconv.OTHER], self._totals.tolist(), strict=True))
        return ProfileColumn(
            self._column.key,
            CATEGORY if self._column.declared and not self._column.is_text else self._column.kind,
            self._rows,
            None,
            {name: count for name, count in rows.items() if count},
            self._counts.totals,
            np.zeros(0),
            tuple(self._names[: self._bins]),
            self._counts.bins,
            self._counts.states,
        )
