"""Values as codes: the bins of a reference, a byte a value, where values must not be sent or are not needed.

A code tells a number to a 33rd, and a category, constant or sentinel exactly: less than values, and not anonymous.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftline.sketch.arrays import FloatArray
from driftline.sketch.values import aligned, category_name, is_missing

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
        places = {name: place for place, name in enumerate(self.categories)}
        return np.fromiter((self._place(places, value) for value in values.tolist()), np.uint8, len(values))

    def _place(self, places: dict[str, int], value: Any) -> int:
        try:
            return MISSING_CODE if is_missing(value) else places.get(category_name(value), len(self.categories))
        except Exception:  # noqa: BLE001  # values may be of any foreign type
            return WRONG_TYPE_CODE
