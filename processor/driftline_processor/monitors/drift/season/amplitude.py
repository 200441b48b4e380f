"""What a stream does by itself within a day: the amplitude of its season, and the dependence of its rows.

For a reference without timestamps, such as shuffled training data, in which nothing separates the time of day from
drift. A season always returns; a step that stays has no amplitude.
"""

import numpy as np

from driftline.sketch.arrays import FloatArray, IntArray

SURE = 7.0
"""Standard errors that chance alone moves at most, over the hours of ten days and some dozens of events; over those of
one day it is five and a half."""

LIKELY = 4.0
"""Standard errors that chance alone moves on most days."""

JUMP = 3
"""Second differences that a jump between or within two times is in."""

CLUSTERED = 2.2
"""Inflation from which on rows are taken as dependent: two dozen hours of independent rows hardly reach it."""


def returned(levels: FloatArray, errors: FloatArray) -> FloatArray:
    """The largest rise or fall of each event that was undone later, and is no chance, [events].

    levels, errors: in time order, [times, events], and the standard error of each. What rose and was never undone did
    not return: 0 for a step.
    """
    amplitudes = np.zeros(levels.shape[1])
    wide = np.flatnonzero(spread(levels) > SURE * errors.min(axis=0))  # few events: in all others nothing is sure
    if not len(wide):
        return amplitudes
    risen, variance = levels[:, wide], errors[:, wide] ** 2
    both, variance = np.stack((risen, -risen)), np.stack((variance, variance))
    before = _sure_rise(both, variance)
    after = _sure_rise(both[:, ::-1], variance[:, ::-1])[:, ::-1]
    amplitudes[wide] = np.minimum(before, after).max(axis=(0, 1))
    return amplitudes


def _sure_rise(levels: FloatArray, variance: FloatArray) -> FloatArray:
    """How far each level surely lies above the lowest one up to it, [2, times, events]."""
    lowest = np.minimum.accumulate(levels, axis=1)
    times = np.arange(levels.shape[1])[:, None]
    at = np.maximum.accumulate(np.where(levels <= lowest, times, 0), axis=1)
    chance = (variance + np.take_along_axis(variance, at, axis=1)) / 2.0
    return np.sqrt(np.maximum((levels - lowest) ** 2 - SURE**2 * chance, 0.0))


def spread(levels: FloatArray) -> FloatArray:
    """The whole range of each event, [events]."""
    return np.asarray(levels.max(axis=0) - levels.min(axis=0))


def spread_without_a_jump(levels: FloatArray, least: float) -> FloatArray:
    """The larger range of those before and after the largest change between two times, [events].

    The two are in neither: a jump may be within one of them. The whole range where no change is more than `least`.
    """
    if len(levels) < 2:
        return spread(levels)
    changes = np.abs(np.diff(levels, axis=0))
    at, times = changes.argmax(axis=0), np.arange(len(levels))[:, None]
    before, after = times < at, times > at + 1
    parts = [
        np.where(part, levels, -np.inf).max(axis=0) - np.where(part, levels, np.inf).min(axis=0)
        for part in (before, after)
    ]
    return np.where(changes.max(axis=0) > least, np.maximum(np.max(parts, axis=0), 0.0), spread(levels))


def beyond_chance(amplitude: FloatArray, error: FloatArray, errors: float) -> FloatArray:
    """What is left of an amplitude without so many standard errors of one level, in quadrature."""
    return np.sqrt(np.maximum(amplitude**2 - (errors * error) ** 2, 0.0))


def inflations(levels: FloatArray, rows: FloatArray, variance: FloatArray, starts: IntArray) -> FloatArray:
    """Variance inflation of the rows of each column by their dependence, [times - 2, columns].

    From second differences of the levels in time order, [times, events], which a season hardly moves: of a sine over 24
    hours .07 times its amplitude is left. rows: at each time, [times, events]; variance: of one row, [events]. Source:
    von Neumann 1941, with differences of second order (Anderson 1971, §3.4).
    """
    bends = levels[2:] - 2.0 * levels[1:-1] + levels[:-2]
    chance = 1.0 / rows[2:] + 4.0 / rows[1:-1] + 1.0 / rows[:-2]
    weight = np.add.reduceat(variance, starts)
    return np.asarray(np.add.reduceat(bends**2 / chance, starts, axis=1) / np.where(weight > 0.0, weight, 1.0))


def design_effect(inflations: FloatArray) -> FloatArray:
    """The mean over all times, [columns]; 1 where none is sure. inflations: [times, columns]."""
    found = inflations.mean(axis=0)
    return np.where(found > CLUSTERED, found, 1.0)


def without_a_jump(inflations: FloatArray) -> FloatArray:
    """The same, with the three largest as large as the next: a jump at an unknown time is in three second differences.

    inflations: [times, columns]. Without a jump the mean comes out about a seventh too small.
    """
    return np.asarray(np.minimum(inflations, np.sort(inflations, axis=0)[-JUMP - 1]))
