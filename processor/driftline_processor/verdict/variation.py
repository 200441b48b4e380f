"""How much healthy stretches of the training data differ: the variance inflation curve of the reference's chunks.

For an event of share p, R(n) = n Var(share in a block of n rows) / (p (1 - p)): 1 for independent rows, more where rows
depend on each other or where hours and weeks differ. It is measured on blocks of 1, 2, 4, ... adjacent chunks and
summarised by a line, R(n) = phi + tau² n: phi is what averages out with rows (autocorrelation), tau² what does not
(season). Where both sides have clocks the curve is read by duration: natural variation belongs to time, not to rows.

Sources: variance-time curves (Cox and Lewis 1966; Allan 1966); overdispersion phi + tau² n (Williams 1982).
"""

from dataclasses import dataclass
from math import log, log2

import numpy as np

from driftline_processor.records import FloatArray
from driftline_processor.verdict.events import BoolArray, Events

FEW_BLOCKS = 8
"""Blocks below which a level is not measured; a reference of fewer chunks has its one level, and little trust."""

FEWEST_DEGREES = 4.0
"""Degrees of freedom of a width about which next to nothing is known."""


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """What was measured on blocks of 2^level chunks, [levels] and [levels, events]; all empty where nothing was."""

    rows: FloatArray  # mean rows of a block
    log_rows: FloatArray
    degrees: FloatArray  # blocks less one
    own: FloatArray  # R of every event
    pooled: FloatArray  # R, mean over the events that are frequent enough to say something


@dataclass(frozen=True, slots=True, eq=False)
class Variation:
    """The curve, by event: floor is phi, growth is tau². `directions`: independent directions among the events."""

    floor: FloatArray
    growth: FloatArray
    pooled_floor: float
    pooled_growth: float
    directions: float
    levels: Levels
    few: bool

    def of_reference(self) -> FloatArray:
        """R of the whole reference, by event: tau² is known up to its largest blocks."""
        largest = self.levels.rows[-1] if len(self.levels.rows) else 0.0
        return self.floor + self.growth * largest

    def inflation(self, rows: float, chunks: float | None = None) -> FloatArray:
        """R by event for a window of so many rows, and of that many chunks' duration where both sides have clocks.

        Never more than `rows`: all rows together count for one draw at least.
        """
        most = max(rows, 1.0)
        if not len(self.levels.rows):
            return np.minimum(self.floor, most)
        curve = self._by_rows(most) if chunks is None else self._by_duration(most, chunks)
        return np.asarray(np.minimum(curve, most))

    def _by_rows(self, rows: float) -> FloatArray:
        """The line, never below what was observed; flat outside the range: no guess below the smallest chunk."""
        return np.asarray(np.maximum(self.floor + self.growth * rows, max(self._observed(rows), 1.0)))

    def _observed(self, rows: float) -> float:
        return float(np.interp(log(rows), self.levels.log_rows, self.levels.pooled))

    def _by_duration(self, rows: float, chunks: float) -> FloatArray:
        """R(n) = 1 + n (R(T) - 1)/n(T): rows at the reference's pace, variation of a stretch of the same duration."""
        at = log(max(chunks, 1e-9))
        lasting = log(2.0) * np.arange(len(self.levels.rows))
        excess = (np.column_stack((self.levels.pooled, self.levels.own)) - 1.0) / self.levels.rows[:, None]
        low = min(int(np.searchsorted(lasting, at, "right")), len(lasting) - 1)
        high, low = low, max(low - 1, 0)
        step = lasting[high] - lasting[low]
        part = float(np.clip((at - lasting[low]) / step, 0.0, 1.0)) if step else 0.0
        excess_at = excess[low] * (1.0 - part) + excess[high] * part
        pooled = max(float(excess_at[0]), 0.0)
        return np.asarray(1.0 + rows * np.maximum(pooled, 0.5 * pooled + 0.5 * excess_at[1:]))

    def degrees(self, rows: float, chunks: float | None = None) -> float:
        """Degrees of freedom of the width at this size, infinite where nothing about it was estimated.

        Those of the level at that scale (on a plateau: of the finest level on it), times `directions` where less than
        half of the width is estimated, divided by the share that is (Satterthwaite 1946).
        """
        if self.few:
            measured = self.levels.degrees[0] * self.directions if len(self.levels.degrees) else 0.0
            return max(FEWEST_DEGREES, measured)
        if not len(self.levels.rows):
            return float(np.inf)
        found = self._degrees_by_rows(max(rows, 1.0))
        if chunks is None:
            return found
        level = min(round(log2(max(chunks, 1.0))), len(self.levels.rows) - 1)
        return min(found, max(FEWEST_DEGREES, float(self.levels.degrees[level])))

    def _degrees_by_rows(self, rows: float) -> float:
        levels = self.levels
        pooled = max(self.pooled_floor + self.pooled_growth * rows, self._observed(rows), 1.0001)
        estimated = 1.0 - 1.0 / pooled
        near = int(np.abs(levels.log_rows - log(rows)).argmin())
        if self.pooled_growth == 0.0:
            near = min(near, int(np.argmax(levels.pooled >= 0.75 * self.pooled_floor)))
        degrees = float(levels.degrees[near])
        if estimated < 0.5 and degrees >= 30:
            degrees *= self.directions
        return max(FEWEST_DEGREES, degrees / max(estimated, 0.05))


