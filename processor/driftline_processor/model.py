"""One model as it is served: what its senders said, its open panes, and the windows that come out of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final, NamedTuple, TypeAlias

from driftline_processor.alarms import Alarm
from driftline_processor.pane import Pane
from driftline_processor.panes import Held, Panes
from driftline_processor.provisional import Gathering
from driftline_processor.records import ColumnKey, ExampleRows, ModelKey, RowsPoint, Window
from driftline_processor.spans import Trail
from driftline_processor.streams import KEPT, Kind, Point, Streams

MAX_COLUMNS: Final = 5_000
"""Columns of one model. A model with more is one whose column names are not names."""

MAX_STREAMS: Final = 200_000
"""Cumulative streams of one model that are remembered at once, over all of its processes."""

MAX_KEYS: Final = 1_000_000
"""Spans and delta points of one model that are remembered at once, so that their repetition is known."""

Item: TypeAlias = Point | ExampleRows


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
    """What became of an item.

    rows: of the model, that it told of; the points of its columns tell of the same ones, and have none. columns: those
    of a span that were too many; the others are counted.
    """

    fate: Fate
    rows: float = 0.0
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

    def take(self, item: Item, time: int, received: int) -> Taken:
        """Counts an item at event time `time`, once. `received`: when it came."""
        taken = self._take_span(item, time) if isinstance(item, ExampleRows) else self._take_point(item, time)
        if taken.fate in (Fate.COUNTED, Fate.BASELINE):
            self.received = max(self.received, received)
            self.idle = False
        if taken.fate is Fate.COUNTED:
            self.rows += taken.rows
        self.changed = self.changed or taken.fate is not Fate.DUPLICATE
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
            return Taken(Fate.BASELINE if increment.kind is Kind.BASELINE else Fate.COUNTED, rows)
        pane = self.panes.pane(time)
        if pane is None:
            return Taken(Fate.LATE, rows)
        pane.add(point, increment)
        return Taken(Fate.COUNTED, rows)

    def _take_span(self, span: ExampleRows, time: int) -> Taken:
        if full := self._full(span):
            return Taken(full)
        if not self.streams.is_new(span, time):
            return Taken(Fate.DUPLICATE)
        rows = span.rows * span.weight
        pane = self.panes.pane(time)
        return Taken(Fate.LATE, rows) if pane is None else self._add_span(pane, span, time)

    def _add_span(self, pane: Pane, span: ExampleRows, time: int) -> Taken:
        columns = [column for column in span.columns if self._has_room(column, time)]
        pane.add_span(span, columns)
        return Taken(Fate.COUNTED, span.rows * span.weight, len(span.columns) - len(columns))

    def _full(self, item: Item) -> Fate | None:
        """Why there is no room to remember an item, where there is none."""
        streams = self.streams
        if isinstance(item, ExampleRows) or not item.cumulative:
            return Fate.TOO_MANY_KEYS if len(streams.keys) >= MAX_KEYS else None
        known = len(streams.cumulative) < MAX_STREAMS or (item.stream, item.start) in streams.cumulative
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
