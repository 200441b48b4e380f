"""The sketch of one numeric column: what a stream counts while its layout lasts."""

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
    """Counts the rows of a column: nothing is dropped, nothing is counted twice.

    core: the buckets of the layout, and zeros. Tails: every other finite value, by region, coarse. States: missing
    (NaN), and not finite. Not for several threads at once.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.rows = 0
        self._counts: dict[BitIndex, IntArray] = {}
        self._strays: list[FloatArray] = []  # outside the window, not yet told apart: cheaper when there are many
        self._waiting = 0
        self._zero = self._missing = self._non_finite = 0
        self._tails: dict[int, Histogram] = {}  # by position in PARTS

    def add(self, values: NDArray[Any], most_outside: float = 1.0) -> bool:
        """Rows, [n]: float64 or float32, best contiguous and in blocks of 4,096 at least; others are converted.

        False, and nothing is counted, where more than this share of them are finite values outside the window, zeros
        apart. Of more than 16,384 rows only the first ones are looked at for that.
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
        """The values that wait, without the missing ones: those are counted at once."""
        waiting = np.concatenate(self._strays) if self._strays else np.zeros(0)
        present = waiting[~np.isnan(waiting)]
        self._missing += len(waiting) - len(present)
        self._strays, self._waiting = [present], len(present)
        return present

    def _settle(self) -> None:
        """Puts the values outside the window where they belong: states, denormals and tails."""
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
        """What has been counted so far, apart from the sketch."""
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
