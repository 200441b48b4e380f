"""A pane: the contents of each column in one step of event time, per operation of the model."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from heapq import nsmallest
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from driftline.semconv import MISSING, TARGET_INPUT
from driftline.sketch.encoded import Sketch
from driftline.sketch.time_units import HOUR
from driftline_processor.engine.accumulator import COUNTED_ELSEWHERE, Accumulator, settle
from driftline_processor.engine.row_hashes import hashed_rows
from driftline_processor.engine.stream_deltas import Amount, Increment, Point
from driftline_processor.records import ColumnKey, ColumnSummary, CountPoint, ExampleRows, RowsPoint, SketchPoint

MAX_TRACES: Final = 5
"""Trace ids kept per pane, and given per window."""

TRACE_ID: Final = 16
"""Bytes of the trace id, which starts a span's key."""

StreamKey: TypeAlias = tuple[bytes, int]


class OperationColumn(NamedTuple):
    """A column as seen by one operation of the model, such as `predict`."""

    column: ColumnKey
    operation: str


@dataclass(slots=True)
class PendingDelta:
    """The rows that a cumulative sketch gained in a pane: `newer` minus `older` (None: all of `newer`).

    Deferred, so that a dozen exports of one stream in a pane cost one subtraction.
    """

    column: OperationColumn
    older: Sketch | None
    newer: Sketch


class SpanRows(NamedTuple):
    """Rows of spans that no sketch counts: the sum of their weights, and of the squares of these."""

    rows: float = 0.0
    squares: float = 0.0


NO_ROWS: Final = SpanRows()


