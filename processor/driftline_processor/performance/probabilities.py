"""Log loss, Brier score and calibration error: are scores the probabilities that they claim to be?"""

from typing import Final

import numpy as np
from scipy.special import xlogy
from scipy.stats import norm

from driftline.sketch.arrays import BoolArray, FloatArray
from driftline_processor.performance.confusion import WeightSums
from driftline_processor.performance.intervals import kish_size, mean_loss, wilson
from driftline_processor.performance.measured import Measured, Metric, Refused
from driftline_processor.performance.sufficiency import too_few_labels

CALIBRATION_BINS: Final = 10
"""Of equal width, as in Naeini, Cooper and Hauskrecht 2015, AAAI."""

_LEAST: Final = float(np.finfo(np.float64).eps)
"""Probabilities of 0 and 1 count as so far from them in the log loss, as in scikit-learn."""


def probability_losses(positive: BoolArray, scores: FloatArray, weights: FloatArray) -> dict[str, Metric]:
    """All three.

    Args:
        positive: Whether the label is the positive class, [rows].
        scores: Its probability, finite, [rows].
        weights: Over 0, [rows].

    """
    few = too_few_labels(len(scores))
    if few is None and (scores.min() < 0.0 or scores.max() > 1.0):
        few = Refused("scores are no probabilities: they leave 0 to 1")
    if few:
        return dict.fromkeys(("log_loss", "brier", "calibration_error"), few)
    truth = positive.astype(np.float64)
    size = kish_size(float(weights.sum()), float(weights @ weights))
    return {
        "log_loss": mean_loss(_log_losses(truth, scores), weights),
        "brier": wilson(float(np.average((scores - truth) ** 2, weights=weights)), size),
        "calibration_error": _calibration_error(truth, scores, weights),
    }


def _log_losses(truth: FloatArray, scores: FloatArray) -> FloatArray:
    inner = np.clip(scores, _LEAST, 1.0 - _LEAST)
    losses: FloatArray = -(xlogy(truth, inner) + xlogy(1.0 - truth, 1.0 - inner))
    return losses


def _calibration_error(truth: FloatArray, scores: FloatArray, weights: FloatArray) -> Measured:
    """Σ share of a bin · |outcomes − mean score|.

    Chance alone makes it larger than it is, so the lower end takes all bins' Wilson intervals together (Bonferroni);
    the upper end is square-and-add of their half-widths.
    """
    bins = np.minimum((scores * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)
    sums = WeightSums.of(bins, weights, CALIBRATION_BINS)
    used = np.flatnonzero(sums.rows)
    together = float(norm.isf(0.025 / len(used)))
    value = low = above = 0.0
    for each in used.tolist():
        share, whole = sums.weight[each] / sums.weight.sum(), sums.weight[each]
        claimed = float((weights * scores)[bins == each].sum() / whole)
        outcomes = min(float((weights * truth)[bins == each].sum() / whole), 1.0)
        rate, sure = wilson(outcomes, sums.kish(each)), wilson(outcomes, sums.kish(each), together)
        gap = abs(outcomes - claimed)
        value += share * gap
        low += share * max(sure.low - claimed, claimed - sure.high, 0.0)
        above += (share * (max(rate.high - claimed, claimed - rate.low) - gap)) ** 2
    return Measured(float(value), float(min(low, value)), float(min(value + above**0.5, 1.0)))
