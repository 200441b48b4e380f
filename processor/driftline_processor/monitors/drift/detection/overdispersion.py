"""How much healthy stretches of the training data differ: the variance inflation curve of the reference's chunks.

For an event of share p, R(n) = n Var(share in a block of n rows) / (p (1 - p)): 1 for independent rows, more where rows
depend on each other or where hours and weeks differ. It is measured on blocks of 1, 2, 4, ... adjacent chunks and
summarised by a line, R(n) = phi + tau² n: phi is what averages out with rows (autocorrelation), tau² what does not
(season). Where both sides have timestamps the curve is read by duration: natural variation belongs to time, not rows.

Curves are fitted column by column, once, see `variation_fit`, and read for all columns together: `Variation` holds
those of many columns, event after event.

Sources: variance-time curves (Cox and Lewis 1966; Allan 1966); overdispersion phi + tau² n (Williams 1982).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from driftline.sketch.arrays import BoolArray, FloatArray, IntArray

FEW_BLOCKS = 8
"""Blocks below which a level is not measured; a reference of fewer chunks has its one level, and little trust."""

MANY_BLOCKS = 30.0
"""Degrees of freedom from which on noise of an estimated variance is about normal."""

HANG_TOGETHER = 0.1
"""Correlation of two rows of a chunk from which on all of them may be one draw for some time."""

FALLS_FROM = 15.0
"""Degrees of freedom of the longest blocks that tell how fast an excess falls."""

FEWEST_DEGREES = 4.0
"""Degrees of freedom of a width about which next to nothing is known."""


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """What was measured on blocks of 2^level chunks, [levels, columns] and, by event, [levels, events].

    measured: levels of each column, [columns]. Columns with fewer levels repeat their last one; without any, R is 1.
    """

    measured: IntArray
    rows: FloatArray  # mean rows of a block
    degrees: FloatArray  # blocks less one
    own: FloatArray  # R of every event
    pooled: FloatArray  # R, mean over the events that are frequent enough to say something
    least: FloatArray  # smallest share of an event or of all but it, whichever is rarer, that is no chance; else inf

    def filled(self, levels: int) -> "Levels":
        """The same with so many levels."""

        def fill(values: FloatArray, nothing: float) -> FloatArray:
            last = values[-1:] if len(values) else np.full((1, values.shape[1]), nothing)
            return np.concatenate((values, np.repeat(last, levels - len(values), axis=0)))

        sizes = fill(self.rows, 1.0), fill(self.degrees, 0.0)
        return Levels(self.measured, *sizes, fill(self.own, 1.0), fill(self.pooled, 1.0), fill(self.least, np.inf))


@dataclass(frozen=True, eq=False)
class Variation:
    """The curves: floor is phi, growth is tau², by event. `column` is that of each event, [events].

    directions: independent directions among the events of a column. few: too few chunks to trust the curve, [columns].
    """

    column: IntArray
    floor: FloatArray
    growth: FloatArray
    pooled_floor: FloatArray
    pooled_growth: FloatArray
    directions: FloatArray
    few: BoolArray
    levels: Levels

    @classmethod
    def stack(cls, parts: Sequence["Variation"]) -> "Variation":
        """The curves of the columns of all parts, one after the other."""
        before = np.cumsum([0, *(len(part.few) for part in parts)])
        most = max(len(part.levels.rows) for part in parts)
        levels = [part.levels.filled(most) for part in parts]

        def joined(name: str) -> FloatArray:
            return np.concatenate([getattr(part, name) for part in parts])

        def beside(name: str) -> FloatArray:
            return np.concatenate([getattr(level, name) for level in levels], axis=1)

        return cls(
            column=np.concatenate([part.column + start for part, start in zip(parts, before, strict=False)]),
            floor=joined("floor"),
            growth=joined("growth"),
            pooled_floor=joined("pooled_floor"),
            pooled_growth=joined("pooled_growth"),
            directions=joined("directions"),
            few=np.concatenate([part.few for part in parts]),
            levels=Levels(
                np.concatenate([part.levels.measured for part in parts]),
                *(beside("rows"), beside("degrees"), beside("own"), beside("pooled"), beside("least")),
            ),
        )

    def divided(self, parts: int) -> "Variation":
        """Of one column, with so many parts of its last event as events too: each varies as that does."""

        def repeated(values: FloatArray) -> FloatArray:
            return np.concatenate((values, np.repeat(values[..., -1:], parts, axis=-1)), axis=-1)

        column = np.zeros(len(self.column) + parts, np.int64)
        levels = replace(self.levels, own=repeated(self.levels.own), least=repeated(self.levels.least))
        return replace(self, column=column, floor=repeated(self.floor), growth=repeated(self.growth), levels=levels)

    def of_reference(self) -> FloatArray:
        """R of the whole reference, by event: tau² is known up to its largest blocks."""
        if not len(self.levels.rows):
            return self.floor
        largest = np.where(self.levels.measured > 0, self.levels.rows[-1], 0.0)
        return np.asarray(self.floor + self.growth * largest[self.column])

    def inflation(self, rows: ArrayLike, chunks: ArrayLike | None = None, *, shrunk: bool = False) -> FloatArray:
        """R by event, for so many rows by column, [..., columns].

        chunks: their duration in chunks, [...], where both sides have timestamps. Never more than `rows`: all rows
        together count for one draw at least. shrunk: by time, without what is likely noise of the estimate.
        """
        most = self._at_least_one(rows)
        by_event = most.take(self.column, axis=-1)
        if not len(self.levels.rows):
            curve = self.floor
        elif chunks is None:
            observed = np.maximum(self._observed(most), 1.0)
            curve = np.maximum(self.floor + self.growth * by_event, observed.take(self.column, axis=-1))
        else:
            curve = 1.0 + by_event * self._excess(np.asarray(chunks, float), self._shrunk if shrunk else self._excesses)
        return np.asarray(np.minimum(curve, by_event))

    def degrees(self, rows: ArrayLike, chunks: ArrayLike | None = None) -> FloatArray:
        """Degrees of freedom of the width at this size, [..., columns]; infinite where nothing of it was estimated.

        Those of the level at that scale (on a plateau: of the finest level on it), times `directions` where less than
        half of the width is estimated, divided by the share that is (Satterthwaite 1946).
        """
        most = self._at_least_one(rows)
        if not len(self.levels.rows):
            return np.where(self.few, FEWEST_DEGREES, np.full_like(most, np.inf))
        found = self._degrees_by_rows(most)
        if chunks is not None:
            near = np.rint(np.log2(np.maximum(chunks, 1.0))).astype(np.int64)[..., None]
            level = np.minimum(near, np.maximum(self.levels.measured - 1, 0))
            found = np.minimum(found, np.maximum(FEWEST_DEGREES, self._at(self.levels.degrees, level)))
        few = np.maximum(FEWEST_DEGREES, self.levels.degrees[0] * self.directions)
        return np.asarray(np.where(self.few, few, np.where(self.levels.measured > 0, found, np.inf)))

    def _at_least_one(self, rows: ArrayLike) -> FloatArray:
        """Rows by column, [..., columns]."""
        return np.asarray(np.maximum(np.asarray(rows, float), 1.0) + np.zeros(len(self.few)))

    @cached_property
    def _log_rows(self) -> FloatArray:
        return np.log(self.levels.rows)

    def _observed(self, rows: FloatArray) -> FloatArray:
        """Pooled R at this size, on a scale of log n, flat beyond what was measured: no guess, [..., columns]."""
        at, sizes = np.log(rows), self._log_rows
        last = np.maximum(self.levels.measured - 1, 0)
        high = np.minimum((sizes <= at[..., None, :]).sum(axis=-2), last)
        low = np.maximum(high - 1, 0)
        before = self._at(sizes, low)
        step = self._at(sizes, high) - before
        part = np.clip((at - before) / np.where(step > 0.0, step, 1.0), 0.0, 1.0)
        return np.asarray(self._at(self.levels.pooled, low) * (1.0 - part) + self._at(self.levels.pooled, high) * part)

    @cached_property
    def _excesses(self) -> FloatArray:
        """(R - 1)/n by level and event: the larger of pooled, and the mean of pooled and own."""
        pooled = (self.levels.pooled - 1.0) / self.levels.rows
        return np.stack((pooled[:, self.column], (self.levels.own - 1.0) / self.levels.rows[:, self.column]))

    @cached_property
    def _shrunk(self) -> FloatArray:
        """The same without noise.

        A hundred chunks of 400 independent rows measure R(400) = 1 ± .07, which a window of 2,000 rows reads as a
        standard error that is up to 17% too wide.
        """
        levels, column = self.levels, self.column
        pooled = _without_noise(levels.pooled, levels.degrees, self.directions) / levels.rows
        own = _without_noise(levels.own, levels.degrees[:, column]) / levels.rows[:, column]
        return np.stack((pooled[:, column], own))

    def _excess(self, chunks: FloatArray, excesses: FloatArray) -> FloatArray:
        """(R(T) - 1)/n(T) of stretches of the same duration, [..., events]: at the reference's pace."""
        at, last = np.maximum(np.log2(np.maximum(chunks, 1e-9)), 0.0), len(self.levels.rows) - 1
        low = np.minimum(at.astype(np.int64), last)
        high = np.minimum(low + 1, last)
        part = np.minimum(at - low, 1.0)[..., None]
        pooled, own = excesses[:, low] * (1.0 - part) + excesses[:, high] * part
        pooled = np.maximum(pooled, 0.0)
        excess = np.maximum(pooled, 0.5 * pooled + 0.5 * own)
        if not self._fall.any():
            return np.asarray(excess)
        return np.asarray(excess * np.clip(chunks, 1e-9, 1.0)[..., None] ** -self._fall[self.column])

    @cached_property
    def _fall(self) -> FloatArray:
        """The power of time at which the excess of a column falls whose rows hang together, 0 for others, [columns].

        It goes on within a chunk: what is constant for a day, in chunks of three, is constant in an hour as well.
        """
        excess = np.maximum((self.levels.pooled - 1.0) / self.levels.rows, 1e-9)
        last = np.maximum((self.levels.degrees >= FALLS_FROM).sum(axis=0) - 1, 0)
        last = np.minimum(last, np.maximum(self.levels.measured - 1, 0))
        power = np.log2(excess[0] / self._at(excess, last)) / np.maximum(last, 1)
        return np.where((excess[0] > HANG_TOGETHER) & (last > 0), np.clip(power, 0.0, 1.0), 0.0)

    def _degrees_by_rows(self, rows: FloatArray) -> FloatArray:
        line = self.pooled_floor + self.pooled_growth * rows
        pooled = np.maximum(np.maximum(line, self._observed(rows)), 1.0001)
        estimated = 1.0 - 1.0 / pooled
        near = np.abs(self._log_rows - np.log(rows)[..., None, :]).argmin(axis=-2)
        degrees = self._at(self.levels.degrees, np.minimum(near, self._plateau))
        degrees = degrees * np.where((estimated < 0.5) & (degrees >= MANY_BLOCKS), self.directions, 1.0)
        return np.asarray(np.maximum(FEWEST_DEGREES, degrees / np.maximum(estimated, 0.05)))

    @cached_property
    def _plateau(self) -> IntArray:
        """The finest level on it, [columns]; the last one where R grows."""
        finest = (self.levels.pooled >= 0.75 * self.pooled_floor).argmax(axis=0)
        return np.where(self.pooled_growth == 0.0, finest, len(self.levels.rows) - 1)

    @cached_property
    def _columns(self) -> IntArray:
        return np.arange(len(self.few))

    def _at(self, values: FloatArray, level: IntArray) -> FloatArray:
        """One level of each column, [..., columns]."""
        return np.asarray(values[level, self._columns])


def _without_noise(inflation: FloatArray, degrees: FloatArray, directions: FloatArray | float = 1.0) -> FloatArray:
    """R - 1, shrunk by the variance of its noise (positive-part James–Stein, Baranchik 1970); where blocks are few all
    of it.
    """
    excess = inflation - 1.0
    noise = 2.0 / np.maximum(degrees, 1.0) / directions
    shrunk = np.maximum(excess**2 - noise, 0.0) / np.maximum(excess, 1e-12)
    return np.asarray(np.where((excess > 0.0) & (degrees >= MANY_BLOCKS), shrunk, excess))
