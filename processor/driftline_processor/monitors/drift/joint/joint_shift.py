"""Whether many columns moved, a little each: one sum of squares, and how far those that moved did.

Evidence: the sum of squared scores exceeds what chance and nature make of it at the false-alarm budget. Relevance: the
typical move of the columns that moved, sqrt(sum d⁴ / sum d²), in points of share as a column's distance is. It is d
where all columns moved by d, and also where an eighth of them did; unlike a mean over all columns it can be held
against the tolerance of a single one, and unlike the largest of them chance does not pick it. Powers of scores are
corrected for chance by Hermite polynomials; the standard error is that of the chunks of the training data in the
direction that counts (delta method).

Sources: Bai and Saranadasa 1996 (sum of squares in many dimensions); the participation ratio of physics, (sum d²)² /
sum d⁴, is about how many columns moved.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from driftline.sketch.arrays import FloatArray, IntArray
from driftline_processor.monitors.drift.detection.assessment import Z95
from driftline_processor.monitors.drift.detection.significance import critical_value
from driftline_processor.monitors.drift.detection.tolerance_bound import KEPT
from driftline_processor.monitors.drift.joint.chunk_scores import Chance
from driftline_processor.monitors.drift.joint.levels import Shifts
from driftline_processor.monitors.drift.joint.null import Traces, critical_sum

MANY: Final = 4.0
"""Columns that moved, at least, by the participation ratio: fewer are told by themselves."""

MOST: Final = 3 / 4
"""As many are enough, of the columns of a block that has hardly more."""

MANY_OF: Final = 1 / 16
"""The same, of the columns of a block."""

FEW_OF: Final = 1 / 8
"""As few columns may have moved, when it is asked how far at most."""

ERRORS: Final = 3.0
"""Standard errors in an upper bound, as when a column's alarm closes."""

NAMED: Final = 3
"""Columns that are named."""

LEAST: Final = 0.05
"""Significance below which a block is at training's level."""


@dataclass(frozen=True, slots=True, eq=False)
class JointShift:
    """What a stretch of time says of a block of columns; distances are in points of share.

    evidence: the sum of squares over its critical value. distance: the typical move of the columns that moved.
    lower_bound: what that is at least, at 95%, and proven: at the budget's level, so that it exceeds the tolerance
    where four fifths of it are ruled out. tolerance: with what a season may make of it. moved: columns that moved,
    about; most: those that moved most, by their numbers in the block. upper_bound: of the move of a few, FEW_OF;
    level: nothing shows that any moved.
    """

    evidence: float
    distance: float
    lower_bound: float
    proven: float
    tolerance: float
    moved: float
    columns: int
    most: tuple[int, ...]
    upper_bound: float
    level: bool

    @classmethod
    def unknown(cls, tolerance: float) -> "JointShift":
        """Of a block in which no column is left to look at."""
        return cls(0.0, 0.0, 0.0, 0.0, tolerance, 0.0, 0, (), upper_bound=float("inf"), level=False)

    @property
    def surely(self) -> float:
        return min(self.lower_bound, self.proven)

    @property
    def many(self) -> bool:
        return self.moved >= max(min(MANY, MOST * self.columns), MANY_OF * self.columns)

    @property
    def score(self) -> float:
        """Above 1 exactly in an alarm: the weakest of all conditions."""
        weakest = min(self.evidence, self.surely / self.tolerance)
        return weakest if self.many else min(weakest, 1.0)

    def tolerating(self, season: float) -> "JointShift":
        """The same where a season may make so much of it."""
        return replace(self, tolerance=self.tolerance + season)


def joint_shift(shifts: Shifts, chance: Chance, alpha: float, tolerance: float) -> JointShift:
    """Assess a block of columns.

    Args:
        shifts: How far each column moved.
        chance: What chance and nature make of that.
        alpha: False alarms allowed.
        tolerance: The distance that does not matter, a share of rows.

    """
    known, traces = np.flatnonzero(shifts.error > 0.0), chance.traces
    if not len(known):
        return JointShift.unknown(tolerance)
    s, counted = shifts.error[known], shifts.beyond_season[known]
    total = float(((counted / s) ** 2).sum())
    distance, error, moved = _typical(counted, s, chance, known)
    critical = float(critical_value(2.0 * alpha, chance.degrees))
    most = np.argsort(-np.abs(counted / s), kind="stable")[:NAMED]
    return JointShift(
        evidence=total / critical_sum(alpha, traces, chance.degrees),
        distance=distance,
        lower_bound=max(distance - Z95 * error, 0.0),
        proven=max(distance - critical * error + (1.0 - KEPT) * tolerance, 0.0),
        tolerance=tolerance,
        moved=moved,
        columns=len(known),
        most=tuple(known[most].tolist()),
        upper_bound=_of_few(total - traces.first, traces, s),
        level=total <= critical_sum(LEAST, traces, chance.degrees),
    )


def _of_few(surplus: float, traces: Traces, s: FloatArray) -> float:
    """How far FEW_OF of the columns may have moved, where the sum of squares exceeds its mean by so much."""
    spread = np.sqrt(2.0 * traces.second + 4.0 * max(surplus, 0.0) * traces.second / traces.first)
    most = max(surplus, 0.0) + ERRORS * spread
    return float(np.sqrt(most / (FEW_OF * len(s)) * (s**2).mean()))


def _typical(x: FloatArray, s: FloatArray, chance: Chance, known: IntArray) -> tuple[float, float, float]:
    """The typical move of those that moved, its standard error, and how many did."""
    fourth = float((x**4 - 6.0 * x**2 * s**2 + 3.0 * s**4).sum())
    second = float((x**2 - s**2).sum())
    if fourth <= 0.0 or second <= 0.0:
        return 0.0, float("inf"), 0.0
    ratio, together = fourth / second, chance.traces.second / chance.traces.first
    distance = float(np.sqrt(ratio))
    # Scores in the gradient would be those of chance, in the directions in which that is largest.
    steady = np.where(np.abs(x) > distance / 2.0, np.maximum(distance, np.abs(x) - 2.0 * s), 0.0)
    gradient = np.sign(x) * s * (4.0 * steady**3 - 2.0 * ratio * steady) / second
    linear = float(((chance.scores[:, known] @ gradient) ** 2).mean()) * chance.widened
    curved = (24.0 * float((s**8).sum()) + 2.0 * ratio**2 * float((s**4).sum())) * together / second**2
    return distance, float(np.sqrt(linear + curved)) / (2.0 * distance), min(second**2 / fourth, float(len(s)))
