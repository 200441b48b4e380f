"""Splits the values of a column into numbers, categories and missing ones.

A data frame in training and a plain array in serving must agree, so booleans are 0 and 1, and times are seconds since
the Unix epoch.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from numbers import Real
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftline.sketch import hashed

LONGEST_NAME: Final = 128
"""Maximum characters of a category; longer strings are content rather than names, and are replaced by a hash."""

_NO_NUMBERS: Final = np.zeros(0)


class Unreadable:
    """Stands for a value that could not even be taken out of its container. It has no name."""

    def __str__(self) -> str:
        raise TypeError("an unreadable value has no name")


UNREADABLE: Final = Unreadable()


class Split(NamedTuple):
    """The rows of a column by type. numbers: [n] floats, NaN where missing. categories: rows by name.

    missing: rows that are None, NaT or NA; unreadable: rows with a value that is neither a number nor has a name.
    """

    numbers: NDArray[Any]
    categories: Mapping[str, int]
    missing: int
    unreadable: int = 0


def split(values: NDArray[Any]) -> Split:
    """Split one column, [rows], of any dtype."""
    return _SPLITTERS.get(values.dtype.kind, _split_objects)(values)


def aligned(values: NDArray[Any]) -> NDArray[Any]:
    """The number in each row of a column, [rows] floats, NaN where there is none; strings are parsed."""
    if values.dtype.kind in "fiubMm":
        return split(values).numbers
    items = values.tolist()
    if set(map(type, items)) <= {float, bool}:
        return np.array(items, np.float64)
    numbers = [_number_in(item) for item in items]
    return np.array([math.nan if number is None else number for number in numbers], np.float64)


def _number_in(item: Any) -> float | None:
    try:
        return read_text(item) if isinstance(item, str) else as_number(item)
    except Exception:  # noqa: BLE001  # values may be anything
        return None


def class_names(values: NDArray[Any]) -> Mapping[str, int]:
    """Rows by class name, also for numeric classes; missing and unreadable ones are left out."""
    if values.dtype.kind == "O":
        items = values.tolist()
        if set(map(type, items)) == {str}:
            return _named(Counter(items))
        readable = (_class_name_or_none(value) for value in items if not is_missing(value))
        return Counter(name for name in readable if name is not None)
    if values.dtype.kind in "fmM":
        values = values[~np.isnan(values)]
    names, counts = np.unique(values, return_counts=True)
    return dict(zip(map(class_name, names.tolist()), counts.tolist(), strict=True))


def count_missing(values: NDArray[Any]) -> int:
    """Missing values of a column, [rows]."""
    if values.dtype.kind == "O":
        return sum(map(is_missing, values.tolist()))
    return int(np.count_nonzero(np.isnan(values))) if values.dtype.kind in "fcmM" else 0


def _class_name_or_none(value: Any) -> str | None:
    try:
        return class_name(value)
    except Exception:  # noqa: BLE001  # values may be anything
        return None


def class_name(value: Any) -> str:
    """The name of a class; 1.0 and 1 are the same class, as in scikit-learn."""
    if isinstance(value, (float, np.floating)) and value.is_integer():
        value = int(value)
    return category_name(value)


def category_name(value: Any) -> str:
    """The name of a category: its text, or the hash of a long one."""
    text = text_of(value)
    return text if len(text) <= LONGEST_NAME else hashed(text)


def text_of(value: Any) -> str:
    """A value as text that can be sent: bytes are UTF-8, and a lone surrogate is replaced."""
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return text if text.isascii() else text.encode(errors="replace").decode()


def _split_floats(values: NDArray[Any]) -> Split:
    return Split(values if values.dtype.itemsize in (4, 8) else values.astype(np.float64), {}, 0)


def _split_integers(values: NDArray[Any]) -> Split:
    return Split(values.astype(np.float64), {}, 0)


def _split_times(values: NDArray[Any]) -> Split:
    seconds = values.astype("datetime64[us]").astype(np.float64) / 1e6
    seconds[np.isnat(values)] = np.nan
    return Split(seconds, {}, 0)


def _split_durations(values: NDArray[Any]) -> Split:
    seconds = values.astype("timedelta64[us]").astype(np.float64) / 1e6
    seconds[np.isnat(values)] = np.nan
    return Split(seconds, {}, 0)


def _split_texts(values: NDArray[Any]) -> Split:
    names, counts = np.unique(values, return_counts=True)
    return Split(_NO_NUMBERS, _named(dict(zip(names.tolist(), counts.tolist(), strict=True))), 0)


def _split_objects(values: NDArray[Any]) -> Split:
    items = values.tolist()
    kinds = set(map(type, items))
    if kinds <= {float, int, bool}:
        try:
            return Split(np.array(items, np.float64), {}, 0)
        except OverflowError:  # an integer beyond all floats
            return _split_mixed(items)
    if kinds == {str}:
        return Split(_NO_NUMBERS, _named(Counter(items)), 0)
    return _split_mixed(items)


def _split_mixed(items: list[Any]) -> Split:
    numbers: list[float] = []
    categories: Counter[str] = Counter()
    missing = unreadable = 0
    for item in items:
        try:
            if isinstance(item, str):
                categories[item] += 1
            elif is_missing(item):
                missing += 1
            elif (number := as_number(item)) is not None:
                numbers.append(number)
            else:
                categories[category_name(item)] += 1
        except Exception:  # noqa: BLE001, PERF203  # values may be anything: one bad value is one bad row
            unreadable += 1
    return Split(np.array(numbers, np.float64), _named(categories), missing, unreadable)


def _named(counts: Mapping[str, int]) -> Mapping[str, int]:
    if all(len(text) <= LONGEST_NAME and text.isascii() for text in counts):
        return counts
    named: Counter[str] = Counter()
    for text, count in counts.items():
        named[category_name(text)] += count
    return named


def is_missing(value: Any) -> bool:
    """Whether a value is None, NaN, NaT or NA; by type name, because pandas may not be installed."""
    if isinstance(value, float):
        return math.isnan(value)
    if isinstance(value, (np.datetime64, np.timedelta64)):
        return bool(np.isnat(value))
    return value is None or type(value).__name__ in ("NaTType", "NAType")


def as_number(value: Any) -> float | None:
    """A number, or a time in seconds; None for anything else.

    Raises:
        Exception: a number beyond all floats, or whatever a foreign type raises.

    """
    for kinds, convert in _NUMBERS:
        if isinstance(value, kinds):
            return convert(value)
    return None


def read_text(text: str) -> float | None:
    """The number that a text stands for: as scikit-learn parses it, or a time in ISO 8601 in seconds; None for none."""
    number = read_number(text)
    return _read_time(text) if number is None else number


def read_number(text: str) -> float | None:
    """Parse a string as scikit-learn does; None if it is not a number."""
    try:
        return float(text)
    except ValueError:
        return None


def read_truth(text: str) -> float | None:
    """1 and 0 for the words true and false, in any case; None for any other text."""
    return _TRUTHS.get(text.strip().lower())


def read_truth_or_text(text: str) -> float | None:
    """The number that a text stands for, where truth values are numbers."""
    truth = read_truth(text)
    return read_text(text) if truth is None else truth


_TRUTHS: Final = {"true": 1.0, "false": 0.0}


def _read_time(text: str) -> float | None:
    if not text[:4].isdigit() or "-" not in text:
        return None
    try:
        return _seconds(datetime.fromisoformat(text.replace("Z", "+00:00")))
    except ValueError:
        return None


def _seconds(value: datetime) -> float:
    return (value if value.tzinfo else value.replace(tzinfo=timezone.utc)).timestamp()


def _day(value: date) -> float:
    return _seconds(datetime(value.year, value.month, value.day, tzinfo=timezone.utc))


def _time_of_day(value: time) -> float:
    return value.hour * 3600 + value.minute * 60 + value.second + value.microsecond / 1e6


_NUMBERS: Final[tuple[tuple[Any, Callable[[Any], float]], ...]] = (
    (np.timedelta64, lambda value: float(value / np.timedelta64(1, "s"))),  # numpy considers it an integer
    ((Real, Decimal, np.number, np.bool_), float),
    (datetime, _seconds),
    (date, _day),
    (time, _time_of_day),
    (timedelta, timedelta.total_seconds),
    (np.datetime64, lambda value: float(value.astype("datetime64[us]").astype(np.int64)) / 1e6),
)

_SPLITTERS: Final[dict[str, Callable[[NDArray[Any]], Split]]] = {
    "f": _split_floats,
    "i": _split_integers,
    "u": _split_integers,
    "b": _split_integers,
    "M": _split_times,
    "m": _split_durations,
    "U": _split_texts,
    "O": _split_objects,
}
