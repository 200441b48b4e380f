"""How many decimals numbers have: what a pipeline that rounds, or no longer does, changes in every value.

A number has d decimals if it is the float nearest to one: 9.95 has two, also as 9.949999809, which is that in float32.
Where the type is too coarse to tell d decimals at the size of the number, it has d or more. 0 has as many as any.
"""

from itertools import count
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftline.sketch.arrays import BoolArray, FloatArray, IntArray
from driftline.sketch.splitmix import splitmix64

MORE: Final = "6+"
EXACT: Final = ("-3", "-2", "-1", "0", "1", "2", "3", "4", "5", MORE)
"""Decimals of a number; fewer than none are its trailing zeros, three or more of them."""

AT_LEAST: Final = ("1+", "2+", "3+", "4+", "5+")
"""At least so many; the type of the values is too coarse to tell."""

LEVELS: Final = (*EXACT, *AT_LEAST)

ROOM: Final = 1024
"""Rows between two collections that are looked at: the first ones, and a sample of a block that is too long."""

_WHOLE: Final = LEVELS.index("0")
_TENS: Final = np.array([10.0, 100.0, 1000.0])
_POWERS: Final = (1e1, 1e2, 1e3, 1e4, 1e5)

_CHANCE: Final = 0.01
"""Spacing of a type at a number, in units of a decimal, up to which that decimal is not met by chance."""

_TYPES: Final = ((np.float32, 24), (np.float16, 11))
"""Coarser types than float64, and their significant bits."""

_SLACK: Final = 4.0
"""Units of rounding by which a number in float64 may be off: sums and products of decimals are."""


class DecimalCounter:
    """Counts numbers by their decimals. For one thread at a time."""

    def __init__(self) -> None:
        self._counts = np.zeros(len(LEVELS), np.int64)
        self._waiting: list[NDArray[Any]] = []
        self._room = ROOM
        self._drawn = count()

    def add(self, values: NDArray[Any]) -> None:
        """Add numbers, [n] float64 or float32, which may change later."""
        if not self._room:
            return
        taken = values[sampled(len(values), self._room, next(self._drawn))] if len(values) > self._room else values
        self._waiting.append(np.array(taken))
        self._room -= len(taken)

    def counts(self) -> dict[str, int]:
        """Rows by level so far; of as many rows as are looked at until the next call."""
        for kind in {values.dtype for values in self._waiting}:
            joined = np.concatenate([values for values in self._waiting if values.dtype == kind])
            self._counts += count_decimals(joined)
        self._waiting, self._room = [], ROOM
        return dict(zip(LEVELS, self._counts.tolist(), strict=True))


def sampled(rows: int, most: int, draw: int) -> IntArray:
    """So many random rows, with replacement; always the same ones in the same draw."""
    numbers = splitmix64(np.arange(draw * most, (draw + 1) * most, dtype=np.uint64))
    return np.asarray(numbers % np.uint64(rows), np.int64)


def count_decimals(values: NDArray[Any]) -> IntArray:
    """Rows by level, [LEVELS]; without those that tell none."""
    found = decimals(values)
    return np.asarray(np.bincount(found[found >= 0], minlength=len(LEVELS)), np.int64)


def decimal_rows(values: FloatArray, weights: FloatArray) -> dict[str, float]:
    """Weights of rows by level, of those that occur."""
    found = decimals(values)
    rows = np.bincount(found[found >= 0], weights[found >= 0], len(LEVELS)).tolist()
    return {level: each for level, each in zip(LEVELS, rows, strict=True) if each}


def decimals(values: NDArray[Any]) -> IntArray:
    """The level of each number, by its place in LEVELS; -1 for 0, missing and infinite ones, and those too large.

    >>> [LEVELS[level] for level in decimals(np.array([9.95, 4.0, 1200.0, np.pi])).tolist()]
    ['2', '0', '-2', '6+']
    """
    x = np.asarray(values, np.float64)
    size = np.abs(x)
    finite = np.isfinite(x)
    whole = finite & (x == np.rint(x))
    fractional = finite & ~whole
    bits = _significant_bits(values.dtype, x[fractional])
    found = np.full(len(x), -1, np.int64)
    sure = whole & (size > 0.0) & (size <= _CHANCE * 2.0**bits)
    found[sure] = _WHOLE - _trailing_zeros(x[sure])
    found[fractional] = _of_fractions(size[fractional], bits)
    return found


def _significant_bits(dtype: np.dtype[Any], fractions: FloatArray) -> int:
    """Of the coarsest type that holds all of these, whatever the type of their array."""
    bits = next((known for kind, known in _TYPES if dtype == kind), 53)
    for kind, known in _TYPES if len(fractions) else ():
        with np.errstate(over="ignore", under="ignore"):
            if (fractions.astype(kind).astype(np.float64) == fractions).all():
                bits = min(bits, known)
    return bits


def _trailing_zeros(x: FloatArray) -> IntArray:
    parts = x[:, None] / _TENS
    return np.asarray((parts == np.rint(parts)).sum(axis=1), np.int64)


def _of_fractions(size: FloatArray, bits: int) -> IntArray:
    """By the most decimals first: what has more has more than any, and most columns do."""
    error = (_SLACK if bits > _TYPES[0][1] else 1.001) * 2.0**-bits
    resolved = [_CHANCE * 2.0**bits / power for power in _POWERS]
    unknown = size > resolved[-1]
    found = np.full(len(size), LEVELS.index(MORE))
    found[unknown] = len(EXACT) + (size[unknown, None] <= resolved).sum(axis=1)
    left = np.flatnonzero(unknown | _fits(size, _POWERS[-1], error))
    for level, (power, most) in enumerate(zip(_POWERS, resolved, strict=True), _WHOLE + 1):
        if not len(left):
            break
        fits = _fits(size[left], power, error) & (size[left] <= most)
        found[left[fits]] = level
        left = left[~fits]
    return found


def _fits(size: FloatArray, power: float, error: float) -> BoolArray:
    return np.asarray(np.abs(np.rint(size * power) / power - size) <= error * size)
