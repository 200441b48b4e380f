"""How often a row comes again without anything being wrong: as training shows, in a window of so many rows.

Rows of few categories repeat by chance, the more the more rows there are; copies that come at once, such as retries, do
in any stretch. The mean number of further occurrences of a row tells one from the other: it is a + b rows.
"""

from typing import Final, NamedTuple

import numpy as np

from driftline.reference.row_repeats import RowRepeats
from driftline.sketch.row_hash import ERROR, repeats

CONCENTRATION: Final = 10.0
"""By so much the chance that two rows are the same may rise without copies, at most: as values drift to a few
categories."""

TOGETHER: Final = 2.0
"""Part of that which columns do not show: they may go together more closely than in training."""

COARSE: Final = 1.5
"""By so much, where numbers are in half precision: servers may round, and training data is not."""

USUAL: Final = 0.95
"""What one stretch in twenty of the training data exceeds is usual there."""

DOUBT: Final = 3.0
"""Standard errors, between what repeats in the whole and in a stretch."""

APART: Final = 1.5
"""The whole has to be so many times as long as a stretch to tell chance from copies."""


class NaturalRepeats(NamedTuple):
    """What is known of training.

    copies: that come at once, for each row. chance: that two rows are the same; rounded: if their numbers are in half
    precision. bursts: further copies, in one stretch of twenty.
    """

    copies: float
    chance: float
    rounded: float
    bursts: float

    @classmethod
    def of(cls, training: RowRepeats) -> "NaturalRepeats":
        rows, held = float(training.buckets.sum()), np.maximum(training.rows, 1.0)
        whole, stretch = repeats(training.buckets), float(held @ held / held.sum()) if len(held) else rows
        at_once = float(held @ training.repeats / held.sum()) if len(held) else 0.0
        rounded = max(training.rounded - at_once, 0.0) / max(rows, 1.0)
        if rows <= APART * stretch:
            return cls(0.0, max(whole, 0.0) / max(rows, 1.0), rounded, 0.0)
        doubt = DOUBT * ERROR * (1.0 + whole)
        chance = (whole - at_once) / (rows - stretch) if whole - at_once > doubt else 0.0
        copies = max(at_once - chance * stretch, 0.0)
        expected = copies + chance * held
        beyond = training.repeats - expected - 2.0 * ERROR * (1.0 + expected)
        return cls(copies, chance, rounded, max(float(np.quantile(beyond, USUAL)), 0.0))

    def usual(self, rows: float) -> float:
        """Further occurrences of a row that are expected among so many."""
        return self.copies + self.chance * rows

    def by_chance(self, rows: float, concentration: float = CONCENTRATION, together: float = TOGETHER) -> float:
        """Those that may be chance, where columns make it so many times as likely that two rows are the same."""
        more = min(together * concentration, CONCENTRATION)
        return max(more * self.chance, COARSE * self.rounded) * rows

    def most(self, rows: float, concentration: float = CONCENTRATION) -> float:
        """Those that are nothing new."""
        return self.copies + self.bursts + self.by_chance(rows, concentration)
