"""Kolmogorov-Smirnov distance, by its certain lower bound: no interpolation inside a bucket of either sketch."""

import numpy as np

from driftline.sketch.arrays import FloatArray
from driftline_processor.monitors.drift.binning.stacked_intervals import surely_ahead
from driftline_processor.monitors.drift.statistics.view import NUMERIC, Sample, Statistic, View


def kolmogorov_smirnov(view: View) -> FloatArray:
    """The largest difference of the two cumulative shares that both sketches are sure of."""
    reference, window = view.reference_values, view.window_values
    if not len(view.valued):
        return view.of_valued(np.zeros(0))
    either = np.maximum(surely_ahead(reference, window), surely_ahead(window, reference))
    return view.of_valued(np.maximum(either, 0.0))


def _oracle(reference: Sample, window: Sample) -> float:
    from scipy import stats

    return float(stats.ks_2samp(reference.values, window.values, method="asymp").statistic)


KS = Statistic(
    name="ks",
    title="Kolmogorov–Smirnov",
    kinds=frozenset({NUMERIC}),
    description="Largest difference between the cumulative shares; never above the exact value",
    reading="0 equal, 1 disjoint. .05 means that the share below some value moved by 5 points",
    compute=kolmogorov_smirnov,
    oracle=_oracle,
)
