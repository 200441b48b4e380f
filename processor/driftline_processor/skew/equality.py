"""Which rows are equal, but for what arithmetic in another order leaves."""

from typing import Final

import numpy as np

from driftline.sketch.arrays import BoolArray, FloatArray
from driftline_processor.skew.feature import FeaturePair

NOISE: Final = 1e-9
"""Relative difference of two computations of one number in float64."""

SINGLE_NOISE: Final = 5e-7
"""The same of two computations in float32: four times its resolution."""

_SMALLEST: Final = 1e-12
"""What is left of a difference of large numbers, as a share of the sizes in the column."""

_MICROSECONDS: Final = 2e-6
"""Seconds; times since 1970 as floats are no finer."""


def equal_rows(pair: FeaturePair, tolerance: float = 0.0) -> BoolArray:
    """Rows that are alike on both sides, or missing on both. [rows].

    Args:
        pair: Both sides.
        tolerance: Of the larger value, or of the median size in the column where that is more; of times in seconds.

    """
    both_missing = pair.served_missing & pair.recomputed_missing
    one_missing = pair.served_missing ^ pair.recomputed_missing
    if not pair.numeric:
        same = np.fromiter(
            (a == b for a, b in zip(pair.served.tolist(), pair.recomputed.tolist(), strict=True)),
            np.bool_,
            len(pair.served),
        )
        return np.asarray(both_missing | (same & ~one_missing), np.bool_)
    return np.asarray(both_missing | (~one_missing & _close(pair, tolerance)), np.bool_)


def _close(pair: FeaturePair, tolerance: float) -> BoolArray:
    x, y = pair.served, pair.recomputed
    with np.errstate(invalid="ignore"):
        apart = np.abs(x - y)
        if pair.is_time:
            return np.asarray((x == y) | (apart <= max(_MICROSECONDS, tolerance)), np.bool_)
        sizes = np.maximum(np.abs(x), np.abs(y))
        finite = np.abs(y[np.isfinite(y)])
        usual = float(np.median(finite)) if len(finite) else 0.0
        whole = (x == np.trunc(x)) & (y == np.trunc(y))  # noise does not lead from one whole number to another
        near = ~whole & (apart <= _noise(x, y) * sizes + _SMALLEST * usual)
        for text, number, is_text in ((x, y, pair.written[0]), (y, x, pair.written[1])):
            if is_text:
                near |= _is_single(text, number)
        tolerated = apart <= tolerance * np.maximum(sizes, usual) if tolerance else False
        return np.asarray((x == y) | near | tolerated, np.bool_)


def _is_single(text: FloatArray, number: FloatArray) -> BoolArray:
    """A float32, and how it is written: 0.1 is 0.10000000149011612."""
    single = text.astype(np.float32)
    return np.asarray((single.astype(np.float64) == number) & (single.astype("U").astype(np.float64) == text), np.bool_)


def _noise(x: FloatArray, y: FloatArray) -> float:
    """That of float32 where both sides hold nothing finer."""
    broken = [each[np.isfinite(each) & (each != np.trunc(each))] for each in (x, y)]
    single = all(len(each) and (each.astype(np.float32) == each).all() for each in broken)
    return SINGLE_NOISE if single else NOISE
