"""Counts floats into buckets directly from their bits: no logarithm, no search, a few cheap passes over a block.

Positive floats sort like the integers with the same bits. The window of buckets is divided into *cells* of equal width
in those integers, at most half a bucket wide, so that a cell contains at most one bucket edge. A shift finds a value's
cell. Adding the distance from that edge to the end of the cell carries values beyond the edge into the next cell,
where those before the next edge belong to the same bucket. Cells are counted, and folded into buckets on demand.
"""

from threading import local
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftline.sketch.arrays import BoolArray, FloatArray, IntArray

BLOCK: Final = 16384
"""Maximum values per block: the passes stay in the cache, and their fixed cost is amortised."""


class _Scratch(local):
    """Scratch arrays of one thread."""

    def __init__(self) -> None:
        self._rows = np.empty((3, BLOCK))
        self._kind: tuple[Any, int] | None = None
        self._arrays: list[NDArray[Any]] = []

    def arrays(self, word: Any, length: int) -> list[NDArray[Any]]:
        """Three arrays of that many words, cached from the last call."""
        if self._kind != (word, length):
            self._kind = word, length
            self._arrays = [row.view(word)[:length] for row in self._rows]
        return self._arrays


_scratch = _Scratch()


class BitIndex:
    """Lookup tables for one window of buckets and one dtype, float64 or float32. Thread-safe."""

    def __init__(
        self, edges: FloatArray, scale: int, signs: tuple[int, ...], dtype: type[np.float64 | np.float32]
    ) -> None:
        """From the edges of the window, [buckets + 1], ascending normal numbers of `dtype`, and its signs."""
        self._word: Any = np.int64 if dtype is np.float64 else np.int32
        self._unsigned: Any = np.uint64 if dtype is np.float64 else np.uint32
        self._signs = signs
        bits = _as_bits(edges, dtype, self._word)
        lowest, passed = (
            bits[0] + 1,
            bits - bits[0],
        )  # the first value inside; where each edge is passed
        # A bucket is at least ln 2 times 2**-scale of an octave long, a cell half of that 2**-scale.
        width = max(0, int(np.finfo(dtype).nmant) - 1 - max(scale, 0))
        last_in_cell = (1 << width) - 1
        self._carry: NDArray[Any] = np.zeros((int(passed[-1]) >> width) + 1, self._word)
        self._carry[passed >> width] = -passed & last_in_cell
        self._starts = passed + last_in_cell >> width  # the cell, after carrying, with which each bucket starts
        outside = int(self._starts[-1])
        self.size = len(signs) * (outside + 1)
        self._outside = [outside, 2 * outside + 1][: len(signs)]
        # Scalars of the right type, created once: creating one costs numpy as much as a thousand values.
        self._magnitude, self._sign = self._word(np.iinfo(self._word).max), self._word(np.iinfo(self._word).min)
        self._lowest, self._width, self._beyond = self._word(lowest), self._word(width), self._unsigned(passed[-1])
        self._sign_bit, self._cells = self._word(np.iinfo(self._word).bits - 1), self._word(outside + 1)

    def count(self, x: NDArray[Any]) -> tuple[IntArray, int, NDArray[Any]]:
        """Counts of a contiguous block by cell, [size]; the number of values outside; the cell of each value.

        The last is scratch space of the thread, to be passed to `outside`, and valid until the next call.
        """
        cells = self._cells_of(x)
        counts = np.bincount(cells, minlength=self.size)
        return counts, sum(int(counts[cell]) for cell in self._outside), cells

    def outside(self, cells: NDArray[Any]) -> BoolArray:
        """Which values of the block just counted are outside the window."""
        found = cells == self._outside[0]
        for cell in self._outside[1:]:
            found |= cells == cell
        return np.asarray(found)

    def _cells_of(self, x: NDArray[Any]) -> NDArray[Any]:
        """The cell of each value after carrying, in this thread's scratch space."""
        word = self._word
        distance, cell, carry = _scratch.arrays(word, len(x))
        bits = x.view(word)
        if len(self._signs) == 2:
            magnitude = np.bitwise_and(bits, self._magnitude, out=distance)
        elif self._signs == (-1,):
            magnitude = np.bitwise_xor(bits, self._sign, out=distance)
        else:
            magnitude = bits  # a value of the other sign is a negative integer, so outside
        np.subtract(magnitude, self._lowest, out=distance)
        unsigned = distance.view(self._unsigned)
        np.minimum(unsigned, self._beyond, out=unsigned)
        np.right_shift(distance, self._width, out=cell)
        self._carry.take(cell, out=carry, mode="wrap")  # the fastest mode; "raise" would buffer
        np.add(distance, carry, out=cell)
        np.right_shift(cell, self._width, out=cell)
        if len(self._signs) == 2:
            np.right_shift(bits, self._sign_bit, out=carry)
            np.bitwise_and(carry, self._cells, out=carry)
            np.add(cell, carry, out=cell)
        return cell

    def fold(self, counts: IntArray) -> IntArray:
        """Fold counts by cell into counts by bucket, [sign, bucket]."""
        by_sign = counts.reshape(len(self._signs), -1)
        before = by_sign.cumsum(axis=1) - by_sign
        return np.asarray(np.diff(before[:, self._starts]))


def _as_bits(edges: FloatArray, dtype: type[np.float64 | np.float32], word: Any) -> IntArray:
    """The bits of the largest number of `dtype` not above each edge: the same values lie below it."""
    rounded: NDArray[Any] = edges.astype(dtype)
    rounded = np.where(rounded > edges, np.nextafter(rounded, dtype(0)), rounded)
    return np.asarray(rounded.view(word), np.int64)
