"""Rows by a hash of all their values, in few buckets: what repeats is seen, and nothing of what a row holds.

A row is a sum of one word for each value, times an odd number of its column (multiply-add hashing, Dietzfelbinger
1996), whatever the order of the columns. Counts of buckets add up over processes and time, subtract exactly, and the
sum of their squares says how often rows repeat (Alon, Matias and Szegedy 1999; Thorup and Zhang 2012).
"""

import math
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import ArrayLike, NDArray

from driftline.sketch.arrays import FloatArray, IntArray
from driftline.sketch.histogram import Buckets, Histogram
from driftline.sketch.identity import digest
from driftline.sketch.splitmix import splitmix64
from driftline.sketch.values import as_number, category_name, is_missing, split

_BITS: Final = 10

BUCKETS: Final = 1 << _BITS
"""They estimate the mean number of times that a row occurs to 1 in 23, whatever the number of rows, in some kB."""

ERROR: Final = math.sqrt(2.0 / BUCKETS)
"""Standard error of `repeats`, in parts of itself and one."""

SCALE: Final = 8
"""Of the exponential histogram that carries the counts: the finest that all backends keep."""

MOST_INPUTS: Final = 16
"""Columns that tell rows apart; of more, those whose names have the smallest digests."""

_HALF: Final = np.uint64(42)
"""Bits of a float64 beyond those of half precision."""

_FOLD: Final = np.uint64(32)

Words = NDArray[np.uint64]


class HashedInputs(NamedTuple):
    """The columns that rows consist of, by a digest of all names, and those of them that tell rows apart."""

    digest: str
    chosen: frozenset[str]

    @classmethod
    def of(cls, names: Iterable[str]) -> "HashedInputs":
        return _hashed_inputs(frozenset(names))


@lru_cache(maxsize=1024)
def _hashed_inputs(names: frozenset[str]) -> HashedInputs:
    chosen = sorted(names, key=lambda name: digest("row", name))[:MOST_INPUTS]
    return HashedInputs(digest(*sorted(names), size=8).hex(), frozenset(chosen))


class RowHasher:
    """The buckets of rows, whose columns are added one after the other, in one piece or in several in order."""

    def __init__(self, rows: int, names: Iterable[str]) -> None:
        self.inputs = HashedInputs.of(names)
        self._hashed = np.zeros(rows, np.uint64)
        self._words, self._shifted = np.empty(0), np.empty(0, np.uint64)
        self._filled = dict.fromkeys(self.inputs.chosen, 0)
        self._usable = bool(self._filled)

    def add(self, name: str, values: NDArray[Any]) -> None:
        """Add the next values of a column, [n] of any dtype."""
        start = self._filled.get(name)
        if start is None:
            return
        stop = start + len(values)
        if stop > len(self._hashed):
            self._usable = False
            return
        part = self._hashed[start:stop]
        np.add(part, self._terms(name, values), out=part)
        self._filled[name] = stop

    def _terms(self, name: str, values: NDArray[Any]) -> Words:
        """What a column adds to each of its rows; numbers without a new array, which takes most of the time."""
        factor, odd = _factors(name)
        if values.dtype.kind in "fiubMm":
            if len(self._words) != len(values):
                self._words = np.empty(len(values))
            words = np.multiply(split(values).numbers, factor, out=self._words).view(np.uint64)
        else:
            words = _of_items(values.tolist(), factor)
        if len(self._shifted) != len(words):
            self._shifted = np.empty(len(words), np.uint64)
        words ^= np.right_shift(words, _FOLD, out=self._shifted)  # a product keeps only what the high bits of both say
        return np.asarray(np.multiply(words, odd, out=words), np.uint64)

    def buckets(self) -> IntArray | None:
        """The bucket of each row, [rows]; None where columns are not whole."""
        if not self._usable or set(self._filled.values()) != {len(self._hashed)}:
            return None
        return np.asarray(splitmix64(self._hashed) >> np.uint64(64 - _BITS), np.int64)


def histogram(counts: IntArray) -> Histogram:
    """The counts of all buckets, [BUCKETS], as an exponential histogram: bucket i is its bucket i."""
    return Histogram(SCALE, 0, Buckets.from_dense(0, counts), Buckets.empty())


def bucket_values(buckets: IntArray) -> FloatArray:
    """A number in each of these buckets of the histogram."""
    return np.asarray(np.exp2((buckets + 0.5) / (1 << SCALE)))


def counts_of(upper: FloatArray, weight: FloatArray) -> FloatArray:
    """The inverse of both: rows by bucket, [BUCKETS], of intervals with these upper ends and weights."""
    place = np.ceil(np.log2(np.maximum(upper, 1.0)) * (1 << SCALE) - 1e-3).astype(np.int64) - 1
    return np.asarray(np.bincount(np.clip(place, 0, BUCKETS - 1), weight, BUCKETS), np.float64)


def in_half_precision(numbers: FloatArray) -> FloatArray:
    """The numbers with as many significant bits as half precision has, which makes some rows alike."""
    bits = (numbers + 0.0).view(np.uint64)
    bits += np.uint64(1) << (_HALF - np.uint64(1))
    bits &= ~((np.uint64(1) << _HALF) - np.uint64(1))
    return bits.view(np.float64)


def row_buckets(columns: Mapping[str, NDArray[Any]]) -> tuple[str, IntArray] | None:
    """The digest of these columns, all of the same rows, and the bucket of each row; None where there is none."""
    hasher = RowHasher(len(next(iter(columns.values()), ())), columns)
    for name, values in columns.items():
        hasher.add(name, values)
    buckets = hasher.buckets()
    return None if buckets is None else (hasher.inputs.digest, buckets)


def repeats(counts: ArrayLike, squares: float | None = None) -> float:
    """How often a row comes again on average: 0 where each occurs once, 24 where each occurs 25 times.

    counts: weight of the rows by bucket, [BUCKETS]. squares: sum of the squares of the weights, of rows if None.
    Unbiased: the coincidences in buckets, less those of different rows.
    """
    held = np.asarray(counts, np.float64)
    rows = float(held.sum())
    if not rows:
        return 0.0
    same = (float(held @ held) - rows**2 / BUCKETS) / (1.0 - 1.0 / BUCKETS)
    return same / (rows if squares is None else squares) - 1.0


@lru_cache(maxsize=65_536)
def _factors(name: str) -> tuple[np.float64, np.uint64]:
    """A number from 1/2 to 1, that fills the bits of round numbers, and an odd one."""
    made = digest("row", name, size=16)
    first, second = int.from_bytes(made[:8], "big"), int.from_bytes(made[8:], "big")
    return np.float64(0.5 + first / 2**65), np.uint64(second | 1)


def _of_items(items: list[Any], factor: np.float64) -> Words:
    kinds = set(map(type, items))
    if kinds <= {float, bool}:
        return (np.array(items, np.float64) * factor).view(np.uint64)
    words = {item: _text_word(item) for item in set(items)} if kinds == {str} else None
    found: Iterable[int] = map(words.__getitem__, items) if words is not None else (_word(i, factor) for i in items)
    return np.fromiter(found, np.uint64, len(items))


def _text_word(text: str) -> int:
    return crc32(text.encode("utf-8", "surrogatepass"))


def _word(item: Any, factor: np.float64) -> int:
    try:
        if isinstance(item, str):
            return _text_word(item)
        if is_missing(item):
            return 0
        number = as_number(item)
        return _text_word(category_name(item)) if number is None else int(np.float64(number * factor).view(np.uint64))
    except Exception:  # noqa: BLE001  # values may be anything
        return 1
