"""Errors given the prediction, of numbers: means of standardised errors z and of |z|, against stretches of training.

These are of the same duration. A share would saturate where errors vary much by themselves; a mean does not.
"""

from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import Final

from driftline.reference.outcome_profile import NumberOutcomes
from driftline.sketch.arrays import FloatArray
from driftline_processor.monitors.concept.evidence import Evidence, critical_value

FEWEST_BLOCKS: Final = 8
"""Stretches of the reference that a stretch of rows is held against."""

SURE: Final = 1.645

MATERIAL: Final = 0.25
"""Standard deviations of the errors."""

STATISTICS: Final = ("bias", "size")
"""The mean of z, and of |z|."""


@dataclass(frozen=True, eq=False)
class ErrorMeans:
    """The errors of one reference. blocks: so many nanoseconds each, 0 where rows have no times."""

    outcomes: NumberOutcomes
    block: float

    @cached_property
    def _whole(self) -> FloatArray:
        sums: FloatArray = self.outcomes.chunks.sum(axis=0)
        mean: FloatArray = sums / max(float(sums[0]), 1.0)
        return mean

    def evidence(self, sums: FloatArray, rows: float, duration: int, alpha: float) -> list[Evidence]:
        """Of both statistics; nothing where the reference has too few stretches of that duration.

        Args:
            sums: Σw, Σwz, Σw|z| and Σwz² of labelled rows.
            rows: Their Kish size.
            duration: Nanoseconds that they take.
            alpha: False alarms allowed in both together.

        """
        blocks = self._blocks(rows, duration)
        number = len(blocks)
        if number < FEWEST_BLOCKS or rows <= 0.0 or sums[0] <= 0.0:
            return []
        needed = critical_value(alpha / len(STATISTICS), number - 1.0)
        found = []
        for place in (1, 2):
            held = blocks[:, place] / blocks[:, 0]
            before, after = float(self._whole[place]), float(sums[place] / sums[0])
            variance = float(self._whole[3]) - before**2
            own = max(variance, 0.0) * max(1.0 / rows - 1.0 / float(blocks[:, 0].mean()), 0.0)
            spread = sqrt((float(held.var(ddof=1)) + own) * (1.0 + 1.0 / number)) or 1e-9
            moved, off = abs(after - before), SURE * sqrt(max(variance, 0.0) / rows)
            found.append(Evidence(moved / spread / needed, moved, moved - off, moved + off, before, after))
        return found

    def _blocks(self, rows: float, duration: int) -> FloatArray:
        """Stretches of about the duration, or where that is unknown of as many rows."""
        chunks = self.outcomes.chunks[self.outcomes.chunks[:, 0] > 0.0]
        if not len(chunks):
            return chunks
        ratio = duration / self.block if self.block else rows / float(chunks[:, 0].mean())
        joined = max(round(ratio), 1)
        whole = len(chunks) // joined
        blocks: FloatArray = chunks[: whole * joined].reshape(whole, joined, -1).sum(axis=1)
        return blocks
