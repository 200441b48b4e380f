"""Rows → records, sketched as in the process that serves the model."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftline.semconv import TARGET_INPUT, TARGET_LABEL, TARGET_PAIR, TARGET_ROWS
from driftline.sketch import MOST_NAMED
from driftline.sketch.arrays import IntArray
from driftline.sketch.column import ColumnSketch
from driftline.sketch.pairs import Pair, Pairs
from driftline.sketch.row_hash import BUCKETS, histogram, row_buckets
from driftline.sketch.time_units import HOUR
from driftline.sketch.values import is_missing
from driftline_processor.engine.accumulator import COUNTED_ELSEWHERE
from driftline_processor.records import ColumnKey, CountPoint, InputRecord, ModelKey, RowsPoint, SketchPoint
from driftline_processor.replay.column_mapping import ReplayedColumn

_OPERATION: Final = "predict"


class Sketcher:
    """Sketches the columns of one model, and emits deltas."""

    def __init__(
        self,
        model: ModelKey,
        columns: Sequence[ReplayedColumn],
        pairs: Mapping[str, Pair],
        inputs: frozenset[str] | None = None,
    ) -> None:
        """inputs: names of those that a row consists of, where that is not all: the model's."""
        self._model = model
        every = frozenset(column.key.name for column in columns if column.key.target == TARGET_INPUT)
        self._inputs = every if inputs is None else every & inputs
        self._series = {
            c.key: ColumnSketch(0, MOST_NAMED, classes=c.classes, decimals=c.key.target == TARGET_INPUT, delta=True)
            for c in columns
        }
        self._pairs = Pairs(pairs)
        self._counted = {name: ColumnSketch(0, MOST_NAMED, classes=True, delta=True) for name in pairs}
        self._ticks = count(1)
        self._points = count(1)

    def records(self, values: Mapping[ColumnKey, NDArray[Any]], times: IntArray) -> list[InputRecord]:
        """Sketches rows of one step.

        Args:
            values: The rows of each column, [rows].
            times: Their event times, Unix nanoseconds, [rows].

        Returns:
            Delta points: the number of rows of each hour, and at the newest time the columns.

        """
        time = int(times.max())
        records: list[InputRecord] = list(self._rows(times))
        for key, series in self._series.items():
            series.add(_come(values[key]) if key.target == TARGET_LABEL else values[key], next(self._ticks))
            records += self._column(key, series, time)
        inputs = {key.name: column for key, column in values.items() if key.target == TARGET_INPUT}
        for name, counted in self._pairs.count(inputs):
            self._counted[name].count(counted)
            records += self._column(ColumnKey(TARGET_PAIR, name), self._counted[name], time)
        hashed = row_buckets({name: column for name, column in inputs.items() if name in self._inputs})
        if hashed is not None:
            counts = np.bincount(hashed[1], minlength=BUCKETS)
            records.append(SketchPoint(*self._head(ColumnKey(TARGET_ROWS, hashed[0]), time), histogram(counts)))
        return records

    def _rows(self, times: IntArray) -> Iterator[RowsPoint]:
        """Hour by hour, the last one first: a stream begins with its newest time."""
        hours, rows = np.unique((times - 1) // HOUR, return_counts=True)
        newest = np.minimum((hours + 1) * HOUR, times.max())
        for time, number in zip(newest[::-1].tolist(), rows[::-1].tolist(), strict=True):
            yield RowsPoint(*self._head(ColumnKey("", ""), time), float(number))

    def _column(self, key: ColumnKey, series: ColumnSketch, time: int) -> Iterator[InputRecord]:
        points = series.collect(next(self._ticks))
        for _, numbers in points.numbers:
            for part in (numbers.core, *numbers.tails.values()):
                if part.count:
                    yield SketchPoint(*self._head(key, time), part)
        states = {name: counted for name, counted in points.states.items() if name not in COUNTED_ELSEWHERE}
        for kind, counts in (("category", points.categories), ("state", states), ("decimals", points.decimals)):
            for name, counted in counts.items():
                yield CountPoint(*self._head(key, time), kind, name, float(counted.rows))
        series.acknowledge()

    def _head(self, key: ColumnKey, time: int) -> tuple[bytes, ModelKey, ColumnKey, str, int, int, bool]:
        """The common fields of a point; each has a stream of its own, so that none is a duplicate."""
        return next(self._points).to_bytes(16, "big"), self._model, key, _OPERATION, time, time, False


def _come(labels: NDArray[Any]) -> NDArray[Any]:
    """Labels that have come: the others are to come, and no missing values."""
    known = ~np.isnan(labels) if labels.dtype.kind == "f" else np.array([not is_missing(each) for each in labels], bool)
    come: NDArray[Any] = labels[known]
    return come
