"""The layout of a column's core: which buckets it has, fixed for the life of a stream."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from driftline.semconv import ABOVE, BELOW, MIDDLE
from driftline.sketch.arrays import BoolArray, FloatArray, IntArray
from driftline.sketch.bit_index import BitIndex
from driftline.sketch.exponential import HUGE, MAX_SCALE, MIN_SCALE, TINY, lower_edge

CORE_BUCKETS: Final = 320
"""Buckets of a core, over both signs. 160 double the error on heavy tails; 480 gain little and cost 500 bytes."""

PARTS: Final = (BELOW, MIDDLE, ABOVE)
"""The tails by region: below the window, between its two signs, above it."""

INSIDE: Final = len(PARTS)
"""The region of the window itself, after the tails."""


@dataclass(frozen=True)
class Layout:
    """A window of `size` buckets per sign, from index `first` on, at one scale.

    signs: of the values inside: (1,), (-1,) or (1, -1).
    """

    scale: int
    first: int
    size: int
    signs: tuple[int, ...]

    def __post_init__(self) -> None:
        if not MIN_SCALE <= self.scale <= MAX_SCALE:
            raise ValueError(f"the scale of a layout must lie in {MIN_SCALE}..{MAX_SCALE}, got {self.scale}")
        if self.signs not in {(1,), (-1,), (1, -1)}:
            raise ValueError(f"the signs of a layout must be (1,), (-1,) or (1, -1), got {self.signs}")
        if not self.low < self.high:
            raise ValueError(f"the window of a layout must hold numbers, got {self.low!r}..{self.high!r}")

    @cached_property
    def edges(self) -> FloatArray:
        """Edges of the window, [size + 1], as magnitudes, clipped to the range of normal float64."""
        edges = lower_edge(np.arange(self.first, self.first + self.size + 1), self.scale)
        return np.minimum(np.maximum(edges, TINY), HUGE)

    @cached_property
    def low(self) -> float:
        """Magnitudes low < |x| <= high are inside."""
        return float(self.edges[0])

    @cached_property
    def high(self) -> float:
        return float(self.edges[-1])

    @cached_property
    def _float64(self) -> BitIndex:
        return BitIndex(self.edges, self.scale, self.signs, np.float64)

    @cached_property
    def _float32(self) -> BitIndex | None:
        limits = np.finfo(np.float32)
        if not float(limits.tiny) < self.low < self.high < float(limits.max):
            return None  # float32 cannot represent the ends of the window
        return BitIndex(self.edges, self.scale, self.signs, np.float32)

    def bit_index(self, dtype: np.dtype[Any]) -> BitIndex | None:
        """The index for values of a dtype; None if they must be converted to float64 first."""
        if dtype == np.float64:
            return self._float64
        return self._float32 if dtype == np.float32 else None

    def region(self, values: FloatArray) -> IntArray:
        """The region of finite non-zero float64 values: the position of their tail in PARTS, or INSIDE."""
        above = values >= -self.low if self.signs == (-1,) else values > self.high
        outer = np.where(above, 2, 0)
        middle = (np.abs(values) <= self.low) & (len(self.signs) == 2)
        return np.where(self.inside(values), INSIDE, np.where(middle, 1, outer))

    def inside(self, values: FloatArray) -> BoolArray:
        """Whether each float64 value is in the core."""
        magnitude = np.abs(values) if len(self.signs) == 2 else values * self.signs[0]
        return np.asarray((magnitude > self.low) & (magnitude <= self.high))
