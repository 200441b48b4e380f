"""The sketch of a numeric column with one layout: what a stream counts."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftline.sketch.arrays import FloatArray, IntArray
from driftline.sketch.bit_index import BLOCK, BitIndex
from driftline.sketch.exponential import HUGE, TINY
from driftline.sketch.histogram import Buckets, Histogram
from driftline.sketch.layout import PARTS, Layout
from driftline.sketch.points import TAIL_BUCKETS, NumericPoints
from driftline.sketch.resolution import SAMPLE


class NumericSketch:
    """Counts every row of a column exactly once: in the core, in a tail, as missing or as non-finite.

    Core: the buckets of the layout, and zeros. Tails: all other finite values, by region, coarsely. Missing: NaN. Not
    thread-safe.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.rows = 0
        self._counts: dict[BitIndex, IntArray] = {}
        self._strays: list[FloatArray] = []  # outside the window, not yet classified: cheaper in bulk
        self._waiting = 0
        self._zero = self._missing = self._non_finite = 0
        self._tails: dict[int, Histogram] = {}  # by position in PARTS

    def add(self, values: NDArray[Any], most_outside: float = 1.0) -> bool:
        """Count rows, unless too many of them lie outside the window.

        Args:
            values: [n] float64 or float32, ideally contiguous and in blocks of at least 4,096; others are converted.
            most_outside: maximum share of non-zero finite values outside the window; checked for the first 16,384 rows.

        Returns:
            False, with nothing counted, if the share is exceeded.

        """
        x = np.ascontiguousarray(values)
        index = self.layout.bit_index(x.dtype)
        if index is None:
            x, index = x.astype(np.float64), self.layout.bit_index(np.dtype(np.float64))
        assert index is not None
        if len(x) <= BLOCK:
            return self._add_block(x, index, most_outside)
        first, *others = np.array_split(x, -(-len(x) // BLOCK))
        return self._add_block(first, index, most_outside) and all(self._add_block(x, index, 1.0) for x in others)

    def _add_block(self, x: NDArray[Any], index: BitIndex, most_outside: float) -> bool:
        new, outside, codes = index.count(x)
        if outside:
            strays = x[index.outside(codes)]
            strays = strays[strays != 0]
            most = most_outside * len(x)
            if len(strays) > most and np.count_nonzero(np.isfinite(strays)) > most:
                return False
            self._zero += outside - len(strays)
            if len(strays):
                self._keep(strays.astype(np.float64))
        counts = self._counts.get(index)
        if counts is None:
            self._counts[index] = new
        else:
            counts += new
        self.rows += len(x)
        return True

    def _keep(self, strays: FloatArray) -> None:
        self._strays.append(strays)
        self._waiting += len(strays)
        if self._waiting > SAMPLE and len(self._present()) > SAMPLE // 2:
            self._settle()

    def _present(self) -> FloatArray:
        """The pending values, after counting the missing ones."""
        waiting = np.concatenate(self._strays) if self._strays else np.zeros(0)
        present = waiting[~np.isnan(waiting)]
        self._missing += len(waiting) - len(present)
        self._strays, self._waiting = [present], len(present)
        return present

    def _settle(self) -> None:
        """Classify the pending values: non-finite, zeros (denormals) and tails."""
        if not self._waiting:
            return
        y = self._present()
        self._strays, self._waiting = [], 0
        magnitude = np.abs(y)
        proper = (magnitude >= TINY) & (magnitude <= HUGE)
        non_finite = int(np.count_nonzero(magnitude == np.inf))
        y = y[proper]
        self._non_finite += non_finite
        self._zero += len(proper) - non_finite - len(y)
        region = self.layout.region(y)
        for part in range(len(PARTS)):
            rows = y[region == part]
            if len(rows):
                tail, known = Histogram.of(rows, self.layout.scale, TAIL_BUCKETS), self._tails.get(part)
                self._tails[part] = known.merge(tail, TAIL_BUCKETS) if known else tail

    def points(self) -> NumericPoints:
        """A snapshot of everything counted so far."""
        self._settle()
        tails = {PARTS[part]: tail for part, tail in sorted(self._tails.items())}
        return NumericPoints(self._core(), tails, self._missing, self._non_finite)

    def _core(self) -> Histogram:
        layout = self.layout
        by_sign = np.zeros((len(layout.signs), layout.size), np.int64)
        for index, counts in self._counts.items():
            by_sign += index.fold(counts)
        sides = {sign: Buckets.from_dense(layout.first, row) for sign, row in zip(layout.signs, by_sign, strict=True)}
        none = Buckets.empty()
        return Histogram(layout.scale, self._zero, sides.get(1, none), sides.get(-1, none))
