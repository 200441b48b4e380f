"""What a window held of numeric columns, read as the reference's type.

Senders count numbers as numbers and texts as texts. A text that stands for a number is that number; any other is of the
wrong type. And a number that is one of training's, rounded to float32 or float16 on one of the two sides, is that one:
9.95 is 9.949999809 in a booster, and no value below the training minimum.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np

from driftline.reference.column_types import BOOLEAN, FLOAT
from driftline.semconv import MISSING, NON_FINITE, WRONG_TYPE
from driftline.sketch import Intervals
from driftline.sketch.arrays import BoolArray, FloatArray, IntArray
from driftline.sketch.values import read_text, read_truth_or_text
from driftline_processor.records import ColumnSummary, ReferenceColumn

_COARSER: Final = (np.float32, np.float16)
"""Types that values are rounded to on their way to a model or from it, the finest first."""

_ROUNDED: Final = (2.0**-10, 2.0**-24)
"""Rounding to them moves no value further: twice float16's error, by the value's size, and among its subnormals."""

_ONE_VALUE: Final = 2.0**-8
"""Width of an interval, by its size, up to which it may hold one value: two wider ones that meet are neighbours."""


class ColumnReader:
    """Reads one column as the reference has it."""

    def __init__(self, column: ReferenceColumn) -> None:
        self._numeric = column.kind == "numeric"
        self._read = reader_of_texts(column.type)
        seen = column.summary.intervals
        self._seen = Rounding(seen) if column.type == FLOAT and len(seen) else None

    def read(self, summary: ColumnSummary) -> ColumnSummary:
        """The same rows; of a categorical column, as they are: its cells have all spellings of a category."""
        if not self._numeric:
            return summary
        if summary.categories:
            summary = with_numbers(summary, self._read)
        if self._seen is not None and len(summary.intervals):
            summary = replace(summary, intervals=self._seen.undone(summary.intervals))
        return summary


def reader_of_texts(column_type: str) -> Callable[[str], float | None]:
    """What a text is in a numeric column of this type; None where it is no number."""
    return read_truth_or_text if column_type == BOOLEAN else read_text


def with_numbers(summary: ColumnSummary, read: Callable[[str], float | None]) -> ColumnSummary:
    """The same rows with texts as the numbers that `read` makes of them, or else as rows of the wrong type."""
    numbers: list[float] = []
    weights: list[float] = []
    states = dict(summary.states)
    for text, rows in summary.categories.items():
        number = read(text)
        state = _state(number)
        if state is not None:
            states[state] = states.get(state, 0.0) + rows
        elif rows:
            numbers.append(number)  # type: ignore[arg-type]  # it has no state
            weights.append(rows)
    read_as = Intervals.of_values(numbers, weights)
    return replace(summary, intervals=summary.intervals.merge(read_as), categories={}, states=states)


def _state(number: float | None) -> str | None:
    if number is None:
        return WRONG_TYPE
    if np.isnan(number):
        return MISSING
    return NON_FINITE if np.isinf(number) else None


class Rounding:
    """Where training had values, to find those that are the same but for rounding to a coarser type."""

    def __init__(self, seen: Intervals) -> None:
        ordered = seen.merge()
        self._lower, self._upper = ordered.lower, ordered.upper
        self._reach = np.minimum.accumulate(self._lower[::-1])[::-1]  # the lowest end of all intervals from here on
        self._one_value = _is_one_value(self._lower, self._upper)

    def undone(self, live: Intervals) -> Intervals:
        """Intervals that touch none of training's, at the one whose rounded values they hold, or that holds theirs."""
        new = np.flatnonzero(self._is_new(live))
        if not len(new):
            return live
        above = np.minimum(np.searchsorted(self._upper, live.upper[new]), len(self._upper) - 1)
        at = np.stack((above, np.maximum(above - 1, 0)))
        possible = self._may_be_same(live.lower[new], live.upper[new], at)
        some = possible.any(axis=0)
        if not some.any():
            return live
        new, at, possible = new[some], at[:, some], possible[:, some]
        low, high = live.lower[new], live.upper[new]
        same = np.concatenate([possible & self._same(low, high, at, coarser) for coarser in _COARSER])
        found = same.any(axis=0)
        moved, at = new[found], np.concatenate((at, at))[same.argmax(axis=0), np.arange(len(new))][found]
        lower, upper = live.lower.copy(), live.upper.copy()
        lower[moved], upper[moved] = self._lower[at], self._upper[at]
        return Intervals(lower, upper, live.weight).merge()

    def _is_new(self, live: Intervals) -> BoolArray:
        first = np.searchsorted(self._upper, live.lower, "right")  # the first interval of training that ends above
        known = first < len(self._upper)
        return np.asarray(~known | (self._reach[np.minimum(first, len(self._upper) - 1)] >= live.upper))

    def _may_be_same(self, low: FloatArray, high: FloatArray, at: IntArray) -> BoolArray:
        """Whether rounding could make one of the neighbours `at` of each, [neighbour, interval]: hardly any has one."""
        size, smallest = _ROUNDED
        with np.errstate(over="ignore"):
            gap = np.maximum(self._lower[at] - high, low - self._upper[at])
        near = gap <= size * np.maximum(np.abs(low), np.abs(high)) + smallest
        return np.asarray(near & (self._one_value[at] | _is_one_value(low, high)))

    def _same(self, low: FloatArray, high: FloatArray, at: IntArray, coarser: type[np.floating]) -> BoolArray:
        """Whether one side holds what the other becomes when it is rounded, [neighbour, interval]."""
        lower, upper = self._lower[at], self._upper[at]
        with np.errstate(over="ignore"):
            ends = [each.astype(coarser).astype(np.float64) for each in (low, high, lower, upper)]
        live_low, live_high, seen_low, seen_high = ends
        live_rounded = (high >= seen_low) & (low < seen_high)
        training_rounded = (live_high > lower) & (live_low <= upper)
        return np.asarray(live_rounded | training_rounded)


def _is_one_value(lower: FloatArray, upper: FloatArray) -> BoolArray:
    """Whether intervals are so narrow; in halves, as the widest is longer than the largest float."""
    size = np.maximum(np.abs(lower), np.abs(upper))
    return np.asarray((upper / 2 - lower / 2) / np.maximum(size / 2, np.finfo(np.float64).tiny) <= _ONE_VALUE)
