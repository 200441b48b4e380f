"""Some values of each row of a large input: a strided grid, so that what is copied does not grow with the input."""

import itertools
import math
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST_VALUES: Final = 4096
"""Values of a row up to which all are taken; of a longer one between a third of it and as many."""

WIDEST: Final = 2**16
"""Values of a row of two dimensions that are all copied: logits of a vocabulary, some seconds of sound."""

_turns: Final = itertools.count()


class Grid(NamedTuple):
    """Every `step`-th of the values of a row, from `offset` on. shape: of a row, its values in C order."""

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
    """The grid for rows of a shape. It begins elsewhere each time, so that in the long run no value is left out."""
    step = _step(shape)
    return Grid(shape, step, next(_turns) * 7 % step if step > 1 else 0)


@lru_cache(maxsize=256)
def _step(shape: tuple[int, ...]) -> int:
    """Coprime to eight, so that codecs' blocks are not met at one place, and to every side, so that each is visited."""
    size = math.prod(shape)
    if size <= MOST_VALUES:
        return 1
    step = -(-size // MOST_VALUES) | 1
    while any(math.gcd(step, side) > 1 for side in (8, *shape)) and step < size:
        step += 2
    return step


def in_memory_order(array: NDArray[Any]) -> NDArray[Any]:
    """Images whose channels lie innermost in memory, as [rows, height, width, channels]: a grid is a view of them."""
    if array.ndim == 4 and not array.flags.c_contiguous:
        turned = np.moveaxis(array, 1, -1)
        if turned.flags.c_contiguous:
            return turned
    return array


def sample(array: NDArray[Any], grid: Grid) -> NDArray[Any]:
    """[rows, grid.values] of array[rows, *grid.shape]; a view where its memory allows."""
    if array.flags.c_contiguous:
        return array.reshape(len(array), math.prod(grid.shape))[:, grid.positions]
    taken = np.arange(grid.values) * grid.step + grid.offset
    places: Any = (slice(None), *np.unravel_index(taken, grid.shape))
    picked: NDArray[Any] = array[places]
    return picked
