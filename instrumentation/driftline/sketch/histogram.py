"""An OpenTelemetry exponential histogram as an immutable value, with exact rescaling, merging and subtraction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf, isfinite, nextafter

import numpy as np
from numpy.typing import ArrayLike

from driftline.sketch.arrays import FloatArray, IntArray, frozen, run_starts
from driftline.sketch.exponential import HUGE, MIN_SCALE, TINY, bucket_index, lower_edge
from driftline.sketch.intervals import Intervals


@dataclass(frozen=True, slots=True, eq=False)
class Buckets:
    """The occupied buckets of one sign: ascending indices and their non-zero counts."""

    index: IntArray
    count: IntArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", frozen(self.index, np.int64))
        object.__setattr__(self, "count", frozen(self.count, np.int64))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Buckets):
            return NotImplemented
        return np.array_equal(self.index, other.index) and np.array_equal(self.count, other.count)

    def __hash__(self) -> int:
        return hash((self.index.tobytes(), self.count.tobytes()))

    @classmethod
    def empty(cls) -> "Buckets":
        return _NONE

    @classmethod
    def from_dense(cls, offset: int, counts: Sequence[int] | IntArray) -> "Buckets":
        """From OTLP's form: the counts of all buckets from `offset` on."""
        dense = np.asarray(counts, np.int64)
        occupied = np.flatnonzero(dense)
        return cls(occupied + offset, dense[occupied])

    @classmethod
    def summed(cls, index: IntArray, count: IntArray) -> "Buckets":
        """From indices in any order: counts of equal indices are summed, empty buckets dropped."""
        if not len(index):
            return _NONE
        order = np.argsort(index, kind="stable")
        index, count = index[order], count[order]
        starts = run_starts(index)
        total = np.add.reduceat(count, starts)
        held = total != 0
        return cls(index[starts][held], total[held])

    def dense(self) -> tuple[int, list[int]]:
        """OTLP's form: the offset, and the counts from the first occupied bucket to the last."""
        if not len(self.index):
            return 0, []
        counts = np.zeros(self.span_at(0), np.int64)
        counts[self.index - self.index[0]] = self.count
        return int(self.index[0]), counts.tolist()

    @property
    def total(self) -> int:
        return int(self.count.sum())

    def span_at(self, times: int) -> int:
        """The number of buckets in the dense form, `times` scales coarser."""
        return (int(self.index[-1]) >> times) - (int(self.index[0]) >> times) + 1 if len(self.index) else 0

    def halved(self, times: int) -> "Buckets":
        """The same rows, `times` scales coarser."""
        return Buckets.summed(self.index >> times, self.count)

    def merge(self, other: "Buckets") -> "Buckets":
        if not len(other.index) or not len(self.index):
            return self if len(self.index) else other
        return Buckets.summed(np.append(self.index, other.index), np.append(self.count, other.count))

    def minus(self, older: "Buckets") -> "Buckets":
        """The difference to `older`; counts are negative where that has more."""
        at = self.index.searchsorted(older.index)
        if len(at) and at[-1] < len(self.index) and np.array_equal(self.index[at], older.index):  # usual in a stream
            count = self.count.copy()
            count[at] -= older.count
            return Buckets(self.index[count != 0], count[count != 0])
        return self.merge(Buckets(older.index, -older.count))


_NONE = Buckets(np.zeros(0, np.int64), np.zeros(0, np.int64))


