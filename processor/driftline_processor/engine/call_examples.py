"""A few calls of each pane for each column, spread over its values: of which some can be named when the column moves.

Which ones are kept depends on their values and ids alone, not on the order in which they arrive.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nsmallest
from math import isfinite
from typing import Any, Final, NamedTuple
from zlib import crc32

import numpy as np

from driftline.semconv import TARGET_INPUT
from driftline.sketch.arrays import FloatArray, IntArray
from driftline_processor.records import ColumnKey, ColumnValues, CountPoint, ExampleRows, Scalar, SketchPoint, Window

ANY: Final = 20
"""Rows of a column and pane that are kept whatever their values: those of the smallest span ids, which are random."""

ENDS: Final = 2
"""Rows with the lowest and with the highest numbers."""

OF_A_STATE: Final = 2
"""Rows without a value, and rows with one that is no finite number."""

NAMES: Final = 24
"""Categories, of each of which one row is kept; if there are more, those whose names have the smallest checksums."""

_MOST_COLUMNS: Final = 5_000
"""Columns of a pane, as of a model."""

_AHEAD: Final = 64
"""Panes that are kept beside those of two windows: of spans that come before the sketches of their rows."""

_PENDING: Final = 96
_BULK: Final = 64
"""Rows of a record from which on they are thinned before they are looked at one by one."""

_SPAN_ID: Final = 8  # bytes
_MISSING, _NOT_FINITE = "\0missing", "\0not finite"
_STATES: Final = (_MISSING, _NOT_FINITE)

_Place = tuple[bytes, int]
_NO_PLACE: Final = (b"\xff" * 25, 0)  # after all others


class CallExample(NamedTuple):
    """A row that a call's span shows. call: span id and trace id. row: of those that the span shows."""

    call: bytes
    row: int
    time: int
    value: Scalar

    @property
    def trace(self) -> str:
        """Hexadecimal, as span."""
        return self.call[_SPAN_ID:].hex()

    @property
    def span(self) -> str:
        return self.call[:_SPAN_ID].hex()


@dataclass(slots=True)
class ColumnExamples:
    """The examples of a column in a pane. bounds: what is beyond them is not kept, once there are enough."""

    held: list[CallExample] = field(default_factory=list)
    bounds: "_Bounds | None" = None

    def add(self, examples: Iterable[CallExample]) -> None:
        bounds = self.bounds
        self.held += examples if bounds is None else [each for each in examples if bounds.may_hold(each)]
        if len(self.held) > _PENDING:
            self.held = thinned(self.held)
            self.bounds = _Bounds.of(self.held)


