"""Segments that somebody declared, counted in the last windows: told of in every one, also when nothing is wrong."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from driftline.segments.columns import NONE, SegmentColumn
from driftline.segments.declared import parsed
from driftline.segments.lattice import CODES, Codes
from driftline.segments.training import LABELLED, LOW, ROWS, WRONG, SegmentTraining
from driftline.semconv import DECLARED_SEGMENT
from driftline.sketch.arrays import BoolArray, FloatArray, IntArray
from driftline_processor.monitors.segments.candidate import ERROR, LOW_CONFIDENCE, interval
from driftline_processor.monitors.segments.judge import MIN_ROWS
from driftline_processor.records import SegmentFigure, SegmentResult

_SQUARES: Final = 4
"""After what is counted of a segment, the sum of the squares of the weights of its rows."""


class DeclaredSegment(NamedTuple):
    """Rows with a code in a column. cell: of training's lattice; None where that did not count them."""

    name: str
    column: SegmentColumn
    code: int
    cell: int | None


def declared_segments(texts: Sequence[str], training: SegmentTraining | None) -> list[DeclaredSegment]:
    """Every bin or category of a declared column, and the inside of a condition.

    A column that training did not count has neither.
    """
    known = {} if training is None else {column.name: (i, column) for i, column in enumerate(training.columns)}
    found: list[DeclaredSegment] = []
    for text in texts:
        name = parsed(text).column or text
        if name in known:
            place, column = known[name]
            codes = [1] if column.condition is not None else _codes(column)
            found += [DeclaredSegment(column.named(code), column, code, place * CODES + code) for code in codes]
        elif name == text and parsed(text).column is None:
            found.append(DeclaredSegment(text, SegmentColumn(text, condition=text), 1, None))
    return found


def _codes(column: SegmentColumn) -> list[int]:
    """Those that rows may have: of its cells, of other categories and of missing values."""
    cells = len(column.categories) if column.cuts is None else len(column.cuts)
    return sorted({*range(cells + 1), NONE})


class DeclaredCounts:
    """Counts of the last windows of one model; additive over them."""

    def __init__(self, segments: Sequence[DeclaredSegment], training: SegmentTraining | None, size: int) -> None:
        """size: of the time that is told of together, in the unit of the windows' ends."""
        self.segments = segments
        self._training = training
        self._size = size
        self._held: dict[int, FloatArray] = {}
        self._served: frozenset[str] = frozenset()

    def add(self, end: int, codes: Mapping[str, Codes], status: IntArray, weights: FloatArray, *, sure: bool) -> None:
        """Rows of the window that ends then; those that come late are added to the others.

        Args:
            end: of the window.
            codes: by column, [rows] each. A segment whose column is not there is not told of.
            status: of each row, [rows].
            weights: how many rows each stands for, [rows].
            sure: whether the rows have a confidence.

        """
        if len(status):
            self._served = frozenset(codes)
        whole = np.ones(len(status), bool)
        counts = [_counted(self._inside(each, codes, whole), status, weights, sure=sure) for each in self.segments]
        found = np.array([*counts, _counted(whole, status, weights, sure=sure)])
        self._held[end] = self._held.get(end, 0.0) + found
        oldest = max(self._held) - 2 * self._size
        self._held = {each: counted for each, counted in self._held.items() if each > oldest}

    @staticmethod
    def _inside(segment: DeclaredSegment, codes: Mapping[str, Codes], whole: BoolArray) -> BoolArray:
        own = codes.get(segment.column.name)
        return ~whole if own is None else own == segment.code

    def results(self, end: int) -> Iterator[SegmentResult]:
        """What is told of each segment at the end of a window."""
        held = [counted for each, counted in self._held.items() if end - self._size < each <= end]
        if not held or not self._served:
            return
        *counts, whole = np.sum(held, axis=0)
        for segment, own in zip(self.segments, counts, strict=True):
            if segment.column.name not in self._served:
                continue
            rows, before = float(own[ROWS]), self._trained(segment, ROWS)
            trained = None if before is None or self._training is None else before / max(self._training.rows, 1.0)
            share = rows / max(float(whole[ROWS]), 1.0)
            figures = dict(self._figures(segment, own, whole))
            yield SegmentResult(segment.name, DECLARED_SEGMENT, rows, share, trained, figures)

    def _trained(self, segment: DeclaredSegment, of: int) -> float | None:
        if self._training is None or segment.cell is None:
            return None
        return float(self._training.sums[of, segment.cell])

    def _figures(
        self, segment: DeclaredSegment, own: FloatArray, whole: FloatArray
    ) -> Iterator[tuple[str, SegmentFigure]]:
        design = own[_SQUARES] / max(own[ROWS], 1e-9)  # rows that one effective row stands for (Kish 1965)
        if own[LABELLED] / max(design, 1.0) >= MIN_ROWS:
            elsewhere = (whole[WRONG] - own[WRONG]) / max(whole[LABELLED] - own[LABELLED], 1.0)
            yield ERROR, _figure(own[WRONG], own[LABELLED], design, float(elsewhere))
        sure = own[_SQUARES + 1]
        if sure / max(design, 1.0) >= MIN_ROWS:
            low, rows = self._trained(segment, LOW), self._trained(segment, ROWS)
            usual = np.nan if low is None or not rows else low / rows
            yield LOW_CONFIDENCE, _figure(own[LOW], sure, design, usual)


def _figure(events: float, rows: float, design: float, elsewhere: float) -> SegmentFigure:
    low, high = interval(events / max(design, 1.0), rows / max(design, 1.0))
    return SegmentFigure(float(events / rows), elsewhere, low, high)


def _counted(mask: BoolArray, status: IntArray, weights: FloatArray, *, sure: bool) -> list[float]:
    """Rows, low, labelled and wrong ones, the squares of their weights, and rows with a confidence."""
    own, flagged = weights[mask], status[mask]
    rows = float(own.sum())
    counts = [float(own[each].sum()) for each in (flagged % 2 == 1, flagged >= 2, flagged >= 4)]
    return [rows, *counts, float(own @ own), rows if sure else 0.0]
