"""Wasserstein-1 distance in units of the reference's spread. Source: Vallender 1974, the area between two CDFs."""

import numpy as np

from driftline.sketch.arrays import FloatArray
from driftline_processor.monitors.drift.statistics.view import NUMERIC, Sample, Statistic, View


def wasserstein(view: View) -> FloatArray:
    """Area between the cumulative shares over the spread: each row stands at the middle of its bucket."""
    return view.integral(np.abs(view.gaps.gap))


def _oracle(reference: Sample, window: Sample) -> float:
    from scipy import stats

    return float(stats.wasserstein_distance(reference.values, window.values))


WASSERSTEIN = Statistic(
    name="wasserstein",
    title="Wasserstein distance",
    kinds=frozenset({NUMERIC}),
    description="Mean distance by which values moved, in units of the reference's spread (IQR / 1.349)",
    reading="0 equal. .1 means that values moved by a tenth of a standard deviation on average; unbounded",
    compute=wasserstein,
    oracle=_oracle,
)
