"""One step of event time: what each column held, as each operation of the model saw it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from driftline.sketch import Histogram
from driftline_processor.engine.accumulator import COUNTED_ELSEWHERE, Sum
from driftline_processor.engine.stream_deltas import Increment, Point, difference
from driftline_processor.records import ColumnKey, ColumnSummary, CountPoint, ExampleRows, RowsPoint, SketchPoint

MAX_TRACES: Final = 5
"""Ids of traces that a pane keeps, and a window gives."""

TRACE_ID: Final = 16
"""Bytes; they stand at the front of a span's key."""

StreamKey: TypeAlias = tuple[bytes, int]


class Cell(NamedTuple):
    """A column as one operation of the model saw it."""

    column: ColumnKey
    operation: str


@dataclass(slots=True)
class Stretch:
    """What the stream of a sketch did in a pane: the rows from `older` (None: from nothing) to `newer`.

    A dozen exports of one stream in a pane are so subtracted once, and not a dozen times.
    """

    cell: Cell
    older: Histogram | None
    newer: Histogram


@dataclass(slots=True)
class Pane:
    """Sums by column and operation; stretches of cumulative sketches that are not in them yet; rows by operation.

    traces: ids of a few calls, whichever order they came in: the least ones, and ids are random.
    """

    sums: dict[Cell, Sum] = field(default_factory=dict)
    stretches: dict[StreamKey, Stretch] = field(default_factory=dict)
    rows: dict[str, float] = field(default_factory=dict)
    traces: list[str] = field(default_factory=list)

    def add(self, point: Point, increment: Increment) -> None:
        """Counts what a point adds to its stream."""
        if isinstance(point, RowsPoint):
            self._count(point.operation, increment.rows)
            if point.traces:
                self._note(point.traces)
        elif isinstance(point, SketchPoint):
            self._follow(point, increment)
        elif point.value not in COUNTED_ELSEWHERE or point.kind != "state":
            held = self._sum(Cell(point.column, point.operation))
            (held.add_category if point.kind == "category" else held.add_state)(point.value, increment.rows)

    def note_category(self, point: CountPoint) -> None:
        """A category that has a name, and no rows yet."""
        self._sum(Cell(point.column, point.operation)).add_category(point.value, 0.0)

    def add_spans(self, spans: ExampleRows, columns: Iterable[ColumnKey]) -> None:
        """Counts the rows of spans, and of them what these columns hold."""
        weights = np.repeat(spans.weights, spans.rows)
        for column in columns:
            self._sum(Cell(column, spans.operation)).add_values(spans.columns[column], weights)
        self._count(spans.operation, float(weights.sum()))
        self._note(key[:TRACE_ID].hex() for key in (spans.keys[0], spans.keys[-1]))

    def summaries(self) -> Mapping[Cell, ColumnSummary]:
        """What each column holds by now."""
        for stretch in self.stretches.values():
            self._settle(stretch)
        self.stretches.clear()
        return {cell: held.summary() for cell, held in self.sums.items()}

    def _follow(self, point: SketchPoint, increment: Increment) -> None:
        cell, older = Cell(point.column, point.operation), increment.older
        assert older is None or isinstance(older, Histogram)
        if not point.cumulative:
            self._sum(cell).add_histogram(point.histogram)
            return
        key = point.stream, point.start
        held = self.stretches.get(key)
        if held is not None and held.newer is older:
            held.newer = point.histogram
            return
        if held is not None:  # it went on in another pane, or began anew
            self._settle(held)
        self.stretches[key] = Stretch(cell, older, point.histogram)

    def _settle(self, stretch: Stretch) -> None:
        self._sum(stretch.cell).add_histogram(difference(stretch.newer, stretch.older))

    def _note(self, traces: Iterable[str]) -> None:
        self.traces = nsmallest(MAX_TRACES, {*self.traces, *traces})

    def _sum(self, cell: Cell) -> Sum:
        held = self.sums.get(cell)
        if held is None:
            held = self.sums[cell] = Sum()
        return held

    def _count(self, operation: str, rows: float) -> None:
        self.rows[operation] = self.rows.get(operation, 0.0) + rows
