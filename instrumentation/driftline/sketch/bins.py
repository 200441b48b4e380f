"""The few cells on which windows are compared with a reference: cut from the reference, filled by any sketch.

m edges e0 < ... < e(m-1) make m + 1 cells: (-inf, e0], (e0, e1], ..., (e(m-1), inf). The first and the last lie outside
what the reference has seen.
"""

import numpy as np
from numpy.typing import ArrayLike

from driftline.sketch.arrays import BoolArray, FloatArray
from driftline.sketch.intervals import Intervals


def cut_bins(intervals: Intervals, limit: int = 32) -> FloatArray:
    """Edges of at most `limit` cells of about equal weight, [at most limit + 1], and of the two outside of them.

    Edges are edges of buckets, so that the reference itself fills the cells exactly. A bucket heavier than an equal
    share is a cell of its own; up to `limit` buckets all are. No edges from an empty bag.
    """
    bag = intervals.merge()
    if not len(bag):
        return np.zeros(0)
    ends, weight = _columns(bag)
    if len(ends) > limit:
        ends, weight = _joined(ends, weight, _cuts(weight, limit))
    while len(ends) > limit:
        lightest = int(np.argmin(weight[:-1] + weight[1:]))
        ends, weight = _joined(ends, weight, np.arange(len(ends)) != lightest)
    return np.append(bag.lower.min(), ends)


def _columns(bag: Intervals) -> tuple[FloatArray, FloatArray]:
    """Upper edges, ascending, and the weight that ends at each."""
    ends, at = np.unique(bag.upper, return_inverse=True)
    return ends, np.bincount(at, bag.weight, len(ends)).astype(np.float64)


def _cuts(weight: FloatArray, limit: int) -> BoolArray:
    """Whether a cell ends after each bucket: when the next equal share is full, and on both sides of a heavy bucket."""
    share = np.cumsum(weight) * (limit / weight.sum())
    heavy = weight * limit > weight.sum()
    full = np.diff(np.floor(share + 1e-9), prepend=0.0) > 0
    return np.asarray(full | heavy | np.append(heavy[1:], True))


def _joined(ends: FloatArray, weight: FloatArray, cuts: BoolArray) -> tuple[FloatArray, FloatArray]:
    last = np.flatnonzero(cuts)
    return ends[last], np.diff(np.cumsum(weight)[last], prepend=0.0)


def project(intervals: Intervals, edges: ArrayLike, guide: Intervals | None = None) -> FloatArray:
    """Weight of the rows in each of the m + 1 cells, [m + 1].

    A bucket over several cells is split in the proportion that `guide`, the reference, has there: right as long as
    nothing has changed, and the reference knows where its atoms are. By length where it has no rows.
    """
    e = np.asarray(edges, np.float64)
    first, last = np.searchsorted(e, intervals.lower, "right"), np.searchsorted(e, intervals.upper, "left")
    whole = (first == last) | (intervals.lower / 2 == intervals.upper / 2)  # too narrow to be cut
    cells = np.bincount(first[whole], intervals.weight[whole], len(e) + 1).astype(np.float64)
    if whole.all():
        return cells
    astride = Intervals(intervals.lower[~whole], intervals.upper[~whole], intervals.weight[~whole])
    return np.asarray(cells + astride.weight @ _shares(astride, e, guide))


def _shares(astride: Intervals, edges: FloatArray, guide: Intervals | None) -> FloatArray:
    """Share of each cell in each interval, [interval, m + 1]; every row adds up to 1."""
    pieces = _pieces(astride.lower / 2, astride.upper / 2, edges / 2)  # halves: lengths beyond the largest float
    if guide is not None and guide.total:
        mass = _pieces(guide.below(astride.lower), guide.below(astride.upper), guide.below(edges))
        known = mass.sum(axis=1, keepdims=True) > 1e-14 * guide.total  # less is rounding
        pieces = np.where(known, mass, pieces)
    return np.asarray(pieces / pieces.sum(axis=1, keepdims=True))


def _pieces(low: FloatArray, high: FloatArray, cuts: FloatArray) -> FloatArray:
    """Sizes of the pieces into which ascending cuts divide each stretch low..high, [stretch, cuts + 1]."""
    low, high = low[:, None], high[:, None]
    return np.diff(np.hstack([low, np.clip(cuts, low, high), high]), axis=1)