@dataclass(slots=True)
class CallExamples:
    """The examples of a model. size, step: of its windows, nanoseconds."""

    size: int
    step: int
    panes: dict[int, dict[ColumnKey, ColumnExamples]] = field(default_factory=dict)

    def add(self, spans: ExampleRows, times: IntArray) -> None:
        """Adds the rows of spans. times: the event time of each, [spans]."""
        starts = (times - 1) // self.step * self.step
        for start in set(starts.tolist()):
            which = np.flatnonzero(starts == start)
            _add(self.panes.setdefault(start, {}), spans.chosen(which), times[which])
        self._bound()

    def add_exemplars(self, point: CountPoint | SketchPoint, time: int) -> None:
        """Adds those of a point. time: its event time."""
        pane = self.panes.setdefault((time - 1) // self.step * self.step, {})
        if point.column in pane or len(pane) < _MOST_COLUMNS:
            found = (CallExample(_by_span(each.call), 0, each.time, each.value) for each in point.exemplars)
            pane.setdefault(point.column, ColumnExamples()).add(found)
        self._bound()

    def forget(self, before: int) -> None:
        """Drops the panes that start before this."""
        self.panes = {start: pane for start, pane in self.panes.items() if start >= before}

    def of(self, window: Window, column: ColumnKey) -> list[CallExample]:
        """What is kept of a column in a window, the newest first."""
        panes = [pane for start, pane in self.panes.items() if window.start <= start < window.end and column in pane]
        held = (example for pane in panes for example in thinned(pane[column].held))
        return sorted(held, key=lambda each: (each.time, each.call, each.row), reverse=True)

    def _bound(self) -> None:
        for start in sorted(self.panes)[: -2 * (self.size // self.step) - _AHEAD]:
            del self.panes[start]


def _by_span(key: bytes) -> bytes:
    """Trace id and span id, the other way round: traces may be long, and their spans stand side by side."""
    return key[-_SPAN_ID:] + key[:-_SPAN_ID]


def _add(pane: dict[ColumnKey, ColumnExamples], spans: ExampleRows, times: IntArray) -> None:
    """An input that other spans of the pane show, and these do not, is missing in them."""
    rows = _Rows(spans, times)
    for column, values in spans.columns.items():
        if column in pane or len(pane) < _MOST_COLUMNS:
            pane.setdefault(column, ColumnExamples()).add(rows.examples(values))
    for column in pane.keys() - spans.columns.keys():
        if column.target == TARGET_INPUT:
            pane[column].add(rows.missing())


class _Rows:
    """The rows of a record of spans, as candidates for examples. order: of the rows, by call."""

    def __init__(self, spans: ExampleRows, times: IntArray) -> None:
        calls = [_by_span(key) for key in spans.keys]
        self._places = [
            (call, row, time) for call, time in zip(calls, times.tolist(), strict=True) for row in range(spans.rows)
        ]
        self._order = sorted(range(len(self._places)), key=self._places.__getitem__)
        self._index = np.array(self._order)

    def examples(self, values: ColumnValues) -> list[CallExample]:
        if len(values) <= _BULK:
            plain = values.tolist() if isinstance(values, np.ndarray) else values
            return [CallExample(*place, value) for place, value in zip(self._places, plain, strict=True)]
        if isinstance(values, np.ndarray):
            chosen = {*self._order[:ANY], *self._of_numbers(values)}
            return [CallExample(*self._places[at], float(values[at])) for at in chosen]
        chosen = {*self._order[:ANY], *self._of_kinds(values)}
        return [CallExample(*self._places[at], values[at]) for at in chosen]

    def missing(self) -> list[CallExample]:
        return [CallExample(*self._places[at], None) for at in self._order[:OF_A_STATE]]

    def _of_numbers(self, values: FloatArray) -> Iterator[int]:
        """The rows with the lowest and highest numbers, and some without."""
        order, found = self._index, values[self._index]
        finite = np.isfinite(found)
        if not finite.all():
            for unknown in (np.isnan(found), np.isinf(found)):
                yield from order[unknown][:OF_A_STATE].tolist()
            order, found = order[finite], found[finite]
        if len(found) <= 2 * ENDS:
            yield from order.tolist()
            return
        ends = np.partition(found, (ENDS - 1, len(found) - ENDS))[[ENDS - 1, -ENDS]]
        for far, kept in ((found <= ends[0], slice(ENDS)), (found >= ends[1], slice(-ENDS, None))):
            at = np.flatnonzero(far)
            yield from order[at[np.argsort(found[at], kind="stable")][kept]].tolist()

    def _of_kinds(self, values: Sequence[Scalar]) -> Iterator[int]:
        """The same, and some rows of each category."""
        kinds: dict[str | None, list[int]] = {}
        for at in self._order:
            kinds.setdefault(_kind(values[at]), []).append(at)
        numbers = sorted(kinds.pop(None, []), key=values.__getitem__)  # type: ignore[arg-type]  # they are numbers
        yield from (*numbers[:ENDS], *numbers[-ENDS:])
        yield from (at for places in kinds.values() for at in places[:OF_A_STATE])


def thinned(examples: Iterable[CallExample]) -> list[CallExample]:
    """Those that are kept of so many, by call; thinning parts of them first gives the same."""
    known: dict[_Place, CallExample] = {(each.call, each.row): each for each in examples}
    every = [known[place] for place in sorted(known)]
    kinds: dict[str | None, list[CallExample]] = {}
    for each in every:
        kinds.setdefault(_kind(each.value), []).append(each)
    numbers = sorted(kinds.pop(None, []), key=lambda each: each.value)  # type: ignore[arg-type, return-value]
    states = [each for state in _STATES for each in kinds.pop(state, [])[:OF_A_STATE]]
    names = nsmallest(NAMES, kinds, key=lambda name: (_checksum(name), name))
    kept = [*every[:ANY], *numbers[:ENDS], *numbers[-ENDS:], *states, *(kinds[name][0] for name in names)]
    return [known[place] for place in sorted({(each.call, each.row) for each in kept})]


class _Bounds(NamedTuple):
    """What thinned rows say of further ones. any: the last place of those kept for no reason. low, high: numbers.

    kinds: the last place of each category and state of which there are enough. names: the greatest checksum of a
    category that is kept, if there is no room for more.
    """

    any: _Place
    low: float
    high: float
    kinds: Mapping[str, _Place]
    names: float

    @classmethod
    def of(cls, held: Sequence[CallExample]) -> "_Bounds":
        numbers = sorted(float(each.value or 0.0) for each in held if _kind(each.value) is None)
        places: dict[str, list[_Place]] = {}
        for each in held:
            if (kind := _kind(each.value)) is not None:
                places.setdefault(kind, []).append((each.call, each.row))
        enough = {
            k: found[OF_A_STATE - 1 if k in _STATES else 0]
            for k, found in places.items()
            if len(found) >= (OF_A_STATE if k in _STATES else 1)
        }
        low, high = (numbers[ENDS - 1], numbers[-ENDS]) if len(numbers) > 2 * ENDS else (np.inf, -np.inf)
        last = (held[ANY - 1].call, held[ANY - 1].row) if len(held) >= ANY else _NO_PLACE
        checksums = sorted(map(_checksum, places.keys() - set(_STATES)))
        return cls(last, low, high, enough, checksums[NAMES - 1] if len(checksums) >= NAMES else np.inf)

    def may_hold(self, example: CallExample) -> bool:
        """Whether a row may be kept; when in doubt, it is looked at again with the others."""
        if (example.call, example.row) < self.any:
            return True
        kind = _kind(example.value)
        if kind is None:
            return not self.low < example.value < self.high  # type: ignore[operator]  # it is a number
        known = self.kinds.get(kind)
        return _checksum(kind) <= self.names if known is None else (example.call, example.row) < known


def _checksum(name: str | None) -> int:
    return crc32(str(name).encode("utf-8", "surrogatepass"))


def _kind(value: Scalar) -> str | None:
    """What examples are grouped by: a category, or a state; None for finite numbers."""
    if isinstance(value, str):
        return value
    if value is None or value != value:  # noqa: PLR0124  (NaN)
        return _MISSING
    if isinstance(value, bool):
        return str(value)
    return None if isfinite(value) else _NOT_FINITE


def pack_examples(panes: Mapping[int, Mapping[ColumnKey, ColumnExamples]]) -> list[Any]:
    """Plain values for MessagePack."""
    return [
        (start, [((key.target, key.name), list(map(tuple, thinned(held.held)))) for key, held in pane.items()])
        for start, pane in panes.items()
    ]


def unpack_examples(packed: Iterable[Any]) -> dict[int, dict[ColumnKey, ColumnExamples]]:
    return {
        start: {ColumnKey(*key): ColumnExamples([CallExample(*each) for each in held]) for key, held in pane}
        for start, pane in packed
    }
