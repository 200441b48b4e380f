"""What a window held of numeric columns, read as the reference's type.

Senders count numbers as numbers and texts as texts. A text that stands for a number is that number; any other is of the
wrong type. And a number that is one of training's, rounded to float32 or float16 on one of the two sides, is that one:
9.95 is 9.949999809 in a booster, and no value below the training minimum.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, Literal

import numpy as np

from driftline.reference.column_types import BOOLEAN, FLOAT
from driftline.semconv import MISSING, NON_FINITE, TARGET_LABEL, WRONG_TYPE
from driftline.sketch import Intervals
from driftline.sketch.arrays import BoolArray, FloatArray, IntArray
from driftline.sketch.values import read_text, read_truth_or_text
from driftline_processor.monitors.drift.binning.stacked_intervals import StackedIntervals
from driftline_processor.records import ColumnKey, ColumnSummary, Reference, ReferenceColumn

_COARSER: Final = (np.float32, np.float16)
"""Types that values are rounded to on their way to a model or from it, the finest first."""

_ROUNDED: Final = (2.0**-10, 2.0**-24)
"""Rounding to them moves no value further: twice float16's error, by the value's size, and among its subnormals."""

_ONE_VALUE: Final = 2.0**-8
"""Width of an interval, by its size, up to which it may hold one value: two wider ones that meet are neighbours."""


LABEL = ColumnKey(TARGET_LABEL, TARGET_LABEL)


def with_label(summaries: Mapping[ColumnKey, ColumnSummary], reference: Reference) -> Mapping[ColumnKey, ColumnSummary]:
    """A server may call a label just that, whatever its column was called in training."""
    if LABEL not in summaries or LABEL in reference.columns:
        return summaries
    labels = [key for key in reference.columns if key.target == TARGET_LABEL and key not in summaries]
    return {labels[0] if key == LABEL else key: each for key, each in summaries.items()} if labels else summaries


class WindowReader:
    """Reads the columns of a window as the reference has them."""

    def __init__(self, columns: Sequence[ReferenceColumn]) -> None:
        self._of_texts = [reader_of_texts(each.type) if each.kind == "numeric" else None for each in columns]
        seen = {i: each.summary.intervals for i, each in enumerate(columns) if each.type == FLOAT}
        self._rounded = [i for i, intervals in seen.items() if len(intervals) and columns[i].kind == "numeric"]
        self._rounding = Rounding([seen[i] for i in self._rounded])

    def read(self, held: Sequence[ColumnSummary]) -> list[ColumnSummary]:
        """The same rows; of categorical columns, as they are: their cells have all spellings of a category."""
        read = [
            with_numbers(summary, of_text) if of_text is not None and summary.categories else summary
            for summary, of_text in zip(held, self._of_texts, strict=True)
        ]
        for place, intervals in self._rounding.undone([read[i].intervals for i in self._rounded]).items():
            i = self._rounded[place]
            read[i] = replace(read[i], intervals=intervals)
        return read


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

    def __init__(self, seen: Sequence[Intervals]) -> None:
        """seen: of each column, none without any."""
        ordered = StackedIntervals.of(seen)
        self._lower, self._upper = ordered.lower, ordered.upper
        self._first, self._last = ordered.bounds[:-1], ordered.bounds[1:] - 1
        self._uppers = list(ordered.parts(self._upper))
        reach = [np.minimum.accumulate(lower[::-1])[::-1] for lower in ordered.parts(self._lower)]
        self._reach = np.concatenate(reach) if reach else np.zeros(0)  # the lowest end of all from here on
        self._one_value = _is_one_value(self._lower, self._upper)

    def undone(self, held: Sequence[Intervals]) -> dict[int, Intervals]:
        """Intervals that touch none of training's, at the one whose rounded values they hold, or that holds theirs.

        Of the columns that have such intervals, by their place.
        """
        live = StackedIntervals.of(held)
        new = np.flatnonzero(self._is_new(live))
        if not len(new):
            return {}
        column = live.column[new]
        above = np.minimum(self._place(live.upper[new], column), self._last[column])
        at = np.stack((above, np.maximum(above - 1, self._first[column])))
        possible = self._may_be_same(live.lower[new], live.upper[new], at)
        some = possible.any(axis=0)
        if not some.any():
            return {}
        new, at, possible = new[some], at[:, some], possible[:, some]
        low, high = live.lower[new], live.upper[new]
        same = np.concatenate([possible & self._same(low, high, at, coarser) for coarser in _COARSER])
        found = same.any(axis=0)
        return self._moved(live, new[found], np.concatenate((at, at))[same.argmax(axis=0), np.arange(len(new))][found])

    def _moved(self, live: StackedIntervals, moved: IntArray, to: IntArray) -> dict[int, Intervals]:
        """The columns of intervals that are training's intervals `to`."""
        lower, upper = live.lower.copy(), live.upper.copy()
        lower[moved], upper[moved] = self._lower[to], self._upper[to]
        parts = {i: slice(*live.bounds[i : i + 2].tolist()) for i in np.unique(live.column[moved]).tolist()}
        return {i: Intervals(lower[of], upper[of], live.weight[of]).merge() for i, of in parts.items()}

    def _is_new(self, live: StackedIntervals) -> BoolArray:
        first = self._place(live.lower, live.column, "right")  # the first interval of training that ends above
        last = self._last[live.column]
        return np.asarray((first > last) | (self._reach[np.minimum(first, last)] >= live.upper))

    def _place(self, values: FloatArray, column: IntArray, side: Literal["left", "right"] = "left") -> IntArray:
        """Where values of each column belong among the upper ends of that; column: of each value, ascending."""
        bounds = column.searchsorted(np.arange(len(self._uppers) + 1))
        place = self._first[column]
        for i in np.flatnonzero(np.diff(bounds)).tolist():
            of = slice(bounds[i], bounds[i + 1])
            place[of] += self._uppers[i].searchsorted(values[of], side)
        return place

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
