"""The bins on which windows are compared with a reference: cut from the reference, filled from any sketch.

m edges e0 < ... < e(m-1) make m + 1 bins: (-inf, e0], (e0, e1], ..., (e(m-1), inf). The first and the last lie outside
the range of the reference.
"""

import numpy as np
from numpy.typing import ArrayLike

from driftline.sketch.arrays import BoolArray, FloatArray
from driftline.sketch.intervals import Intervals


def cut_bins(intervals: Intervals, limit: int = 32) -> FloatArray:
    """Cut at most `limit` bins of about equal weight, and two outer ones.

    Args:
        intervals: the intervals of the reference.
        limit: maximum number of bins, without the two outer ones.

    Returns:
        Edges, [at most limit + 1], ascending; none for empty intervals. They are bucket edges, so that the reference
        fills the bins exactly. A bucket heavier than an equal share is a bin of its own; with up to `limit` buckets,
        every bucket is.

    """
    merged = intervals.merge()
    if not len(merged):
        return np.zeros(0)
    ends, weight = _columns(merged)
    if len(ends) > limit:
        ends, weight = _joined(ends, weight, _cuts(weight, limit))
    while len(ends) > limit:
        lightest = int(np.argmin(weight[:-1] + weight[1:]))
        ends, weight = _joined(ends, weight, np.arange(len(ends)) != lightest)
    return np.append(merged.lower.min(), ends)


def _columns(intervals: Intervals) -> tuple[FloatArray, FloatArray]:
    """Upper edges, ascending, and the weight ending at each."""
    ends, at = np.unique(intervals.upper, return_inverse=True)
    return ends, np.bincount(at, intervals.weight, len(ends)).astype(np.float64)


def _cuts(weight: FloatArray, limit: int) -> BoolArray:
    """Whether a bin ends after each bucket: once an equal share is full, and on both sides of a heavy bucket."""
    share = np.cumsum(weight) * (limit / weight.sum())
    heavy = weight * limit > weight.sum()
    full = np.diff(np.floor(share + 1e-9), prepend=0.0) > 0
    return np.asarray(full | heavy | np.append(heavy[1:], True))


def _joined(ends: FloatArray, weight: FloatArray, cuts: BoolArray) -> tuple[FloatArray, FloatArray]:
    last = np.flatnonzero(cuts)
    return ends[last], np.diff(np.cumsum(weight)[last], prepend=0.0)


def project(intervals: Intervals, edges: ArrayLike, prior: Intervals | None = None) -> FloatArray:
    """Weight of the rows in each bin.

    A bucket that spans several bins is split in proportion to the prior mass there: exact as long as nothing has
    changed, also for atoms.

    Args:
        intervals: the rows to count.
        edges: bin edges, [m], ascending.
        prior: prior mass, the intervals of the reference; where it has none, buckets are split by length.

    Returns:
        Weights, [m + 1].

    """
    e = np.asarray(edges, np.float64)
    first, last = np.searchsorted(e, intervals.lower, "right"), np.searchsorted(e, intervals.upper, "left")
    whole = (first == last) | (intervals.lower / 2 == intervals.upper / 2)  # too narrow to split
    weights = np.bincount(first[whole], intervals.weight[whole], len(e) + 1).astype(np.float64)
    if whole.all():
        return weights
    astride = Intervals(intervals.lower[~whole], intervals.upper[~whole], intervals.weight[~whole])
    return np.asarray(weights + astride.weight @ _shares(astride, e, prior))


def _shares(astride: Intervals, edges: FloatArray, prior: Intervals | None) -> FloatArray:
    """Share of each bin in each interval, [interval, m + 1]; rows sum to 1."""
    pieces = _pieces(astride.lower / 2, astride.upper / 2, edges / 2)  # halved: lengths may exceed HUGE
    if prior is not None and prior.total:
        mass = _pieces(prior.below(astride.lower), prior.below(astride.upper), prior.below(edges))
        known = mass.sum(axis=1, keepdims=True) > 1e-14 * prior.total  # anything less is rounding error
        pieces = np.where(known, mass, pieces)
    return np.asarray(pieces / pieces.sum(axis=1, keepdims=True))


def _pieces(low: FloatArray, high: FloatArray, cuts: FloatArray) -> FloatArray:
    """Sizes of the pieces into which ascending cuts divide each range low..high, [range, cuts + 1]."""
    low, high = low[:, None], high[:, None]
    return np.diff(np.hstack([low, np.clip(cuts, low, high), high]), axis=1)
