"""The sketch of one column of one model: numbers, categories, and the state of every row."""

from collections import Counter
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from driftline.semconv import MISSING, NON_FINITE, OTHER, OUT_OF_RANGE, VALID, WRONG_TYPE
from driftline.sketch import CategorySketch, NumericPoints, NumericStream, StreamPoints
from driftline.sketch.arrays import FloatArray
from driftline.sketch.decimals import DecimalCounter
from driftline.sketch.values import Split, class_names, count_missing, read_text, split

TextReader: TypeAlias = Callable[[str], float | None]


class TimeRange(NamedTuple):
    """The time range of a point: rows in start < t <= time, in nanoseconds since the Unix epoch."""

    start: int
    time: int


class CumulativeCount(NamedTuple):
    """Rows in start < t <= time of the points. A new name starts at the last collection without it."""

    start: int
    rows: int


class ColumnPoints(NamedTuple):
    """The points of a column at `time`.

    numbers: points of its numeric streams, each with its time range. categories, states, decimals: rows by name.
    """

    time: int
    numbers: list[tuple[TimeRange, NumericPoints]]
    categories: Mapping[str, CumulativeCount]
    states: Mapping[str, CumulativeCount]
    decimals: Mapping[str, CumulativeCount] = MappingProxyType({})


class ColumnSketch:
    """Counts a column: numbers as numbers and texts as texts, whatever came first.

    Only who knows the training data can tell which of them are of the wrong type: the processor reads texts as numbers,
    or numbers as categories, by the type of the reference. What is neither is `wrong_type`. Texts that stand for
    numbers are counted as such where most rows are numbers, and where they find no place among the named categories.

    classes: values are class names, whatever they look like. read: where values are known to be numbers, what a text
    is, None for one of the wrong type. decimals: those of numbers are counted. delta: points cover the rows since the
    last acknowledged ones instead of since the start. For one thread at a time.
    """

    def __init__(
        self,
        now: int,
        categories: int,
        *,
        classes: bool = False,
        read: TextReader | None = None,
        decimals: bool = False,
        delta: bool = False,
    ) -> None:
        self._delta = delta
        self._read = read
        self._classes = classes
        self._number_rows = self._text_rows = 0
        self._stream: NumericStream | None = None
        self._categories = CategorySketch(categories)
        self._states: Counter[str] = Counter({VALID: 0})
        self._decimals = DecimalCounter() if decimals else None
        self._tails: dict[int, int] = {}  # rows in the tails of each stream that still has points, by stream start
        self._ended_tails = 0  # of all earlier streams
        self._collected = now  # names new at a collection start at the one before
        self._starts: dict[tuple[str, str], int] = {}
        self._sent: ColumnPoints | None = None
        self._sent_rows = 0
        self._arrived = Acknowledged(now)
        self.rows = 0

    def add(self, values: NDArray[Any], now: int) -> None:
        """Add rows, [n], of any dtype."""
        self.rows += len(values)
        if self._classes:
            self._add_classes(values)
        else:
            self._add_split(split(values), now)

    def count(self, categories: Mapping[str, int]) -> None:
        """Add rows already counted by category, without a state."""
        self.rows += sum(categories.values())
        self._categories.add(categories)

    def _add_classes(self, values: NDArray[Any]) -> None:
        names = class_names(values)
        named = sum(names.values())
        self._categories.add(names)
        self._states[VALID] += named
        if named < len(values):
            missing = count_missing(values)
            self._states[MISSING] += missing
            self._states[WRONG_TYPE] += len(values) - named - missing

    def _add_split(self, rows: Split, now: int) -> None:
        self._states[MISSING] += rows.missing
        self._states[WRONG_TYPE] += rows.unreadable
        numbers = rows.numbers
        self._number_rows += len(numbers)
        if rows.categories:
            read = self._add_texts(rows.categories) if self._read is None else self._read_texts(rows.categories)
            numbers = np.append(numbers, read) if len(read) else numbers
        if len(numbers):
            self._add_numbers(numbers, now)

    def _read_texts(self, texts: Mapping[str, int]) -> FloatArray:
        """The numbers that texts stand for, [n]; the others are of the wrong type."""
        assert self._read is not None
        numbers, others = _read(texts, self._read)
        self._states[WRONG_TYPE] += sum(others.values())
        return numbers

    def _add_texts(self, texts: Mapping[str, int]) -> FloatArray:
        """Count texts by name; returns the numbers that others of them stand for, [n]."""
        rows = sum(texts.values())
        self._text_rows += rows
        if self._number_rows >= self._text_rows:
            read, named = _read(texts)
            self._categories.add(named)
        else:
            read, others = _read(self._categories.add_named(texts))
            self._categories.add_others(sum(others.values()))
        self._states[VALID] += rows - len(read)
        return read

    def _add_numbers(self, numbers: NDArray[Any], now: int) -> None:
        finite = int(np.count_nonzero(np.isfinite(numbers)))
        if finite < len(numbers):
            missing = int(np.count_nonzero(np.isnan(numbers)))
            self._states[MISSING] += missing
            self._states[NON_FINITE] += len(numbers) - finite - missing
            if missing == len(numbers) and self._stream is None:
                return  # nothing but missing values so far: it may become a column of texts
        self._states[VALID] += finite
        if self._stream is None:
            self._stream = NumericStream(self._collected)
        self._stream.observe(numbers, now)
        if self._decimals is not None:
            self._decimals.add(numbers)

    def collect(self, now: int) -> ColumnPoints:
        """The points to export. Until acknowledged, the next ones include their rows."""
        now = max(now, self._collected + 1)
        streams = [] if self._stream is None else self._stream.collect(now)
        points = ColumnPoints(
            now,
            [(TimeRange(each.start, each.time), each.points) for each in streams],
            self._counts("category", self._categories.counts()),
            self._counts("state", {**self._states, OUT_OF_RANGE: self._out_of_range(streams)}),
            self._counts("decimals", self._decimals.counts() if self._decimals is not None else {}),
        )
        self._collected, self._sent, self._sent_rows = now, points, self.rows
        return self._arrived.since(points) if self._delta else points

    def _counts(self, kind: str, rows: Mapping[str, int]) -> dict[str, CumulativeCount]:
        return {
            name: CumulativeCount(self._starts.setdefault((kind, name), self._collected), count)
            for name, count in rows.items()
            if count
        }

    def _out_of_range(self, streams: list[StreamPoints]) -> int:
        tails = {each.start: each.points.out_of_range for each in streams}
        self._ended_tails += sum(rows for start, rows in self._tails.items() if start not in tails)
        self._tails = tails
        return self._ended_tails + sum(tails.values())

    def is_due(self, now: int, repeat: int) -> bool:
        """Whether there are new rows, or the last acknowledged points are `repeat` nanoseconds old."""
        return self.rows != self._arrived.rows or (not self._delta and now - self._arrived.time >= repeat)

    def acknowledge(self) -> None:
        """The points of the last collection have arrived."""
        if self._sent is not None:
            if self._stream is not None:
                self._stream.acknowledge()
            self._arrived.advance(self._sent, self._sent_rows)


