"""What waits on disk: packed tables in ascending order of keys, of up to SEGMENT_ROWS rows; one is in memory at a time.

What was added since the last save is in memory, and in the journal.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from driftline.rows.body import decode_table, encode_table
from driftline.rows.table import RowTable
from driftline_processor.outcomes.tables import by_key, joined

SEGMENT_ROWS: Final = 100_000


class Segment(NamedTuple):
    """A packed table. newest: time of its newest row."""

    id: int
    kind: str
    rows: int
    newest: int
    size: int


class SegmentChanges(NamedTuple):
    """What a save does: bodies by segment that are put, and ids that are dropped."""

    put: Sequence[tuple[Segment, bytes]]
    drop: Sequence[int]


@dataclass(slots=True)
class Segments:
    """Of one kind. held: those on disk, the oldest first. read: the body of one by its id; None if it is damaged.

    number: gives ids that no other has.
    """

    kind: str
    read: Callable[[int], bytes | None]
    number: Callable[[], int]
    held: list[Segment] = field(default_factory=list)
    added: list[RowTable] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return sum(each.rows for each in self.held) + sum(map(len, self.added))

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(each.size for each in self.held)

    def add(self, table: RowTable) -> None:
        if len(table):
            self.added.append(table)

    def tables(self) -> Iterator[RowTable]:
        """All that is held, in tables in order of keys."""
        if self.added:
            self.added = [by_key(joined(self.added))]
            yield self.added[0]
        for each in self.held:
            table = self._table(each)
            if table is not None:
                yield table

    def changes(self) -> SegmentChanges:
        """What puts on disk all that was added: the newest segment is filled first."""
        if not self.added:
            return SegmentChanges((), ())
        tables, drop = list(self.added), []
        newest = self.held[-1] if self.held else None
        if newest is not None and newest.rows < SEGMENT_ROWS and (found := self._table(newest)) is not None:
            tables, drop = [found, *tables], [newest.id]
        table = joined(tables)
        parts = [
            table.chosen(np.arange(start, min(start + SEGMENT_ROWS, len(table))))
            for start in range(0, len(table), SEGMENT_ROWS)
        ]
        return SegmentChanges([self._packed(by_key(part)) for part in parts], drop)

    def committed(self, changes: SegmentChanges) -> None:
        """They are on disk."""
        dropped = set(changes.drop)
        self.held = [each for each in self.held if each.id not in dropped]
        self.held += [segment for segment, _ in changes.put]
        if changes.put:
            self.added = []

    def _packed(self, table: RowTable) -> tuple[Segment, bytes]:
        body = encode_table(table)
        return Segment(self.number(), self.kind, len(table), int(table.times.max()), len(body)), body

    def _table(self, segment: Segment) -> RowTable | None:
        body = self.read(segment.id)
        return None if body is None else decode_table(body)
