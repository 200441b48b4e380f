"""What an unequal feature is looked at by, and what an explanation says."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftline.sketch.arrays import BoolArray, FloatArray, IntArray
from driftline_processor.skew.feature import FeaturePair

FACTOR: Final = "factor"
OFFSET: Final = "offset"
SWAPPED: Final = "swapped"
STALE: Final = "stale"
DEFAULT: Final = "default"
ROUNDED: Final = "rounded"
CLIPPED: Final = "clipped"
ENCODING: Final = "encoding"
TIMEZONE: Final = "timezone"
TYPE: Final = "type"
OTHER: Final = "other"

FEWEST: Final = 3
"""Unequal rows that an explanation needs."""

EXACT: Final = 1e-6
"""Relative error of a value that a formula explains: float32 on one side is finer."""


class UnequalFeature(NamedTuple):
    """A feature with unequal rows. whole: all joined rows. unequal: those that differ, or a sample of them.

    rows: [unequal], their numbers among the joined rows.
    """

    name: str
    whole: FeaturePair
    unequal: FeaturePair
    rows: IntArray


class Explanation(NamedTuple):
    """explained: [unequal rows], those whose served value follows from the explanation. detail: JSON values."""

    kind: str
    detail: Mapping[str, Any]
    explained: BoolArray

    @property
    def coverage(self) -> float:
        return float(self.explained.mean()) if len(self.explained) else 0.0


def nearly(x: FloatArray, expected: FloatArray, usual: float = 0.0) -> BoolArray:
    """Whether values are what a formula says. usual: size of the values that it subtracts."""
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(np.abs(x - expected) <= EXACT * np.abs(expected) + 1e-9 * usual, np.bool_)


def most_frequent(values: NDArray[Any]) -> tuple[Any, BoolArray]:
    """The most frequent value of a non-empty array, and where it is. [n]."""
    found, places, counts = np.unique(
        values.astype(str) if values.dtype == object else values, return_inverse=True, return_counts=True
    )
    most = int(counts.argmax())
    there = places.reshape(-1) == most
    return (values[there.argmax()] if values.dtype == object else float(found[most])), np.asarray(there, np.bool_)


def excess(hits: BoolArray, chance: float) -> float:
    """How far more rows agree than by chance: n times the Kullback-Leibler divergence, 0 where fewer do.

    By Chernoff's bound the probability of as many hits is at most exp(-excess).
    """
    rate, size = float(hits.mean()) if len(hits) else 0.0, len(hits)
    p = min(max(chance, 0.5 / max(size, 1)), 1.0 - 1e-9)
    if rate <= p:
        return 0.0
    misses = (1.0 - rate) * np.log((1.0 - rate) / (1.0 - p)) if rate < 1.0 else 0.0
    return float(size * (rate * np.log(rate / p) + misses))
