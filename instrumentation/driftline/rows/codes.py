"""Values as codes: the bins of a reference, a byte a value, where values must not be sent or are not needed.

A code tells a number to a 33rd, and a category, constant or sentinel exactly: less than values, and not anonymous.
"""

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftline.sketch.arrays import FloatArray
from driftline.sketch.categories import hashed
from driftline.sketch.spellings import numbers_named, other_spellings
from driftline.sketch.values import aligned, class_name, is_missing

MISSING_CODE: Final = 255
NON_FINITE_CODE: Final = 254
WRONG_TYPE_CODE: Final = 253

MAX_BINS: Final = 253


class CodedColumn(NamedTuple):
    """The bins of a column of a reference. edges: upper edges of all bins but the last, of numbers; None of categories.

    categories: those with a bin of their own; one more bin holds all others.
    """

    edges: FloatArray | None
    categories: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether a byte holds the number of each bin."""
        return max(0 if self.edges is None else len(self.edges), len(self.categories)) < MAX_BINS

    def codes(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        """The number of the bin of each value, or one of the codes of this module: [rows] of any dtype."""
        return self._of_categories(values) if self.edges is None else self._of_numbers(values, self.edges)

    @staticmethod
    def _of_numbers(values: NDArray[Any], edges: FloatArray) -> NDArray[np.uint8]:
        """Bin i is (edges[i - 1], edges[i]], as in the sketches."""
        numbers = aligned(values)
        codes = np.searchsorted(edges, numbers, "left").astype(np.uint8)
        codes[np.isinf(numbers)] = NON_FINITE_CODE
        none = np.flatnonzero(np.isnan(numbers))
        if len(none):
            missing = [values.dtype.kind != "O" or is_missing(value) for value in values[none].tolist()]
            codes[none] = np.where(missing, MISSING_CODE, WRONG_TYPE_CODE)
        return codes

    def _of_categories(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        places = _places(self.categories)
        if values.dtype.kind in "biufU":
            unique, which = np.unique(values, return_inverse=True)
            return self._named(places, unique)[which.reshape(-1)]
        return self._named(places, values)

    def _named(self, places: Mapping[str, int], values: NDArray[Any]) -> NDArray[np.uint8]:
        return np.fromiter((self._place(places, value) for value in values.tolist()), np.uint8, len(values))

    def _place(self, places: Mapping[str, int], value: Any) -> int:
        try:
            return MISSING_CODE if is_missing(value) else places.get(class_name(value), len(self.categories))
        except Exception:  # noqa: BLE001  # values may be of any foreign type
            return WRONG_TYPE_CODE


@lru_cache(maxsize=1024)
def _places(categories: tuple[str, ...]) -> Mapping[str, int]:
    """The bin of each category, by each name that may come for it: 01 loses its zero where it is read as a number."""
    places = {name: place for place, name in enumerate(categories)}
    numbers = zip(categories, numbers_named(categories).tolist(), strict=True)
    read = {class_name(number): places[name] for name, number in numbers if math.isfinite(number)}
    places = read | other_spellings(places) | places
    return {hashed(name): place for name, place in places.items()} | places
