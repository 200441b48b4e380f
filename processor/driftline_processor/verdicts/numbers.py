"""Numbers as people read them."""

import numpy as np

from driftline.sketch.arrays import FloatArray

SAME_VALUE = 1e-15
"""Edges nearer than this share of their size enclose one value: 9.95, and not 9.949999999999998."""

MOST_DIGITS = 16
"""Significant digits that may still be fewer than all of them."""


def percent(share: float) -> str:
    """A share with two significant digits."""
    points = 100.0 * share
    return f"{points:.0f} %" if points >= 9.95 or points == 0.0 else f"{points:.2g} %"


def number(value: float, digits: int) -> str:
    """So many significant digits, without an exponent where the number is of an everyday size. 0: all digits."""
    if not digits:
        return repr(value)
    if value and not 1e-4 <= abs(value) < 1e15:
        return f"{value:.{digits}g}"
    return np.format_float_positional(value, precision=digits, unique=False, fractional=False, trim="-")


def number_range(low: float, high: float) -> str:
    """A range; one number where both ends look alike."""
    ends = number(low, 4), number(high, 4)
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"


def distinct_digits(edges: FloatArray, at: int) -> int:
    """The significant digits that tell an edge from its neighbours; 0: all of them."""
    value = float(edges[at])
    beside = [float(edges[i]) for i in (at - 1, at + 1) if 0 <= i < len(edges)]
    near = [other for other in beside if abs(other - value) > SAME_VALUE * abs(value)]
    for digits in range(3, MOST_DIGITS + 1):
        if number(value, digits) not in {number(other, digits) for other in near}:
            return digits
    return 0
