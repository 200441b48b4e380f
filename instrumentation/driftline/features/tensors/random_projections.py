"""Projections of embeddings on fixed directions: what finds a change of direction that leaves every mean alone."""

from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftline.sketch.splitmix import splitmix64

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
    signs = (splitmix64(count) >> np.uint64(63)).astype(np.float32) * 2 - 1
    scaled: NDArray[np.float32] = signs / np.float32(np.sqrt(width))
    return scaled.reshape(width, DIRECTIONS)
