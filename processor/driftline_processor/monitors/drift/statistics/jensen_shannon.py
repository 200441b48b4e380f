"""Jensen-Shannon distance. Source: Lin 1991; the root is a metric (Endres and Schindelin 2003)."""

import numpy as np
from scipy.special import rel_entr

from driftline.sketch.arrays import FloatArray
from driftline_processor.monitors.drift.statistics.view import ANY_KIND, Sample, Statistic, View


def jensen_shannon(view: View) -> FloatArray:
    """Root of the mean relative entropy to the mixture, in bits: finite with empty bins, so nothing is smoothed."""
    mixture = (view.p + view.q) / 2
    divergence = view.sums(rel_entr(view.p, mixture) + rel_entr(view.q, mixture)) / 2
    return view.known(np.sqrt(np.maximum(divergence, 0.0) / np.log(2)))


def _oracle(reference: Sample, window: Sample) -> float:
    from scipy.spatial import distance

    return float(distance.jensenshannon(reference.counts, window.counts, base=2))


JENSEN_SHANNON = Statistic(
    name="js",
    title="Jensen–Shannon distance",
    kinds=ANY_KIND,
    description="Root of the Jensen-Shannon divergence in bits, over bins or categories",
    reading="0 equal, 1 disjoint. Many categories and few rows alone make it large: compare like with like",
    compute=jensen_shannon,
    oracle=_oracle,
)
