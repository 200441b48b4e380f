"""A snapshot of a numeric sketch: the points to export."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from driftline.sketch.histogram import Histogram
from driftline.sketch.intervals import Intervals
from driftline.sketch.layout import CORE_BUCKETS

TAIL_BUCKETS: Final = 64
"""Maximum buckets of a tail, over both signs; it is downscaled to fit."""


@dataclass(frozen=True, slots=True)
class NumericPoints:
    """Counts of a column: every row is in the core, in one tail, missing or non-finite.

    core: without minimum and maximum. tails: the non-empty ones of "below", "middle" and "above".
    """

    core: Histogram
    tails: Mapping[str, Histogram]
    missing: int
    non_finite: int

    @property
    def out_of_range(self) -> int:
        """Rows in the tails."""
        return sum(tail.count for tail in self.tails.values())

    @property
    def valid(self) -> int:
        """Rows with a finite value: core and tails."""
        return self.core.count + self.out_of_range

    @property
    def rows(self) -> int:
        return self.valid + self.missing + self.non_finite

    def intervals(self) -> Intervals:
        """The intervals of the valid rows."""
        return self.core.intervals().merge(*(tail.intervals() for tail in self.tails.values()))

    def merge(self, other: "NumericPoints") -> "NumericPoints":
        """The rows of both, in points of the same size. Exactly commutative and associative.

        With equal layouts, the result equals the sketch of all rows; otherwise it has the buckets of the coarser one.
        """
        tails = dict(self.tails)
        for part, tail in other.tails.items():
            tails[part] = tails[part].merge(tail, TAIL_BUCKETS) if part in tails else tail
        return NumericPoints(
            self.core.merge(other.core, CORE_BUCKETS),
            tails,
            self.missing + other.missing,
            self.non_finite + other.non_finite,
        )

    def minus(self, older: "NumericPoints") -> "NumericPoints | None":
        """The rows since an earlier point of the same stream; None if this is not its successor."""
        core = self.core.minus(older.core)
        tails = {part: _since(tail, older.tails.get(part)) for part, tail in self.tails.items()}
        missing, non_finite = self.missing - older.missing, self.non_finite - older.non_finite
        if core is None or older.tails.keys() - tails.keys() or min(missing, non_finite) < 0:
            return None
        known = {part: tail for part, tail in tails.items() if tail is not None}
        if len(known) < len(tails):
            return None
        return NumericPoints(core, {part: tail for part, tail in known.items() if tail.count}, missing, non_finite)


def _since(tail: Histogram, older: Histogram | None) -> Histogram | None:
    return tail if older is None else tail.minus(older)
