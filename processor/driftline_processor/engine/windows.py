"""Event time: panes of one step each, closed by a watermark, and the windows that slide over them.

A row belongs to the pane of its own time, whenever it comes, until the pane is closed: then it is late. The watermark
follows the newest event time, `lateness` behind, so that a queue that delivers an hour later loses nothing, and a
replay gives the same answer.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import NamedTuple

from driftline.sketch.arrays import IntArray
from driftline_processor.engine.pane import MAX_TRACES, Cell, Pane
from driftline_processor.engine.summary_ops import total
from driftline_processor.records import ColumnKey, ColumnSummary, Window


class Held(NamedTuple):
    """What a stretch of event time held. rows: each once, however many operations of the model it was given to."""

    rows: float
    columns: Mapping[ColumnKey, ColumnSummary]


@dataclass(slots=True)
class Panes:
    """The open panes of a model, and the closed ones that coming windows reach back to.

    size, step, lateness: nanoseconds; step divides size. newest: the newest event time so far, 0 before there is one.
    sealed: panes that end at or before this have been judged.
    """

    size: int
    step: int
    lateness: int
    newest: int = 0
    sealed: int = 0
    by_start: dict[int, Pane] = field(default_factory=dict)

    def pane(self, time: int) -> Pane | None:
        """The pane of rows that came until `time`; None when it is closed."""
        start = self._start(time)
        if self.newest == 0:
            self.sealed = self._start(max(time - self.lateness, 1))
        if start + self.step <= self.closed:
            return None
        self.newest = max(self.newest, time)
        pane = self.by_start.get(start)
        if pane is None:
            pane = self.by_start[start] = Pane()
        return pane

    def open_pane(self, time: int) -> Pane | None:
        """The pane of that time, where rows have come and more may."""
        start = self._start(time)
        return None if start + self.step <= self.closed else self.by_start.get(start)

    def see(self, time: int) -> None:
        """Event time has come this far, with or without rows."""
        if self.newest:
            self.newest = max(self.newest, time)

    @property
    def watermark(self) -> int:
        """No row before this is awaited any more. At least 1 ns behind: points of one moment share their fate."""
        return self.newest - max(self.lateness, 1)

    @property
    def closed(self) -> int:
        """Panes that end at or before this take no more rows. By the records alone: whenever `close` is called."""
        return max(self.sealed, self.watermark // self.step * self.step)

    def close(self, *, idle: bool) -> Iterator[Window]:
        """The windows that are complete, oldest first, each to be taken before the next. `idle`: no more is awaited."""
        sealed = self._start(self.newest) + self.step if idle else self.watermark // self.step * self.step
        if not self.newest or sealed <= self.sealed:
            return
        for end in self._ends(sealed):
            self.sealed = end  # before it is given: who takes no further window has been given this one
            yield Window(end - self.size, end)
        self.sealed = sealed
        reach = sealed + self.step - self.size
        for start in [start for start in self.by_start if start < reach]:
            del self.by_start[start]

    def held(self, window: Window) -> Held:
        """What a window holds, its columns by name."""
        panes = [self.by_start[start] for start in sorted(self.by_start) if window.start <= start < window.end]
        columns = _by_busiest_operation(pane.summaries() for pane in panes)
        rows: dict[str, float] = {}
        for pane in panes:
            for operation, number in pane.rows.items():
                rows[operation] = rows.get(operation, 0.0) + number
        # A foreign sender may have no counter of rows: then the fullest column tells.
        return Held(max(rows.values(), default=max((t.rows for t in columns.values()), default=0.0)), columns)

    def traces(self, window: Window) -> tuple[str, ...]:
        """Ids of a few calls in a window, from as many panes of it as there are."""
        panes = [pane.traces for start, pane in sorted(self.by_start.items()) if window.start <= start < window.end]
        in_turns = [trace for turn in zip_longest(*panes) for trace in turn if trace is not None]
        return tuple(dict.fromkeys(in_turns))[:MAX_TRACES]

    def lasting(self, window: Window) -> int:
        """Nanoseconds from the first pane of the window that holds rows to the last one; 0 where none does."""
        starts = [start for start in self.by_start if window.start <= start < window.end]
        return max(starts) + self.step - min(starts) if starts else 0

    def _ends(self, sealed: int) -> list[int]:
        """Ends of the windows to judge: of those after the last one and up to `sealed`, the ones that hold a pane."""
        ends = {
            start + past
            for start in self.by_start
            for past in range(self.step, self.size + 1, self.step)
            if self.sealed < start + past <= sealed
        }
        return sorted(ends)

    def starts(self, times: IntArray) -> IntArray:
        """Where the panes of these times start."""
        return (times - 1) // self.step * self.step

    def _start(self, time: int) -> int:
        """A point counts what came before it: one exactly on a bound belongs to the pane that ends there."""
        return (time - 1) // self.step * self.step


def _by_busiest_operation(panes: Iterable[Mapping[Cell, ColumnSummary]]) -> dict[ColumnKey, ColumnSummary]:
    """Each column from the operation that saw most rows: `predict` and `predict_proba` often get the same ones."""
    parts: dict[Cell, list[ColumnSummary]] = {}
    for summaries in panes:
        for cell, summary in summaries.items():
            parts.setdefault(cell, []).append(summary)
    chosen: dict[ColumnKey, tuple[float, str]] = {}
    for cell, tallies_of_cell in parts.items():
        seen = sum(summary.rows for summary in tallies_of_cell), cell.operation
        chosen[cell.column] = max(seen, chosen.get(cell.column, seen))
    return {column: total(parts[Cell(column, operation)]) for column, (_, operation) in sorted(chosen.items())}
