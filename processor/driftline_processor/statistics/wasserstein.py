"""Wasserstein-1 distance in units of the reference's spread. Source: Vallender 1974, the area between two CDFs."""

import numpy as np

from driftline.sketch import Intervals
from driftline_processor.records import FloatArray
from driftline_processor.statistics.view import NUMERIC, Statistic, View

NORMAL_IQR = 1.349
"""Interquartile range of a normal distribution of standard deviation 1."""

LARGEST = float(np.finfo(np.float64).max)


def wasserstein(view: View) -> float | None:
    """Area between the cumulative shares over the spread: each row stands at the middle of its bucket."""
    if not (view.reference_values.total and view.window_values.total):
        return None
    (x, x_weight), (y, y_weight) = (_points(values) for values in (view.reference_values, view.window_values))
    points = np.concatenate((x, y))
    order = np.argsort(points, kind="stable")
    gap = np.cumsum(np.concatenate((x_weight, -y_weight))[order])[:-1]
    width = np.diff(points[order] / 2)  # halves: the widest difference of two floats is not a float
    with np.errstate(over="ignore"):
        area = 2.0 * (np.abs(gap) @ (width / view.spread))
    return min(float(area), LARGEST)


def reference_spread(values: Intervals) -> float:
    """The unit of the distance: the reference's robust standard deviation (IQR / 1.349).

    Where half of the rows share one value, the standard deviation; of a constant its size; of a constant 0, 1. A
    constant's moves are thus shares of the constant, whatever its unit.
    """
    if not values.total:
        return 1.0
    robust = (values.quantile(0.75) / 2 - values.quantile(0.25) / 2) / NORMAL_IQR * 2
    middle, weight = _points(values)
    centre = float(middle @ weight)
    size = float(np.abs(middle).max())
    deviation = size * float(np.sqrt(((middle / size - centre / size) ** 2) @ weight)) if size else 0.0
    resolution = float((values.upper / 2 - values.lower / 2) @ weight) * 2  # a bucket's width is no spread
    return next((unit for unit in (robust, deviation) if unit > 2 * resolution), abs(centre)) or 1.0


def _points(values: Intervals) -> tuple[FloatArray, FloatArray]:
    """Middles of the buckets, and their shares of the rows."""
    return values.lower / 2 + values.upper / 2, values.weight / values.total


WASSERSTEIN = Statistic(
    name="wasserstein",
    title="Wasserstein distance",
    kinds=frozenset({NUMERIC}),
    description="Mean distance by which values moved, in units of the reference's spread (IQR / 1.349)",
    reading="0 equal. .1 means that values moved by a tenth of a standard deviation on average; unbounded",
    compute=wasserstein,
)
