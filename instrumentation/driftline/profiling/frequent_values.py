"""The most frequent values of a column, in bounded space."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

CAPACITY: Final = 8192
"""Values counted at once: with as many distinct ones or fewer, counts are exact."""


class FrequentValues:
    """Counts values; beyond `capacity` distinct ones it lets go of the rarest (Misra and Gries 1982).

    Then a count is too low by at most rows / capacity, and every value more frequent than that is here.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.capacity = capacity
        self.exact = True
        self._counts: dict[Any, int] = {}

    def add(self, values: Any) -> None:
        """The values of an Arrow array; missing ones are none."""
        found = pc.value_counts(values.drop_null())
        names, counts = found.field("values"), found.field("counts").to_numpy()
        if len(counts) > self.capacity:
            self.exact = False
            counts = counts - _excess(counts, self.capacity)
            names, counts = names.filter(pa.array(counts > 0)), counts[counts > 0]
        for name, count in zip(names.to_pylist(), counts.tolist(), strict=True):
            self._counts[name] = self._counts.get(name, 0) + count
        if len(self._counts) > self.capacity:
            self.exact = False
            excess = _excess(np.fromiter(self._counts.values(), np.int64), self.capacity)
            self._counts = {name: count - excess for name, count in self._counts.items() if count > excess}

    def counts(self) -> Mapping[Any, int]:
        """By value, in no particular order."""
        return self._counts


def _excess(counts: Any, capacity: int) -> int:
    """The largest count that has no place."""
    return int(np.partition(counts, -capacity - 1)[-capacity - 1])
