"""Numbers as people read them."""

from math import floor, log10

import numpy as np

from driftline.sketch.arrays import FloatArray

SAME_VALUE = 1e-15
"""Edges nearer than this share of their size enclose one value: 9.95, and not 9.949999999999998."""

MOST_DIGITS = 16
"""Significant digits that may still be fewer than all of them."""


UNITS_FROM = 1e6
"""Numbers from this size on are told to the unit: an epoch, or rows."""

NAMED_WHOLE = 1e19
"""Whole numbers below it are told with all of their digits: times in nanoseconds are."""

TINY = 1e-300
"""What is nearer to nothing is an edge beside 0."""


NO_SHARE = 1e-12
"""Less of all rows is what arithmetic leaves over."""


def percent(share: float, digits: int = 2) -> str:
    """A share with so many significant digits; more before the point."""
    points = 100.0 * share if abs(share) >= NO_SHARE else 0.0
    decimals = max(digits - 1 - floor(log10(abs(points))), 0) if points else 0
    text = f"{points:.{decimals}f}"
    return f"{text.rstrip('0').rstrip('.') if decimals else text}%"


def percents(*shares: float) -> tuple[str, ...]:
    """Several shares, with the digits that tell those apart that differ."""
    texts: tuple[str, ...] = ()
    for digits in range(2, MOST_DIGITS):
        texts = tuple(percent(share, digits) for share in shares)
        if len(set(texts)) == len(set(shares)):
            break
    return texts


def number(value: float, digits: int) -> str:
    """So many significant digits, without an exponent where the number is of an everyday size. 0: all digits."""
    size = abs(value)
    if size < TINY:
        return "0"
    if size < NAMED_WHOLE and value.is_integer() and (not digits or size >= UNITS_FROM):
        return str(int(value))
    if not digits:
        return repr(value)
    if not 1e-4 <= size < NAMED_WHOLE:
        return f"{value:.{digits}g}"
    if size >= UNITS_FROM:
        digits = max(digits, floor(log10(size)) + 1)
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
