"""The body of a row batch: a JSON header and columns of bytes, in one zlib stream.

`MLR1`, u32 length of the header, then deflated: the header, and for each column its numbers, little-endian and with
their bytes shuffled (all first bytes, all second bytes, …), so that what is alike lies together. Texts and mixed values
are numbers of a list in the header. Nothing in it is executed, nor allocated by a length that is not checked.
"""

import json
import math
import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftline.rows.table import CODE, INPUT, OUTPUT, RowColumn, RowTable
from driftline.sketch.values import is_missing, text_of

MAX_INFLATED: Final = 16 << 20
"""Bytes of a body that are inflated at most; as arrays they take up to eight times as many."""

MAX_BODY: Final = 1 << 20
"""Bytes of a body: gRPC servers refuse requests above 4 MiB by default, and Kafka messages above 1 MB."""

MAX_COLUMNS: Final = 20_000
MAX_NAME: Final = 1024
LONGEST_TEXT: Final = 1024
"""Characters of a text that are kept."""

_MAGIC: Final = b"MLR1"
_PREFIX: Final = 8
_LEVEL: Final = 1
"""Of zlib: level 6 is 2 to 4 % smaller, and takes up to four times as long."""

_KEY, _TIME = RowColumn("key", ""), RowColumn("time", "")
_ROLES: Final = frozenset({_KEY.role, _TIME.role, INPUT, OUTPUT, CODE})
_WIRE: Final = frozenset(
    {"b1", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8", "c8", "c16"},
)
_TIMES: Final = re.compile(r"[mM]8(\[([1-9]\d{0,3})?(Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)\])?")
_MICROSECOND: Final = 1000
"""Times are sent in microseconds: nanoseconds are noise, and noise is not deflated."""
_WIDTHS: Final = {"u": ("u1", "u2", "u4"), "i": ("i1", "i2", "i4")}
_NARROWER: Final = {"f8": "f4", "c16": "c8"}


class _Wired(NamedTuple):
    """A column as it is sent. type: of its values. wire: of the numbers. values: which these are numbers of, if any."""

    type: str
    numbers: NDArray[Any]
    values: list[Any] | None = None


def encode_table(table: RowTable) -> bytes:
    """The body of a batch, of any size."""
    return _deflated(*_raw(table))


def encode_tables(table: RowTable) -> Iterator[tuple[RowTable, bytes]]:
    """Bodies of at most MAX_BODY bytes, and the rows in each; one row may take more."""
    header, raw = _raw(table)
    body = _deflated(header, raw) if len(raw) <= MAX_INFLATED // 2 else b""
    if len(table) < 2 or 0 < len(body) <= MAX_BODY:
        yield table, body or _deflated(header, raw)
        return
    half = np.arange(len(table)) < len(table) // 2
    yield from encode_tables(table.chosen(half))
    yield from encode_tables(table.chosen(~half))


def _raw(table: RowTable) -> tuple[int, bytes]:
    """The length of the header, and the header with all columns."""
    base = int(table.times.min()) if len(table) else 0
    columns = {_KEY: table.keys, _TIME: (table.times - base) // _MICROSECOND, **table.columns}
    wired = {column: _wired(values) for column, values in columns.items()}
    described = [_described(column, each) for column, each in wired.items()]
    header = {"rows": len(table), "start": base, "columns": described}
    text = json.dumps(header, separators=(",", ":")).encode()
    return len(text), text + b"".join([_shuffled(each.numbers) for each in wired.values()])


def _deflated(header: int, raw: bytes) -> bytes:
    return _MAGIC + struct.pack("<I", header) + zlib.compress(raw, _LEVEL)


def _described(column: RowColumn, wired: _Wired) -> list[Any]:
    found = [column.role, column.name[:MAX_NAME], wired.type, wired.numbers.dtype.str[1:]]
    return found if wired.values is None else [*found, wired.values]


def _shuffled(numbers: NDArray[Any]) -> bytes:
    numbers = np.ascontiguousarray(numbers.astype(numbers.dtype.newbyteorder("<"), copy=False))
    return numbers.view(np.uint8).reshape(len(numbers), numbers.dtype.itemsize).T.tobytes() if len(numbers) else b""


def _wired(values: NDArray[Any]) -> _Wired:
    dtype = values.dtype
    if dtype.kind in "mM":
        return _Wired(dtype.str[1:], _narrowed(values.view(np.dtype(np.int64).newbyteorder(dtype.byteorder))))
    if dtype.str[1:] in _WIRE:
        return _Wired(dtype.str[1:], _narrowed(values))
    if dtype.kind in "fc":  # longer than any that are common
        values = values.astype(np.float64 if dtype.kind == "f" else np.complex128)
        return _Wired(values.dtype.str[1:], values)
    return _listed(values)


def _narrowed(numbers: NDArray[Any]) -> NDArray[Any]:
    """The same numbers in fewer bytes, where all of them are exact: rounding to float32 is a kind of skew."""
    if not len(numbers):
        return numbers
    if numbers.dtype.kind in _WIDTHS:
        low, high = int(numbers.min()), int(numbers.max())
        for width in _WIDTHS[numbers.dtype.kind]:
            if np.iinfo(width).min <= low and high <= np.iinfo(width).max:
                return numbers.astype(width)
        return numbers
    narrow = _NARROWER.get(numbers.dtype.str[1:])
    if narrow is None:
        return numbers
    with np.errstate(over="ignore", invalid="ignore"):
        narrower = numbers.astype(narrow)
    return narrower if _same_bits(narrower.astype(numbers.dtype), numbers) else numbers


def _same_bits(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Whether numbers are equal, NaN and the sign of zero included."""
    return one.tobytes() == other.tobytes()


def _listed(values: NDArray[Any]) -> _Wired:
    """Texts, objects and whatever else, as numbers of a list of their values."""
    places: dict[tuple[type, Any], int] = {}
    listed: list[Any] = []
    numbers = np.empty(len(values), np.uint32)
    for row, item in enumerate(values.tolist()):
        plain = _plain(item)
        place = places.setdefault((type(plain), plain), len(listed))
        if place == len(listed):
            listed.append(plain)
        numbers[row] = place
    return _Wired("O", _narrowed(numbers), listed)


def _plain(item: Any) -> Any:
    """A value that JSON has, None for a missing one."""
    try:
        if isinstance(item, np.generic):
            item = item.item()
        if item is None or is_missing(item):
            return None
        if isinstance(item, (bool, int)) or (isinstance(item, float) and math.isfinite(item)):
            return item
        return text_of(item)[:LONGEST_TEXT]
    except Exception:  # noqa: BLE001  # values may be of any foreign type
        return None


def decode_table(body: bytes) -> RowTable:
    """The rows of a body.

    Raises:
        ValueError: the bytes are no such body; the message says what is wrong.

    """
    raw, size = _inflated(body)
    header = _header(raw[:size])
    rows, start = _whole(header, "rows", len(raw)), _whole(header, "start", (1 << 63) - 1)
    columns: dict[RowColumn, NDArray[Any]] = {}
    at = size
    for each in header["columns"]:
        column, kind, wire, values = _column(each)
        width = int(wire[1:])
        if at + rows * width > len(raw):
            raise ValueError(f"column {column.name!r} is cut off")
        numbers = np.frombuffer(raw, np.uint8, rows * width, at).reshape(width, rows)
        columns[column] = _restored(column, kind, wire, values, np.ascontiguousarray(numbers.T).reshape(-1))
        at += rows * width
    if at != len(raw):
        raise ValueError(f"must end with its last column ({len(raw) - at} bytes follow)")
    keys, times = columns.pop(_KEY, None), columns.pop(_TIME, None)
    if keys is None or times is None or keys.dtype.kind != "u" or times.dtype.kind != "i":
        raise ValueError("must have keys and times")
    with np.errstate(over="ignore"):
        return RowTable(keys.astype(np.uint64), times.astype(np.int64) * _MICROSECOND + start, columns)


def _inflated(body: bytes) -> tuple[bytes, int]:
    """The bytes behind the prefix, and how many of them are the header."""
    if len(body) < _PREFIX or not body.startswith(_MAGIC):
        raise ValueError(f"must begin with {_MAGIC.decode()} and a length (got {body[:4]!r}, {len(body)} bytes)")
    inflate = zlib.decompressobj()
    try:
        raw = inflate.decompress(body[_PREFIX:], MAX_INFLATED)
    except zlib.error as error:
        raise ValueError(f"must be deflated ({error})") from None
    if not inflate.eof:
        raise ValueError(f"is cut off, or has more than {MAX_INFLATED} bytes")
    size = struct.unpack_from("<I", body, len(_MAGIC))[0]
    if size > len(raw) or inflate.unused_data:
        raise ValueError(f"must have a header of {size} bytes, and nothing behind it (got {len(raw)})")
    return raw, size


def _header(text: bytes) -> Mapping[str, Any]:
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"header: must be JSON ({error})") from None
    columns = header.get("columns") if isinstance(header, dict) else None
    if not isinstance(columns, list) or len(columns) > MAX_COLUMNS:
        raise ValueError(f"header: must have a list of at most {MAX_COLUMNS} columns")
    return header  # type: ignore[no-any-return]  # JSON


def _whole(header: Mapping[str, Any], name: str, most: int) -> int:
    number = header.get(name)
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= most:
        raise ValueError(f"header: {name} must be a number from 0 to {most} (got {number!r:.40})")
    return number


def _column(described: Any) -> tuple[RowColumn, str, str, list[Any] | None]:
    if (
        not isinstance(described, list)
        or not 4 <= len(described) <= 5
        or not all(isinstance(each, str) for each in described[:4])
    ):
        raise ValueError(f"column: must be role, name, type and bytes (got {described!r:.80})")
    role, name, kind, wire = described[:4]
    values = described[4] if len(described) > 4 else None
    if role not in _ROLES or wire not in _WIRE or len(name) > MAX_NAME or not _fits(kind, wire, values):
        raise ValueError(f"column {name!r:.80}: unknown role, type or bytes ({role!r:.20}, {kind!r:.20}, {wire!r:.20})")
    return RowColumn(role, name), kind, wire, values


def _fits(kind: str, wire: str, values: Any) -> bool:
    """Whether numbers as they are sent can be values of this type."""
    if kind == "O":
        return isinstance(values, list) and wire[0] == "u"
    if values is not None:
        return False
    if _TIMES.fullmatch(kind):
        return wire[0] == "i"
    return kind in _WIRE and kind[0] == wire[0] and int(wire[1:]) <= int(kind[1:])


def _restored(
    column: RowColumn, kind: str, wire: str, values: list[Any] | None, flat: NDArray[np.uint8]
) -> NDArray[Any]:
    numbers = flat.view(np.bool_ if wire == "b1" else np.dtype(f"<{wire}"))
    if kind == "O":
        listed = _items(column, values or [])
        if len(numbers) and int(numbers.max()) >= len(listed):
            raise ValueError(f"column {column.name!r:.80}: has {len(listed)} values (got number {int(numbers.max())})")
        return listed[numbers] if len(numbers) else listed[:0]
    if kind[0] in "mM":
        return numbers.astype(np.int64).view(kind)
    return numbers.astype(kind)


def _items(column: RowColumn, values: list[Any]) -> NDArray[Any]:
    if not all(each is None or isinstance(each, (str, int, float)) for each in values):
        raise ValueError(f"column {column.name!r:.80}: values must be scalars")
    items = np.empty(len(values), object)
    items[:] = values
    return items
