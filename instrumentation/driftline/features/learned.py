"""Whether two models have learned the same: what copies of one model share, and two models of one class do not."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_MOST: Final = 2_000
"""Values that are compared, of which an array is one."""

_DEEPEST: Final = 12
_FIRST: Final = 3
"""Members of a sequence that are compared: two forests differ in their first tree."""

_ELEMENTS: Final = 1_000_000
"""Elements of an array that are compared."""

_PLAIN: Final = (bool, int, float, str, bytes, type(None), np.generic)


def learned_alike(one: Any, other: Any) -> bool:
    """Whether no difference was found between the states of two objects. What cannot be compared is taken as equal."""
    return _Comparison().alike(one, other, _DEEPEST)


class _Comparison:
    def __init__(self) -> None:
        self._left = _MOST
        self._compare: tuple[tuple[Any, Callable[[Any, Any, int], bool]], ...] = (
            (np.ndarray, self._arrays),
            (Mapping, self._mappings),
            ((list, tuple), self._sequences),
        )

    def alike(self, one: Any, other: Any, depth: int) -> bool:
        self._left -= 1
        if one is other or depth <= 0 or self._left <= 0:
            return True
        if type(one) is not type(other):
            return False
        if isinstance(one, _PLAIN):
            return bool(one == other) or bool(one != one)  # noqa: PLR0124  (NaN alone differs from itself)
        compare = next((compare for kind, compare in self._compare if isinstance(one, kind)), None)
        return compare(one, other, depth) if compare else self._mappings(_state(one), _state(other), depth)

    def _arrays(self, one: NDArray[Any], other: NDArray[Any], depth: int) -> bool:
        if one.shape != other.shape or one.dtype != other.dtype:
            return False
        if one.dtype.names:  # field by field: what is between them may be anything
            return all(self._arrays(one[name], other[name], depth) for name in one.dtype.names)
        one, other = one.ravel()[:_ELEMENTS], other.ravel()[:_ELEMENTS]
        if one.dtype.kind == "O":
            return self._sequences(one.tolist(), other.tolist(), depth)
        return bool(np.array_equal(one, other, equal_nan=one.dtype.kind in "fc"))

    def _mappings(self, one: Mapping[Any, Any], other: Mapping[Any, Any], depth: int) -> bool:
        return one.keys() == other.keys() and all(self.alike(one[key], other[key], depth - 1) for key in one)

    def _sequences(self, one: Sequence[Any], other: Sequence[Any], depth: int) -> bool:
        if len(one) != len(other):
            return False
        pairs = list(zip(one, other, strict=True))
        return all(self.alike(*pair, depth - 1) for pair in (*pairs[:_FIRST], *pairs[-1:]))


def _state(thing: Any) -> Mapping[Any, Any]:
    """What an object would be copied with; nothing where that is not known."""
    if hasattr(thing, "__dict__") and not hasattr(type(thing), "__getstate__"):
        attributes: dict[str, Any] = vars(thing)
        return attributes
    reduced = thing.__reduce_ex__(2)
    state = reduced[2] if isinstance(reduced, tuple) and len(reduced) > 2 else None
    return state if isinstance(state, Mapping) else {"state": state}
