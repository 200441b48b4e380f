"""Event time: panes of one step each, closed by a watermark, and the windows that slide over them.

A row belongs to the pane of its own time, whenever it comes, until the pane is closed: then it is late. The watermark
follows the newest event time, `lateness` behind, so that a queue that delivers an hour later loses nothing, and a
replay gives the same answer.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from driftline_processor.records import ColumnKey, Tally, Window
from driftline_processor.tally import total


class Cell(NamedTuple):
    """A column as one operation of the model saw it."""

    column: ColumnKey
    operation: str


@dataclass(slots=True)
class Pane:
    """What one step of event time held: by column and operation, parts not yet added up; and rows by operation."""

    parts: dict[Cell, list[Tally]] = field(default_factory=dict)
    rows: dict[str, float] = field(default_factory=dict)

    def add(self, cell: Cell, tally: Tally) -> None:
        self.parts.setdefault(cell, []).append(tally)
        if len(self.parts[cell]) >= 16:  # many small increments wait for one sum
            self.parts[cell] = [total(self.parts[cell])]

    def tallies(self) -> Mapping[Cell, Tally]:
        """The sums; they replace their parts."""
        for cell, parts in self.parts.items():
            if len(parts) > 1:
                self.parts[cell] = [total(parts)]
        return {cell: parts[0] for cell, parts in self.parts.items()}


@dataclass(slots=True)
class Panes:
    """The open panes of a model, and the closed ones that coming windows reach back to.

    size, step, lateness: nanoseconds; step divides size. newest: the newest event time so far. sealed: panes that end
    at or before this have been judged. first: where the first pane with rows began.
    """

    size: int
    step: int
    lateness: int
    newest: int = 0
    sealed: int = 0
    first: int | None = None
    by_start: dict[int, Pane] = field(default_factory=dict)

    def pane(self, time: int) -> Pane | None:
        """The pane of rows that came until `time`; None when it is closed."""
        start = self._start(time)
        if self.newest == 0:
            self.sealed = self._start(max(time - self.lateness, 1))
        if start + self.step <= self.closed:
            return None
        self.newest = max(self.newest, time)
        self.first = start if self.first is None else min(start, self.first)
        return self.by_start.setdefault(start, Pane())

    def see(self, time: int) -> None:
        """Event time has come this far, with or without rows."""
        if self.newest:
            self.newest = max(self.newest, time)

    @property
    def closed(self) -> int:
        """Panes that end at or before this take no more rows. By the records alone: whenever `close` is called."""
        return max(self.sealed, (self.newest - self.lateness) // self.step * self.step)

    def close(self, *, idle: bool) -> Iterator[Window]:
        """The windows that are complete, oldest first, each to be taken before the next. `idle`: no more is awaited."""
        watermark = self._start(self.newest) + self.step if idle else self.newest - self.lateness
        for end in self._ends(watermark):
            yield Window(end - self.size, end)
        self.sealed = max(self.sealed, watermark // self.step * self.step)
        reach = self.sealed + self.step - self.size
        for start in [start for start in self.by_start if start < reach]:
            del self.by_start[start]

    def within(self, window: Window) -> list[tuple[int, Pane]]:
        """The panes of a window that hold something, oldest first."""
        return sorted((s, pane) for s, pane in self.by_start.items() if window.start <= s < window.end)

    def _ends(self, watermark: int) -> list[int]:
        """Ends of the windows to judge: of those between the last one and the watermark, the ones that hold a pane."""
        ends = {
            start + past
            for start in self.by_start
            for past in range(self.step, self.size + 1, self.step)
            if self.sealed < start + past <= watermark
        }
        return sorted(ends)

    def _start(self, time: int) -> int:
        """A point counts what came before it: one exactly on a bound belongs to the pane that ends there."""
        return (time - 1) // self.step * self.step
