"""One model as it is served: what its senders said, its open panes, and the windows that come out of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from driftline_processor import tally as tallies
from driftline_processor.panes import Cell, Pane, Panes
from driftline_processor.records import (
    ColumnKey,
    CountPoint,
    ExampleRows,
    ModelKey,
    RowsPoint,
    SketchPoint,
    Tally,
    Window,
)
from driftline_processor.streams import Amount, Increment, Point, Streams, amount, rows

MAX_COLUMNS: Final = 5_000
"""Columns of one model. A model with more is one whose column names are not names."""

MAX_STREAMS: Final = 200_000
"""Cumulative streams of one model that are remembered at once, over all of its processes."""

PROVISIONAL_ROWS: Final = 100
"""Rows that live data needs before it can stand in for a reference: fewer say nothing."""

Item = Point | ExampleRows


class Fate(Enum):
    """What became of an item."""

    COUNTED = auto()
    DUPLICATE = auto()
    BASELINE = auto()
    LATE = auto()
    TOO_MANY_COLUMNS = auto()
    TOO_MANY_STREAMS = auto()


@dataclass(slots=True)
class Gathering:
    """Live data kept until there is enough of it to stand in for a reference, by the start of its pane."""

    panes: dict[int, dict[ColumnKey, Tally]] = field(default_factory=dict)
    rows: float = 0.0
    full: bool = False

    def add(self, start: int, held: Mapping[ColumnKey, Tally], counted: float) -> None:
        self.panes[start] = dict(held)
        self.rows += counted


@dataclass(slots=True)
class Model:
    """The state of one model. Mutable, and the engine's alone.

    rows: all that were counted since the store began. received: when the last item came. idle: nothing more is awaited.
    """

    key: ModelKey
    panes: Panes
    streams: Streams = field(default_factory=Streams)
    columns: set[ColumnKey] = field(default_factory=set)
    gathering: Gathering = field(default_factory=Gathering)
    rows: float = 0.0
    received: int = 0
    idle: bool = False
    changed: bool = True

    def take(self, item: Item, time: int) -> Fate:
        """Counts an item at event time `time`, once."""
        self.changed = True
        self.idle = False
        if isinstance(item, ExampleRows):
            return self._take_rows(item, time)
        if item.cumulative and self._is_one_stream_too_many(item):
            return Fate.TOO_MANY_STREAMS
        if not isinstance(item, RowsPoint) and not self._has_room(item.column):
            return Fate.TOO_MANY_COLUMNS
        increment = self.streams.increment(item, time)
        if increment.amount is None:
            self.panes.see(time)
            return _fate(increment)
        pane = self.panes.pane(time)
        if pane is None:
            return Fate.LATE
        self._count(pane, item, increment.amount)
        return Fate.COUNTED

    def windows(self, *, idle: bool) -> Iterator[Window]:
        """The windows that are complete; `window_columns` and `gather` hold for each while it is the last one given."""
        if not self.panes.newest or self.idle:
            return
        for window in self.panes.close(idle=idle):
            self.changed = True
            yield window
        self.idle = idle
        self.streams.forget(self.panes.sealed)

    def window_columns(self, window: Window) -> dict[ColumnKey, Tally]:
        """What each column held in a window."""
        return _by_busiest_operation([pane.tallies() for _, pane in self.panes.within(window)])

    def window_rows(self, window: Window) -> float:
        """Rows in a window, each once however many of the model's operations it was given to."""
        counted: dict[str, float] = {}
        for _, pane in self.panes.within(window):
            for operation, number in pane.rows.items():
                counted[operation] = counted.get(operation, 0.0) + number
        return max(counted.values(), default=0.0)

    def gather(self, window: Window) -> bool:
        """Adds the window's last pane to what may stand in for a reference. True as soon as that is enough."""
        if self.gathering.full:
            return True
        last = Window(window.end - self.panes.step, window.end)
        for start, pane in self.panes.within(last):
            self.gathering.add(start, _by_busiest_operation([pane.tallies()]), max(pane.rows.values(), default=0.0))
        first = min(self.gathering.panes, default=window.end)
        self.gathering.full = self.gathering.rows >= PROVISIONAL_ROWS and window.end - first >= self.panes.size
        return self.gathering.full

    def _take_rows(self, span: ExampleRows, time: int) -> Fate:
        new_columns = span.columns.keys() - self.columns
        if len(self.columns) + len(new_columns) > MAX_COLUMNS:
            return Fate.TOO_MANY_COLUMNS
        if not self.streams.is_new(span, time):
            return Fate.DUPLICATE
        pane = self.panes.pane(time)
        if pane is None:
            return Fate.LATE
        self.columns |= new_columns
        for column, values in span.columns.items():
            pane.add(Cell(column, span.operation), tallies.of_values(values, span.weight))
        self._count_rows(pane, span.operation, span.rows * span.weight)
        return Fate.COUNTED

    def _count(self, pane: Pane, point: Point, added: Amount) -> None:
        if isinstance(point, RowsPoint):
            self._count_rows(pane, point.operation, rows(added))
            return
        pane.add(Cell(point.column, point.operation), _tally(point, added))

    def _count_rows(self, pane: Pane, operation: str, number: float) -> None:
        pane.rows[operation] = pane.rows.get(operation, 0.0) + number
        self.rows += number

    def _is_one_stream_too_many(self, point: Point) -> bool:
        known = (point.stream, point.start) in self.streams.cumulative
        return not known and len(self.streams.cumulative) >= MAX_STREAMS

    def _has_room(self, column: ColumnKey) -> bool:
        if column not in self.columns and len(self.columns) < MAX_COLUMNS:
            self.columns.add(column)
        return column in self.columns


def item_rows(item: Item) -> float:
    """Rows of the model that an item stands for; none for the points of its columns, which tell of the same rows."""
    if isinstance(item, ExampleRows):
        return item.rows * item.weight
    return rows(amount(item)) if isinstance(item, RowsPoint) else 0.0


def _fate(increment: Increment) -> Fate:
    if increment.duplicate:
        return Fate.DUPLICATE
    return Fate.BASELINE if increment.skipped else Fate.COUNTED


def _tally(point: SketchPoint | CountPoint, added: Amount) -> Tally:
    if isinstance(point, SketchPoint):
        assert not isinstance(added, float | int)
        return tallies.of_histogram(added)
    make = tallies.of_category if point.kind == "category" else tallies.of_state
    return make(point.value, rows(added))


def _by_busiest_operation(panes: list[Mapping[Cell, Tally]]) -> dict[ColumnKey, Tally]:
    """Each column from the operation that saw most rows: `predict` and `predict_proba` often get the same ones."""
    parts: dict[Cell, list[Tally]] = {}
    for held in panes:
        for cell, tally in held.items():
            parts.setdefault(cell, []).append(tally)
    chosen: dict[ColumnKey, tuple[float, str, Tally]] = {}
    for cell, held_parts in parts.items():
        tally = tallies.total(held_parts)
        best = chosen.get(cell.column)
        if best is None or (tally.rows, cell.operation) > best[:2]:
            chosen[cell.column] = (tally.rows, cell.operation, tally)
    return {column: tally for column, (_, _, tally) in chosen.items()}
