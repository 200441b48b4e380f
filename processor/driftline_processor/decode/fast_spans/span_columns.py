"""Reads all spans of one layout at once: compares their constant bytes and extracts the values, by column.

It walks all spans in parallel, run by run. Fields of variable size shift the position at which a span continues; a
matching span must be consumed exactly.
"""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, Final

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from driftline.sketch.arrays import FloatArray, IntArray
from driftline_processor.decode.fast_spans.span_layout import END_TIME, SPAN_KEY, START_TIME, SpanLayout, ValueSlot

_VARINT_BYTES: Final = 10
"""Most bytes of a varint."""

_LOW_BITS: Final = 0x7F
_BLOCK: Final = 120_000
"""Bytes compared at once; more would need fresh memory pages each time, and take three times as long."""

_FORMATS: Final = {"double": "<f8", "time": "<u8", "flag": "u1"}

ByteArray = NDArray[np.uint8]


class FixedRun:
    """A byte range of constant size: its constant bytes are compared, its fixed-size fields extracted."""

    def __init__(self, layout: SpanLayout, span_range: slice) -> None:
        self.size = span_range.stop - span_range.start
        self._sample = np.frombuffer(layout.sample[span_range], np.uint8)
        fixed = [field for field in layout.fixed if span_range.start <= field.start < span_range.stop]
        self._variable = np.zeros(self.size, bool)
        for field in fixed:
            self._variable[field.start - span_range.start : field.stop - span_range.start] = True
        names = [str(field.start) for field in fixed]
        formats: list[Any] = [_FORMATS.get(field.kind) or (np.uint8, (field.stop - field.start,)) for field in fixed]
        offsets = [field.start - span_range.start for field in fixed]
        spread: Any = {"names": names, "formats": formats, "offsets": offsets, "itemsize": self.size}
        self._strided = np.dtype(spread)
        self._packed = np.dtype({"names": names, "formats": formats})

    def read(self, data: ByteArray, at: IntArray) -> tuple[NDArray[np.void], NDArray[np.bool_]]:
        """The fixed-size fields of every span, and whether all other bytes equal the sample's."""
        fixed, alike = np.empty(len(at), self._packed), np.ones(len(at), bool)
        if not self.size:
            return fixed, alike
        windows = as_strided(data, (len(data) - self.size + 1, self.size), (1, 1), writeable=False)
        step = max(_BLOCK // self.size, 1)
        for block in (slice(begin, begin + step) for begin in range(0, len(at), step)):
            found = windows[at[block]]
            fixed[block] = found.view(self._strided)[:, 0]
            same = found == self._sample
            same |= self._variable
            same.all(axis=1, out=alike[block])
        return fixed, alike


class MatchedSpans:
    """Spans read by one layout. matching: which have that layout, [spans]; for the others, the values are noise."""

    def __init__(self, layout: SpanLayout, runs: Sequence[FixedRun], spans: Sequence[bytes]) -> None:
        self._layout = layout
        self._fixed: dict[int, NDArray[Any]] = {}  # contents of fixed fields, by offset in the sample
        self._integers: dict[ValueSlot, IntArray] = {}
        self._texts: dict[ValueSlot, tuple[IntArray, IntArray]] = {}  # where they start and stop
        sizes = np.fromiter(map(len, spans), np.int64, len(spans))
        ends = np.cumsum(sizes)
        self._bytes = b"".join([*spans, bytes(len(layout.sample) + _VARINT_BYTES)])
        self._data = np.frombuffer(self._bytes, np.uint8)
        self.matching = np.ones(len(spans), bool)
        self._walk(runs, ends - sizes, ends)

    def keys(self) -> ByteArray:
        """Trace id and span id of every span, [spans, 24]."""
        return np.hstack([self._fixed[self._layout.fields[field]] for field in SPAN_KEY])

    def times(self) -> NDArray[np.uint64]:
        """The end time of every span, else its start time, else 0, [spans]."""
        times = np.zeros(len(self.matching), np.uint64)
        for field in (START_TIME, END_TIME):
            if field in self._layout.fields:
                found = self._fixed[self._layout.fields[field]]
                times = np.where(found, found, times)
        return times

    def numbers(self, slot: ValueSlot) -> FloatArray:
        """The numbers of the matching spans, NaN for an empty value."""
        if slot.kind == "nothing":
            return np.full(np.count_nonzero(self.matching), np.nan)
        found = self._integers[slot] if slot.kind == "integer" else self._fixed[slot.at]
        return found[self.matching].astype(np.float64, copy=False)

    def leave_longer_texts(self, most: int) -> None:
        """Spans with a text of more bytes do not match."""
        for start, stop in self._texts.values():
            self.matching &= stop - start <= most

    def texts(self) -> dict[ValueSlot, list[str]]:
        """All texts of the matching spans. Raises UnicodeDecodeError."""
        return {slot: self._decode_texts(*bounds) for slot, bounds in self._texts.items()}

    def _decode_texts(self, start: IntArray, stop: IntArray) -> list[str]:
        bounds = zip(start[self.matching].tolist(), stop[self.matching].tolist(), strict=True)
        found = [self._bytes[a:b] for a, b in bounds]
        together = b"\0".join(found).decode().split("\0")  # safe: no other UTF-8 character contains a NUL byte
        return together if len(together) == len(found) else [text.decode() for text in found]

    def _walk(self, runs: Sequence[FixedRun], at: IntArray, ends: IntArray) -> None:
        grown: list[IntArray] = []
        for number, (run, variable) in enumerate(zip_longest(runs, self._layout.variable)):
            fixed, alike = run.read(self._data, at)
            self._fixed |= {int(name): fixed[name] for name in fixed.dtype.names or ()}
            self.matching &= alike
            if not self.matching.any():
                return
            at = self._advance(at + run.size, ends)
            if variable is not None:
                slot = ValueSlot(variable.kind, number)
                if variable.kind == "text":
                    stop = at + np.maximum(_lengths(self._fixed[variable.start - variable.width]), 0)
                    self._texts[slot] = at, self._advance(stop, ends)
                else:
                    self._integers[slot], stop = self._integer(at)
                grown.append(stop - at - (variable.stop - variable.start))
                at = self._advance(stop, ends)
        self.matching &= at == ends
        for length in self._layout.lengths:
            found = _lengths(self._fixed[length.at])
            self.matching &= found == length.size + sum(grown[length.first : length.last])
        for field in (field for field in self._layout.fixed if field.kind == "flag"):
            self.matching &= self._fixed[field.start] <= 1

    def _advance(self, at: IntArray, ends: IntArray) -> IntArray:
        """Clips positions to the end of each span; a span that would exceed it does not match."""
        self.matching &= at <= ends
        return np.minimum(at, ends)

    def _integer(self, at: IntArray) -> tuple[IntArray, IntArray]:
        """The varints at these positions, and where they stop: the last byte is the first one below 128."""
        value, more = np.zeros(len(at), np.uint64), np.ones(len(at), bool)
        for number in range(_VARINT_BYTES):
            digit = self._data[at]
            value |= np.where(more, digit & _LOW_BITS, 0).astype(np.uint64) << np.uint64(7 * number)
            at = at + more
            if number == _VARINT_BYTES - 1:
                self.matching &= ~more | (digit <= 1)  # 64 bits
            more = more & (digit > _LOW_BITS)
            if not more.any():
                break
        return value.view(np.int64), at


def _lengths(digits: ByteArray) -> IntArray:
    """The lengths encoded in these bytes, [spans, width]; -1 where they are no varint of that width."""
    width = digits.shape[1]
    proper = ((digits > _LOW_BITS) == (np.arange(width) < width - 1)).all(axis=1)
    return np.where(proper, (digits & _LOW_BITS).astype(np.int64) @ (1 << 7 * np.arange(width)), -1)
