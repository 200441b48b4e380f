"""Novelty: rows at values that the training data never saw. It is judged by itself, and nothing excuses it.

A column that stays at one level for weeks varies so much between its chunks that no move of it could ever surprise.
A level that training never saw is another matter: the share of such rows has a tolerance of its own, and the season of
the seen values says nothing about it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from driftline.sketch import Intervals
from driftline.sketch.arrays import FloatArray
from driftline_processor.monitors.drift.detection.decision import Z95, Assessment
from driftline_processor.monitors.drift.detection.significance import critical_value, signed_root

MARGIN = 0.2
"""Numbers this near to a seen one are not new, as a share of the range that holds the middle 98 % of the training
data: the far end of a season, or of a slow wave, goes a little beyond what any sample of it has seen."""

CATEGORY_SHARE = 1 / 25
"""Tolerance for categories never seen, as a share of the tolerance: by name, .2 % of the rows is a lot."""


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
    is the number of categories without a cell of their own that were seen once.
    """
    rows = float(chunks.sum())
    once = np.count_nonzero(chunks, axis=0) == 1 if len(chunks) > 1 else chunks.sum(axis=0) <= 1.0
    counts = chunks.sum(axis=0)[once]
    total = counts.sum() + single
    burst = ((counts**2).sum() + single) / total if total else 1.0
    return Unseen.of(float(total) / max(rows, 1.0), max(float(burst), 1.0), rows, tolerance * CATEGORY_SHARE)


def assess_novelty(unseen: Unseen, x: FloatArray, n: FloatArray, alpha: FloatArray) -> Assessment:
    """Hold `x` rows at never seen values, of `n` effective rows, against what the reference predicts, [columns]."""
    p, N = unseen.share, unseen.rows
    q = np.minimum(x / n, 1.0)
    burst = np.minimum(unseen.burst, np.maximum(n, 1.0))
    error = np.sqrt(np.maximum(q * (1.0 - q), 0.25 / n) / n * burst)
    critical = critical_value(alpha, np.inf)
    excess = np.maximum(q - p, 0.0)
    z = np.where(excess > 0.0, signed_root(x, n, np.minimum(p * N + 0.5, N), N), 0.0)
    evidence = z / np.sqrt(burst) / critical
    return Assessment(
        sizes=np.ones(len(p), np.int64),
        by_ranks=np.zeros(len(p), bool),
        shares=q,
        expected=p,
        distance=excess,
        lower_bound=excess - Z95 * error,
        tolerance=unseen.tolerance,
        sampling=error,
        natural=error,
        excused=np.zeros(len(p)),
        shown=np.zeros(len(p)),
        critical=critical,
        evidence=evidence,
        alone=evidence,
        surprise=evidence,
    )


class SeenNumbers:
    """Where the training data had values: disjoint stretches, each a margin wider than what was seen."""

    def __init__(self, seen: Intervals) -> None:
        low, high = seen.quantiles((0.01, 0.99)) if seen.total else (0.0, 0.0)
        self.margin = MARGIN * (high - low)
        order = np.argsort(seen.lower, kind="stable")
        lower = seen.lower[order] - self.margin
        upper = np.maximum.accumulate(seen.upper[order] + self.margin)
        first = np.ones(len(lower), bool)
        first[1:] = lower[1:] > upper[:-1]
        self.starts = lower[first]
        self.ends = upper[np.append(first[1:], True)] if len(upper) else upper

    def beyond(self, values: Intervals) -> Intervals:
        """What surely lies outside: intervals that touch nothing seen."""
        last = np.searchsorted(self.starts, values.upper, "left") - 1  # the last stretch that begins below the end
        new = (last < 0) | (self.ends[np.maximum(last, 0)] <= values.lower) if len(self.ends) else values.weight > 0.0
        return Intervals(values.lower[new], values.upper[new], values.weight[new])
