"""Novelty: rows at values that the training data never saw. It is judged by itself, without any allowance.

A column that stays at one level for weeks varies so much between its chunks that no move of it could ever surprise.
A level that training never saw is another matter: the share of such rows has a tolerance of its own, and the season of
the seen values says nothing about it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from driftline.sketch.arrays import FloatArray
from driftline_processor.monitors.drift.detection.assessment import Z95, Assessment, Move, Significance
from driftline_processor.monitors.drift.detection.significance import critical_value, signed_root
from driftline_processor.monitors.drift.detection.tolerance_bound import KEPT, at_least, critical_bound, width_beyond

CATEGORY_SHARE = 1 / 25
"""Tolerance for categories never seen, as a share of the tolerance: by name, .2% of the rows is a lot."""


@dataclass(frozen=True, slots=True, eq=False)
class Unseen:
    """How much novelty the reference itself predicts, [columns]: a share of rows, coming in bursts of so many rows."""

    share: FloatArray
    burst: FloatArray
    rows: FloatArray
    tolerance: FloatArray

    @classmethod
    def of(cls, share: float, burst: float, rows: float, tolerance: float) -> "Unseen":
        return cls(*(np.array([value]) for value in (share, burst, max(rows, 1.0), tolerance)))

    @classmethod
    def stack(cls, parts: Sequence["Unseen"]) -> "Unseen":
        """The columns of all parts."""
        return cls(*(np.concatenate([getattr(part, name.name) for part in parts]) for name in fields(cls)))


def unseen_numbers(rows: float, tolerance: float) -> Unseen:
    """For numbers: none. What is near to seen values does not count as new in the first place."""
    return Unseen.of(0.0, 1.0, rows, tolerance)


def unseen_categories(chunks: FloatArray, single: int, tolerance: float) -> Unseen:
    """For categories: the share of rows in categories that occur in no other chunk, leaving each chunk out in turn.

    With chunks of one row this is the estimate of Good and Turing (Good 1953): categories seen once, by rows. `single`
    is the number of categories without a bin of their own that were seen once.
    """
    rows = float(chunks.sum())
    once = np.count_nonzero(chunks, axis=0) == 1 if len(chunks) > 1 else chunks.sum(axis=0) <= 1.0
    counts = chunks.sum(axis=0)[once]
    total = counts.sum() + single
    burst = ((counts**2).sum() + single) / total if total else 1.0
    return Unseen.of(float(total) / max(rows, 1.0), max(float(burst), 1.0), rows, tolerance * CATEGORY_SHARE)


def assess_novelty(
    unseen: Unseen, x: FloatArray, n: FloatArray, alpha: FloatArray, of_column: FloatArray
) -> Assessment:
    """Hold `x` rows at never seen values, of `n` effective rows, against what the reference predicts, [..., columns].

    alpha: false alarms allowed where nothing is new; of_column: in all of a column, within its tolerance.
    """
    p, N = unseen.share, unseen.rows
    q = np.minimum(x / n, 1.0)
    burst = np.minimum(unseen.burst, np.maximum(n, 1.0))
    error = np.sqrt(np.maximum(q * (1.0 - q), 0.25 / n) / n * burst)
    critical = critical_value(alpha, np.inf)
    excess = np.maximum(q - p, 0.0)
    z = np.where(excess > 0.0, signed_root(x, n, np.minimum(p * N + 0.5, N), N), 0.0)
    limit, near = critical_bound(of_column, np.inf), np.minimum(p + KEPT * unseen.tolerance, 1.0)
    beyond = signed_root(x, n, near * N, N) / np.sqrt(burst)
    by_ratio = (q - near) / np.maximum(beyond, 1e-300)
    width = np.where(q > near, width_beyond(q - near, error, by_ratio, limit), error)
    move = Move(p, q, excess, excess - Z95 * error, unseen.tolerance, error)
    significance = Significance.by_sampling(z / np.sqrt(burst) / critical, critical)
    return Assessment.of_columns(move, significance, at_least(excess, width, unseen.tolerance, limit))
