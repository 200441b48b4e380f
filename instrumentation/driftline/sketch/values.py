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


class Split(NamedTuple):
    """The rows of a column by type. numbers: [n] floats, NaN where missing. categories: rows by name.

    missing: rows that are None, NaT or NA, in neither of them.
    """

    numbers: NDArray[Any]
    categories: Mapping[str, int]
    missing: int


def split(values: NDArray[Any]) -> Split:
    """Split one column, [rows], of any dtype."""
    return _SPLITTERS.get(values.dtype.kind, _split_objects)(values)


def aligned(values: NDArray[Any]) -> NDArray[Any]:
    """The number in each row of a column, [rows] floats, NaN where there is none; strings are parsed."""
    if values.dtype.kind in "fiubMm":
        return split(values).numbers
    items = values.tolist()
    if set(map(type, items)) <= {float, int, bool}:
        return np.array(items, np.float64)
    numbers = [read_number(item) if isinstance(item, str) else as_number(item) for item in items]
    return np.array([math.nan if number is None else number for number in numbers], np.float64)


def class_names(values: NDArray[Any]) -> Mapping[str, int]:
    """Rows by class name, also for numeric classes; missing ones are left out."""
    if values.dtype.kind == "O":
        return Counter(class_name(value) for value in values.tolist() if not _is_missing(value))
    if values.dtype.kind == "f":
        values = values[~np.isnan(values)]
    names, counts = np.unique(values, return_counts=True)
    return dict(zip(map(class_name, names.tolist()), counts.tolist(), strict=True))


def class_name(value: Any) -> str:
    """The name of a class; 1.0 and 1 are the same class, as in scikit-learn."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return _name(value)


def _name(value: Any) -> str:
    text = str(value)
    return text if len(text) <= LONGEST_NAME else hashed(text)


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
    return Split(_NO_NUMBERS, dict(zip(map(_name, names.tolist()), counts.tolist(), strict=True)), 0)


def _split_objects(values: NDArray[Any]) -> Split:
    items = values.tolist()
    kinds = set(map(type, items))
    if kinds <= {float, int, bool}:
        return Split(np.array(items, np.float64), {}, 0)
    if kinds == {str}:
        return Split(_NO_NUMBERS, _named(Counter(items)), 0)
    return _split_mixed(items)


def _split_mixed(items: list[Any]) -> Split:
    numbers: list[float] = []
    categories: Counter[Any] = Counter()
    missing = 0
    for item in items:
        if isinstance(item, str):
            categories[item] += 1
        elif _is_missing(item):
            missing += 1
        elif (number := as_number(item)) is not None:
            numbers.append(number)
        else:
            categories[str(item)] += 1
    return Split(np.array(numbers, np.float64), _named(categories), missing)


def _named(counts: Counter[str]) -> Mapping[str, int]:
    if all(len(text) <= LONGEST_NAME for text in counts):
        return counts
    named: Counter[str] = Counter()
    for text, count in counts.items():
        named[_name(text)] += count
    return named


def _is_missing(value: Any) -> bool:
    """Whether a value is None, NaN, NaT or NA; by type name, because pandas may not be installed."""
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or type(value).__name__ in ("NaTType", "NAType")


def as_number(value: Any) -> float | None:
    """A number, or a time in seconds; None for anything else."""
    for kinds, convert in _NUMBERS:
        if isinstance(value, kinds):
            return convert(value)
    return None


def read_number(text: str) -> float | None:
    """Parse a string as scikit-learn does; None if it is not a number."""
    try:
        return float(text)
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
