"""Accumulates sketches, counters and example values of a column into one summary."""

from array import array
from collections.abc import Iterable
from typing import Final

import numpy as np

from driftline.semconv import MISSING, NON_FINITE, OUT_OF_RANGE, VALID
from driftline.sketch import Intervals, hashed
from driftline.sketch.arrays import FloatArray
from driftline.sketch.decimals import ROOM, decimal_rows, sampled
from driftline.sketch.encoded import Sketch
from driftline.sketch.values import LONGEST_NAME
from driftline_processor.engine.sketch_sums import Gain, gained
from driftline_processor.engine.summary_ops import MAX_CATEGORIES, total
from driftline_processor.records import ColumnSummary, ColumnValues

BUFFER_LIMIT: Final = 4096
"""Values buffered before they are merged: one merge costs as much as hundreds of them."""

MOST_GAINS: Final = 256
"""Sketches buffered, likewise."""

COUNTED_ELSEWHERE: Final = (VALID, OUT_OF_RANGE)
"""States of rows that sketches and categories count already."""


class Accumulator:
    """The running sum of a column. Additions are buffered until BUFFER_LIMIT, or until `summary` is called.

    decimals: those of example values are counted.
    """

    __slots__ = (
        "_buffered",
        "_categories",
        "_decimals",
        "_gains",
        "_numbers",
        "_of_decimals",
        "_rows",
        "_settled",
        "_squares",
        "_states",
        "_total",
        "_weights",
    )

    def __init__(self, begin: ColumnSummary | None = None, *, decimals: bool = False) -> None:
        self._total = begin or ColumnSummary()
        self._of_decimals = decimals
        self._clear()

    def _clear(self) -> None:
        self._gains: list[Gain] = []
        self._settled: list[Intervals] = []
        self._numbers, self._weights = array("d"), array("d")
        self._categories: dict[str, float] = {}
        self._states: dict[str, float] = {}
        self._decimals: dict[str, float] = {}
        self._rows = self._squares = 0.0
        self._buffered = 0

    def add_histogram(self, newer: Sketch, older: Sketch | None = None) -> None:
        """Adds the rows of a sketch that the earlier one of its stream does not have."""
        self._gains.append((newer, older))
        if len(self._gains) >= MOST_GAINS:
            self.summary()

    def take_gains(self) -> list[Gain]:
        """The buffered sketches, which the caller adds as intervals."""
        taken, self._gains = self._gains, []
        return taken

    def add_intervals(self, found: Intervals) -> None:
        """Adds the rows of intervals."""
        if len(found):
            self._settled.append(found)
            self._count(found.total, found.total, buffered=len(found))

    def add_category(self, name: str, rows: float) -> None:
        """Adds rows of a category."""
        self._categories[name] = self._categories.get(name, 0.0) + rows
        self._count(rows, rows)

    def add_state(self, state: str, rows: float) -> None:
        """Adds rows in a state, unless another part of the sketch counts them."""
        if state not in COUNTED_ELSEWHERE:
            self._states[state] = self._states.get(state, 0.0) + rows
            self._count(rows, rows)

    def add_decimals(self, level: str, rows: float) -> None:
        """Adds rows whose numbers have so many decimals, which sketches count."""
        self._decimals[level] = self._decimals.get(level, 0.0) + rows

    def add_values(self, values: ColumnValues, weights: FloatArray) -> None:
        """Adds example values. weights: how many rows each stands for, [values]."""
        if isinstance(values, np.ndarray):
            self._add_numbers(values, weights)
            return
        for value, weight in zip(values, weights.tolist(), strict=True):
            if value is None or value != value:  # noqa: PLR0124  (only NaN differs from itself)
                self._states[MISSING] = self._states.get(MISSING, 0.0) + weight
            elif isinstance(value, str):
                name = value if len(value) <= LONGEST_NAME else hashed(value)  # as sketches and references name it
                self._categories[name] = self._categories.get(name, 0.0) + weight
            elif value in (np.inf, -np.inf):
                self._states[NON_FINITE] = self._states.get(NON_FINITE, 0.0) + weight
            else:
                self._numbers.append(float(value))
                self._weights.append(weight)
            self._count(weight, weight * weight, buffered=1)

    def _add_numbers(self, values: FloatArray, weights: FloatArray) -> None:
        finite = np.isfinite(values)
        if not finite.all():
            for state, which in ((MISSING, np.isnan(values)), (NON_FINITE, np.isinf(values))):
                if which.any():
                    self._states[state] = self._states.get(state, 0.0) + float(weights[which].sum())
        self._numbers.frombytes(values[finite].tobytes())
        self._weights.frombytes(weights[finite].tobytes())
        self._count(float(weights.sum()), float(weights @ weights), buffered=len(values))

    def summary(self) -> ColumnSummary:
        """The sum of everything added, within the bounds of a summary."""
        if self._gains:
            self.add_intervals(*gained([self.take_gains()]))
        if self._rows or self._decimals:
            values = [Intervals.of_values(self._numbers, self._weights)] if self._numbers else []
            if self._of_decimals:
                self._count_decimals()
            categories, states, decimals = self._categories, self._states, self._decimals
            counted = ColumnSummary(Intervals.empty(), categories, states, self._rows, self._squares, decimals)
            self._total = total([self._total, counted, *(ColumnSummary(each) for each in (*self._settled, *values))])
            self._clear()
        return self._total

    def _count_decimals(self) -> None:
        """Adds the rows of the buffered values by their decimals, of more than ROOM those of a sample."""
        values, weights = np.array(self._numbers), np.array(self._weights)
        if len(values) > ROOM:
            chosen = sampled(len(values), ROOM, 0)
            values, weights = values[chosen], weights[chosen]
        for level, rows in decimal_rows(values, weights).items():
            self.add_decimals(level, rows)

    def _count(self, rows: float, squares: float, buffered: int = 0) -> None:
        self._rows += rows
        self._squares += squares
        self._buffered += buffered
        if self._buffered > BUFFER_LIMIT or len(self._categories) > 2 * MAX_CATEGORIES:
            self.summary()


def settle(accumulators: Iterable[Accumulator]) -> None:
    """Makes intervals of the sketches that these hold: of all at once, which is much cheaper."""
    every = list(accumulators)
    for each, found in zip(every, gained([each.take_gains() for each in every]), strict=True):
        each.add_intervals(found)
