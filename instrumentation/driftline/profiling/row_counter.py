"""How often the rows of a table repeat, in the whole and in its chunks."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftline.profiling.plan import PlannedColumn
from driftline.reference.profile_column import ColumnKey
from driftline.reference.row_repeats import RowRepeats
from driftline.semconv import TARGET_INPUT
from driftline.sketch.arrays import IntArray
from driftline.sketch.row_hash import BUCKETS, RowHasher, in_half_precision, repeats


class RowCounter:
    """Rows of some columns, by hash. chunks: number of chunks."""

    def __init__(self, columns: Sequence[PlannedColumn], chunks: int) -> None:
        self._columns = {column.key.name: column for column in columns}
        self._inputs = RowHasher(0, self._columns).inputs
        self._whole, self._rounded = np.zeros((2, BUCKETS), np.int64)
        self._by_chunk = np.zeros((chunks, BUCKETS), np.int64)

    def add(self, batch: Any, chunk: IntArray) -> None:
        """Rows of a record batch. chunk: of each row, [rows], -1 for rows in none."""
        rows, rounded = (RowHasher(batch.num_rows, self._columns) for _ in range(2))
        for name in self._inputs.chosen:
            column = self._columns[name]
            values = _texts(batch, column) if column.is_text else column.numbers(batch)
            rows.add(name, values)
            rounded.add(name, values if column.is_text else in_half_precision(values))
        buckets, coarse = rows.buckets(), rounded.buckets()
        assert buckets is not None, "every column has been added"
        assert coarse is not None
        self._whole += np.bincount(buckets, minlength=BUCKETS)
        self._rounded += np.bincount(coarse, minlength=BUCKETS)
        np.add.at(self._by_chunk, (chunk[chunk >= 0], buckets[chunk >= 0]), 1)

    def result(self) -> RowRepeats:
        held = self._by_chunk[self._by_chunk.any(axis=1)]
        found = np.array([repeats(counts) for counts in held])
        return RowRepeats(self._inputs.digest, self._whole, held.sum(axis=1), found, repeats(self._rounded))


def _texts(batch: Any, column: PlannedColumn) -> NDArray[Any]:
    return np.asarray(batch.column(column.source).to_numpy(zero_copy_only=False), object)


class RowCounters:
    """Rows of all inputs, and of those that a profile keeps: a model may take an ID or a clock, or not."""

    def __init__(
        self, columns: Sequence[PlannedColumn], doubtful: Iterable[ColumnKey], clocks: Iterable[ColumnKey], chunks: int
    ) -> None:
        """doubtful: columns that may turn out to be IDs. clocks: columns that are left out already."""
        inputs = {column.key: column for column in columns if column.key.target == TARGET_INPUT}
        known = frozenset(inputs)
        self._all, self._unclocked = known, known.difference(clocks)
        self._sure = self._unclocked.difference(doubtful)
        sets = {self._sure, self._unclocked, self._all}
        self._counters = {keys: RowCounter([inputs[key] for key in keys], chunks) for keys in sets if keys}

    def add(self, batch: Any, chunk: IntArray) -> None:
        """Rows of a record batch. chunk: of each row, [rows], -1 for rows in none."""
        for counter in self._counters.values():
            counter.add(batch, chunk)

    def results(self, ids: Iterable[ColumnKey]) -> tuple[RowRepeats, ...]:
        """Of the inputs without these, where those were counted apart, and of all."""
        kept = self._unclocked.difference(ids)
        counted = [keys for keys in dict.fromkeys((kept, self._all)) if keys in self._counters]
        return tuple(self._counters[keys].result() for keys in counted)
