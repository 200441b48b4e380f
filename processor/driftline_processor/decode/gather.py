"""Reads the spans of one layout all at once: compares their constant bytes, and takes the values out, by column.

It goes from run to run in all spans together. What varies in size moves the place where a span goes on; at its end each
must be used up exactly.
"""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from driftline_processor.decode.layout import END, KEY, START, Layout, Place, Varying
from driftline_processor.records import FloatArray, IntArray

_WORD: Final = 8
_VARINT: Final = 10
"""Bytes of an integer, at most."""

_LOW: Final = 0x7F
_BLOCK: Final = 1 << 16
"""Bytes that are compared at once: more would cost fresh pages of memory each time, and thrice the time."""

Bytes = NDArray[np.uint8]


class Run:
    """A stretch of constant size: its constant bytes are compared, and its holes are taken out."""

    def __init__(self, layout: Layout, stretch: slice) -> None:
        self.size = stretch.stop - stretch.start
        self._padded = self.size + -self.size % _WORD or _WORD
        holes = [hole for hole in layout.variable() if stretch.start <= hole.start < stretch.stop]
        mask = np.zeros(self._padded, np.uint8)
        mask[: self.size] = 255
        for hole in holes:
            mask[hole.start - stretch.start : hole.stop - stretch.start] = 0
        self._mask = mask.view(np.uint64)
        self._sample = np.frombuffer(layout.sample[stretch].ljust(self._padded, b"\0"), np.uint64)
        names, formats = [str(hole.start) for hole in holes], [f"V{hole.stop - hole.start}" for hole in holes]
        offsets = [hole.start - stretch.start for hole in holes]
        spread = {"names": names, "formats": formats, "offsets": offsets, "itemsize": self._padded}
        self._spread = np.dtype(spread)  # type: ignore[call-overload]  # its own documentation has this form
        self._packed = np.dtype({"names": names, "formats": formats})

    def read(self, data: Bytes, at: IntArray) -> tuple[NDArray[np.void], NDArray[np.bool_]]:
        """The holes of every span, by name, and whether all between them is as in the sample."""
        windows, step = sliding_window_view(data, self._padded), max(_BLOCK // self._padded, 1)
        holes, alike = np.empty(len(at), self._packed), np.empty(len(at), bool)
        for block in (slice(begin, begin + step) for begin in range(0, len(at), step)):
            words = windows[at[block]]
            holes[block] = words.view(self._spread)[:, 0]
            differ = words.view(np.uint64) ^ self._sample
            differ &= self._mask
            np.logical_not(differ.any(axis=1), out=alike[block])
        return holes, alike


class Gathered:
    """The spans of a layout among others. `matching`: which of them are, [spans]; the others read as noise."""

    def __init__(self, layout: Layout, runs: Sequence[Run], spans: Sequence[bytes]) -> None:
        self._layout = layout
        self._holes: dict[int, NDArray[np.void]] = {}  # by where they are in the sample
        self._integers: dict[Place, IntArray] = {}
        self._texts: dict[Place, tuple[IntArray, IntArray]] = {}  # where they start and stop
        sizes = np.fromiter(map(len, spans), np.int64, len(spans))
        ends = np.cumsum(sizes)
        self._bytes = b"".join([*spans, bytes(len(layout.sample) + 2 * _WORD)])
        self._data = np.frombuffer(self._bytes, np.uint8)
        self.matching = np.ones(len(spans), bool)
        self._walk(runs, ends - sizes, ends)

    def keys(self) -> Bytes:
        """Trace id and span id of every span, [spans, 24]."""
        return np.hstack([self._hole(self._layout.fields[field]) for field in KEY])

    def times(self) -> NDArray[np.uint64]:
        """When every span ended; when it began, where it does not say; 0 where it says neither, [spans]."""
        times = np.zeros(len(self.matching), np.uint64)
        for field in (START, END):
            if field in self._layout.fields:
                told = self._hole(self._layout.fields[field]).view("<u8")[:, 0]
                times = np.where(told, told, times)
        return times

    def numbers(self, place: Place) -> FloatArray:
        """The numbers of the matching spans, NaN where there is nothing."""
        if place.kind == "nothing":
            return np.full(np.count_nonzero(self.matching), np.nan)
        if place.kind == "integer":
            return self._integers[place][self.matching].astype(np.float64)
        found = self._hole(place.at).view("<f8" if place.kind == "double" else np.uint8)[:, 0]
        return found[self.matching].astype(np.float64, copy=False)

    def texts(self) -> dict[Place, list[str]]:
        """All texts of the matching spans. Raises UnicodeDecodeError."""
        return {place: self._decoded(*bounds) for place, bounds in self._texts.items()}

    def _decoded(self, start: IntArray, stop: IntArray) -> list[str]:
        bounds = zip(start[self.matching].tolist(), stop[self.matching].tolist(), strict=True)
        found = [self._bytes[a:b] for a, b in bounds]
        together = b"\0".join(found).decode().split("\0")  # as a NUL is part of no other character, each is sound
        return together if len(together) == len(found) else [text.decode() for text in found]

    def _hole(self, at: int) -> Bytes:
        """The bytes of every span in a hole of the sample, [spans, size]."""
        held = np.ascontiguousarray(self._holes[at][str(at)])
        return held.view(np.uint8).reshape(len(held), -1)

    def _walk(self, runs: Sequence[Run], at: IntArray, ends: IntArray) -> None:
        grown: list[IntArray] = []
        for number, (run, varying) in enumerate(zip_longest(runs, self._layout.varying)):
            holes, alike = run.read(self._data, at)
            self._holes |= dict.fromkeys((int(name) for name in holes.dtype.names or ()), holes)
            self.matching &= alike
            at = self._go_on(at + run.size, ends)
            if varying is not None:
                place = Place(varying.kind, number)
                if varying.kind == "text":
                    size = self._text_size(varying, at)
                    self._texts[place] = at, self._go_on(at + size, ends)
                else:
                    self._integers[place], size = self._integer(at)
                grown.append(size - (varying.stop - varying.start))
                at = self._go_on(at + size, ends)
        self.matching &= at == ends
        for length in self._layout.lengths:
            told = _lengths(self._hole(length.at))
            self.matching &= told == length.size + sum(grown[length.first : length.last])
        for place in (place for places in self._layout.values.values() for place in places if place.kind == "flag"):
            self.matching &= self._hole(place.at)[:, 0] <= 1

    def _go_on(self, at: IntArray, ends: IntArray) -> IntArray:
        """No span goes on beyond its end: one that would is another."""
        self.matching &= at <= ends
        return np.minimum(at, ends)

    def _text_size(self, varying: Varying, at: IntArray) -> IntArray:
        """Of the texts that begin there, behind their lengths."""
        return np.maximum(_lengths(self._data[(at - varying.width)[:, None] + np.arange(varying.width)]), 0)

    def _integer(self, at: IntArray) -> tuple[IntArray, IntArray]:
        """The integers that begin there, and their sizes: the last byte is the first one without its highest bit."""
        digits = sliding_window_view(self._data, _VARINT)[at]
        last = digits <= _LOW
        size = np.where(last.any(axis=1), last.argmax(axis=1) + 1, _VARINT)
        self.matching &= (size < _VARINT) | (digits[:, -1] <= 1)  # 64 bits
        groups = np.where(np.arange(_VARINT) < size[:, None], digits & _LOW, 0).astype(np.uint64)
        shifts = np.arange(0, 7 * _VARINT, 7, dtype=np.uint64)
        return np.bitwise_or.reduce(groups << shifts, axis=1).view(np.int64), size


def _lengths(digits: Bytes) -> IntArray:
    """The lengths in these bytes, [spans, width]; -1 where they are not one of that width."""
    width = digits.shape[1]
    proper = ((digits > _LOW) == (np.arange(width) < width - 1)).all(axis=1)
    return np.where(proper, (digits & _LOW).astype(np.int64) @ (1 << 7 * np.arange(width)), -1)
