"""Comparing two sketches without interpolating: what is certain about their Kolmogorov-Smirnov distance."""

import numpy as np

from driftline.sketch.intervals import Intervals


def ks_bounds(a: Intervals, b: Intervals) -> tuple[float, float]:
    """Bounds of the Kolmogorov-Smirnov distance that the rows behind both bags have: (lower, upper), both certain.

    The lower one is exact where both have their edges, and for atoms: an alarm on it is never made by the sketch.
    Of no rows nothing is known: (0, 1).
    """
    if not a.total or not b.total:
        return 0.0, 1.0
    edges = np.unique(np.concatenate([a.lower, a.upper, b.lower, b.upper]))
    surely_a, possibly_a = a.cdf_bounds(edges)
    surely_b, possibly_b = b.cdf_bounds(edges)
    low = max(0.0, float(np.maximum(surely_a - possibly_b, surely_b - possibly_a).max()))
    # What is possible rises behind a lower edge: the distance may be widest one float after it.
    with np.errstate(over="ignore"):
        behind = np.nextafter(edges, np.inf)
    surely_a, possibly_a = a.cdf_bounds(behind)
    surely_b, possibly_b = b.cdf_bounds(behind)
    return low, min(1.0, float(np.maximum(possibly_a - surely_b, possibly_b - surely_a).max()))