@dataclass(slots=True)
class Pane:
    """The contents of a pane; `pending` sketches are not in `accumulators` yet. rows: by operation.

    span_rows, span_columns: rows that came in spans, by operation, and those of them in which a column was there.

    hours: rows by the start of their hour, nanoseconds, of all operations together: when in the pane they came.
    traces: a few trace ids; the smallest, as ids are random, so that the order of arrival does not matter.
    """

    accumulators: dict[OperationColumn, Accumulator] = field(default_factory=dict)
    pending: dict[StreamKey, PendingDelta] = field(default_factory=dict)
    rows: dict[str, float] = field(default_factory=dict)
    hours: dict[int, float] = field(default_factory=dict)
    traces: list[str] = field(default_factory=list)
    span_rows: dict[str, SpanRows] = field(default_factory=dict)
    span_columns: dict[OperationColumn, SpanRows] = field(default_factory=dict)

    def add(self, point: Point, increment: Increment, time: int) -> None:
        """Adds the increment of a point, counted at an event time."""
        if isinstance(point, RowsPoint):
            self._count(point.operation, increment.rows)
            self._count_hour(time, increment.rows)
            if point.traces:
                self._record(point.traces)
        elif isinstance(point, CountPoint):
            self.add_count(point, increment.rows)
        elif point.cumulative:
            self.add_gain(point, increment.older)
        else:
            self.add_sketch(point)

    def add_count(self, point: CountPoint, rows: float) -> None:
        """Adds rows of the point's category, state or number of decimals."""
        if point.kind != "state" or point.value not in COUNTED_ELSEWHERE:
            held = self._accumulator(OperationColumn(point.column, point.operation))
            _ADD[point.kind](held, point.value, rows)

    def add_sketch(self, point: SketchPoint) -> None:
        """Adds all rows of a sketch."""
        self._accumulator(OperationColumn(point.column, point.operation)).add_histogram(point.histogram)

    def add_gain(self, point: SketchPoint, older: Amount | None) -> None:
        """Adds the rows of a cumulative sketch that the earlier one of its stream does not have."""
        assert not isinstance(older, float)
        key = point.stream, point.start
        held = self.pending.get(key)
        if held is not None and held.newer is older:
            held.newer = point.histogram
            return
        if held is not None:  # the stream continued in another pane, or restarted
            self._settle(held)
        self.pending[key] = PendingDelta(OperationColumn(point.column, point.operation), older, point.histogram)

    def add_empty_category(self, point: CountPoint) -> None:
        """Adds a category without rows."""
        self._accumulator(OperationColumn(point.column, point.operation)).add_category(point.value, 0.0)

    def add_spans(self, spans: ExampleRows, columns: Iterable[ColumnKey]) -> None:
        """Adds the rows of spans, and the values of these columns."""
        weights = np.repeat(spans.weights, spans.rows)
        added = SpanRows(float(weights.sum()), float(weights @ weights))
        for column in columns:
            key = OperationColumn(column, spans.operation)
            self._accumulator(key).add_values(spans.columns[column], weights)
            self.span_columns[key] = _sum(self.span_columns.get(key, NO_ROWS), added)
        self.span_rows[spans.operation] = _sum(self.span_rows.get(spans.operation, NO_ROWS), added)
        self._count(spans.operation, added.rows)
        if (hashed := hashed_rows(spans)) is not None:
            self._accumulator(OperationColumn(hashed[0], spans.operation)).add_values(hashed[1], weights)
        for time, weight in zip(spans.times.tolist(), spans.weights.tolist(), strict=True):
            self._count_hour(time, weight * spans.rows)
        self._record(key[:TRACE_ID].hex() for key in (spans.keys[0], spans.keys[-1]))

    def summaries(self, expected: Iterable[ColumnKey] = ()) -> Mapping[OperationColumn, ColumnSummary]:
        """The summary of each column so far.

        expected: columns that are missing in the rows of spans without them: many SDKs leave out what is null.
        """
        for delta in self.pending.values():
            self._settle(delta)
        self.pending.clear()
        settle(self.accumulators.values())
        found = {column: held.summary() for column, held in self.accumulators.items()}
        if self.span_rows:
            absent = {key: rows for key, rows in self._absent(expected) if rows.rows > 0.0}
            found |= {key: _with_missing(found.get(key, ColumnSummary()), rows) for key, rows in absent.items()}
        return found

    def _absent(self, expected: Iterable[ColumnKey]) -> Iterator[tuple[OperationColumn, SpanRows]]:
        """Rows of spans in which a column was not there."""
        for column in expected:
            for operation, every in self.span_rows.items():
                key = OperationColumn(column, operation)
                there = self.span_columns.get(key, NO_ROWS)
                if there != every:
                    yield key, SpanRows(every.rows - there.rows, max(every.squares - there.squares, 0.0))

    def _settle(self, delta: PendingDelta) -> None:
        self._accumulator(delta.column).add_histogram(delta.newer, delta.older)

    def _record(self, traces: Iterable[str]) -> None:
        self.traces = nsmallest(MAX_TRACES, {*self.traces, *traces})

    def _accumulator(self, column: OperationColumn) -> Accumulator:
        held = self.accumulators.get(column)
        if held is None:
            held = self.accumulators[column] = Accumulator(decimals=column.column.target == TARGET_INPUT)
        return held

    def _count(self, operation: str, rows: float) -> None:
        self.rows[operation] = self.rows.get(operation, 0.0) + rows

    def _count_hour(self, time: int, rows: float) -> None:
        """A point counts rows before it: at a full hour those of the hour that ends."""
        start = (time - 1) // HOUR * HOUR
        self.hours[start] = self.hours.get(start, 0.0) + rows


_ADD: Final[Mapping[str, Callable[[Accumulator, str, float], None]]] = {
    "category": Accumulator.add_category,
    "state": Accumulator.add_state,
    "decimals": Accumulator.add_decimals,
}


def _sum(one: SpanRows, other: SpanRows) -> SpanRows:
    return SpanRows(one.rows + other.rows, one.squares + other.squares)


def _with_missing(summary: ColumnSummary, absent: SpanRows) -> ColumnSummary:
    states = {**summary.states, MISSING: summary.states.get(MISSING, 0.0) + absent.rows}
    rows, squares = summary.rows + absent.rows, summary.squares + absent.squares
    return replace(summary, states=states, rows=rows, squares=squares)
