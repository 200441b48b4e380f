"""Projections of embeddings on fixed directions: what finds a change of direction that leaves every mean alone."""

from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

DIRECTIONS: Final = 16


def project(table: NDArray[Any]) -> NDArray[Any]:
    """[rows, width] on DIRECTIONS: [rows, DIRECTIONS]."""
    projected: NDArray[Any] = table @ directions(table.shape[1])
    return projected


@lru_cache(maxsize=16)
def directions(width: int) -> NDArray[np.float32]:
    """[width, DIRECTIONS] of ±1/√width: as good as Gaussian ones (Achlioptas 2003, Database-friendly projections).

    The width alone decides them, in any process and with any version of numpy: training and serving agree.
    """
    count = np.arange(width * DIRECTIONS, dtype=np.uint64) + np.uint64(width << 32)
    signs = (_scrambled(count) >> np.uint64(63)).astype(np.float32) * 2 - 1
    scaled: NDArray[np.float32] = signs / np.float32(np.sqrt(width))
    return scaled.reshape(width, DIRECTIONS)


def _scrambled(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64 (Steele, Lea and Flood 2014): a bijection whose results look random."""
    z = (numbers + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))
