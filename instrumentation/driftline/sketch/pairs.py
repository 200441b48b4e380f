"""Counts, for pairs of inputs, the rows on the same side of both training medians.

That share changes with the correlation of the two columns, even if neither column's own distribution changes. Rows are
the bits of an integer, so that a pair costs a few word operations for any number of rows.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftline.semconv import OPPOSITE, SAME
from driftline.sketch.identity import digest
from driftline.sketch.values import aligned


class Pair(NamedTuple):
    """Two inputs, each with the threshold that splits its training rows in half."""

    members: tuple[str, str]
    thresholds: tuple[float, float]

    @property
    def name(self) -> str:
        """The members and a digest that also covers the thresholds: counts at other thresholds are another column.

        For new references only: in one that was read, a pair has the name that is stated there.
        """
        thresholds = (float(threshold) for threshold in self.thresholds)
        return f"{self.members[0]} × {self.members[1]} #{digest(*self.members, *thresholds, size=3).hex()}"


class _Sides(NamedTuple):
    """The rows of a column as bits: those with a number, and those above the threshold."""

    held: int
    above: int


class Pairs:
    """Counts pairs, given by name, in block after block of rows. members: names of their columns."""

    def __init__(self, pairs: Mapping[str, Pair]) -> None:
        place: dict[tuple[str, float], int] = {}
        self._pairs: list[tuple[str, int, int]] = []
        for name, pair in pairs.items():
            i, j = (place.setdefault(member, len(place)) for member in zip(*pair, strict=True))
            self._pairs.append((name, i, j))
        self._members = list(place)
        self.members = frozenset(name for name, _ in place)

    def __len__(self) -> int:
        return len(self._pairs)

    def count(self, columns: Mapping[str, NDArray[Any]]) -> Iterator[tuple[str, dict[str, int]]]:
        """Count the pairs whose members are both present.

        Args:
            columns: [rows] of any dtype by name, all of the same rows.

        Returns:
            Names of the pairs, and their rows by SAME and OPPOSITE; rows without both numbers are in neither.

        """
        sides = [_sides(columns[name], value) if name in columns else None for name, value in self._members]
        for name, i, j in self._pairs:
            first, second = sides[i], sides[j]
            if first is not None and second is not None:
                both = first.held & second.held
                opposite = ((first.above ^ second.above) & both).bit_count()
                yield name, {SAME: both.bit_count() - opposite, OPPOSITE: opposite}


def _sides(values: NDArray[Any], threshold: float) -> _Sides:
    x = aligned(values)
    held = x == x  # noqa: PLR0124  (only NaN differs from itself)
    return _Sides((1 << len(x)) - 1 if held.all() else _bits(held), _bits(x > threshold))


def _bits(rows: NDArray[np.bool_]) -> int:
    return int.from_bytes(np.packbits(rows, bitorder="little").tobytes(), "little")
