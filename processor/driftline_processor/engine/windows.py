"""Event time: panes of one step each, closed by a watermark, and the windows that slide over them.

A window is judged when the watermark passes its end, or when nothing comes any more. The watermark trails the newest
event time by `lateness`. Its panes stay open for rows until they are older than `retention`: a late row opens the
windows of its pane again, as from a queue that somebody newer has overtaken. What is later than that is late.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import NamedTuple, TypeVar

from driftline.sketch.arrays import IntArray
from driftline_processor.engine.pane import MAX_TRACES, OperationColumn, Pane
from driftline_processor.engine.pane_form import restore_pane, store_pane
from driftline_processor.engine.summary_ops import total
from driftline_processor.records import ColumnKey, ColumnSummary, Window

Key = TypeVar("Key")


class WindowContents(NamedTuple):
    """The contents of a window. rows: each counted once, however many operations of the model received it.

    hours: in what proportion rows came in each hour, by its start, nanoseconds; empty where rows are not counted.
    """

    rows: float
    columns: Mapping[ColumnKey, ColumnSummary]
    hours: Mapping[int, float]


@dataclass(slots=True)
class SlidingWindows:
    """The open panes of a model, and the closed ones that later windows include.

    size, step, lateness, retention: nanoseconds; step divides size. newest: the newest event time, 0 at first. sealed:
    panes that end at or before this have been judged. released: those that end at or before this are gone. reopened:
    the start of the earliest judged pane that has got rows since; 0 without. woken: one of them was judged in silence,
    before the watermark had passed it. replayed: windows up to here are judged again only for what they leave behind:
    their panes have not changed. stored: panes by their start that only late rows need, as bytes.
    tidied: `sealed` when panes were put away last.
    """

    size: int
    step: int
    lateness: int
    newest: int = 0
    sealed: int = 0
    by_start: dict[int, Pane] = field(default_factory=dict)
    retention: int = 0
    released: int = 0
    reopened: int = 0
    woken: bool = False
    replayed: int = 0
    stored: dict[int, bytes] = field(default_factory=dict)
    tidied: int = 0

    def pane(self, time: int) -> Pane | None:
        """The pane of this event time, created if necessary; None if it is closed."""
        start = self._start(time)
        if self.newest == 0:
            self.sealed = self._start(max(time - self.lateness, 1))
        if start + self.step <= self.closed:
            return None
        self.replayed = min(start, self.replayed)
        if start < self.sealed:
            self.reopened = min(start, self.reopened or start)
            self.woken |= start + self.step > self.watermark
        self.newest = max(self.newest, time)
        pane = self.by_start.get(start)
        if pane is None:
            stored = self.stored.pop(start, None)
            pane = self.by_start[start] = Pane() if stored is None else restore_pane(stored)
        return pane

    def open_pane(self, time: int) -> Pane | None:
        """The pane of this event time if it exists and is open."""
        start = self._start(time)
        return None if start + self.step <= self.closed else self.by_start.get(start)

    def advance_to(self, time: int) -> None:
        """Advances event time without rows."""
        if self.newest:
            self.newest = max(self.newest, time)

    @property
    def watermark(self) -> int:
        """No row before this is expected. At least 1 ns behind, so that points of one instant are treated alike."""
        return self.newest - max(self.lateness, 1)

    @property
    def closed(self) -> int:
        """Panes that end at or before this accept no rows; depends on the records alone, not on calls of `close`."""
        if not self.retention:
            return max(self.sealed, self.watermark // self.step * self.step)
        oldest = self.newest - max(self.retention, self.lateness, 1)
        return max(self.released, oldest // self.step * self.step)

    def close(self, *, idle: bool, held: int | None = None) -> Iterator[Window]:
        """Gives the complete windows, oldest first; read each before the next.

        Args:
            idle: No more rows are expected.
            held: Up to here all rows have come, where some sender is behind.

        """
        self._put_away()  # of the windows before, whose reader may have stopped after any
        watermark = self.watermark if held is None else min(self.watermark, held)
        sealed = self._start(self.newest) + self.step if idle else watermark // self.step * self.step
        if not self.newest or sealed <= self.sealed:
            return
        for end in self._ends(sealed):
            self.sealed = end  # before the yield: the caller may stop after this window
            yield Window(end - self.size, end)
        self.sealed = sealed
        self._put_away()

    def _put_away(self) -> None:
        """Stores the panes that no window reaches, and drops those that no late row can lead back to."""
        if self.tidied == self.sealed:
            return
        self.tidied = self.sealed
        reach = self.sealed + self.step - self.size
        kept = min(self.closed, self.sealed) + self.step - self.size
        for start in [start for start in self.by_start if start < reach]:
            pane = self.by_start.pop(start)
            if start >= kept:
                self.stored[start] = store_pane(pane)
        for start in [start for start in self.stored if start < kept]:
            del self.stored[start]

    def reopen(self, sealed: int) -> None:
        """Windows that end after this are judged again; those with late rows, to be told again."""
        self.sealed, self.replayed, self.reopened, self.woken = sealed, self.reopened, 0, False
        for start in [start for start in self.stored if start >= sealed + self.step - self.size]:
            self.by_start[start] = restore_pane(self.stored.pop(start))

    def close_before(self, time: int) -> None:
        """Panes that end at or before this accept no rows any more, as what repeats in them is not known."""
        if time > self.closed:
            self.released = -(-time // self.step) * self.step

    def release(self) -> None:
        """Drops all panes; rows are late that belong to them."""
        self.by_start.clear()
        self.stored.clear()
        self.released, self.reopened, self.woken = max(self.released, self.sealed), 0, False

    def contents(self, window: Window, expected: Collection[ColumnKey] = ()) -> WindowContents:
        """The rows and columns of a window. expected: columns that are missing in spans without them."""
        panes = [self.by_start[start] for start in sorted(self.by_start) if window.start <= start < window.end]
        columns = _busiest_operation(pane.summaries(expected) for pane in panes)
        rows = _sum(pane.rows for pane in panes)
        # Other instrumentations may not count rows: use the fullest column.
        most = max(rows.values(), default=max((t.rows for t in columns.values()), default=0.0))
        return WindowContents(most, columns, _sum(pane.hours for pane in panes))

    def traces(self, window: Window) -> tuple[str, ...]:
        """A few trace ids of a window, spread over its panes."""
        panes = [pane.traces for start, pane in sorted(self.by_start.items()) if window.start <= start < window.end]
        in_turns = [trace for turn in zip_longest(*panes) for trace in turn if trace is not None]
        return tuple(dict.fromkeys(in_turns))[:MAX_TRACES]

    def covered(self, window: Window) -> int:
        """Nanoseconds from the start of the window's first pane with rows to the end of its last one; 0 without."""
        starts = [start for start in self.by_start if window.start <= start < window.end]
        return max(starts) + self.step - min(starts) if starts else 0

    def _ends(self, sealed: int) -> list[int]:
        """Ends of the windows to judge: after the last one, up to `sealed`, and with at least one pane."""
        ends = {
            start + past
            for start in self.by_start
            if start + self.size > self.sealed
            for past in range(self.step, self.size + 1, self.step)
            if self.sealed < start + past <= sealed
        }
        return sorted(ends)

    def starts(self, times: IntArray) -> IntArray:
        """The starts of the panes of these times."""
        return (times - 1) // self.step * self.step

    def _start(self, time: int) -> int:
        """A point counts rows before it, so one exactly on a bound belongs to the pane that ends there."""
        return (time - 1) // self.step * self.step


def _sum(parts: Iterable[Mapping[Key, float]]) -> dict[Key, float]:
    total: dict[Key, float] = {}
    for part in parts:
        for key, number in part.items():
            total[key] = total.get(key, 0.0) + number
    return total


def _busiest_operation(panes: Iterable[Mapping[OperationColumn, ColumnSummary]]) -> dict[ColumnKey, ColumnSummary]:
    """Each column from the operation with most rows: `predict` and `predict_proba` often receive the same rows."""
    parts: dict[OperationColumn, list[ColumnSummary]] = {}
    for pane in panes:
        for key, summary in pane.items():
            parts.setdefault(key, []).append(summary)
    busiest: dict[ColumnKey, tuple[float, str]] = {}
    for key, summaries in parts.items():
        rows = sum(summary.rows for summary in summaries), key.operation
        busiest[key.column] = max(rows, busiest.get(key.column, rows))
    return {column: total(parts[OperationColumn(column, name)]) for column, (_, name) in sorted(busiest.items())}
