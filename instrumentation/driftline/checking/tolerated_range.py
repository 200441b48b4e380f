"""The range of a numeric column that healthy rows leave next to never, from its training sketch.

Minimum and maximum as they are would refuse about 2/(rows + 1) of the healthy rows for each column: the next extreme
value is only a matter of time. So each tail is extrapolated by the generalised Pareto distribution of the excesses over
a high threshold (Pickands 1975, Annals of Statistics 3:119), whose mean excess is linear in the threshold (Davison and
Smith 1990, JRSS B 52:393): the slope gives the shape, the level gives the scale.
"""

import math
from typing import Final, NamedTuple

import numpy as np

from driftline.reference.profile_column import ProfileColumn
from driftline.sketch.arrays import FloatArray

TAIL: Final = 0.1
"""Share of the rows that a tail is estimated from."""

_FEWEST: Final = 25
"""Rows in a tail, or in the upper tenth of it, to tell its shape."""

_HEAVIEST: Final = 0.9
"""Greatest shape: from 1 on, there is no mean excess."""

_SURE: Final = 10.0
"""Rows that would lie beyond the end of the range if it were none, see `is_bounded`."""

_STEEPER: Final = 1.5
"""How many times as many rows as the stretch before it the last one of a natural bound has."""

_ROUNDING: Final = 2.0**-10
"""Relative slack at both ends, for values that a server rounds to 16 bits."""


class Range(NamedTuple):
    """Both ends belong to it."""

    low: float
    high: float


def tolerated_range(column: ProfileColumn, share: float) -> Range | None:
    """The range that at most about a `share` of healthy rows leaves at either end.

    Args:
        column: of the training data.
        share: of the rows, at each end, far below one of the training rows.

    Returns:
        A range that holds all training rows; None for a column without numbers.

    """
    found = column.range
    if found is None or column.numbers is None:
        return None
    seen = column.numbers.intervals()
    low, high = found
    lower, upper = np.clip(seen.lower, low, high), np.clip(seen.upper, low, high)
    top = _end(_Tail(lower, upper, seen.weight), share)
    if low == 0.0:
        bottom = 0.0  # of quantities
    elif low > 0.0:
        # Sizes are compared by their ratio: a bound on a linear scale would soon be below zero. There an exponential
        # tail is a power law, and nothing near zero is heavier.
        bottom = math.exp(-_end(_Tail(-np.log(upper), -np.log(lower), seen.weight), share, heavy=False))
    else:
        bottom = -_end(_Tail(-upper, -lower, seen.weight), share)
    return Range(bottom - abs(bottom) * _ROUNDING, top + abs(top) * _ROUNDING)


class _Tail:
    """The upper tail of rows in the intervals (lower, upper], each [n]."""

    def __init__(self, lower: FloatArray, upper: FloatArray, weight: FloatArray) -> None:
        order = np.lexsort((lower, upper))
        self.lower, self.upper, self.weight = lower[order], upper[order], weight[order]
        self.rows = float(weight.sum())
        self.greatest = float(upper.max())

    def is_bounded(self) -> bool:
        """Whether the range ends at a value of its own right, such as 1 of a flag or 100 of a percentage.

        That value repeats. Were it a count, the share of the next greater one would be some share² / 2, as of a Poisson
        distribution, and training would have seen it.
        """
        last = self.upper >= self.greatest
        rows = float(self.weight[last].sum())
        width = self.greatest - float(self.lower[last].min())
        before = (self.upper > self.greatest - 2.0 * width) & ~last
        fewer = float(self.weight[before].sum())
        clearly = rows >= _STEEPER * fewer and rows - fewer >= 4.0 * math.sqrt(rows + fewer)
        return clearly and rows**2 / self.rows >= _SURE

    def threshold(self, share: float) -> float:
        """The least end of an interval that at most a `share` of the rows exceeds."""
        above = self.rows - np.cumsum(self.weight)
        return float(self.upper[int(np.argmax(above <= share * self.rows))])

    def excesses(self, threshold: float) -> tuple[float, float]:
        """The rows beyond a threshold, and how far they are beyond it in the mean."""
        beyond = self.upper > threshold
        rows = float(self.weight[beyond].sum())
        return rows, float((self.upper[beyond] - threshold) @ self.weight[beyond]) / rows if rows else 0.0


def _end(tail: _Tail, share: float, *, heavy: bool = True) -> float:
    """The value that a `share` of the rows exceeds, at least the greatest one. heavy: the tail may be a power law."""
    if tail.is_bounded():
        return tail.greatest
    threshold = tail.threshold(TAIL)
    exceeding, excess = tail.excesses(threshold)
    if not exceeding:
        return tail.greatest
    shape = _shape(tail, threshold, exceeding, excess) if heavy else 0.0
    scale = excess * (1.0 - shape) * (1.0 + 2.0 / math.sqrt(exceeding))  # its standard error: 1/sqrt(rows)
    ratio = exceeding / tail.rows / share
    reach = scale * (math.log(ratio) if shape == 0.0 else (ratio**shape - 1.0) / shape)
    return max(tail.greatest, threshold + reach)


def _shape(tail: _Tail, threshold: float, exceeding: float, excess: float) -> float:
    """Shape of the tail and its standard error: 0 for one that falls as fast as an exponential or faster."""
    farther = tail.threshold(TAIL * exceeding / tail.rows)
    rows, far_excess = tail.excesses(farther)
    if rows < _FEWEST or farther <= threshold:
        return 1.0 / math.sqrt(exceeding)
    slope = (far_excess - excess) / (farther - threshold)
    shape = max(slope / (1.0 + slope), 0.0)
    return min(shape + (1.0 + shape) / math.sqrt(exceeding), _HEAVIEST)
