"""Projects embeddings onto fixed random directions, which detects rotations that leave every mean unchanged."""

from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftline.sketch.splitmix import splitmix64

DIRECTIONS: Final = 16


def random_projection(table: NDArray[Any]) -> NDArray[Any]:
    """Project [rows, width] to [rows, DIRECTIONS]."""
    projected: NDArray[Any] = table @ directions(table.shape[1])
    return projected


@lru_cache(maxsize=16)
def directions(width: int) -> NDArray[np.float32]:
    """[width, DIRECTIONS] of ±1/√width, equivalent to Gaussian ones (Achlioptas 2003, Database-friendly projections).

    They depend on the width alone, in any process and with any numpy version, so training and serving agree.
    """
    count = np.arange(width * DIRECTIONS, dtype=np.uint64) + np.uint64(width << 32)
    signs = (splitmix64(count) >> np.uint64(63)).astype(np.float32) * 2 - 1
    scaled: NDArray[np.float32] = signs / np.float32(np.sqrt(width))
    return scaled.reshape(width, DIRECTIONS)
