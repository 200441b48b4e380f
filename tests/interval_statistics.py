"""Statistics of intervals that tests compare with: the mean, and bounds of the Kolmogorov-Smirnov distance."""

import numpy as np

from driftline.sketch.intervals import Intervals


def mean(intervals: Intervals) -> float:
    """Mean of the rows, each taken for the middle of its interval: half a bucket off at most."""
    return float((intervals.lower / 2 + intervals.upper / 2) @ (intervals.weight / intervals.total))


def ks_lower_bound(a: Intervals, b: Intervals) -> float:
    """What the Kolmogorov-Smirnov distance surely reaches, 0 where one side is empty; see `ks_bounds`."""
    if not a.total or not b.total:
        return 0.0
    return max(0.0, _surely_ahead(a, b), _surely_ahead(b, a))


def _surely_ahead(a: Intervals, b: Intervals) -> float:
    """By how much the share of `a` exceeds that of `b` at some value at least: where an interval of `a` ends."""
    order = np.argsort(a.upper, kind="stable")
    surely = np.cumsum(a.weight[order]) / a.total
    return float((surely - b.possibly(a.upper[order])).max())


def ks_bounds(a: Intervals, b: Intervals) -> tuple[float, float]:
    """Bounds of the Kolmogorov-Smirnov distance that the rows behind both bags have: (lower, upper), both certain.

    The lower one is exact where both have their edges, and for atoms: an alarm on it is never made by the sketch.
    Of no rows nothing is known: (0, 1).
    """
    if not a.total or not b.total:
        return 0.0, 1.0
    edges = np.unique(np.concatenate([a.lower, a.upper, b.lower, b.upper]))
    # What is possible rises behind a lower edge: the distance may be widest one float after it.
    with np.errstate(over="ignore"):
        behind = np.nextafter(edges, np.inf)
    surely_a, possibly_a = a.cdf_bounds(behind)
    surely_b, possibly_b = b.cdf_bounds(behind)
    return ks_lower_bound(a, b), min(1.0, float(np.maximum(possibly_a - surely_b, possibly_b - surely_a).max()))
