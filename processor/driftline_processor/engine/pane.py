"""A pane: the contents of each column in one step of event time, per operation of the model."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from driftline.sketch import Histogram
from driftline.sketch.time_units import HOUR
from driftline_processor.engine.accumulator import COUNTED_ELSEWHERE, Accumulator
from driftline_processor.engine.stream_deltas import Increment, Point, difference
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
    older: Histogram | None
    newer: Histogram


@dataclass(slots=True)
class Pane:
    """The contents of a pane; `pending` sketches are not in `accumulators` yet. rows: by operation.

    hours: rows by the start of their hour, nanoseconds, of all operations together: when in the pane they came.
    traces: a few trace ids; the smallest, as ids are random, so that the order of arrival does not matter.
    """

    accumulators: dict[OperationColumn, Accumulator] = field(default_factory=dict)
    pending: dict[StreamKey, PendingDelta] = field(default_factory=dict)
    rows: dict[str, float] = field(default_factory=dict)
    hours: dict[int, float] = field(default_factory=dict)
    traces: list[str] = field(default_factory=list)

    def add(self, point: Point, increment: Increment, time: int) -> None:
        """Adds the increment of a point, counted at an event time."""
        if isinstance(point, RowsPoint):
            self._count(point.operation, increment.rows)
            self._count_hour(time, increment.rows)
            if point.traces:
                self._record(point.traces)
        elif isinstance(point, SketchPoint):
            self._follow(point, increment)
        elif point.value not in COUNTED_ELSEWHERE or point.kind != "state":
            held = self._accumulator(OperationColumn(point.column, point.operation))
            (held.add_category if point.kind == "category" else held.add_state)(point.value, increment.rows)

    def add_empty_category(self, point: CountPoint) -> None:
        """Adds a category without rows."""
        self._accumulator(OperationColumn(point.column, point.operation)).add_category(point.value, 0.0)

    def add_spans(self, spans: ExampleRows, columns: Iterable[ColumnKey]) -> None:
        """Adds the rows of spans, and the values of these columns."""
        weights = np.repeat(spans.weights, spans.rows)
        for column in columns:
            self._accumulator(OperationColumn(column, spans.operation)).add_values(spans.columns[column], weights)
        self._count(spans.operation, float(weights.sum()))
        for time, weight in zip(spans.times.tolist(), spans.weights.tolist(), strict=True):
            self._count_hour(time, weight * spans.rows)
        self._record(key[:TRACE_ID].hex() for key in (spans.keys[0], spans.keys[-1]))

    def summaries(self) -> Mapping[OperationColumn, ColumnSummary]:
        """The summary of each column so far."""
        for delta in self.pending.values():
            self._settle(delta)
        self.pending.clear()
        return {column: held.summary() for column, held in self.accumulators.items()}

    def _follow(self, point: SketchPoint, increment: Increment) -> None:
        column, older = OperationColumn(point.column, point.operation), increment.older
        assert older is None or isinstance(older, Histogram)
        if not point.cumulative:
            self._accumulator(column).add_histogram(point.histogram)
            return
        key = point.stream, point.start
        held = self.pending.get(key)
        if held is not None and held.newer is older:
            held.newer = point.histogram
            return
        if held is not None:  # the stream continued in another pane, or restarted
            self._settle(held)
        self.pending[key] = PendingDelta(column, older, point.histogram)

    def _settle(self, delta: PendingDelta) -> None:
        self._accumulator(delta.column).add_histogram(difference(delta.newer, delta.older))

    def _record(self, traces: Iterable[str]) -> None:
        self.traces = nsmallest(MAX_TRACES, {*self.traces, *traces})

    def _accumulator(self, column: OperationColumn) -> Accumulator:
        held = self.accumulators.get(column)
        if held is None:
            held = self.accumulators[column] = Accumulator()
        return held

    def _count(self, operation: str, rows: float) -> None:
        self.rows[operation] = self.rows.get(operation, 0.0) + rows

    def _count_hour(self, time: int, rows: float) -> None:
        """A point counts rows before it: at a full hour those of the hour that ends."""
        start = (time - 1) // HOUR * HOUR
        self.hours[start] = self.hours.get(start, 0.0) + rows
