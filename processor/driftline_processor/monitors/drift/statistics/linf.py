"""L-infinity distance: the category that moved most."""

import numpy as np

from driftline.sketch.arrays import FloatArray
from driftline_processor.monitors.drift.statistics.view import CATEGORY, Sample, Statistic, View


def l_infinity(view: View) -> FloatArray:
    """The largest |q - p| of one category."""
    return view.known(np.maximum.reduceat(np.abs(view.q - view.p), view.starts))


def _oracle(reference: Sample, window: Sample) -> float:
    from scipy.spatial import distance

    return float(distance.chebyshev(reference.shares, window.shares))


L_INFINITY = Statistic(
    name="linf",
    title="L-infinity distance",
    kinds=frozenset({CATEGORY}),
    description="Largest difference of one category's share",
    reading="0 equal, 1 when one category takes the place of another. .05 means 5 points of share",
    compute=l_infinity,
    oracle=_oracle,
)
