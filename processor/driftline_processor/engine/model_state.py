"""One model as it is served: what its senders said, its open panes, and the windows that come out of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Final, NamedTuple

import numpy as np

from driftline.semconv import TARGET_PAIR
from driftline.sketch.arrays import IntArray
from driftline_processor.engine.alarms import Alarm
from driftline_processor.engine.provisional_reference import Gathering
from driftline_processor.engine.stream_deltas import KEPT, Kind, Point, Streams
from driftline_processor.engine.windows import Held, Panes
from driftline_processor.monitors.drift.history.trailing_windows import Trail
from driftline_processor.records import ColumnKey, CountPoint, ExampleRows, ModelKey, RowsPoint, Window

MAX_COLUMNS: Final = 5_000
"""Columns of one model. A model with more is one whose column names are not names."""

MAX_STREAMS: Final = 200_000
"""Cumulative streams of one model that are remembered at once, over all of its processes."""

MAX_KEYS: Final = 1_000_000
"""Spans and delta points of one model that are remembered at once, so that their repetition is known."""


class Fate(Enum):
    """What became of an item."""

    COUNTED = auto()
    DUPLICATE = auto()
    BASELINE = auto()
    LATE = auto()
    TOO_MANY_COLUMNS = auto()
    TOO_MANY_STREAMS = auto()
    TOO_MANY_KEYS = auto()


class Taken(NamedTuple):
    """What became of a point, or of so many spans.

    rows: of the model, that it told of; the points of its columns tell of the same ones, and have none. time: of the
    oldest that were late. columns: those of a span that were too many; the others are counted.
    """

    fate: Fate
    rows: float = 0.0
    items: int = 1
    time: int = 0
    columns: int = 0


@dataclass(slots=True)
class Model:
    """The state of one model. Mutable, and the engine's alone.

    columns: with the last event time of each. alarms: those that are open. trail: its last windows, to be judged
    together. rows: all that were counted since the store began. received: when the last item came that was news. idle:
    its windows are closed, and nothing more is awaited. changed: there is something that the last snapshot lacks.
    """

    key: ModelKey
    panes: Panes
    gathering: Gathering
    streams: Streams = field(default_factory=Streams)
    columns: dict[ColumnKey, int] = field(default_factory=dict)
    alarms: dict[ColumnKey, Alarm] = field(default_factory=dict)
    trail: Trail = field(default_factory=Trail)
    rows: float = 0.0
    received: int = 0
    idle: bool = False
    changed: bool = True

    @classmethod
    def new(cls, key: ModelKey, size: int, step: int, lateness: int) -> "Model":
        return cls(key, Panes(size, step, lateness), Gathering(step))

    def take(self, point: Point, time: int, received: int) -> Taken:
        """Counts a point at event time `time`, once. `received`: when it came."""
        taken = self._take_point(point, time)
        self._note(taken, received)
        return taken

    def take_spans(self, spans: ExampleRows, times: IntArray, received: int) -> list[Taken]:
        """Counts each span at its event time, once; the oldest pane first. What became of them, together."""
        taken = list(self._take_spans(spans, times))
        for each in taken:
            self._note(each, received)
        return taken

    def windows(self, *, idle: bool) -> Iterator[Window]:
        """The windows that are complete; `held` and `gather` know each while it is the last one given."""
        if self.idle:
            return
        sealed = self.panes.sealed
        for window in self.panes.close(idle=idle):
            self.changed = True
            yield window
        self.idle = idle
        if self.panes.sealed != sealed:
            self._forget()

    @property
    def counts_pairs(self) -> bool:
        """Whether one of its servers counts pairs of inputs."""
        return any(column.target == TARGET_PAIR for column in self.columns)

    def held(self, window: Window) -> Held:
        """What a window held."""
        return self.panes.held(window)

    def gather(self, window: Window) -> bool:
        """Adds the window's last pane to what may stand in for a reference. True as soon as that is enough."""
        if not self.gathering.full:
            last = Window(window.end - self.panes.step, window.end)
            self.gathering.add(last, *self.held(last), self.panes.size)
        return self.gathering.full

    def rest(self) -> None:
        """Lets go of what only a sender that goes on would need."""
        if self.columns:
            self.panes.by_start.clear()
            self.streams, self.columns, self.trail = Streams(), {}, Trail()
            self.changed = True

    def _note(self, taken: Taken, received: int) -> None:
        if taken.fate in (Fate.COUNTED, Fate.BASELINE):
            self.received = max(self.received, received)
            self.idle = False
        if taken.fate is Fate.COUNTED:
            self.rows += taken.rows
        self.changed = self.changed or taken.fate is not Fate.DUPLICATE

    def _take_point(self, point: Point, time: int) -> Taken:
        if full := self._full(point):
            return Taken(full)
        if not isinstance(point, RowsPoint) and not self._has_room(point.column, time):
            return Taken(Fate.TOO_MANY_COLUMNS)
        increment = self.streams.increment(point, time)
        rows = increment.rows if isinstance(point, RowsPoint) else 0.0
        if increment.kind is Kind.DUPLICATE:
            return Taken(Fate.DUPLICATE)
        if increment.kind is Kind.BASELINE or not increment.rows:
            self.panes.see(time)
            self._note_category(point, time)
            return Taken(Fate.BASELINE if increment.kind is Kind.BASELINE else Fate.COUNTED, rows)
        pane = self.panes.pane(time)
        if pane is None:
            return Taken(Fate.LATE, rows, time=point.time)
        pane.add(point, increment)
        return Taken(Fate.COUNTED, rows)

    def _note_category(self, point: Point, time: int) -> None:
        """A category without new rows: its sender would have counted it by name, and not among the others."""
        pane = self.panes.open_pane(time)
        if pane is not None and isinstance(point, CountPoint) and point.kind == "category":
            pane.note_category(point)

    def _take_spans(self, spans: ExampleRows, times: IntArray) -> Iterator[Taken]:
        room = max(MAX_KEYS - len(self.streams.keys), 0)
        if len(times) > room:
            yield Taken(Fate.TOO_MANY_KEYS, items=len(times) - room)
            spans = spans.chosen(range(room))
        new = self.streams.new_spans(spans)
        if known := len(spans.keys) - len(new):
            yield Taken(Fate.DUPLICATE, items=known)
        yield from self._add_spans(replace(spans, times=times[: len(spans.keys)]).chosen(new))

    def _add_spans(self, spans: ExampleRows) -> Iterator[Taken]:
        begins = self.panes.starts(spans.times)
        for begin in np.unique(begins):
            part = spans.chosen(np.flatnonzero(begins == begin))
            oldest, newest = int(part.times.min()), int(part.times.max())
            rows, items = float(part.weights.sum()) * part.rows, len(part.keys)
            pane = self.panes.pane(newest)
            if pane is None:
                yield Taken(Fate.LATE, rows, items, oldest)
            else:
                columns = [column for column in part.columns if self._has_room(column, newest)]
                pane.add_spans(part, columns)
                yield Taken(Fate.COUNTED, rows, items, columns=len(part.columns) - len(columns))

    def _full(self, point: Point) -> Fate | None:
        """Why there is no room to remember a point, where there is none."""
        streams = self.streams
        if not point.cumulative:
            return Fate.TOO_MANY_KEYS if len(streams.keys) >= MAX_KEYS else None
        known = len(streams.cumulative) < MAX_STREAMS or (point.stream, point.start) in streams.cumulative
        return None if known else Fate.TOO_MANY_STREAMS

    def _has_room(self, column: ColumnKey, time: int) -> bool:
        seen = self.columns.get(column)
        if seen is None and len(self.columns) >= MAX_COLUMNS:
            return False
        self.columns[column] = max(time, seen or 0)
        return True

    def _forget(self) -> None:
        sealed = self.panes.sealed
        self.streams.forget(sealed)
        self.columns = {column: seen for column, seen in self.columns.items() if seen > sealed - KEPT - self.panes.size}
