"""A check of a model's input, compiled once from a training profile and the user's own rules."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftline.checking.column_rules import Broken, ColumnRules, NumberRules, column_rules
from driftline.checking.failures import MOST_ROWS, RuleFailure
from driftline.checking.own_rules import OwnRule
from driftline.features.blocks import ColumnBlock
from driftline.features.columns import named_as
from driftline.reference.profile import Profile

COLUMNS: Final = "columns"
"""Rule: all columns of the training data are there, and in its order where the model goes by that."""

_MOST_VALUES: Final = 3

_AT_ONCE: Final = 64
"""Rows compared at a time."""

Shown = Callable[[str], bool]
"""Whether the values of a column may be shown."""


class Bounds:
    """What a whole table of numbers is compared with at once. low, high, may_miss: of its columns, [columns]."""

    def __init__(self, low: NDArray[np.float64], high: NDArray[np.float64], may_miss: NDArray[np.bool_]) -> None:
        # Side by side for many rows: numpy's inner loop is too short along the columns of one.
        self._low, self._high = np.tile(low, _AT_ONCE), np.tile(high, _AT_ONCE)
        self._columns = low, high, may_miss

    def hold(self, table: NDArray[Any]) -> bool:
        """Whether no row, [rows, columns], needs a closer look."""
        flat = table.reshape(-1)
        size = len(self._low)
        whole = flat.size - flat.size % size
        if all(self._within(part) for part in (flat[:whole].reshape(-1, size), flat[whole:]) if part.size):
            return True
        low, high, may_miss = self._columns
        outside = (table < low) | (table > high)
        return not np.logical_or.reduce(outside | (np.isnan(table) & ~may_miss), axis=None)

    def _within(self, part: NDArray[Any]) -> bool:
        width = part.shape[-1]
        return bool(np.logical_and.reduce((part >= self._low[:width]) & (part <= self._high[:width]), axis=None))


class InputCheck:
    """The rules of one model."""

    def __init__(self, columns: Mapping[str, ColumnRules], own: Sequence[OwnRule] = ()) -> None:
        self.columns = columns
        self.own = tuple(own)
        self._names = tuple(columns)
        self._bounds: dict[tuple[str, ...], Bounds | None] = {}

    @classmethod
    def of(cls, profile: Profile | None, own: Sequence[OwnRule] = ()) -> "InputCheck":
        return cls({} if profile is None else column_rules(profile), own)

    def bounds(self, names: tuple[str, ...]) -> Bounds | None:
        """For tables of numbers with these columns; None if they need a closer look in any case."""
        if names not in self._bounds:
            self._bounds[names] = self._make_bounds(named_as(self._names, names))
        return self._bounds[names]

    def _make_bounds(self, names: tuple[str, ...]) -> Bounds | None:
        rules = [self.columns.get(name) for name in names]
        if self.own or not set(self.columns) <= set(names):
            return None
        if not all(each is None or isinstance(each, NumberRules) for each in rules):
            return None
        found = [each.range if isinstance(each, NumberRules) else None for each in rules]
        anything = -np.inf, np.inf
        low, high = np.array([anything if each is None else each for each in found], np.float64).T
        may_miss = np.array([each is None or each.may_miss for each in rules], bool)
        return Bounds(low, high, may_miss)

    def failures(self, blocks: Sequence[ColumnBlock], shown: Shown, *, ordered: bool = False) -> list[RuleFailure]:
        """The rules that rows break: of the blocks of one call, which follow each other.

        ordered: the model takes columns by their places, and not by their names.
        """
        found: dict[tuple[str, str], RuleFailure] = {}
        first = 0
        for block in blocks:
            misplaced = self._misplaced(block, first) if ordered else ()
            for failure in (*misplaced, *self._of_block(block, first, shown)):
                key = failure.column, failure.rule
                found[key] = _joined(found[key], failure) if key in found else failure
            first += block.rows
        return list(found.values())

    def _misplaced(self, block: ColumnBlock, first: int) -> Iterator[RuleFailure]:
        """The first column that is not where training has it."""
        names = [name for name in named_as(self._names, block.names or ()) if name in self.columns]
        if set(names) == set(self._names):
            wrong = next((name for name, right in zip(names, self._names, strict=True) if name != right), None)
            if wrong is not None:
                rows = range(first, first + min(block.rows, MOST_ROWS))
                requirement = f"must be column {self._names.index(wrong) + 1} of the input, as in training"
                yield RuleFailure(wrong, COLUMNS, requirement, block.rows, tuple(rows))

    def _of_block(self, block: ColumnBlock, first: int, shown: Shown) -> Iterator[RuleFailure]:
        columns = dict(zip(named_as(self._names, block.names or ()), block.columns, strict=False))
        absent = [name for name in self.columns if name not in columns]
        for name in absent:
            rows = range(first, first + min(block.rows, MOST_ROWS))
            yield RuleFailure(name, COLUMNS, "must be among the columns", block.rows, tuple(rows))
        for name, rules in self.columns.items():
            if name in columns:
                values = np.asarray(columns[name])
                for broken in rules.broken(values):
                    yield from _failure(name, broken, first, values if shown(name) else None)
        for rule in self.own:
            yield from _failure(rule.column, rule.broken(columns, block.rows), first, None)


def _failure(column: str, broken: Broken, first: int, values: NDArray[Any] | None) -> Iterator[RuleFailure]:
    rows = np.flatnonzero(broken.rows)
    if len(rows):
        some = () if values is None else tuple(map(_plain, values[rows[:_MOST_VALUES]].tolist()))
        numbers = tuple((rows[:MOST_ROWS] + first).tolist())
        yield RuleFailure(column, broken.rule, broken.requirement, len(rows), numbers, some)


def _plain(value: Any) -> Any:
    """A number of Python's in place of one of numpy's, for messages."""
    return value.item() if isinstance(value, np.generic) else value


def _joined(a: RuleFailure, b: RuleFailure) -> RuleFailure:
    """Of two blocks of a call."""
    return a._replace(
        row_count=a.row_count + b.row_count,
        rows=(*a.rows, *b.rows)[:MOST_ROWS],
        values=(*a.values, *b.values)[:_MOST_VALUES],
    )
