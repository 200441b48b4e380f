"""Rare events: what has more than doubled, or halved, beyond any doubt.

A tolerance in points of share cannot see that a category of 3 % has gone, or that missing rows have come up to 5 %. Of
events that are rare in training half of the tolerance is enough, where the likelihood ratio proves that the share is
more than twice, or less than half, what it was: at the level of the false-alarm budget, as for the tolerance itself.
"""

from typing import Final

import numpy as np

from driftline.sketch.arrays import BoolArray, FloatArray
from driftline_processor.monitors.drift.detection.baseline import Baseline
from driftline_processor.monitors.drift.detection.significance import signed_root

RARE: Final = 0.1
"""The largest share, of an event or of all but it, that is judged by its ratio as well."""

RATIO: Final = 2.0

PART: Final = 0.5
"""Of the tolerance: what such an event has to move by at least."""


def may_be_tolerated(baseline: Baseline) -> FloatArray:
    """The least tolerance that an event may have, [events]."""
    return np.where(_is_rare(baseline), PART * baseline.tolerance, baseline.tolerance)


def multiplied(baseline: Baseline, x: FloatArray, n: FloatArray, limit: FloatArray, seen: BoolArray) -> BoolArray:
    """Events whose share has surely more than doubled or halved, [..., events].

    seen: those that are looked at. limit: what |z| by sampling has to exceed.
    """
    found = np.zeros(x.shape, bool)
    rare = np.nonzero(seen & _is_rare(baseline))
    events = rare[-1]
    x, n, p, N = x[rare], n[rare], baseline.shares[events], baseline.by_event[events]
    few, others = np.where(p > 0.5, n - x, x), np.minimum(p, 1.0 - p)
    near = np.where(few > others * n, RATIO * others, others / RATIO)
    beyond = np.where(few > others * n, few > near * n, few < near * n)
    z = signed_root(few, n, near * N, N) / np.sqrt(baseline.daily_inflation[events])
    found[rare] = beyond & (z > limit[rare])
    return found


def _is_rare(baseline: Baseline) -> BoolArray:
    p = baseline.shares
    return (np.minimum(p, 1.0 - p) < RARE) & ~baseline.by_ranks & ~baseline.unseen
