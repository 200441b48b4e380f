"""Consistent sampling by key: the rows with the greatest randomness, at most so many of an interval (bottom-k).

Randomness is the upper 56 bits of a key, as in OpenTelemetry's probability sampling: rows below a threshold are left
out, and each row that is kept stands for 2^56 / (2^56 - threshold) rows. A threshold may be raised later, anywhere.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftline.rows.keys import Words
from driftline.rows.table import RowTable

RANGE: Final = 1 << 56
"""Number of values of the randomness, and bound of thresholds."""

_GRID: Final = 1 << 32
"""Thresholds have six hexadecimal digits: rounding up loses 1 row of 16 million; four would lose 1 of 25 at .05 %."""

_DIGITS: Final = 14
_LETTERS: Final = frozenset("0123456789abcdef")


def randomness(keys: Words) -> Words:
    """What decides whether a row is kept: [n], 56 bits each."""
    return np.asarray(keys >> np.uint64(8), np.uint64)


def weight(threshold: int) -> float:
    """How many rows each row stands for that is kept at this threshold."""
    return RANGE / (RANGE - threshold)


def kept(keys: Words, threshold: int) -> NDArray[np.bool_]:
    """Which rows are kept at this threshold, [n]."""
    return np.asarray(randomness(keys) >= np.uint64(threshold), np.bool_)


def threshold_text(threshold: int) -> str:
    """A threshold as in OpenTelemetry's trace state: hexadecimal digits without trailing zeros."""
    return f"{threshold:014x}".rstrip("0") or "0"


def read_threshold(text: str) -> int:
    """The inverse of `threshold_text`.

    Raises:
        ValueError: not 1 to 14 hexadecimal digits.

    """
    if not 0 < len(text) <= _DIGITS or not _LETTERS.issuperset(text):
        raise ValueError(f"a threshold must have 1 to {_DIGITS} hexadecimal digits (got {text[:40]!r})")
    return int(text.ljust(_DIGITS, "0"), 16)


def thinned_to(threshold: int, share: float) -> int:
    """The threshold at which about `share` (0 to 1) of what is kept at another one remains."""
    left = RANGE - threshold
    return min(RANGE - _GRID, _rounded_up(RANGE - int(left * share)))


def bottom_threshold(keys: Words, most: int) -> int:
    """The threshold at which at most `most` rows remain: just above the first row that finds no room; 0 if all do."""
    if len(keys) <= most:
        return 0
    found = randomness(keys)
    place = len(found) - most - 1
    return min(RANGE - _GRID, _rounded_up(int(np.partition(found, place)[place]) + 1))


def _rounded_up(threshold: int) -> int:
    return -(-threshold // _GRID) * _GRID


def fair_shares(wanted: Sequence[int], total: int) -> list[int]:
    """Divide `total` so that who wants less than an equal share gets it all, and the others equally more."""
    shares = [0] * len(wanted)
    left = total
    for place, position in enumerate(sorted(range(len(wanted)), key=wanted.__getitem__)):
        shares[position] = min(wanted[position], max(1, left // (len(wanted) - place)))
        left -= shares[position]
    return shares


class RowSampler:
    """The rows of one stream in one interval. At most twice `most` rows are held, whatever comes; `cut` leaves `most`.

    Whether a row is kept depends on nothing but its key and the number of rows seen: sums with weights are unbiased.
    """

    def __init__(self) -> None:
        self.threshold = 0
        self.seen = 0
        self._tables: list[RowTable] = []

    @property
    def held(self) -> int:
        """Rows held."""
        return sum(len(table) for table in self._tables)

    @property
    def size(self) -> int:
        """Bytes held, about."""
        return sum(table.size for table in self._tables)

    def offer(self, keys: Words, take: Callable[[NDArray[Any]], RowTable], most: int | None) -> None:
        """Count rows, and keep some.

        Args:
            keys: [n], of all rows.
            take: Copies rows, given the numbers of those that are kept; a call may have a million rows.
            most: Rows of the interval; None for all.

        """
        self.seen += len(keys)
        if most is not None and self.held + np.count_nonzero(kept(keys, self.threshold)) > 2 * most:
            held = [table.keys for table in self._tables]
            self.thin(bottom_threshold(np.concatenate([keys, *held]), most))
        chosen = np.flatnonzero(kept(keys, self.threshold))
        if len(chosen):
            self._tables.append(take(chosen))

    def cut(self, most: int) -> None:
        """Keep at most `most` rows."""
        if self._tables:
            self.thin(bottom_threshold(np.concatenate([table.keys for table in self._tables]), most))

    def thin(self, threshold: int) -> None:
        """Raise the threshold."""
        if threshold <= self.threshold:
            return
        self.threshold = threshold
        thinner = [table.chosen(kept(table.keys, threshold)) for table in self._tables]
        self._tables = [table for table in thinner if len(table)]

    def table(self) -> RowTable:
        """The rows that are kept, in the order in which they came."""
        return RowTable.joined(self._tables)
