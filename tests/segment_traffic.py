"""Made rows for segments: coded columns in correlated blocks, with a status each, and training's counts of them."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from driftline.segments.columns import SegmentColumn
from driftline.segments.flags import STATUSES
from driftline.segments.lattice import CODES, Codes, Lattice
from driftline.segments.training import SegmentTraining, sums_by_status
from driftline.segments.variation import correction, variations
from driftline.sketch.arrays import IntArray

CORRELATION: Final = 0.7
BASE_ERROR: Final = 0.05
LOW: Final = 0.1

Planted = Callable[[Codes, NDArray[Any]], None]


class Rows:
    """codes: [rows, columns]; numeric ones are deciles, every other one has categories of 46 % to .5 %.

    error: chance of each row to be wrong. confidence: normal scores.
    """

    def __init__(self, rng: np.random.Generator, rows: int, columns: int, base: float = BASE_ERROR) -> None:
        blocks = rng.normal(size=(rows, (columns + 4) // 5)).repeat(5, 1)[:, :columns]
        self.latent = np.sqrt(CORRELATION) * blocks + np.sqrt(1 - CORRELATION) * rng.normal(size=(rows, columns))
        self.error = base * np.exp(0.4 * self.latent[:, 1] - 0.08)
        self.confidence = 0.4 * self.latent[:, 0] + np.sqrt(1 - 0.16) * rng.normal(size=rows)
        self._rng = rng
        self.codes = self.coded()

    def coded(self) -> Codes:
        """The columns as they are now."""
        deciles = ndtri(np.arange(1, CODES) / CODES)
        shares = ndtri(np.cumsum([0.46, 0.25, 0.12, 0.08, 0.05, 0.025, 0.01]))
        cuts = (deciles, shares)
        columns = [np.searchsorted(cuts[j % 2], x) for j, x in enumerate(self.latent.T)]
        return np.stack(columns, axis=1).astype(np.uint8)

    def status(self) -> IntArray:
        """Low confidence and errors of the rows, all of which have labels."""
        low = self.confidence < ndtri(LOW)
        wrong = self._rng.random(len(self.codes)) < self.error
        return np.asarray(low + 2 * (1 + wrong), np.int64)


def training_of(codes: Codes, status: IntArray, chunks: int = 64) -> SegmentTraining:
    """What a profile would hold of these rows, in their order."""
    lattice = Lattice(codes.shape[1])
    parts = np.array_split(np.arange(len(codes)), chunks)
    held = np.array([sums_by_status(lattice.count(codes[part], status[part], STATUSES)) for part in parts])
    whole = held.sum(0)
    corrected = correction(lattice, whole[0], held[:, 0])
    tables = lattice.tables(whole[0]) * corrected
    varied = tuple(variations(lattice, whole, held[:, 0], held[:, :, : lattice.singles], tables))
    columns = tuple(SegmentColumn(f"c{i}") for i in range(codes.shape[1]))
    return SegmentTraining(columns, lattice.paired, chunks, whole, corrected, varied)
