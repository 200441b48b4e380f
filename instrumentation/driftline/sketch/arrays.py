"""Array types, and read-only arrays for records."""

from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

BoolArray: TypeAlias = NDArray[np.bool_]
FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]

T = TypeVar("T", bound=np.generic)


def frozen(values: ArrayLike, dtype: type[T]) -> NDArray[T]:
    """A read-only view of the values as `dtype`; the caller's array is unchanged."""
    view: NDArray[Any] = np.asarray(values, dtype).view()
    view.flags.writeable = False
    return view


def run_starts(ascending: NDArray[Any]) -> IntArray:
    """Start of each run of equal numbers in a non-empty array."""
    new = np.ones(len(ascending), np.bool_)
    np.not_equal(ascending[1:], ascending[:-1], out=new[1:])
    return new.nonzero()[0]
