"""Pairs of inputs: whether a row lies on the same side of both training medians, which it does more often or less when
their correlation changes, also where neither column alone shows anything.

Rows are bits of an integer, so that a pair costs a few operations on words, however few or many rows there are.
"""

from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftline.semconv import OPPOSITE, SAME
from driftline.values import aligned


class Pair(NamedTuple):
    """Two inputs, and for each the value that parts its rows in two halves; a value above it is on the upper side."""

    members: tuple[str, str]
    thresholds: tuple[float, float]

    @property
    def name(self) -> str:
        """Of the members, and a digest of all: counts by other thresholds are another column."""
        digest = blake2b(repr(self).encode(errors="surrogatepass"), digest_size=3).hexdigest()
        return f"{self.members[0]} × {self.members[1]} #{digest}"


class _Sides(NamedTuple):
    """The rows of a column as bits: those that hold a number, and of them those above the threshold."""

    held: int
    above: int


def counted_pairs(pairs: Iterable[Pair], columns: Mapping[str, NDArray[Any]]) -> Iterator[tuple[Pair, dict[str, int]]]:
    """Rows by SAME and OPPOSITE of each pair whose members are both there; rows that lack a number are in neither.

    columns: [rows] of any dtype, all of the same rows.
    """
    known: dict[tuple[str, float], _Sides] = {}
    for pair in pairs:
        if not columns.keys() >= set(pair.members):
            continue
        for member in zip(*pair, strict=True):
            if member not in known:
                known[member] = _sides(columns[member[0]], member[1])
        first, second = (known[member] for member in zip(*pair, strict=True))
        both = first.held & second.held
        opposite = ((first.above ^ second.above) & both).bit_count()
        yield pair, {SAME: both.bit_count() - opposite, OPPOSITE: opposite}


def _sides(values: NDArray[Any], threshold: float) -> _Sides:
    x = aligned(values)
    return _Sides(_bits(x == x), _bits(x > threshold))  # noqa: PLR0124  (only NaN differs from itself)


def _bits(rows: NDArray[np.bool_]) -> int:
    return int.from_bytes(np.packbits(rows).tobytes(), "big")
