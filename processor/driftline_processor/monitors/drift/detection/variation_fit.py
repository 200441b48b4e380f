"""Fits the variance inflation curve of a column, R(n) = phi + tau² n on blocks of its chunks: see `overdispersion`."""

from typing import Final

import numpy as np
from scipy.special import pdtr

from driftline.sketch.arrays import BoolArray, FloatArray
from driftline_processor.monitors.drift.detection.overdispersion import FEW_BLOCKS, Levels, Variation
from driftline_processor.monitors.drift.detection.tested_sets import BinSets, Family

UNLIKELY: Final = 1e-3
"""Chance that a healthy column has a block whose share is taken for smaller than usual."""


def fit_variation(chunks: FloatArray, events: BinSets, shares: FloatArray) -> Variation:
    """The curve of a column, from counts by chunk and bin in time order, and the shares of the events in the whole."""
    rows = chunks.sum()
    blocks = int(np.count_nonzero(chunks.sum(axis=1)))
    variance = events.variance(shares, chunks.sum(axis=0) / max(rows, 1.0))
    if rows == 0.0 or variance.max() * rows < 1.0:
        return _independent(len(events), few=False)  # a constant: no share of it can vary
    if blocks < 2:
        return _independent(len(events), few=True)
    pool = _pool(events, shares, rows)
    levels = _measure(chunks, events, shares, np.maximum(variance, 0.25 / rows), pool)
    directions = _directions(events, shares, chunks.sum(axis=0) / rows, pool)
    curves = np.column_stack((levels.pooled, levels.own))
    floor, growth = _line(levels.rows[:, 0], levels.degrees[:, 0], curves, directions)
    return Variation(
        column=np.zeros(len(events), np.int64),
        floor=np.maximum(floor[0], 0.5 * floor[0] + 0.5 * floor[1:]),
        growth=np.maximum(growth[0], 0.5 * growth[0] + 0.5 * growth[1:]),
        pooled_floor=floor[:1],
        pooled_growth=growth[:1],
        directions=np.array([directions]),
        few=np.array([blocks < FEW_BLOCKS]),
        levels=levels,
    )


def _independent(events: int, *, few: bool) -> Variation:
    """Sampling error and nothing else."""
    one, nothing = np.ones(1), np.empty((0, 1))
    none = np.empty((0, events))
    levels = Levels(np.zeros(1, np.int64), nothing, nothing, none, nothing, none)
    column = np.zeros(events, np.int64)
    return Variation(column, np.ones(events), np.zeros(events), one, np.zeros(1), one, np.array([few]), levels)


def _pool(events: BinSets, shares: FloatArray, rows: float) -> BoolArray:
    """Events whose variation is estimated well enough to speak for all: one at least."""
    if not events.by_bin and len(events) > 1:
        pool = np.asarray((shares > 0.04) & (shares < 0.96) & events.are(Family.PREFIX), bool)
    else:
        pool = (shares * rows >= 50) & (shares < 0.999)
    if pool.any() and (shares * (1.0 - shares))[pool].max() * rows >= 1.0:
        return pool
    return np.asarray(np.arange(len(events)) == int(np.argmax(np.minimum(shares, 1.0 - shares))))


def _measure(chunks: FloatArray, events: BinSets, shares: FloatArray, variance: FloatArray, pool: BoolArray) -> Levels:
    """R on blocks of 1, 2, 4, ... adjacent chunks, while enough blocks remain."""
    rows = chunks.sum(axis=1)
    excess = events.sums(chunks) - rows[:, None] * shares
    wide = len(rows) / max(1, len(rows) - 1)  # the K/(K-1) of a variance once more: few chunks err on the wide side
    measured: list[tuple[float, float, FloatArray, FloatArray]] = []
    while len(rows) >= FEW_BLOCKS or not measured:
        full = rows > 0
        squares = (excess[full] ** 2 / rows[full, None]).sum(axis=0)
        freedom = float(max(full.sum() - 1, 1))
        least = _least(excess[full], rows[full], shares)
        measured.append((float(rows[full].mean()), freedom, wide * squares / freedom / variance, least))
        half = len(rows) // 2
        rows = rows[: 2 * half].reshape(half, 2).sum(axis=1)
        excess = excess[: 2 * half].reshape(half, 2, -1).sum(axis=1)
    own, least = (np.array([level[part] for level in measured]) for part in (2, 3))
    sizes, degrees = (np.array([[level[part]] for level in measured], float) for part in (0, 1))
    return Levels(np.array([len(measured)]), sizes, degrees, own, own[:, pool].mean(axis=1, keepdims=True), least)


def _least(excess: FloatArray, rows: FloatArray, shares: FloatArray) -> FloatArray:
    """The smallest share of each event, or of all but it, in any block in which it is surely smaller than usual.

    excess: of counts, [blocks, events]; rows: [blocks].
    """
    rare = np.minimum(shares, 1.0 - shares)
    expected = rows[:, None] * rare
    few = np.maximum(expected + np.where(shares > 0.5, -excess, excess), 0.0)
    sure = pdtr(few, expected) < UNLIKELY / len(rows)
    return np.asarray(np.where(sure, few / rows[:, None], np.inf).min(axis=0))


def _directions(events: BinSets, shares: FloatArray, bins: FloatArray, pool: BoolArray) -> float:
    """Independent directions among the pooled events: m²/sum corr², with the correlations of a multinomial."""
    p = shares[pool]
    if events.by_bin:
        odds = p / (1.0 - p)  # corr_ij² = odds_i odds_j
        return float(len(p) ** 2 / (len(p) + odds.sum() ** 2 - (odds**2).sum()))
    members = events.members(pool)
    covariance = (members * bins[:, None]).T @ members - np.outer(p, p)
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
