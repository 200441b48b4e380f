"""Where the same few rows come again and again, cells without any flag in training are full of shadows."""

from collections.abc import Iterator

import numpy as np
import pytest
from scipy.special import ndtri

from driftline_processor.monitors.segments.monitor import SegmentMonitor
from driftline_processor.monitors.segments.spans import BUDGET, Pace
from segment_traffic import LOW, Rows, training_of

PEOPLE, COLUMNS = 400, 8
ROWS = 600
"""Of a window: the planted segment has fewer than a segment needs to say anything, its shadows do not."""


class Population:
    """People who are drawn with replacement; those of one pair of cells are unsure as soon as it is `planted`."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        people = Rows(self._rng, PEOPLE, COLUMNS)
        self.codes, self.low = people.codes, people.confidence < ndtri(LOW)
        self.cell = self._choose()
        self.planted = self.codes[:, self.cell[0]] == self.cell[1]
        self.planted &= self.codes[:, self.cell[2]] == self.cell[3]

    def _choose(self) -> tuple[int, int, int, int]:
        """A pair with 3 to 4.5 % of the people, a few of whom were unsure before."""
        for i in range(COLUMNS):
            for j in range(i + 1, COLUMNS):
                for a, b in self._pairs(i, j):
                    inside = (self.codes[:, i] == a) & (self.codes[:, j] == b)
                    if 0.03 < inside.mean() < 0.045 and 0 < self.low[inside].mean() < 0.3:
                        return i, a, j, b
        raise AssertionError("another seed")

    def _pairs(self, i: int, j: int) -> Iterator[tuple[int, int]]:
        for a in np.unique(self.codes[:, i]).tolist():
            for b in np.unique(self.codes[:, j]).tolist():
                yield a, b

    def drawn(self, rows: int, planted: bool) -> tuple[np.ndarray, np.ndarray]:
        """Codes and statuses of rows."""
        who = self._rng.integers(PEOPLE, size=rows)
        low = self.low | self.planted if planted else self.low
        return self.codes[who], low[who].astype(np.int64)


@pytest.mark.parametrize("seed", range(4))
def test_the_planted_segment_is_told_before_its_shadows(seed: int) -> None:
    """And they are not told after it either."""
    people = Population(seed)
    training = training_of(*people.drawn(50_000, False))
    monitor = SegmentMonitor(training, Pace(43_200.0, BUDGET, 0.0))
    told = set()
    for number in range(60):
        update = monitor.observe(*people.drawn(ROWS, number >= 10))
        told |= {tuple(training.lattice.where(each.candidate.cell).items()) for each in update.open}
    i, a, j, b = people.cell
    assert told == {((i, a), (j, b))}
