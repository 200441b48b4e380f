"""The sketch of one numeric column: what a stream counts while its layout lasts."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftline.sketch.arrays import FloatArray, IntArray
from driftline.sketch.bits import BLOCK, BitIndex
from driftline.sketch.exponential import TINY
from driftline.sketch.fit import SAMPLE
from driftline.sketch.histogram import Buckets, Histogram
from driftline.sketch.layout import PARTS, Layout
from driftline.sketch.points import TAIL_BUCKETS, NumericPoints


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
        self._tails = [Histogram.empty(layout.scale) for _ in PARTS]

    def add(self, values: NDArray[Any]) -> None:
        """Rows, [n]: float64 or float32, best contiguous and in blocks of 4,096 at least; others are converted."""
        x = np.ascontiguousarray(values)
        index = self.layout.bit_index(x.dtype)
        if index is None:
            x, index = x.astype(np.float64), self.layout.bit_index(np.dtype(np.float64))
        assert index is not None
        counts = self._counts.setdefault(index, np.zeros(index.size, np.int64))
        for start in range(0, len(x), BLOCK):
            self._add_block(x[start : start + BLOCK], index, counts)

    def _add_block(self, x: NDArray[Any], index: BitIndex, counts: IntArray) -> None:
        new, outside = index.count(x)
        counts += new
        self.rows += len(x)
        if outside is None:
            return
        strays = x[outside]
        zeros = len(strays) - int(np.count_nonzero(strays))
        self._zero += zeros
        if zeros < len(strays):
            self._strays.append((strays[strays != 0] if zeros else strays).astype(np.float64))
            self._waiting += len(strays) - zeros
        if self._waiting > SAMPLE:
            self._settle()

    def _settle(self) -> None:
        """Puts the values outside the window where they belong: states, zeros and tails."""
        y = np.concatenate(self._strays) if self._strays else np.zeros(0)
        self._strays, self._waiting = [], 0
        finite = np.isfinite(y)
        missing = int(np.isnan(y).sum())
        self._missing += missing
        self._non_finite += len(y) - int(finite.sum()) - missing
        proper = finite & (np.abs(y) >= TINY)
        self._zero += int(finite.sum()) - int(proper.sum())
        y = y[proper]
        region = self.layout.region(y)
        for part in np.unique(region):
            tail = Histogram.of(y[region == part], self.layout.scale, TAIL_BUCKETS)
            self._tails[part] = self._tails[part].merge(tail, TAIL_BUCKETS)

    def points(self) -> NumericPoints:
        """What has been counted so far, apart from the sketch."""
        self._settle()
        tails = {part: tail for part, tail in zip(PARTS, self._tails, strict=True) if tail.count}
        return NumericPoints(self._core(), tails, self._missing, self._non_finite)

    def _core(self) -> Histogram:
        layout = self.layout
        by_sign = np.zeros((len(layout.signs), layout.size), np.int64)
        for index, counts in self._counts.items():
            by_sign += index.fold(counts)
        sides = {sign: Buckets.from_dense(layout.first, row) for sign, row in zip(layout.signs, by_sign, strict=True)}
        none = Buckets.empty()
        return Histogram(layout.scale, self._zero, sides.get(1, none), sides.get(-1, none))
