"""Counts floats into buckets straight from their bits: no logarithm, no search, a dozen cheap passes over a block.

Positive floats order like the integers that their bits make. The window of buckets is cut into *cells* of equal width
in those integers, half a bucket wide or less, so that at most one bucket edge lies in a cell. A shift finds the cell,
one comparison with the edge in it the half. Half cells are counted, and folded into buckets only when somebody asks.
"""

from threading import local
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftline.sketch.arrays import BoolArray, FloatArray, IntArray

BLOCK: Final = 16384
"""Values counted at once at most: the passes stay in the cache, and their fixed cost is spread."""


class _Scratch(local):
    """Working space of one thread."""

    def __init__(self) -> None:
        self._rows = np.empty((3, BLOCK))
        self._kind: tuple[Any, int] | None = None
        self._arrays: list[NDArray[Any]] = []

    def arrays(self, word: Any, length: int) -> list[NDArray[Any]]:
        """Three arrays of that many words; those of the last call if nothing else was asked for since."""
        if self._kind != (word, length):
            self._kind = word, length
            self._arrays = [row.view(word)[:length] for row in self._rows]
        return self._arrays


_scratch = _Scratch()


class BitIndex:
    """The tables for one window of buckets and one dtype, float64 or float32; threads may share them."""

    def __init__(
        self, edges: FloatArray, scale: int, signs: tuple[int, ...], dtype: type[np.float64 | np.float32]
    ) -> None:
        """From the edges of the window, [buckets + 1], ascending normal numbers of `dtype`, and the signs it has."""
        self._word: Any = np.int64 if dtype is np.float64 else np.int32
        self._unsigned: Any = np.uint64 if dtype is np.float64 else np.uint32
        self._signs = signs
        self._buckets = len(edges) - 1
        bits = _as_bits(edges, dtype, self._word)
        # A bucket is at least ln 2 times 2**-scale of an octave long, a cell half of that 2**-scale.
        self._shift = max(0, int(np.finfo(dtype).nmant) - 1 - max(scale, 0))
        self._base = int(bits[0]) >> self._shift << self._shift
        self._cells = ((int(bits[-1]) - self._base) >> self._shift) + 1
        self._fill_tables(bits)
        # Scalars of the right type, made once: numpy takes as long to make them as for a thousand values.
        self._magnitude, self._sign = self._word(np.iinfo(self._word).max), self._word(np.iinfo(self._word).min)
        self._lowest, self._width = self._word(self._base), self._word(self._shift)
        self._beyond, self._sign_bit = self._unsigned(self._cells), self._word(np.iinfo(self._word).bits - 1)
        self._halves = self._word(len(self._bucket))

    def _fill_tables(self, bits: IntArray) -> None:
        """For each cell the edge in it, or the next one; for each half cell its bucket from 1 on, 0 outside."""
        starts = self._base + (np.arange(self._cells, dtype=np.int64) << self._shift)
        passed = np.searchsorted(bits, starts, "left")  # edges below the cell
        top = np.iinfo(self._word).max
        edge = np.where(passed <= self._buckets, bits[np.minimum(passed, self._buckets)], top)
        halves = np.column_stack([passed, np.searchsorted(bits, edge, "right")]).ravel()
        halves = np.append(halves, [0, 0])  # the cell of everything else
        halves[halves > self._buckets] = 0
        self._edge: NDArray[Any] = np.append(edge, top).astype(self._word)
        self._bucket = halves
        self._outside: BoolArray = np.tile(halves == 0, len(self._signs))
        self._outside_weight = self._outside.astype(np.int64)

    @property
    def size(self) -> int:
        """Half cells of all signs."""
        return len(self._outside)

    def count(self, x: NDArray[Any]) -> tuple[IntArray, int, NDArray[Any]]:
        """Counts of a contiguous block by half cell, [size]; how many values lie outside; the half cell of each value.

        The last is working space of the thread, for `outside`, and holds until the next call.
        """
        codes = self._codes(x)
        counts = np.bincount(codes, minlength=self.size)
        return counts, int(counts @ self._outside_weight), codes

    def outside(self, codes: NDArray[Any]) -> BoolArray:
        """Which values of the block just counted lie outside the window."""
        return np.asarray(self._outside.take(codes))

    def _codes(self, x: NDArray[Any]) -> NDArray[Any]:
        """The half cell of each value, in this thread's working space."""
        word = self._word
        magnitude, code, over = _scratch.arrays(word, len(x))
        bits = x.view(word)
        if len(self._signs) == 2:
            np.bitwise_and(bits, self._magnitude, out=magnitude)
        elif self._signs == (-1,):
            np.bitwise_xor(bits, self._sign, out=magnitude)
        else:
            magnitude = bits  # a value of the other sign is a negative integer: outside
        np.subtract(magnitude, self._lowest, out=code)
        np.right_shift(code, self._width, out=code)
        unsigned = code.view(self._unsigned)
        np.minimum(unsigned, self._beyond, out=unsigned)
        self._edge.take(code, out=over, mode="wrap")  # any mode but "raise", which would buffer; this is the fastest
        np.subtract(over, magnitude, out=over)
        np.right_shift(over, self._sign_bit, out=over)  # -1 where the value lies above the edge, else 0
        np.add(code, code, out=code)
        np.subtract(code, over, out=code)
        if len(self._signs) == 2:
            np.right_shift(bits, self._sign_bit, out=over)
            np.bitwise_and(over, self._halves, out=over)
            np.add(code, over, out=code)
        return code

    def fold(self, counts: IntArray) -> IntArray:
        """Counts by bucket from counts by half cell, [sign, bucket]."""
        by_sign = counts.reshape(len(self._signs), -1)
        rows = [np.bincount(self._bucket, half, self._buckets + 1)[1:] for half in by_sign]
        return np.asarray(rows).astype(np.int64)


def _as_bits(edges: FloatArray, dtype: type[np.float64 | np.float32], word: Any) -> IntArray:
    """The largest number of `dtype` not above each edge, as an integer: the same values lie below it."""
    rounded: NDArray[Any] = edges.astype(dtype)
    rounded = np.where(rounded > edges, np.nextafter(rounded, dtype(0)), rounded)
    return np.asarray(rounded.view(word), np.int64)
