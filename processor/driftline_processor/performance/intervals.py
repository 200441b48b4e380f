"""95 % intervals of weighted rates, means of losses, and areas under curves."""

from collections.abc import Callable
from math import exp, sqrt
from typing import Final

import numpy as np
from scipy.special import expit, logit
from scipy.stats import t as student

from driftline.sketch.arrays import FloatArray
from driftline_processor.performance.measured import Measured

LEVEL: Final = 0.95
NORMAL: Final = 1.959964
"""Quantile of the normal distribution that leaves 2.5 % above it."""

_BISECTIONS: Final = 50


def kish_size(weight: float, squares: float) -> float:
    """So many rows of equal weight say as much: (Σw)² / Σw² (Kish 1965).

    Args:
        weight: Σw.
        squares: Σw².

    """
    return weight * weight / squares if squares > 0.0 else 0.0


def wilson(share: float, size: float, quantile: float = NORMAL) -> Measured:
    """Wilson's interval of a share, at the Kish size where rows have weights (Kott 2017, Survey Methodology 43-2).

    Also covers means of losses within 0 to 1: their variance is at most m (1 − m).

    Args:
        share: 0 to 1.
        size: Rows; need not be whole.
        quantile: Of the normal distribution.

    """
    if size <= 0.0:
        return Measured(share, 0.0, 1.0)
    square = quantile * quantile / size
    middle = (share + square / 2.0) / (1.0 + square)
    half = sqrt(max(share * (1.0 - share), 0.0) * square + square * square / 4.0) / (1.0 + square)
    return Measured(share, min(max(middle - half, 0.0), share), max(min(middle + half, 1.0), share))


def f1_of_jaccard(jaccard: Measured) -> Measured:
    """F1 = 2J / (1 + J) of J = tp / (tp + fp + fn), a share (Lam, Gopal, Qian, arXiv 2309.14621)."""
    return Measured(*(2.0 * each / (1.0 + each) for each in jaccard))


def mean_of(measures: list[Measured]) -> Measured:
    """The mean of independent ones, by square-and-add of their half-widths (Zou, Donner 2008, Stat Med 27:1693)."""
    count = len(measures)
    value = sum(each.value for each in measures) / count
    below = sqrt(sum((each.value - each.low) ** 2 for each in measures)) / count
    above = sqrt(sum((each.high - each.value) ** 2 for each in measures)) / count
    return Measured(value, value - below, value + above)


def student_quantile(size: float) -> float:
    """Of Student's t with `size` − 1 degrees of freedom, that leaves 2.5 % above it."""
    return float(student.ppf(0.5 + LEVEL / 2.0, max(size - 1.0, 1.0)))


def mean_loss(losses: FloatArray, weights: FloatArray, least_variation: float = 0.0) -> Measured:
    """The weighted mean m of losses from 0 on: m · exp(± t s / m), s its standard error.

    Args:
        losses: From 0 on, [rows].
        weights: Over 0, [rows].
        least_variation: Their coefficient of variation is taken to be no less: few rows rarely show the largest loss.

    """
    size = kish_size(float(weights.sum()), float(weights @ weights))
    value = float(np.average(losses, weights=weights))
    if value <= 0.0:
        return Measured(value, value, value)
    relative = losses / value - 1.0
    error = max(linear_error(relative, weights), least_variation / sqrt(size))
    factor = exp(min(student_quantile(size) * error, 700.0))
    return Measured(value, value / factor, value * factor)


def linear_error(terms: FloatArray, weights: FloatArray) -> float:
    """Standard error of a weighted mean, or of a statistic whose linear terms these are: √(Σw²u² · n/(n−1)) / Σw."""
    size = kish_size(float(weights.sum()), float(weights @ weights))
    spread = float(((weights * terms) ** 2).sum()) * size / max(size - 1.0, 1.0)
    return sqrt(spread) / float(weights.sum())


def logit_interval(value: float, error: float, size: float) -> Measured:
    """logit⁻¹(logit v ± z · error / (v (1 − v))); v is kept a quarter of a row from 0 and 1.

    Args:
        value: 0 to 1.
        error: Standard error of the value.
        size: Rows behind it.

    """
    near = 0.25 / max(size, 1.0)
    inner = min(max(value, near), 1.0 - near)
    half = NORMAL * error / (inner * (1.0 - inner))
    return Measured(value, min(float(expit(logit(inner) - half)), value), max(float(expit(logit(inner) + half)), value))


def newcombe(area: float, positives: float, negatives: float) -> Measured:
    """Interval of a ROC AUC from its size alone: the t with |t − A| = z √V(t), V of Hanley and McNeil at (m + n) / 2.

    Method 5 of Newcombe 2006 (Stat Med 25:559).

    Args:
        area: 0 to 1.
        positives: Kish size of the positive rows.
        negatives: Kish size of the negative rows.

    """
    half = (positives + negatives) / 2.0 - 1.0

    def outside(t: float) -> bool:
        variance = t * (1.0 - t) * (1.0 + half * ((1.0 - t) / (2.0 - t) + t / (1.0 + t))) / (positives * negatives)
        return abs(t - area) > NORMAL * sqrt(max(variance, 0.0))

    return Measured(area, _edge(area, 0.0, outside), _edge(area, 1.0, outside))


def _edge(inside: float, far: float, outside: Callable[[float], bool]) -> float:
    """Where the interval that holds `inside` ends on the way to `far`, by bisection. Its ends have no variance."""
    for _ in range(_BISECTIONS):
        middle = (inside + far) / 2.0
        if outside(middle):
            far = middle
        else:
            inside = middle
    return inside


def wider(first: Measured, second: Measured) -> Measured:
    """The value of both, and the interval that holds both."""
    return Measured(first.value, min(first.low, second.low), max(first.high, second.high))
