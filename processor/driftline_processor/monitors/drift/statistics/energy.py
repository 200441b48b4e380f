"""Energy distance in the root of spreads of the reference. Source: Székely and Rizzo 2013, Energy statistics."""

import numpy as np

from driftline.sketch.arrays import FloatArray
from driftline_processor.monitors.drift.statistics.view import NUMERIC, Sample, Statistic, View


def energy_distance(view: View) -> FloatArray:
    """Root of 2 E|X - Y| - E|X - X'| - E|Y - Y'|, which is twice the integral of (F - G)² (Székely 2003).

    Values are in spreads; each row stands at the middle of its bucket.
    """
    return np.sqrt(view.integral(2.0 * view.gaps.gap**2))


def _oracle(reference: Sample, window: Sample) -> float:
    from scipy import stats

    return float(stats.energy_distance(reference.values, window.values))


ENERGY = Statistic(
    name="energy",
    title="Energy distance",
    kinds=frozenset({NUMERIC}),
    description="Root of twice the squared gap between the cumulative shares, integrated over values in spreads",
    reading="0 equal. .075 for a shift by a tenth of a standard deviation; by chance about 1/√rows; unbounded",
    compute=energy_distance,
    oracle=_oracle,
)
