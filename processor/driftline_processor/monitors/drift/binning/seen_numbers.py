"""Where the training data had numbers: what lies beyond is a value never seen."""

import numpy as np

from driftline.sketch import Intervals

MARGIN = 0.2
"""Numbers this near to a seen one are not new, as a share of the range that holds the middle 98% of the training
data: the far end of a season, or of a slow wave, goes a little beyond what any sample of it has seen."""


class SeenNumbers:
    """Where the training data had values: disjoint stretches, each a margin wider than what was seen."""

    def __init__(self, seen: Intervals) -> None:
        low, high = seen.quantiles((0.01, 0.99)) if seen.total else (0.0, 0.0)
        self.margin = MARGIN * (high - low)
        order = np.argsort(seen.lower, kind="stable")
        lower = seen.lower[order] - self.margin
        upper = np.maximum.accumulate(seen.upper[order] + self.margin)
        first = np.ones(len(lower), bool)
        first[1:] = lower[1:] > upper[:-1]
        self.starts = lower[first]
        self.ends = upper[np.append(first[1:], True)] if len(upper) else upper

    def beyond(self, values: Intervals) -> Intervals:
        """What surely lies outside: intervals that touch nothing seen."""
        last = np.searchsorted(self.starts, values.upper, "left") - 1  # the last stretch that begins below the end
        new = (last < 0) | (self.ends[np.maximum(last, 0)] <= values.lower) if len(self.ends) else values.weight > 0.0
        return Intervals(values.lower[new], values.upper[new], values.weight[new])
