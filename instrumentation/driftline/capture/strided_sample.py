"""Samples large rows on a strided grid, so that the cost of a copy does not grow with the input."""

import itertools
import math
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST_VALUES: Final = 4096
"""Rows of up to this many values are copied whole; of longer ones, between a third of this and this many values."""

WIDEST: Final = 2**16
"""Rows of a two-dimensional array are copied whole up to this width: logits of a vocabulary, seconds of audio."""

_turns: Final = itertools.count()


class Grid(NamedTuple):
    """Every `step`-th value of a row from `offset` on. shape: of a row, its values in C order."""

    shape: tuple[int, ...]
    step: int
    offset: int

    @property
    def values(self) -> int:
        return math.prod(self.shape) // self.step

    @property
    def positions(self) -> slice:
        return slice(self.offset, self.offset + self.step * self.values, self.step)

    @property
    def sampled(self) -> bool:
        return self.step > 1


def next_grid(shape: tuple[int, ...]) -> Grid:
    """A grid for rows of a shape. Its offset changes from call to call, so that over time every value is sampled."""
    step = _step(shape)
    return Grid(shape, step, next(_turns) * 7 % step if step > 1 else 0)


@lru_cache(maxsize=256)
def _step(shape: tuple[int, ...]) -> int:
    """Coprime to 8, so as not to alias with the blocks of image codecs, and to every side, so as to reach all of it."""
    size = math.prod(shape)
    if size <= MOST_VALUES:
        return 1
    step = -(-size // MOST_VALUES) | 1
    while any(math.gcd(step, side) > 1 for side in (8, *shape)) and step < size:
        step += 2
    return step


def in_memory_order(array: NDArray[Any]) -> NDArray[Any]:
    """View images with channels innermost in memory as [rows, height, width, channels], so that a grid is a view."""
    if array.ndim == 4 and not array.flags.c_contiguous:
        turned = np.moveaxis(array, 1, -1)
        if turned.flags.c_contiguous:
            return turned
    return array


def sample(array: NDArray[Any], grid: Grid) -> NDArray[Any]:
    """The grid's values, [rows, grid.values], of array[rows, *grid.shape]; a view if the memory layout allows."""
    if array.flags.c_contiguous:
        return array.reshape(len(array), math.prod(grid.shape))[:, grid.positions]
    taken = np.arange(grid.values) * grid.step + grid.offset
    places: Any = (slice(None), *np.unravel_index(taken, grid.shape))
    picked: NDArray[Any] = array[places]
    return picked
