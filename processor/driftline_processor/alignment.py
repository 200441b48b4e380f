"""From what a column held to rows in the reference's cells: what makes windows of any layout comparable."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from driftline.semconv import OTHER
from driftline.sketch import Intervals, hashed, project
from driftline_processor.records import FloatArray, ReferenceColumn, Tally
from driftline_processor.statistics.view import CATEGORY, NUMERIC
from driftline_processor.verdict.novelty import SeenNumbers
from driftline_processor.verdict.wording import span


@dataclass(frozen=True, slots=True, eq=False)
class Aligned:
    """A window in the reference's cells: rows by cell, rows of the column's own type, and what is outside of both.

    novel: what was never seen, for people: names of categories, or a range of numbers. mistyped: rows of another type.
    guessed: cells whose rows the sender has not named.
    """

    cells: FloatArray
    rows: float
    novel_rows: float
    novel: tuple[str, ...]
    mistyped: float
    guessed: tuple[int, ...] = ()


class NumericCells:
    """Cells of a numeric column: ranges between edges."""

    kind = NUMERIC

    def __init__(self, column: ReferenceColumn) -> None:
        self.edges = column.edges
        self.guide = column.tally.intervals
        self.seen = SeenNumbers(self.guide)

    def place(self, tally: Tally) -> Aligned:
        """A bucket over several cells is split as the reference is there; strings are of the wrong type."""
        novel = self.seen.beyond(tally.intervals)
        cells = project(tally.intervals, self.edges, self.guide)
        named = (span(float(novel.lower.min()), float(novel.upper.max())),) if len(novel) else ()
        return Aligned(cells, float(cells.sum()), novel.total, named, float(sum(tally.categories.values())))


class CategoryCells:
    """Cells of a categorical column: the categories that the reference lists, and one for all others that it saw."""

    kind = CATEGORY

    def __init__(self, column: ReferenceColumn) -> None:
        self.names = column.categories
        self.others = len(self.names)
        self.index = {name: cell for cell, name in enumerate(self.names)}
        self.index |= {name: self.others for name in column.tally.categories if name not in self.index}
        self.index |= {hashed(name): cell for name, cell in self.index.items()}
        self.open = column.tally.categories.get(OTHER, 0.0) > 0.0  # training had more than it could name
        self.shares = column.chunks.sum(axis=0)
        self.codes = Codes.of(column.coded)

    def place(self, tally: Tally) -> Aligned:
        """Numbers become the categories that they stand for; without codes they are of the wrong type."""
        cells, novel = self._named(tally.categories)
        mistyped = tally.intervals.total
        if len(self.codes.values):
            numbers, strange = self.codes.place(tally.intervals, self.shares)
            cells[self.codes.cells] += numbers
            novel |= strange
            mistyped = 0.0
        unnamed = tally.categories.get(OTHER, 0.0)
        guessed = self._unnamed(cells) if unnamed else ()
        if guessed:
            room = self.shares[list(guessed)]
            cells[list(guessed)] += unnamed * room / room.sum()
        novel_rows = float(sum(novel.values())) + (0.0 if guessed else unnamed)
        names = tuple(sorted(novel, key=lambda name: (-novel[name], name)))
        return Aligned(cells, float(cells.sum()) + novel_rows, novel_rows, names, mistyped, guessed)

    def _named(self, categories: Mapping[str, float]) -> tuple[FloatArray, dict[str, float]]:
        """Rows by cell, and those of categories that the reference never saw."""
        cells = np.zeros(self.others + 1)
        novel: dict[str, float] = {}
        for name, rows in categories.items():
            if name == OTHER:
                continue
            cell = self.index.get(name, self.others if self.open else None)
            if cell is None:
                novel[name] = rows
            else:
                cells[cell] += rows
        return cells, novel

    def _unnamed(self, cells: FloatArray) -> tuple[int, ...]:
        """Where rows of categories beyond the sender's bound may belong: where the reference has rows and they none.

        They are spread there in the reference's proportions, as a bucket over several cells is.
        """
        room = (cells == 0.0) & (self.shares > 0.0)
        room[self.others] = self.shares[self.others] > 0.0
        return tuple(int(cell) for cell in np.flatnonzero(room))


@dataclass(frozen=True, slots=True, eq=False)
class Codes:
    """The numbers behind the categories of a column, ascending, and the cells of those."""

    values: FloatArray
    cells: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    @classmethod
    def of(cls, coded: FloatArray) -> "Codes":
        """From the numbers in the order of the categories; NaN for a category that is none."""
        order = np.argsort(coded, kind="stable")
        order = order[np.isfinite(coded[order])]
        return cls(coded[order], order)

    def place(self, intervals: Intervals, shares: FloatArray) -> tuple[FloatArray, Mapping[str, float]]:
        """Rows of each code, and those at numbers that are none; a bucket over several codes is split by `shares`."""
        first = np.searchsorted(self.values, intervals.lower, "right")
        last = np.searchsorted(self.values, intervals.upper, "right")
        rows = np.zeros(len(self.values))
        alone = last - first == 1
        np.add.at(rows, first[alone], intervals.weight[alone])
        strange: dict[str, float] = {}
        for i in np.flatnonzero(~alone):
            if first[i] == last[i]:
                name = span(float(intervals.lower[i]), float(intervals.upper[i]))
                strange[name] = strange.get(name, 0.0) + float(intervals.weight[i])
            else:
                share = shares[self.cells[first[i] : last[i]]] + 1e-9
                rows[first[i] : last[i]] += intervals.weight[i] * share / share.sum()
        return rows, strange
