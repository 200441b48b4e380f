"""The state of one served model: its streams, its open panes, and the windows that they complete."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np

from driftline.rows.batch import RowBatch
from driftline.semconv import TARGET_INPUT, TARGET_PAIR
from driftline.sketch.arrays import IntArray
from driftline_processor.engine.alarms import Alarm
from driftline_processor.engine.announcements import Announcements
from driftline_processor.engine.call_examples import CallExamples
from driftline_processor.engine.checkpoints import Checkpoint, Checkpoints
from driftline_processor.engine.incidents import Incident
from driftline_processor.engine.provisional_reference import ProvisionalData
from driftline_processor.engine.received_batches import ReceivedBatches
from driftline_processor.engine.resting import Rest, ending, longest_rest, repetition
from driftline_processor.engine.senders import Senders
from driftline_processor.engine.stream_deltas import KEEP_FOR, IncrementKind, Point, StreamDeltas
from driftline_processor.engine.waiting_rows import WaitingRows
from driftline_processor.engine.watched_segments import WatchedSegments
from driftline_processor.engine.windows import SlidingWindows
from driftline_processor.monitors.drift.history.trailing_windows import StreamWindow, TrailingWindows
from driftline_processor.monitors.outputs.past import RecentOutputs
from driftline_processor.records import (
    AlarmChange,
    AlarmEvent,
    ColumnKey,
    CountPoint,
    ExampleRows,
    ModelKey,
    RowsPoint,
    Window,
    WindowResult,
)
from driftline_processor.verdicts.verdict import OpenAlarm

MAX_COLUMNS: Final = 5_000
"""Columns of a model. Beyond, column names are taken for generated ones."""

MAX_STREAMS: Final = 200_000
"""Cumulative streams of a model remembered at once, over all of its processes."""

SPANS: Final = b"spans"
"""The sender of rows of spans of which it is not known."""

MAX_KEYS: Final = 1_000_000
"""Spans and delta points of a model remembered at once, for deduplication."""


class IngestStatus(Enum):
    """What happened to an item."""

    COUNTED = auto()
    DUPLICATE = auto()
    BASELINE = auto()
    LATE = auto()
    TOO_MANY_COLUMNS = auto()
    TOO_MANY_STREAMS = auto()
    TOO_MANY_KEYS = auto()


class IngestResult(NamedTuple):
    """What happened to a point, or to several spans.

    rows: rows of the model; 0 for points of columns, which describe the same rows. time: of the oldest late item.
    columns: columns of the spans beyond the limit; the other columns are counted.
    """

    status: IngestStatus
    rows: float = 0.0
    items: int = 1
    time: int = 0
    columns: int = 0


class ModelStatus(NamedTuple):
    """How a model does. received: when its last new item was received; judged: end of its last window; nanoseconds.

    judged is 0 before the first window. alarms: open ones.
    """

    key: ModelKey
    rows: float
    received: int
    judged: int
    alarms: int


@dataclass(slots=True)
class ModelState:
    """The mutable state of one model, owned by the engine.

    columns: last event time of each column. alarms: the open ones. incident: of all of them, while one is open.
    trailing: its last windows, to be judged together. outputs: what they have shown of outputs. examples: of its calls.
    rows: counted since the store was created. batches: of rows with ids. received: when the last new item was received.
    idle: its windows are closed, and nothing is expected. rest: since when. changed: differs from the last snapshot.
    checkpoints: what windows had come to, for late rows; late_since: when the first of these was received that no
    window was judged again for, 0 without. announced: what backends were told of its alarms. senders: how far they have
    come, where late rows are counted. forgotten: end of the window after which things were forgotten last.
    waiting: rows of windows to come, in no snapshot. segments: what is judged of these, once there were any.
    """

    key: ModelKey
    panes: SlidingWindows
    provisional: ProvisionalData
    examples: CallExamples
    streams: StreamDeltas = field(default_factory=StreamDeltas)
    columns: dict[ColumnKey, int] = field(default_factory=dict)
    alarms: dict[ColumnKey, Alarm] = field(default_factory=dict)
    incident: Incident | None = None
    trailing: TrailingWindows = field(default_factory=TrailingWindows)
    outputs: RecentOutputs = field(default_factory=RecentOutputs)
    rows: float = 0.0
    batches: ReceivedBatches = field(default_factory=ReceivedBatches)
    received: int = 0
    idle: bool = False
    rest: Rest = field(default_factory=Rest)
    changed: bool = True
    most_columns: int = MAX_COLUMNS
    checkpoints: Checkpoints = field(default_factory=Checkpoints)
    late_since: int = 0
    announced: Announcements = field(default_factory=Announcements)
    senders: Senders | None = None
    forgotten: int = 0
    waiting: WaitingRows = field(default_factory=WaitingRows)
    segments: WatchedSegments | None = None

    @classmethod
    def new(cls, key: ModelKey, size: int, step: int, lateness: int, retention: int = 0) -> "ModelState":
        """A model without rows. size, step, lateness, retention: of its windows, nanoseconds."""
        panes = SlidingWindows(size, step, lateness, retention=retention)
        model = cls(key, panes, ProvisionalData(step), CallExamples(size, step))
        model.checkpoints.held.append(model.checkpoint(0))
        model.senders = Senders(lateness, step) if retention else None
        return model

    def ingest(self, point: Point, time: int, received: int) -> IngestResult:
        """Counts a point once.

        Args:
            point: A point of one of the model's streams.
            time: The event time to count it at.
            received: When its request was received.

        """
        if not isinstance(point, RowsPoint) and point.exemplars:
            self.examples.add_exemplars(point, time)
        result = self._ingest_point(point, time)
        self.note_result(result, received)
        if self.senders is not None and isinstance(point, RowsPoint):
            self.senders.note(point.stream, time, received)
        return result

    def ingest_spans(self, spans: ExampleRows, times: IntArray, received: int) -> list[IngestResult]:
        """Counts each span once, the oldest pane first.

        Args:
            spans: Example rows.
            times: The event time to count each span at, [spans].
            received: When their request was received.

        """
        self.examples.add(spans, times)
        results = list(self._ingest_spans(spans, times))
        for each in results:
            self.note_result(each, received)
        if self.senders is not None:
            for sender in spans.senders or (SPANS,):
                self.senders.note(sender, int(times.max()), received)
        return results

    def ingest_batch(self, batch: RowBatch) -> IngestResult:
        """Counts a row batch once. Its rows are a sample of those that sketches count: they open no window."""
        new = self.batches.add(batch)
        if new:
            self.waiting.add(batch)
        self.changed = self.changed or new
        return IngestResult(IngestStatus.COUNTED if new else IngestStatus.DUPLICATE)

    def add_examples(self, spans: ExampleRows, times: IntArray) -> None:
        """Keeps some of the rows of spans that a sketch has counted. times: the event time of each, [spans]."""
        self.examples.add(spans, times)
        self.changed = True

    def windows(self, now: int, *, idle: bool) -> Iterator[Window]:
        """The complete windows one by one; read each before the next. idle: no more rows are expected."""
        if self.idle:
            return
        self._reopen(now, idle=idle)
        self._forget(now)
        held = None if idle or self.senders is None else self.senders.held(now)
        for window in self.panes.close(idle=idle, held=held):
            self.changed = True
            yield window
        self.idle = idle
        self._forget(now)

    def resume(self, now: int) -> None:
        """Counts as received now: its senders may have waited for us, and may still have to reconnect."""
        self.received = max(self.received, now)
        if self.senders is not None:
            self.senders.resume(now)

    def clock_set_forward(self, by: int) -> None:
        """The clock of receipts was."""
        self.received += by
        if self.senders is not None:
            self.senders.set_forward(by)

    def _reopen(self, now: int, *, idle: bool) -> None:
        """Goes back to before the earliest window with late rows.

        Once a step, as they come by the thousand. At once where the window was judged because nothing came: what comes
        now is not late, and the windows after it are still to be judged.
        """
        panes = self.panes
        if not panes.reopened or not (idle or panes.woken or now - self.late_since >= panes.step):
            return
        known = self.checkpoints.back_to(panes.reopened)
        self.alarms, self.incident = dict(known.alarms), known.incident
        self.trailing, self.provisional = known.trailing.copy(), known.provisional.copy()
        self.outputs = known.outputs.copy()
        panes.reopen(known.end)
        self.announced.go_back({*(alarm.id for alarm in self.alarms.values()), getattr(self.incident, "id", "")})
        self.late_since, self.changed = 0, True

    def checkpoint(self, end: int) -> Checkpoint:
        """What is known now that the windows up to `end` have been judged."""
        held = self.trailing.copy(), self.provisional.copy(), self.outputs.copy()
        return Checkpoint(end, self.alarms, self.incident, *held)

    def is_replay(self, window: Window) -> bool:
        """Whether a window is judged again only for what it leaves behind: it has no late rows."""
        return window.end <= self.panes.replayed

    def tell(self, result: WindowResult) -> WindowResult | None:
        """What is to be told of a window; None where nothing is."""
        if not self.panes.retention:
            return result
        told = self.announced.publish(result, self.alarms, self.incident)
        return None if self.is_replay(result.window) else told

    def judged(self, window: Window) -> None:
        """A window has been judged: late rows may lead back to here."""
        if self.panes.retention:
            self.checkpoints.add(self.checkpoint(window.end), told=not self.is_replay(window))

    @property
    def status(self) -> ModelStatus:
        """How it does."""
        return ModelStatus(self.key, self.rows, self.received, self.panes.sealed, len(self.alarms))

    @property
    def newest_result(self) -> int:
        """Of which time the last result was, nanoseconds."""
        return max(self.panes.sealed, self.rest.last)

    @property
    def counts_pairs(self) -> bool:
        """Whether any of its servers counts pairs of inputs."""
        return any(column.target == TARGET_PAIR for column in self.columns)

    @property
    def inputs(self) -> list[ColumnKey]:
        """The inputs that its servers send."""
        return [column for column in self.columns if column.target == TARGET_INPUT]

    def expected(self, reference: Iterable[ColumnKey]) -> set[ColumnKey]:
        """Inputs that are missing where a span lacks them: those of other spans, and of the reference.

        Not those of a reference that has none of the model's names: it calls them something else.
        """
        sent, known = set(self.inputs), {column for column in reference if column.target == TARGET_INPUT}
        return sent if sent.isdisjoint(known) else sent | known

    def stream(self, window: Window, hours: Mapping[int, float] = MappingProxyType({})) -> StreamWindow:
        """The window, when its rows came, what is remembered of those before it, and the open alarms."""
        alarms = {
            key: OpenAlarm(alarm.opened, alarm.largest_bound, alarm.aspects) for key, alarm in self.alarms.items()
        }
        return StreamWindow(self.trailing, window, alarms, hours)

    def note(self, events: Iterable[AlarmEvent]) -> None:
        """Remembers when alarms opened and closed: later windows of the column are judged from there on."""
        for event in events:
            verdict = event.verdict
            if event.change is AlarmChange.OPENED:
                self.trailing.opened(event.column, event.time - verdict.duration, event.time)
            elif event.change is AlarmChange.CLOSED:
                since = event.time if verdict.closing is None else verdict.closing.since
                self.trailing.closed(event.column, since, event.time)

    def repeat(self, at: int, serving: Iterable[ModelKey]) -> WindowResult:
        """What is to be told of a model at rest."""
        result = self.repeat_alarms(at, serving)
        return self.announced.publish(result, self.alarms, self.incident) if self.panes.retention else result

    def repeat_alarms(self, at: int, serving: Iterable[ModelKey]) -> WindowResult:
        """The open alarms of a model at rest, as they stand, or as they end after too long a rest."""
        self.changed = self.changed or not self.rest.begun
        self.rest = self.rest.until(at)
        last = Window(self.panes.sealed - self.panes.size, self.panes.sealed)
        repeated, longest = repetition(self.key, last, self.alarms, at), longest_rest(self.key, serving)
        if at - self.rest.begun < longest:
            return repeated
        ended = ending(repeated, self.alarms, self.incident, longest)
        self.note(ended.alarms)
        self.alarms, self.incident, self.changed = {}, None, True
        return ended

    def collect_provisional(self, window: Window) -> bool:
        """Adds the window's last pane to the data of the provisional reference. True once that is enough."""
        if not self.provisional.full:
            last = Window(window.end - self.panes.step, window.end)
            rows, columns, _ = self.panes.contents(last, self.inputs)
            self.provisional.add(last, rows, columns, self.panes.size)
        return self.provisional.full

    def release(self) -> None:
        """Frees what is only needed while senders continue."""
        if self.columns:
            self.panes.release()
            self.examples.panes.clear()
            self.streams, self.columns, self.trailing = StreamDeltas(), {}, TrailingWindows()
            self.outputs = RecentOutputs()
            self.checkpoints = Checkpoints([self.checkpoint(self.panes.sealed)])
            self.changed = True

    def note_result(self, result: IngestResult, received: int) -> None:
        """Remembers what follows from a result for the model as a whole."""
        if result.status in (IngestStatus.COUNTED, IngestStatus.BASELINE):
            self.received = max(self.received, received)
            self.idle, self.rest = False, self.rest.over()
            if self.panes.reopened:
                self.late_since = self.late_since or received
        if result.status is IngestStatus.COUNTED:
            self.rows += result.rows
        self.changed = self.changed or result.status is not IngestStatus.DUPLICATE

    def _ingest_point(self, point: Point, time: int) -> IngestResult:
        if limit := self._limit(point):
            return IngestResult(limit)
        if not isinstance(point, RowsPoint) and not self._has_room(point.column, time):
            return IngestResult(IngestStatus.TOO_MANY_COLUMNS)
        increment = self.streams.increment(point, time)
        rows = increment.rows if isinstance(point, RowsPoint) else 0.0
        if increment.kind is IncrementKind.DUPLICATE:
            return IngestResult(IngestStatus.DUPLICATE)
        if increment.kind is IncrementKind.BASELINE or not increment.rows:
            self.panes.advance_to(time)
            self._add_empty_category(point, time)
            baseline = increment.kind is IncrementKind.BASELINE
            return IngestResult(IngestStatus.BASELINE if baseline else IngestStatus.COUNTED, rows)
        pane = self.panes.pane(time)
        if pane is None:
            return IngestResult(IngestStatus.LATE, rows, time=point.time)
        pane.add(point, increment, time)
        return IngestResult(IngestStatus.COUNTED, rows)

    def _add_empty_category(self, point: Point, time: int) -> None:
        """Registers a category without new rows: its sender tracks it by name, so its rows are not among OTHER."""
        pane = self.panes.open_pane(time)
        if pane is not None and isinstance(point, CountPoint) and point.kind == "category":
            pane.add_empty_category(point)

    def _ingest_spans(self, spans: ExampleRows, times: IntArray) -> Iterator[IngestResult]:
        room = max(MAX_KEYS - len(self.streams.keys), 0)
        if len(times) > room:
            yield IngestResult(IngestStatus.TOO_MANY_KEYS, items=len(times) - room)
            spans = spans.chosen(range(room))
        new = self.streams.new_spans(spans)
        if known := len(spans.keys) - len(new):
            yield IngestResult(IngestStatus.DUPLICATE, items=known)
        yield from self._add_spans(replace(spans, times=times[: len(spans.keys)]).chosen(new))

    def _add_spans(self, spans: ExampleRows) -> Iterator[IngestResult]:
        starts = self.panes.starts(spans.times)
        for start in np.unique(starts):
            part = spans.chosen(np.flatnonzero(starts == start))
            oldest, newest = int(part.times.min()), int(part.times.max())
            rows, items = float(part.weights.sum()) * part.rows, len(part.keys)
            pane = self.panes.pane(newest)
            if pane is None:
                yield IngestResult(IngestStatus.LATE, rows, items, oldest)
            else:
                columns = [column for column in part.columns if self._has_room(column, newest)]
                pane.add_spans(part, columns)
                yield IngestResult(IngestStatus.COUNTED, rows, items, columns=len(part.columns) - len(columns))

    def _limit(self, point: Point) -> IngestStatus | None:
        """The limit that keeps the point from being remembered, if any."""
        streams = self.streams
        if not point.cumulative:
            return IngestStatus.TOO_MANY_KEYS if len(streams.keys) >= MAX_KEYS else None
        known = len(streams.cumulative) < MAX_STREAMS or (point.stream, point.start) in streams.cumulative
        return None if known else IngestStatus.TOO_MANY_STREAMS

    def _has_room(self, column: ColumnKey, time: int) -> bool:
        seen = self.columns.get(column)
        if seen is None and len(self.columns) >= min(MAX_COLUMNS, self.most_columns):
            return False
        self.columns[column] = max(time, seen or 0)
        return True

    def _forget(self, now: int) -> None:
        """What no row can need after the last window; the reader of windows may have stopped after any of them."""
        if self.forgotten == self.panes.sealed:
            return
        self.forgotten = self.panes.sealed
        if self.senders is not None:
            self.senders.forget(now)
        sealed = self.panes.sealed
        closed = self.streams.forget(self.panes.closed, sealed)
        self.panes.close_before(closed)
        self.examples.forget(sealed + self.panes.step - self.panes.size)
        self.checkpoints.forget(closed)
        self.announced.forget(closed)
        oldest = closed - KEEP_FOR - self.panes.size
        self.columns = {column: seen for column, seen in self.columns.items() if seen > oldest}
