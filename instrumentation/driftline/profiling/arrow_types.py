"""The kind of an Arrow column, and its values in one canonical Arrow type for each kind.

Anything that is a number is numeric: booleans are 0 and 1, times are seconds since the Unix epoch.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from driftline.reference.column_types import BOOLEAN, EMPTY, FLOAT, INTEGER, STRING, TIMESTAMP, UNUSABLE

ARROW: Final[Mapping[str, Any]] = {
    FLOAT: pa.float64(),
    TIMESTAMP: pa.float64(),
    INTEGER: pa.int64(),
    BOOLEAN: pa.bool_(),
    STRING: pa.large_string(),
}
"""Canonical types. Times are floats, in seconds."""

_ISO: Final = "2024-05-31 12:00:00, in UTC, or 2024-05-31T12:00:00+02:00 with a time zone (or Unix seconds)"

_LOOKED_AT: Final = 100_000

_TESTS: Final[tuple[tuple[str, Callable[[Any], bool]], ...]] = (
    (EMPTY, pa.types.is_null),
    (BOOLEAN, pa.types.is_boolean),
    (FLOAT, pa.types.is_uint64),  # it may exceed int64
    (INTEGER, pa.types.is_integer),
    (FLOAT, pa.types.is_floating),
    (FLOAT, pa.types.is_decimal),
    (FLOAT, pa.types.is_duration),
    (FLOAT, pa.types.is_time),
    (TIMESTAMP, pa.types.is_timestamp),
    (TIMESTAMP, pa.types.is_date),
    (STRING, pa.types.is_string),
    (STRING, pa.types.is_large_string),
    (STRING, pa.types.is_string_view),
)


def kind_of(arrow_type: Any) -> str:
    """The kind of an Arrow type; of a dictionary, that of its values."""
    if pa.types.is_dictionary(arrow_type):
        return kind_of(arrow_type.value_type)
    return next((kind for kind, test in _TESTS if test(arrow_type)), UNUSABLE)


def canonical(column: Any, kind: str) -> Any:
    """An Arrow array as `ARROW[kind]`."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if kind == TIMESTAMP and kind_of(column.type) == STRING:
        return times_of(column)
    for test, unit in _TIMES:
        if test(column.type):
            return pc.divide(pc.cast(pc.cast(pc.cast(column, unit, safe=False), pa.int64()), pa.float64()), 1e6)
    if pa.types.is_boolean(column.type) and kind == FLOAT:
        column = pc.cast(column, pa.int64())
    return pc.cast(column, ARROW[kind], safe=False)


def times_of(texts: Any) -> Any:
    """Texts in ISO 8601 as seconds since the Unix epoch, all with a time zone or, in UTC, all without one.

    Raises pyarrow.ArrowInvalid where one is no such text; it says what to write instead.
    """
    for kind in (pa.timestamp("us"), pa.timestamp("us", "UTC")):
        try:
            times = pc.cast(texts, kind)
        except pa.ArrowInvalid:
            continue
        return pc.divide(pc.cast(pc.cast(times, pa.int64()), pa.float64()), 1e6)
    raise pa.ArrowInvalid(_no_time(texts))


def _no_time(texts: Any) -> str:
    """Which text is no time, and what to write: looked for among the first ones, and only once there is one."""
    for text in texts.drop_null()[:_LOOKED_AT].unique():
        if all(_fails(pa.array([text.as_py()]), pa.timestamp("us", zone)) for zone in (None, "UTC")):
            return f"{text.as_py()!r} is no time in ISO 8601; write {_ISO}"
    return f"some times have a time zone and some have none; write all of them like {_ISO}"


def _fails(texts: Any, kind: Any) -> bool:
    try:
        pc.cast(texts, kind)
    except pa.ArrowInvalid:
        return True
    return False


_TIMES: Final = (
    (pa.types.is_timestamp, pa.timestamp("us")),
    (pa.types.is_date, pa.timestamp("us")),
    (pa.types.is_duration, pa.duration("us")),
    (pa.types.is_time, pa.time64("us")),
)


def numbers(column: Any) -> NDArray[np.float64]:
    """A canonical column that is no text as [n] floats: NaN where missing."""
    if pa.types.is_boolean(column.type):
        column = pc.cast(column, pa.uint8())
    return np.ascontiguousarray(column.to_numpy(zero_copy_only=False), np.float64)