def fit_variation(chunks: FloatArray, events: Events, shares: FloatArray) -> Variation:
    """The curve of a column, from counts by chunk and cell in time order, and the shares of the events in the whole."""
    rows = chunks.sum()
    blocks = int(np.count_nonzero(chunks.sum(axis=1)))
    variance = shares * (1.0 - shares)
    if rows == 0.0 or variance.max() * rows < 1.0:
        return _independent(len(events), few=False)  # a constant: no share of it can vary
    if blocks < 2:
        return _independent(len(events), few=True)
    pool = _pool(events, shares, rows)
    levels = _measure(chunks, events, shares, np.maximum(variance, 0.25 / rows), pool)
    directions = _directions(events, shares, chunks.sum(axis=0) / rows, pool)
    curves = np.column_stack((levels.pooled, levels.own))
    floor, growth = _line(levels.rows, levels.degrees, curves, directions)
    return Variation(
        floor=np.maximum(floor[0], 0.5 * floor[0] + 0.5 * floor[1:]),
        growth=np.maximum(growth[0], 0.5 * growth[0] + 0.5 * growth[1:]),
        pooled_floor=float(floor[0]),
        pooled_growth=float(growth[0]),
        directions=directions,
        levels=levels,
        few=blocks < FEW_BLOCKS,
    )


def _independent(events: int, *, few: bool) -> Variation:
    """Sampling error and nothing else."""
    none = Levels(np.empty(0), np.empty(0), np.empty(0), np.empty((0, events)), np.empty(0))
    return Variation(np.ones(events), np.zeros(events), 1.0, 0.0, 1.0, none, few)


def _pool(events: Events, shares: FloatArray, rows: float) -> BoolArray:
    """Events whose variation is estimated well enough to speak for all: one at least."""
    if events.members is not None and len(events) > 1:
        pool = (shares > 0.04) & (shares < 0.96) & events.magnified
    else:
        pool = (shares * rows >= 50) & (shares < 0.999)
    if pool.any() and (shares * (1.0 - shares))[pool].max() * rows >= 1.0:
        return pool
    return np.asarray(np.arange(len(events)) == int(np.argmax(np.minimum(shares, 1.0 - shares))))


def _measure(chunks: FloatArray, events: Events, shares: FloatArray, variance: FloatArray, pool: BoolArray) -> Levels:
    """R on blocks of 1, 2, 4, ... adjacent chunks, while enough blocks remain."""
    rows = chunks.sum(axis=1)
    excess = events.sums(chunks) - rows[:, None] * shares
    wide = len(rows) / max(1, len(rows) - 1)  # the K/(K-1) of a variance once more: few chunks err on the wide side
    measured: list[tuple[float, float, FloatArray]] = []
    while len(rows) >= FEW_BLOCKS or not measured:
        full = rows > 0
        squares = (excess[full] ** 2 / rows[full, None]).sum(axis=0)
        freedom = float(max(full.sum() - 1, 1))
        measured.append((float(rows[full].mean()), freedom, wide * squares / freedom / variance))
        half = len(rows) // 2
        rows = rows[: 2 * half].reshape(half, 2).sum(axis=1)
        excess = excess[: 2 * half].reshape(half, 2, -1).sum(axis=1)
    own = np.array([inflation for _, _, inflation in measured])
    sizes, degrees = (np.array([level[part] for level in measured], float) for part in (0, 1))
    return Levels(sizes, np.log(sizes), degrees, own, own[:, pool].mean(axis=1))


def _directions(events: Events, shares: FloatArray, cells: FloatArray, pool: BoolArray) -> float:
    """Independent directions among the pooled events: m²/sum corr², with the correlations of a multinomial."""
    p = shares[pool]
    if events.members is None:
        odds = p / (1.0 - p)  # corr_ij² = odds_i odds_j
        return float(len(p) ** 2 / (len(p) + odds.sum() ** 2 - (odds**2).sum()))
    members = events.members[:, pool]
    covariance = (members * cells[:, None]).T @ members - np.outer(p, p)
    scale = np.sqrt(np.maximum(np.diag(covariance), 1e-12))
    return float(len(p) ** 2 / ((covariance / np.outer(scale, scale)) ** 2).sum())


def _line(
    rows: FloatArray, degrees: FloatArray, curves: FloatArray, directions: float
) -> tuple[FloatArray, FloatArray]:
    """Weighted least squares R = phi + tau² n for every curve, [levels, curves], the pooled one first.

    Weights degrees/R² (the variance of a variance). phi >= 1; tau² is 0 unless it exceeds two standard errors.
    """
    if rows.max() <= rows.min():  # one size cannot tell: all of the excess is taken as what does not average out
        return np.ones(curves.shape[1]), np.maximum(curves[0] - 1.0, 0.0) / rows[0]
    weight = degrees / np.maximum(curves[:, 0], 1.0) ** 2
    w, x, xx = weight.sum(), weight @ rows, weight @ rows**2
    y, xy = weight @ curves, (weight * rows) @ curves
    growth = np.maximum((w * xy - x * y) / (w * xx - x**2), 0.0)
    floor = (y - growth * x) / w
    error = np.sqrt(2.0 * w / (w * xx - x**2) / np.where(np.arange(curves.shape[1]) == 0, directions, 1.0))
    known = growth > 2.0 * error
    floor, growth = np.where(known, floor, y / w), np.where(known, growth, 0.0)
    growth = np.where(floor < 1.0, np.maximum((xy - x) / xx, 0.0), growth)
    return np.maximum(floor, 1.0), growth
