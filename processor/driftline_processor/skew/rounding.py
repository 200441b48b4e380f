"""Values that one side has with fewer digits."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from driftline.sketch.arrays import BoolArray, FloatArray
from driftline_processor.skew.explanation import FEWEST, ROUNDED, Explanation, UnequalFeature

_DECIMALS: Final = range(-3, 9)
_SIGNIFICANT: Final = range(2, 10)

_ALIKE: Final = 1e-12
_ENOUGH: Final = 0.8

_PRECISIONS: Final = (("float32", np.float32, 2.0**-19), ("float16", np.float16, 2.0**-8))
"""Types, and how far arithmetic in them may lead from the exact value: a few times their resolution."""


def explain_rounding(feature: UnequalFeature) -> Explanation | None:
    """Fewer decimals or significant digits, or a shorter type, on either side; the best of both."""
    if not feature.unequal.numeric or feature.unequal.is_time:
        return None
    found: list[Explanation] = []
    for side, pair in (("served", feature.unequal), ("recomputed", feature.unequal.swapped())):
        used = pair.both
        x, y = pair.served[used], pair.recomputed[used]
        if len(x) < FEWEST or len(np.unique(y)) < FEWEST:
            continue
        hit = next(((detail, hits) for detail, hits in _candidates(x, y) if hits.mean() >= _ENOUGH), None)
        if hit is not None:
            explained = np.zeros(len(used), np.bool_)
            explained[used] = hit[1]
            found.append(Explanation(ROUNDED, {**hit[0], "side": side}, explained))
    return max(found, key=lambda each: each.coverage, default=None)


def _candidates(x: FloatArray, y: FloatArray) -> Iterator[tuple[dict[str, Any], BoolArray]]:
    """Ways of making x of y, the coarsest first."""
    for decimals in _DECIMALS:
        step = 10.0**-decimals
        on_grid = np.abs(x - np.round(x, decimals)) <= _ALIKE * np.maximum(np.abs(x), step)
        if on_grid.mean() < _ENOUGH or np.mean(np.round(y, decimals) != y) < _ENOUGH:
            continue
        for how, hits in _ways(x, y, step):
            yield {"decimals": decimals, "how": how}, on_grid & hits
    for digits in _SIGNIFICANT:
        rounded = _significant(y, digits)
        yield {"digits": digits}, np.abs(x - rounded) <= _ALIKE * np.abs(rounded)
    for name, dtype, apart in _PRECISIONS:
        yield {"precision": name}, _of_type(x, y, dtype, apart)


def _ways(x: FloatArray, y: FloatArray, step: float) -> Iterator[tuple[str, BoolArray]]:
    off = (x - y) / step
    slack = 1e-6
    yield "nearest", np.abs(off) <= 0.5 + slack
    if len(np.unique(x)) >= FEWEST:
        yield "down", (off <= slack) & (off > -1.0 - slack)
        yield "up", (off >= -slack) & (off < 1.0 + slack)
        yield "towards 0", (np.abs(off) < 1.0 + slack) & (np.abs(x) <= np.abs(y) + slack * step)


def _of_type(x: FloatArray, y: FloatArray, dtype: type[Any], apart: float) -> BoolArray:
    """X is of the type, y is not, and they are as near as the type tells."""
    with np.errstate(over="ignore"):
        held = np.asarray(x).astype(dtype).astype(np.float64) == x
        finer = np.asarray(y).astype(dtype).astype(np.float64) != y
    usual = float(np.median(np.abs(y)))
    return np.asarray(held & finer & (np.abs(x - y) <= apart * np.maximum(np.abs(y), 1e-3 * usual)), np.bool_)


def _significant(y: FloatArray, digits: int) -> FloatArray:
    with np.errstate(divide="ignore"):
        exponents = np.where(y == 0.0, 0.0, np.floor(np.log10(np.abs(y))))
    scale = 10.0 ** (digits - 1 - exponents)
    return np.asarray(np.round(y * scale) / scale, np.float64)
