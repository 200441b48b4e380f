"""MAE, RMSE, RMSLE, bias and R² of numeric predictions."""

from math import exp, pi, sqrt
from typing import Final

import numpy as np

from driftline.sketch.arrays import FloatArray
from driftline_processor.performance.intervals import kish_size, linear_error, mean_loss, student_quantile
from driftline_processor.performance.measured import Measured, Metric, Refused
from driftline_processor.performance.sufficiency import too_few_labels

METRICS: Final = ("mae", "rmse", "rmsle", "bias", "r2")

NORMAL_ABSOLUTE: Final = sqrt(pi / 2.0 - 1.0)
NORMAL_SQUARED: Final = sqrt(2.0)
"""Coefficients of variation of |e| and e² where errors are normal: those of few rows are taken to be no less."""


def regression(labels: FloatArray, predictions: FloatArray, weights: FloatArray) -> dict[str, Metric]:
    """All of them.

    Args:
        labels: Finite, [rows].
        predictions: Finite, [rows].
        weights: Over 0, [rows].

    """
    few = too_few_labels(len(labels))
    if few:
        return dict.fromkeys(METRICS, few)
    errors = predictions - labels
    return {
        "mae": mean_loss(np.abs(errors), weights, NORMAL_ABSOLUTE),
        "rmse": _root_mean(errors, weights),
        "rmsle": _rmsle(labels, predictions, weights),
        "bias": _bias(errors, weights),
        "r2": _r2(labels, errors, weights),
    }


def _root_mean(errors: FloatArray, weights: FloatArray) -> Measured:
    """√ of the mean square and of its interval."""
    return Measured(*(sqrt(each) for each in mean_loss(errors**2, weights, NORMAL_SQUARED)))


def _rmsle(labels: FloatArray, predictions: FloatArray, weights: FloatArray) -> Metric:
    """The RMSE of log(1 + x)."""
    if min(labels.min(), predictions.min()) < 0.0:
        return Refused("labels or predictions are below 0")
    return _root_mean(np.log1p(predictions) - np.log1p(labels), weights)


def _bias(errors: FloatArray, weights: FloatArray) -> Measured:
    """The mean of prediction − label: ± t s."""
    value = float(np.average(errors, weights=weights))
    size = kish_size(float(weights.sum()), float(weights @ weights))
    half = student_quantile(size) * linear_error(errors - value, weights)
    return Measured(value, value - half, value + half)


def _r2(labels: FloatArray, errors: FloatArray, weights: FloatArray) -> Metric:
    """1 − q, q the mean square of errors over the variance of labels.

    The interval is q · exp(± t s), with the delta method's s of log q.
    """
    centred = (labels - np.average(labels, weights=weights)) ** 2
    variance, square = (float(np.average(each, weights=weights)) for each in (centred, errors**2))
    if variance <= 0.0:
        return Refused("all labels are alike")
    if square <= 0.0:
        return Measured(1.0, 1.0, 1.0)
    size = kish_size(float(weights.sum()), float(weights @ weights))
    error = linear_error(errors**2 / square - centred / variance, weights)
    factor = exp(min(student_quantile(size) * error, 700.0))
    ratio = square / variance
    return Measured(1.0 - ratio, 1.0 - ratio * factor, 1.0 - ratio / factor)
