"""Wasserstein-1 distance in units of the reference's spread. Source: Vallender 1974, the area between two CDFs."""

import numpy as np

from driftline.sketch import Intervals
from driftline.sketch.arrays import FloatArray
from driftline_processor.monitors.drift.binning.stacked_intervals import area_between
from driftline_processor.monitors.drift.statistics.view import NUMERIC, Statistic, View

NORMAL_IQR = 1.349
"""Interquartile range of a normal distribution of standard deviation 1."""

LARGEST = float(np.finfo(np.float64).max)


def wasserstein(view: View) -> FloatArray:
    """Area between the cumulative shares over the spread: each row stands at the middle of its bucket."""
    if not len(view.valued):
        return view.of_valued(np.zeros(0))
    area = area_between(view.reference_values, view.window_values, view.spread[view.valued])
    return view.of_valued(np.minimum(area, LARGEST))


def reference_spread(values: Intervals) -> float:
    """The unit of the distance: the reference's robust standard deviation (IQR / 1.349).

    Where half of the rows share one value, the standard deviation; of a constant its size; of a constant 0, 1. A
    constant's moves are thus shares of the constant, whatever its unit.
    """
    if not values.total:
        return 1.0
    low, high = values.quantiles((0.25, 0.75))
    robust = (high / 2 - low / 2) / NORMAL_IQR * 2
    middle, weight = values.lower / 2 + values.upper / 2, values.weight / values.total
    centre = float(middle @ weight)
    size = float(np.abs(middle).max())
    deviation = size * float(np.sqrt(((middle / size - centre / size) ** 2) @ weight)) if size else 0.0
    resolution = float((values.upper / 2 - values.lower / 2) @ weight) * 2  # a bucket's width is no spread
    return next((unit for unit in (robust, deviation) if unit > 2 * resolution), abs(centre)) or 1.0


WASSERSTEIN = Statistic(
    name="wasserstein",
    title="Wasserstein distance",
    kinds=frozenset({NUMERIC}),
    description="Mean distance by which values moved, in units of the reference's spread (IQR / 1.349)",
    reading="0 equal. .1 means that values moved by a tenth of a standard deviation on average; unbounded",
    compute=wasserstein,
)
