"""Keys of rows: 64 bits from the id of a row. Sampling hash, join key, and all of an id that is sent.

The key of row n of an id is splitmix64(fnv1a64(text of the id) + n): FNV-1a (Fowler, Noll, Vo) is ten lines in any
language but keeps neighbours together; SplitMix64 scatters them.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from driftline.sketch.arrays import BoolArray
from driftline.sketch.splitmix import splitmix64
from driftline.sketch.values import is_missing

Words: TypeAlias = NDArray[np.uint64]

_BASIS: Final = np.uint64(0xCBF29CE484222325)
_PRIME: Final = np.uint64(0x100000001B3)
_BYTES: Final = 8

_HEX: Final = np.frombuffer(b"0123456789abcdef", np.uint8)
_COUNTER_BITS: Final = 32
_COUNTER_DIGITS: Final = 8

_INTEGERS: Final = 2.0**62
"""Floats up to here fit 64-bit integers."""

LONGEST_INTEGER: Final = "S21"
"""dtype that holds the text of any 64-bit integer."""


class HashedIds(NamedTuple):
    """Hashes of ids, [n]; where `present` is False there is no id."""

    hashes: Words
    present: BoolArray


def row_keys(hashes: Words, rows: Any = 0) -> Words:
    """Keys of rows, [n].

    Args:
        hashes: [n], of their ids.
        rows: [n] or one, the number of each among the rows of its id, from 0.

    """
    return splitmix64(np.asarray(hashes, np.uint64) + np.asarray(rows).astype(np.uint64))


def hash_ids(ids: Any, secret: bytes | None = None) -> HashedIds:
    """Hash ids, [n] of any types: one id as a number, with a decimal point or as text has one hash.

    Args:
        ids: an array, or a sequence of anything that has a text.
        secret: keys the hash (BLAKE2b, 8 bytes), so that nobody without it can try all order numbers. One of more than
            64 bytes is hashed by BLAKE2b first.

    """
    texts = _integer_texts(ids) if secret is None else None
    if texts is not None:
        return HashedIds(_fnv1a(texts), np.ones(len(texts), np.bool_))
    found = [id_text(each) for each in (ids.tolist() if isinstance(ids, np.ndarray) else ids)]
    present = np.fromiter((each is not None for each in found), np.bool_, len(found))
    known = [each or b"" for each in found]
    return HashedIds(_fnv1a_texts(known) if secret is None else _keyed(known, secret), present)


def hash_prediction_ids(numbers: Sequence[int]) -> Words:
    """Hash the ids of model calls, given as the numbers that their 32 hexadecimal digits stand for: [n].

    All calls of a process share the first 24 digits.
    """
    if not numbers:
        return np.zeros(0, np.uint64)
    start = min(numbers)
    process = start >> _COUNTER_BITS
    if max(numbers) >> _COUNTER_BITS != process:
        return _fnv1a_texts([prediction_id_text(number).encode() for number in numbers])
    counters = np.array([number - start for number in numbers], np.uint64) + np.uint64(start & 0xFFFFFFFF)
    hashes = np.full(len(counters), _fnv1a_texts([f"{process:024x}".encode()])[0])
    for place in reversed(range(_COUNTER_DIGITS)):
        digits = _HEX[(counters >> np.uint64(4 * place)) & np.uint64(15)]
        hashes = (hashes ^ digits) * _PRIME
    return hashes


def prediction_id_text(number: int) -> str:
    """The id of a model call, as users and spans have it."""
    return f"{number:032x}"


def id_text(value: Any) -> bytes | None:
    """The text of an id that is hashed; None for a missing one.

    pandas makes 42.0 of 42 beside a missing id, and a header or file has "42": all are b"42".
    """
    if isinstance(value, np.generic) and not isinstance(value, (np.datetime64, np.timedelta64)):
        value = value.item()
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).strip() or None
    if is_missing(value):
        return None
    if (isinstance(value, float) and value.is_integer()) or (isinstance(value, Decimal) and value == int(value)):
        value = int(value)
    return str(value).strip().encode("utf-8", "surrogatepass") or None


def _integer_texts(ids: Any) -> NDArray[np.bytes_] | None:
    """The texts of an array of whole numbers, without a Python object each; None for anything else."""
    if not isinstance(ids, np.ndarray) or ids.dtype.kind not in "iuf" or ids.dtype.itemsize > _BYTES:
        return None
    if ids.dtype.kind == "f":
        ids = ids.astype(np.float64)
        if not ((np.abs(ids) < _INTEGERS) & (np.trunc(ids) == ids)).all():
            return None
        ids = ids.astype(np.int64)
    return np.asarray(ids.astype(LONGEST_INTEGER), np.bytes_)


def _fnv1a_texts(texts: Iterable[bytes]) -> Words:
    found = list(texts)
    width = max(map(len, found), default=0) or 1
    lengths = np.fromiter(map(len, found), np.int64, len(found))
    padded = np.frombuffer(b"".join([text.ljust(width, b"\0") for text in found]), np.uint8)
    return _fnv1a_bytes(padded.reshape(len(found), width), lengths)


def _fnv1a(texts: NDArray[np.bytes_]) -> Words:
    table = np.ascontiguousarray(texts).view(np.uint8).reshape(len(texts), texts.dtype.itemsize)
    return _fnv1a_bytes(table, np.count_nonzero(table, axis=1))


def _fnv1a_bytes(table: NDArray[np.uint8], lengths: NDArray[Any]) -> Words:
    """FNV-1a, 64 bits, of rows of bytes, [rows, width], each as long as its length: all at once, byte by byte."""
    hashes = np.full(len(table), _BASIS, np.uint64)
    columns = np.ascontiguousarray(table.T)
    shortest = int(lengths.min(initial=table.shape[1]))
    for place in range(int(lengths.max(initial=0))):
        step = (hashes ^ columns[place]) * _PRIME
        hashes = step if place < shortest else np.where(place < lengths, step, hashes)
    return hashes


def _keyed(texts: Sequence[bytes], secret: bytes) -> Words:
    secret = secret if len(secret) <= blake2b.MAX_KEY_SIZE else blake2b(secret).digest()
    digests = b"".join([blake2b(text, digest_size=_BYTES, key=secret).digest() for text in texts])
    return np.frombuffer(digests, ">u8").astype(np.uint64)
