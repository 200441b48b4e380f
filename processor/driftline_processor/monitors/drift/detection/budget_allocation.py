"""How the false alarms that a model is allowed are shared out among its columns, pairs and blocks of columns."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from driftline.sketch.arrays import BoolArray, FloatArray

MOST_ALPHA: Final = 0.001
"""False alarms allowed for one column in one evaluation, at most: rare evaluations would get a tenth each otherwise."""

PAIRS_SHARE: Final = 0.1
"""Of a model's false alarms: for all of its pairs together. They are many, and few ever move alone."""

BLOCKS_SHARE: Final = 0.1
"""The same for its blocks of columns."""


DECIMALS_SHARE: Final = 0.1
"""Of a column's false alarms: for how many decimals its numbers have."""


class BudgetAllocation:
    """The parts of a budget.

    pairs: which columns are pairs. blocks: how many blocks there are. decimals: the columns whose decimals are judged
    in columns of their own, which come last.
    """

    def __init__(self, pairs: Sequence[bool], blocks: int, decimals: Sequence[int] = ()) -> None:
        self._pairs, self._blocks, self._decimals = np.array(pairs, bool), blocks, list(decimals)

    def of_columns(self, budget: float, judged: BoolArray) -> FloatArray:
        """False alarms allowed in each column, [columns]: alike, but in all pairs together a small part."""
        pairs = judged & self._pairs
        for_pairs, for_blocks = PAIRS_SHARE if pairs.any() else 0.0, BLOCKS_SHARE if self._blocks else 0.0
        single = (1.0 - for_pairs - for_blocks) * budget / max(int((judged & ~self._pairs).sum()), 1)
        of_pair = for_pairs * budget / max(int(pairs.sum()), 1)
        allowed = np.minimum(np.where(self._pairs, of_pair, single), MOST_ALPHA)
        of_decimals = DECIMALS_SHARE * allowed[self._decimals]
        allowed[self._decimals] -= of_decimals
        return np.append(allowed, of_decimals)

    def of_block(self, budget: float) -> float:
        """False alarms allowed in each block of columns."""
        return min(BLOCKS_SHARE * budget / max(self._blocks, 1), MOST_ALPHA)
