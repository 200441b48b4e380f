"""The arrays that records of this package hold."""

from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

BoolArray: TypeAlias = NDArray[np.bool_]
FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]

T = TypeVar("T", bound=np.generic)


def frozen(values: ArrayLike, dtype: type[T]) -> NDArray[T]:
    """A read-only view of the values as `dtype`; what the caller holds stays as it is."""
    view: NDArray[Any] = np.asarray(values, dtype).view()
    view.flags.writeable = False
    return view


def run_starts(ascending: NDArray[Any]) -> IntArray:
    """Where each run of equal numbers starts; there is one number at least."""
    new = np.ones(len(ascending), np.bool_)
    np.not_equal(ascending[1:], ascending[:-1], out=new[1:])
    return new.nonzero()[0]
