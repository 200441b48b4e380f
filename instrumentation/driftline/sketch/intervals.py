"""What a sketch knows about its rows: how many lie in (lower, upper], for each bucket.

Nothing is interpolated until a quantile is asked for. Intervals of several processes, panes and layouts are simply
stacked, and may overlap.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from driftline.sketch.arrays import FloatArray, IntArray, frozen
from driftline.sketch.exponential import HUGE, MAX_SCALE, TINY, bucket_index, lower_edge


@dataclass(frozen=True, slots=True, eq=False)
class Intervals:
    """A multiset of intervals (lower, upper], each with the weight of its rows: three arrays of equal length.

    Zero is the interval (-TINY, 0]. Ends are finite, so only the smallest float, -HUGE, is in no interval.
    """

    lower: FloatArray
    upper: FloatArray
    weight: FloatArray

    def __post_init__(self) -> None:
        for name in ("lower", "upper", "weight"):
            object.__setattr__(self, name, frozen(getattr(self, name), np.float64))

    def __len__(self) -> int:
        return len(self.weight)

    @classmethod
    def empty(cls) -> "Intervals":
        return _NONE

    @classmethod
    def of_values(cls, values: ArrayLike, weights: ArrayLike | None = None) -> "Intervals":
        """Finite values in their buckets at the finest scale, a millionth of their size; equal ones merged."""
        x = np.asarray(values, np.float64)
        weight = np.ones(len(x)) if weights is None else np.asarray(weights, np.float64)
        magnitude = np.abs(x)
        proper = magnitude >= TINY
        i = bucket_index(np.where(proper, magnitude, 1.0), MAX_SCALE)
        near, far = lower_edge(i, MAX_SCALE), lower_edge(i + 1, MAX_SCALE)
        negative = x < 0
        with np.errstate(over="ignore"):
            lower = np.where(negative, np.nextafter(-far, -np.inf), near)
            upper = np.where(negative, np.nextafter(-near, -np.inf), far)
        lower, upper = np.where(proper, lower, -TINY), np.where(proper, upper, 0.0)
        return cls(np.maximum(lower, -HUGE), np.minimum(upper, HUGE), weight).merge()

    @property
    def total(self) -> float:
        """The weight of all rows."""
        return float(np.add.reduce(self.weight))  # twice as fast as `sum`

    def merge(self, *others: "Intervals") -> "Intervals":
        """All intervals, ascending; equal ones are merged into one."""
        several = (self, *others)
        lower, upper, weight = (
            np.concatenate([getattr(each, name) for each in several]) for name in ("lower", "upper", "weight")
        )
        if not len(weight):
            return self
        order = np.lexsort((lower, upper))
        lower, upper, weight = lower[order], upper[order], weight[order]
        new = (lower[1:] != lower[:-1]) | (upper[1:] != upper[:-1])
        if new.all():
            return Intervals(lower, upper, weight)
        first = np.append(0, np.flatnonzero(new) + 1)
        return Intervals(lower[first], upper[first], np.add.reduceat(weight, first))

    def compact(self, limit: int) -> "Intervals":
        """At most `limit` intervals: neighbours are joined to about equal weights, heavy ones kept separate."""
        merged = self.merge()
        if len(merged) <= limit:
            return merged
        middle = np.cumsum(merged.weight) - merged.weight / 2
        group = (middle * (limit / merged.total)).astype(np.int64)
        first = np.flatnonzero(np.diff(group, prepend=-1))
        lower, upper = np.minimum.reduceat(merged.lower, first), np.maximum.reduceat(merged.upper, first)
        return Intervals(lower, upper, np.add.reduceat(merged.weight, first))

    def cdf_bounds(self, x: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Lower and upper bound on the share of rows that are at most x. Undefined without rows."""
        at = np.asarray(x, np.float64)
        return accumulated(self.upper, self.weight, at, "right") / self.total, self.possibly(at)

    def possibly(self, x: FloatArray) -> FloatArray:
        """Upper bound on the share of rows that are at most x. Undefined without rows."""
        return accumulated(self.lower, self.weight, x, "left") / self.total

    def below(self, x: ArrayLike) -> FloatArray:
        """Weight of the rows that are at most x, assuming a uniform distribution in each interval."""
        at = np.asarray(x, np.float64)[..., None]
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # intervals wider than HUGE, or points
            part = (at - self.lower) / (self.upper - self.lower)
        part[np.isnan(part)] = 0.5
        np.maximum(part, 0.0, out=part)
        np.minimum(part, 1.0, out=part)
        return np.asarray(part @ self.weight)

    def quantiles(self, shares: Sequence[float]) -> tuple[float, ...]:
        """The quantile of each share, off by less than one bucket; NaN without rows. Several cost little more than one.

        Raises:
            ValueError: a share lies outside 0..1.

        """
        for q in shares:
            if not 0 <= q <= 1:
                raise ValueError(f"a quantile must lie in 0..1, got {q!r}")
        if not self.total:
            return (float("nan"),) * len(shares)
        edges = np.unique(np.concatenate([self.lower, self.upper]))
        surely, possibly = self.cdf_bounds(edges)
        return tuple(self._quantile(q, edges, surely, possibly) for q in shares)

    def _quantile(self, q: float, edges: FloatArray, surely: FloatArray, possibly: FloatArray) -> float:
        # Between the certain bounds lie few edges, unless many intervals overlap.
        first = max(int(np.searchsorted(possibly, q)) - 1, 0)
        last = min(int(np.searchsorted(surely, q)), len(edges) - 1)
        wanted, below = q * self.total, self.below(edges[first : last + 1])
        k = min(int(np.searchsorted(below, wanted)), last - first)
        if not k:
            return float(edges[first])
        before, after = below[k - 1 : k + 1]
        part = min(1.0, float((wanted - before) / (after - before)))
        low, high = edges[first + k - 1 : first + k + 1]
        half = (high / 2 - low / 2) * part  # halves: the step may be longer than the largest float
        return float(min(low + half + half, high))


_NONE = Intervals(np.zeros(0), np.zeros(0), np.zeros(0))


def accumulated(edges: FloatArray, weight: FloatArray, at: FloatArray, side: Literal["left", "right"]) -> FloatArray:
    """Weight of the edges that lie before each point ("left"), or not after it ("right")."""
    order: IntArray = np.argsort(edges, kind="stable")
    sums = np.append(0.0, np.cumsum(weight[order]))
    return np.asarray(sums[np.searchsorted(edges[order], at, side)])