def _bucketed(magnitudes: FloatArray, scale: int) -> Buckets:
    """Count ascending magnitudes, each at least TINY."""
    if not len(magnitudes):
        return _NONE
    index = bucket_index(magnitudes, scale)
    starts = run_starts(index)
    return Buckets(index[starts], np.diff(starts, append=len(index)))


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """An OpenTelemetry exponential histogram.

    zero: rows that are 0 or too small to tell from it. minimum, maximum: of all rows, or bounds on them; None if
    unknown. They clip the outermost buckets.
    """

    scale: int
    zero: int
    positive: Buckets
    negative: Buckets
    minimum: float | None = None
    maximum: float | None = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Histogram):
            return NotImplemented
        return self._content() == other._content()

    def __hash__(self) -> int:
        return hash(self._content())

    def _content(self) -> tuple[object, ...]:
        return self.scale, self.zero, self.positive, self.negative, self.minimum, self.maximum

    @classmethod
    def empty(cls, scale: int) -> "Histogram":
        return cls(scale, 0, Buckets.empty(), Buckets.empty())

    @classmethod
    def of(cls, values: ArrayLike, scale: int, limit: int) -> "Histogram":
        """Count finite values at `scale`, or the finest coarser one that needs at most `limit` buckets over both signs.

        Raises:
            ValueError: a value is NaN or infinite.

        """
        x = np.sort(np.asarray(values, np.float64))  # NaN at the end
        if not len(x):
            return cls.empty(scale)
        if not (isfinite(x[0]) and isfinite(x[-1])):
            raise ValueError("values of a histogram must be finite")
        below, above = int(x.searchsorted(-TINY, "right")), int(x.searchsorted(TINY))
        positive, negative = (_bucketed(side, scale) for side in (x[above:], -x[:below][::-1]))
        return cls(scale, above - below, positive, negative, float(x[0]), float(x[-1])).limited(limit)

    @property
    def count(self) -> int:
        """Number of rows."""
        return self.zero + self.positive.total + self.negative.total

    def at_scale(self, scale: int) -> "Histogram":
        """The same rows at a coarser scale, exactly as if counted there.

        Raises:
            ValueError: the scale is finer.

        """
        if scale > self.scale:
            raise ValueError(f"a histogram of scale {self.scale} cannot be refined to scale {scale}")
        if scale == self.scale:
            return self
        times = self.scale - scale
        positive, negative = self.positive.halved(times), self.negative.halved(times)
        return Histogram(scale, self.zero, positive, negative, self.minimum, self.maximum)

    def limited(self, limit: int) -> "Histogram":
        """Downscaled until both signs together span at most `limit` buckets, or to the coarsest scale."""
        scale = self.scale
        while scale > MIN_SCALE and sum(s.span_at(self.scale - scale) for s in (self.positive, self.negative)) > limit:
            scale -= 1
        return self.at_scale(scale)

    def merge(self, other: "Histogram", limit: int | None = None) -> "Histogram":
        """The rows of both, at the coarser of both scales, or coarser to fit into `limit` buckets.

        Exactly commutative and associative: the result depends only on the coarsest scale, the union of the ranges and
        the sums of the counts.
        """
        scale = min(self.scale, other.scale)
        a, b = self.at_scale(scale), other.at_scale(scale)
        merged = Histogram(
            scale,
            a.zero + b.zero,
            a.positive.merge(b.positive),
            a.negative.merge(b.negative),
            min((m for m in (a.minimum, b.minimum) if m is not None), default=None),
            max((m for m in (a.maximum, b.maximum) if m is not None), default=None),
        )
        if (a.minimum is None and a.count) or (b.minimum is None and b.count):
            merged = replace(merged, minimum=None)  # unknown on one side means unknown for both
        if (a.maximum is None and a.count) or (b.maximum is None and b.count):
            merged = replace(merged, maximum=None)
        return merged if limit is None else merged.limited(limit)

    def minus(self, older: "Histogram") -> "Histogram | None":
        """The rows since `older`, an earlier point of the same cumulative stream, at the coarser of both scales.

        None if this is not a successor of `older`, because a bucket has fewer rows. minimum and maximum remain those of
        the whole stream, which bound the rows in between.
        """
        scale = min(self.scale, older.scale)
        new, old = self.at_scale(scale), older.at_scale(scale)
        zero = new.zero - old.zero
        positive, negative = new.positive.minus(old.positive), new.negative.minus(old.negative)
        if zero < 0 or (positive.count < 0).any() or (negative.count < 0).any():
            return None
        return replace(new, zero=zero, positive=positive, negative=negative)

    def intervals(self) -> Intervals:
        """The occupied buckets on the real line, clipped to minimum and maximum if known.

        A negative bucket includes its lower end but not its upper one, so as (lower, upper] it ends one float earlier.
        """
        p, n = self.positive.index, self.negative.index
        edges = lower_edge(np.concatenate((p, n + 1, p + 1, n)), self.scale)  # one call costs more than an edge
        ends = edges.reshape(2, -1)
        negative = ends[:, len(p) :]
        with np.errstate(over="ignore"):  # there is no float below the smallest
            np.nextafter(-negative, -np.inf, out=negative)
        count = np.concatenate((self.positive.count, self.negative.count))
        if self.zero:
            ends, count = np.hstack((ends, [[-TINY], [0.0]])), np.append(count, self.zero)
        return self._clipped(ends[0], ends[1], count.astype(np.float64))

    def _clipped(self, lower: FloatArray, upper: FloatArray, weight: FloatArray) -> Intervals:
        lower, upper = np.maximum(lower, -HUGE), np.minimum(upper, HUGE)
        if self.minimum is not None:  # if a sender's minimum contradicts a bucket, the bucket wins
            np.maximum(lower, nextafter(self.minimum, -inf), out=lower, where=upper >= self.minimum)
        if self.maximum is not None:
            np.minimum(upper, self.maximum, out=upper, where=lower < self.maximum)
        return Intervals(lower, upper, weight)