class Acknowledged:
    """What the backend has acknowledged of a column: the baseline of deltas."""

    def __init__(self, start: int) -> None:
        self.time = start
        self.rows = 0
        self._points = ColumnPoints(start, [], {}, {})

    def advance(self, points: ColumnPoints, rows: int) -> None:
        self._points, self.time, self.rows = points, points.time, rows

    def since(self, points: ColumnPoints) -> ColumnPoints:
        old = {span.start: (span.time, numbers) for span, numbers in self._points.numbers}
        numbers = []
        for span, now in points.numbers:
            time, before = old.get(span.start, (span.start, None))
            new = now if before is None else now.minus(before)
            assert new is not None, "a point is a successor of an earlier one of its stream"
            if new.rows:
                numbers.append((TimeRange(time, span.time), new))
        categories = self._new(points.categories, self._points.categories)
        if OTHER not in (with_rows := _without_none(categories)):
            categories = with_rows  # else keep empty ones: none of the other rows is theirs
        states = _without_none(self._new(points.states, self._points.states))
        decimals = _without_none(self._new(points.decimals, self._points.decimals))
        return ColumnPoints(points.time, numbers, categories, states, decimals)

    def _new(
        self, new: Mapping[str, CumulativeCount], old: Mapping[str, CumulativeCount]
    ) -> dict[str, CumulativeCount]:
        none = CumulativeCount(0, 0)
        return {
            name: CumulativeCount(max(self.time, count.start), count.rows - old.get(name, none).rows)
            for name, count in new.items()
        }


def _without_none(counts: Mapping[str, CumulativeCount]) -> dict[str, CumulativeCount]:
    return {name: count for name, count in counts.items() if count.rows}


def _read(texts: Mapping[str, int], read: TextReader = read_text) -> tuple[FloatArray, dict[str, int]]:
    """The numbers that texts stand for, [rows], and the other texts."""
    numbers: list[float] = []
    others: dict[str, int] = {}
    for text, count in texts.items():
        number = read(text)
        if number is None:
            others[text] = count
        else:
            numbers += [number] * count
    return np.array(numbers, np.float64), others
