"""Hellinger distance. Source: Hellinger 1909; Le Cam and Yang, Asymptotics in Statistics (2000)."""

import numpy as np

from driftline.sketch.arrays import FloatArray
from driftline_processor.monitors.drift.statistics.view import ANY_KIND, Sample, Statistic, View


def hellinger(view: View) -> FloatArray:
    """Root of 1/2 sum (sqrt p - sqrt q)²: finite with empty bins, so nothing is smoothed."""
    return view.known(np.sqrt(np.minimum(0.5 * view.sums((np.sqrt(view.p) - np.sqrt(view.q)) ** 2), 1.0)))


def _oracle(reference: Sample, window: Sample) -> float:
    from scipy.spatial import distance

    return float(distance.euclidean(np.sqrt(reference.shares), np.sqrt(window.shares)) / np.sqrt(2.0))


HELLINGER = Statistic(
    name="hellinger",
    title="Hellinger distance",
    kinds=ANY_KIND,
    description="Euclidean distance of the roots of the shares, over bins or categories",
    reading="0 equal, 1 disjoint. Rare values count for more than in L-infinity",
    compute=hellinger,
    oracle=_oracle,
)
