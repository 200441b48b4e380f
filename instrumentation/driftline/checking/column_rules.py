"""What training says of the values of one column, as rules that healthy rows keep."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftline.checking.tolerated_range import Range, tolerated_range
from driftline.reference.column_types import BOOLEAN, NAMED, TIMESTAMP, text_reader
from driftline.reference.profile import Profile
from driftline.reference.profile_column import ProfileColumn
from driftline.semconv import MISSING, OTHER, TARGET_INPUT
from driftline.sketch.values import as_number, class_name, is_missing, read_number, split

TYPE: Final = "type"
MISSING_RULE: Final = "missing"
RANGE: Final = "range"
CATEGORY: Final = "category"

REFUSED: Final = 1e-5
"""Share of healthy rows that may break a rule, over all columns of a model."""

_ROWS_A_CATEGORY: Final = 20
"""Rows in the mean from which on the categories of training are taken for all there are."""

_Mask = NDArray[np.bool_]


class Broken(NamedTuple):
    """rows: which break the rule, [n]."""

    rule: str
    requirement: str
    rows: _Mask


@dataclass(frozen=True, slots=True)
class NumberRules:
    """Of a column of numbers. type: see `column_types`. read: the number in a text. range: None for any."""

    column: str
    type: str
    may_miss: bool
    range: Range | None
    read: Callable[[str], float | None]
    shown: Callable[[float], str]

    def broken(self, values: NDArray[Any]) -> Iterator[Broken]:
        """The rules that some values break, [n] of any dtype."""
        x, wrong = self._numbers(values)
        if wrong is not None:
            yield Broken(TYPE, "must be a number", wrong)
        if not self.may_miss:
            absent = np.isnan(x) if wrong is None else np.isnan(x) & ~wrong
            yield Broken(MISSING_RULE, "must not be missing", absent)
        if self.range is not None:
            low, high = self.range
            requirement = f"must be from {self.shown(low)} to {self.shown(high)}"
            yield Broken(RANGE, requirement, (x < low) | (x > high))

    def _numbers(self, values: NDArray[Any]) -> tuple[NDArray[Any], _Mask | None]:
        """Numbers, NaN for none, and which values are of another type; None: none can be."""
        if values.dtype.kind in "fiubMm":
            return split(values).numbers, None
        read = [self._number(item) for item in values.tolist()]
        wrong = np.array([each is None for each in read], bool)
        return np.array([math.nan if each is None else each for each in read], np.float64), wrong

    def _number(self, item: Any) -> float | None:
        """NaN for a missing one, None for one of another type."""
        try:
            if is_missing(item) or item == "":
                return math.nan
            return self.read(item) if isinstance(item, str) else as_number(item)
        except Exception:  # noqa: BLE001  # values may be anything
            return None


@dataclass(frozen=True, slots=True)
class NameRules:
    """Of a column of categories. names: all there are, None where training does not tell. numeric: some are numbers."""

    column: str
    may_miss: bool
    names: frozenset[str] | None
    numeric: bool

    def broken(self, values: NDArray[Any]) -> Iterator[Broken]:
        """The rules that some values break, [n] of any dtype."""
        items = values.tolist()
        absent = np.array([_is_absent(item) for item in items], bool)
        if not self.may_miss:
            yield Broken(MISSING_RULE, "must not be missing", absent)
        if self.names is not None:
            known = np.array([self._knows(item) for item in items], bool)
            yield Broken(CATEGORY, f"must be one of {_some(self.names)}", ~known & ~absent)
        elif not self.numeric:
            numbers = np.array([_is_number(item) for item in items], bool)
            yield Broken(TYPE, "must be a text", numbers & ~absent)

    def _knows(self, item: Any) -> bool:
        assert self.names is not None
        try:
            return class_name(item) in self.names
        except Exception:  # noqa: BLE001  # values may be anything
            return False


ColumnRules = NumberRules | NameRules


def column_rules(profile: Profile) -> dict[str, ColumnRules]:
    """The rules of each input, in the order of the training data."""
    inputs = [column for column in profile.columns if column.key.target == TARGET_INPUT]
    # Half of what may be refused is for categories that training had no row of.
    share = REFUSED / 2.0 / (2.0 * max(len(inputs), 1))
    return {column.key.name: _rules(column, share) for column in inputs}


def _rules(column: ProfileColumn, share: float) -> ColumnRules:
    may_miss = column.states.get(MISSING, 0) > 0
    name = column.key.name
    read = text_reader(column.type)
    if column.type in NAMED or read is None:
        names = column.categories
        numeric = any(read_number(each) is not None for each in names)
        return NameRules(name, may_miss, frozenset(names) if _is_closed(column) else None, numeric)
    found = Range(0.0, 1.0) if column.type == BOOLEAN else tolerated_range(column, share)
    if column.type == TIMESTAMP:
        found = None  # time goes on
    return NumberRules(name, column.type, may_miss, found, read, _digits)


def _is_closed(column: ProfileColumn) -> bool:
    """Whether training has seen all categories.

    The share of rows whose category is yet to come is about that of categories with one row (Good 1953, Biometrika
    40:237): there must be none.
    """
    rows = column.categories
    if not rows or OTHER in rows:
        return False
    return min(rows.values()) > 1 and column.valid >= _ROWS_A_CATEGORY * len(rows)


def _is_absent(item: Any) -> bool:
    return is_missing(item) or item == ""


def _is_number(item: Any) -> bool:
    try:
        return not isinstance(item, (str, bytes)) and as_number(item) is not None
    except Exception:  # noqa: BLE001  # values may be anything
        return False


def _some(names: frozenset[str], most: int = 5) -> str:
    shown = ", ".join(repr(name) for name in sorted(names)[:most])
    return shown + (f", … ({len(names)} in all)" if len(names) > most else "")


def _digits(value: float) -> str:
    return f"{value:.6g}"
