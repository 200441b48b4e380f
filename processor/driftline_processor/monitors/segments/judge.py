"""What all kinds of findings are judged by: training, its variation, and the level of one evaluation."""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from driftline.segments.lattice import Lattice
from driftline.segments.training import ROWS, SegmentTraining
from driftline.sketch.arrays import FloatArray, IntArray
from driftline_processor.monitors.segments.counts import Stretch
from driftline_processor.monitors.segments.evidence import NaturalVariation

MIN_ROWS: Final = 30
"""Effective rows below which a segment says nothing, here or in training."""

RATIO: Final = 1.25
"""What matters: a rate or a share so many times as large."""

FLOOR: Final = {"low": 0.1, "wrong": 0.0, "shares": 0.1}
"""Standard deviation of the logarithm of a rate that training cannot exclude, nor the tests see."""

CONFIRM: Final = 1000.0
"""How much laxer the second look is, at a later stretch that shares no window with the first."""


class Level(NamedTuple):
    """Of one evaluation. alpha: at the second look. duration: of the stretch, in chunks of the reference."""

    alpha: float
    duration: float


@dataclass(frozen=True, slots=True)
class Bench:
    """Prepared once for a reference."""

    training: SegmentTraining
    lattice: Lattice
    variation: NaturalVariation
    first: IntArray
    second: IntArray

    @classmethod
    def of(cls, training: SegmentTraining) -> "Bench":
        lattice = training.lattice
        return cls(training, lattice, NaturalVariation(training), *lattice.parents())

    def spread(self, name: str, duration: float, cells: IntArray) -> FloatArray:
        """Standard deviation of the logarithm of the rates of cells; a pair takes the larger of its two columns."""
        squared = self.variation.squared(name, duration)
        larger = np.maximum(squared[self.first[cells]], squared[self.second[cells]])
        return np.maximum(np.sqrt(np.log1p(larger)), FLOOR[name])

    def depth(self, cell: int) -> int:
        """Cells that were looked at of the same depth."""
        return self.lattice.singles if cell < self.lattice.singles else self.lattice.cells - self.lattice.singles

    def rows(self, stretch: Stretch) -> float:
        """Effective rows of a stretch."""
        return self.lattice.rows(stretch.sums[ROWS].astype(np.float64))
