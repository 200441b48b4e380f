"""Reads the spans of one layout all at once: compares their constant bytes, and takes the values out, by column.

It goes from run to run in all spans together. What varies in size moves the place where a span goes on; at its end each
must be used up exactly.
"""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, Final

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from driftline.sketch.arrays import FloatArray, IntArray
from driftline_processor.decode.fast_spans.span_layout import END, KEY, START, Layout, Place

_VARINT: Final = 10
"""Bytes of an integer, at most."""

_LOW: Final = 0x7F
_BLOCK: Final = 120_000
"""Bytes that are compared at once: more would cost fresh pages of memory each time, and thrice the time."""

_FORMATS: Final = {"double": "<f8", "time": "<u8", "flag": "u1"}

Bytes = NDArray[np.uint8]


class Run:
    """A stretch of constant size: its constant bytes are compared, and its holes are taken out."""

    def __init__(self, layout: Layout, stretch: slice) -> None:
        self.size = stretch.stop - stretch.start
        self._sample = np.frombuffer(layout.sample[stretch], np.uint8)
        holes = [hole for hole in layout.holes if stretch.start <= hole.start < stretch.stop]
        self._variable = np.zeros(self.size, bool)
        for hole in holes:
            self._variable[hole.start - stretch.start : hole.stop - stretch.start] = True
        names = [str(hole.start) for hole in holes]
        formats: list[Any] = [_FORMATS.get(hole.kind) or (np.uint8, (hole.stop - hole.start,)) for hole in holes]
        offsets = [hole.start - stretch.start for hole in holes]
        spread: Any = {"names": names, "formats": formats, "offsets": offsets, "itemsize": self.size}
        self._spread = np.dtype(spread)
        self._packed = np.dtype({"names": names, "formats": formats})

    def read(self, data: Bytes, at: IntArray) -> tuple[NDArray[np.void], NDArray[np.bool_]]:
        """The holes of every span, by name, and whether all between them is as in the sample."""
        holes, alike = np.empty(len(at), self._packed), np.ones(len(at), bool)
        if not self.size:
            return holes, alike
        windows = as_strided(data, (len(data) - self.size + 1, self.size), (1, 1), writeable=False)
        step = max(_BLOCK // self.size, 1)
        for block in (slice(begin, begin + step) for begin in range(0, len(at), step)):
            found = windows[at[block]]
            holes[block] = found.view(self._spread)[:, 0]
            same = found == self._sample
            same |= self._variable
            same.all(axis=1, out=alike[block])
        return holes, alike


class Gathered:
    """The spans of a layout among others. `matching`: which of them are, [spans]; the others read as noise."""

    def __init__(self, layout: Layout, runs: Sequence[Run], spans: Sequence[bytes]) -> None:
        self._layout = layout
        self._held: dict[int, NDArray[Any]] = {}  # what stands in holes, by where they are in the sample
        self._integers: dict[Place, IntArray] = {}
        self._texts: dict[Place, tuple[IntArray, IntArray]] = {}  # where they start and stop
        sizes = np.fromiter(map(len, spans), np.int64, len(spans))
        ends = np.cumsum(sizes)
        self._bytes = b"".join([*spans, bytes(len(layout.sample) + _VARINT)])
        self._data = np.frombuffer(self._bytes, np.uint8)
        self.matching = np.ones(len(spans), bool)
        self._walk(runs, ends - sizes, ends)

    def keys(self) -> Bytes:
        """Trace id and span id of every span, [spans, 24]."""
        return np.hstack([self._held[self._layout.fields[field]] for field in KEY])

    def times(self) -> NDArray[np.uint64]:
        """When every span ended; when it began, where it does not say; 0 where it says neither, [spans]."""
        times = np.zeros(len(self.matching), np.uint64)
        for field in (START, END):
            if field in self._layout.fields:
                told = self._held[self._layout.fields[field]]
                times = np.where(told, told, times)
        return times

    def numbers(self, place: Place) -> FloatArray:
        """The numbers of the matching spans, NaN where there is nothing."""
        if place.kind == "nothing":
            return np.full(np.count_nonzero(self.matching), np.nan)
        found = self._integers[place] if place.kind == "integer" else self._held[place.at]
        return found[self.matching].astype(np.float64, copy=False)

    def texts(self) -> dict[Place, list[str]]:
        """All texts of the matching spans. Raises UnicodeDecodeError."""
        return {place: self._decoded(*bounds) for place, bounds in self._texts.items()}

    def _decoded(self, start: IntArray, stop: IntArray) -> list[str]:
        bounds = zip(start[self.matching].tolist(), stop[self.matching].tolist(), strict=True)
        found = [self._bytes[a:b] for a, b in bounds]
        together = b"\0".join(found).decode().split("\0")  # as a NUL is part of no other character, each is sound
        return together if len(together) == len(found) else [text.decode() for text in found]

    def _walk(self, runs: Sequence[Run], at: IntArray, ends: IntArray) -> None:
        grown: list[IntArray] = []
        for number, (run, varying) in enumerate(zip_longest(runs, self._layout.varying)):
            holes, alike = run.read(self._data, at)
            self._held |= {int(name): holes[name] for name in holes.dtype.names or ()}
            self.matching &= alike
            if not self.matching.any():
                return
            at = self._go_on(at + run.size, ends)
            if varying is not None:
                place = Place(varying.kind, number)
                if varying.kind == "text":
                    stop = at + np.maximum(_lengths(self._held[varying.start - varying.width]), 0)
                    self._texts[place] = at, self._go_on(stop, ends)
                else:
                    self._integers[place], stop = self._integer(at)
                grown.append(stop - at - (varying.stop - varying.start))
                at = self._go_on(stop, ends)
        self.matching &= at == ends
        for length in self._layout.lengths:
            told = _lengths(self._held[length.at])
            self.matching &= told == length.size + sum(grown[length.first : length.last])
        for hole in (hole for hole in self._layout.holes if hole.kind == "flag"):
            self.matching &= self._held[hole.start] <= 1

    def _go_on(self, at: IntArray, ends: IntArray) -> IntArray:
        """No span goes on beyond its end: one that would is another."""
        self.matching &= at <= ends
        return np.minimum(at, ends)

    def _integer(self, at: IntArray) -> tuple[IntArray, IntArray]:
        """The integers that begin there, and where they stop: their last byte is the first one below 128."""
        value, more = np.zeros(len(at), np.uint64), np.ones(len(at), bool)
        for number in range(_VARINT):
            digit = self._data[at]
            value |= np.where(more, digit & _LOW, 0).astype(np.uint64) << np.uint64(7 * number)
            at = at + more
            if number == _VARINT - 1:
                self.matching &= ~more | (digit <= 1)  # 64 bits
            more = more & (digit > _LOW)
            if not more.any():
                break
        return value.view(np.int64), at


def _lengths(digits: Bytes) -> IntArray:
    """The lengths in these bytes, [spans, width]; -1 where they are not one of that width."""
    width = digits.shape[1]
    proper = ((digits > _LOW) == (np.arange(width) < width - 1)).all(axis=1)
    return np.where(proper, (digits & _LOW).astype(np.int64) @ (1 << 7 * np.arange(width)), -1)
