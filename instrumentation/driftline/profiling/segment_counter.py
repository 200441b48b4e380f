"""Training's counts of the lattice of segments: in the second pass over the data."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from driftline import semconv
from driftline.profiling.counters import CategoricalColumnCounter, ColumnCounter, NumericColumnCounter
from driftline.profiling.plan import PlannedColumn
from driftline.reference.column_types import BOOLEAN, INTEGER
from driftline.reference.errors import ProfileError
from driftline.reference.profile_column import ColumnKey
from driftline.segments.columns import CELLS, NONE, SegmentColumn, cut_at
from driftline.segments.declared import parsed
from driftline.segments.flags import STATUSES, flags, status
from driftline.segments.lattice import CODES, MOST_PAIRED, PAIR, Codes, Lattice
from driftline.segments.training import SUMS, Flags, SegmentTraining, sums_by_status
from driftline.segments.variation import correction, variations
from driftline.semconv import TARGET_INPUT, TARGET_LABEL, TARGET_OUTPUT
from driftline.sketch.arrays import FloatArray, IntArray

MOST_COLUMNS: Final = 500
"""Columns of the lattice: wider data consists of features that mean little one by one."""


class SegmentCounter:
    """Counts the rows of a table by cell, in the whole and by chunk. Its memory does not grow with the rows."""

    def __init__(
        self,
        counters: Mapping[ColumnKey, ColumnCounter],
        planned: Sequence[PlannedColumn],
        sample: Any,
        chunks: int,
        declared: Sequence[str] = (),
    ) -> None:
        """counters: of all columns that may be in the profile. sample: rows of the table. declared: segments.

        Raises:
            ProfileError: a declared segment names no input of the profile.

        """
        self._planned = {each.key: each for each in planned}
        names = declared_columns(declared, {key.name for key in counters if key.target == TARGET_INPUT})
        inputs = [key for key in counters if key.target == TARGET_INPUT]
        inputs = [key for i, key in enumerate(inputs) if i < MOST_COLUMNS or key.name in names]
        self._readers: list[_Reader | _ConditionReader] = [
            *(_Reader.of(self._planned[key], counters[key], sample) for key in inputs),
            *(_ConditionReader(text, self._planned) for text in declared if parsed(text).column is None),
        ]
        self._declared = tuple(names)
        self._outputs = _Outputs(self._planned)
        self._flags = self._outputs.flags(sample)
        codes, found = self._codes(sample), self._outputs.status(self._flags, sample)
        chosen = [i for i, reader in enumerate(self._readers) if reader.column.name in self._declared]
        self._lattice = Lattice(len(self._readers), most_informative(codes, found, chosen))
        self._table = np.zeros((self._lattice.cells, STATUSES))
        self._pairs = np.zeros((chunks, len(self._lattice.first), PAIR), np.int32)
        self._singles = np.zeros((chunks, SUMS, self._lattice.singles))

    def add(self, batch: Any, chunk: IntArray) -> None:
        """Rows of a record batch. chunk: of each row, [rows], -1 for rows in none."""
        if not self._readers:
            return
        codes, found = self._codes(batch), self._outputs.status(self._flags, batch)
        self._table += self._lattice.count(codes, found, STATUSES)
        timed = chunk >= 0
        self._add_chunks(codes[timed], found[timed], chunk[timed])

    def _add_chunks(self, codes: Codes, found: IntArray, chunk: IntArray) -> None:
        for each in np.unique(chunk).tolist():
            rows = chunk == each
            self._singles[each] += sums_by_status(_singles(codes[rows], found[rows]))
        chunks, (first, second) = len(self._pairs), (self._lattice.first.tolist(), self._lattice.second.tolist())
        columns = np.ascontiguousarray(codes.T.astype(np.int64))
        place = chunk * PAIR
        for pair, (i, j) in enumerate(zip(first, second, strict=True)):
            counts = np.bincount(place + columns[i] * CODES + columns[j], minlength=chunks * PAIR)
            self._pairs[:, pair] += counts.reshape(chunks, PAIR).astype(np.int32)

    def _codes(self, batch: Any) -> Codes:
        if not self._readers:
            return np.zeros((batch.num_rows, 0), np.uint8)
        return np.stack([reader.codes(batch) for reader in self._readers], axis=1)

    def result(self, left_out: Sequence[ColumnKey]) -> SegmentTraining | None:
        """The counts without some columns, which turned out to be ids; None without any column."""
        names = {key.name for key in left_out if key.target == TARGET_INPUT}
        kept = [i for i, reader in enumerate(self._readers) if names.isdisjoint(reader.column.sources)]
        if not kept:
            return None
        lattice = self._lattice.only(kept)
        cells = self._lattice.cells_of(kept)
        sums = sums_by_status(self._table)[:, cells]
        singles = self._singles[:, :, cells[: lattice.singles]]
        pairs = cells[lattice.singles :] - self._lattice.singles
        held = singles[:, 0, :CODES].sum(axis=1) > 0
        rows = np.concatenate([singles[:, 0], self._pairs.reshape(len(singles), -1)[:, pairs]], axis=1)[held]
        corrected = correction(lattice, sums[0], rows)
        varied = variations(lattice, sums, rows, singles[held], lattice.tables(sums[0]) * corrected)
        columns = tuple(self._readers[i].column for i in kept)
        declared = tuple(each.name for each in columns if each.name in self._declared)
        found = (columns, lattice.paired, len(held), sums, corrected, tuple(varied))
        return SegmentTraining(*found, self._flags, declared)


def _singles(codes: Codes, found: IntArray) -> FloatArray:
    """Rows of single cells by status, [cells, STATUSES]."""
    place = codes.astype(np.int64) * STATUSES + found[:, None] + np.arange(codes.shape[1]) * CODES * STATUSES
    size = codes.shape[1] * CODES * STATUSES
    return np.bincount(place.ravel(), minlength=size).reshape(-1, STATUSES).astype(np.float64)


def declared_columns(declared: Sequence[str], inputs: Collection[str]) -> list[str]:
    """The names of the columns of the lattice that segments declare. Raises ProfileError."""
    for text in declared:
        unknown = [name for name in parsed(text).names if name not in inputs]
        if unknown:
            raise ProfileError(f"segment {text!r}: must name inputs of the profile (got {unknown[0]!r})")
    return [parsed(text).column or text for text in declared]


def most_informative(codes: Codes, found: IntArray, chosen: Sequence[int] = (), most: int = MOST_PAIRED) -> list[int]:
    """The columns whose cells differ most in how often rows are flagged; where none is flagged, the most even ones.

    Args:
        codes: of a sample, [rows, columns].
        found: the status of each row, [rows].
        chosen: columns that come first in any case.
        most: columns to choose.

    """
    if codes.shape[1] <= most:
        return list(range(codes.shape[1]))
    sums = sums_by_status(_singles(codes, found)).reshape(SUMS, codes.shape[1], CODES)
    worth = _spread(sums[0], sums[1]) + _spread(sums[2], sums[3]) + 1e-3 * _entropy(sums[0])
    worth[list(chosen)] = np.inf
    return sorted(np.argsort(-worth, kind="stable")[:most].tolist())


def _spread(rows: FloatArray, flagged: FloatArray) -> FloatArray:
    """Chi² of the rates of a column's cells, beyond its degrees of freedom, [columns]."""
    overall = flagged.sum() / max(rows.sum(), 1.0)
    chance = np.maximum(rows * overall * (1 - overall), 1e-9)
    chi2 = np.where(rows > 0, (flagged - rows * overall) ** 2 / chance, 0.0).sum(axis=1)
    return np.maximum(chi2 - (rows > 0).sum(axis=1) + 1, 0.0) if 0 < overall < 1 else np.zeros(len(rows))


def _entropy(rows: FloatArray) -> FloatArray:
    share = rows / np.maximum(rows.sum(axis=1, keepdims=True), 1.0)
    return np.asarray(-(share * np.log(np.maximum(share, 1e-12))).sum(axis=1))


class _Reader:
    """Codes of one column of record batches."""

    def __init__(self, planned: PlannedColumn, column: SegmentColumn, values: Any = None) -> None:
        """values: those with a code of their own, of categories."""
        self.column = column
        self._planned, self._values = planned, values

    @classmethod
    def of(cls, planned: PlannedColumn, counter: ColumnCounter, sample: Any) -> "_Reader":
        name = planned.key.name
        if isinstance(counter, CategoricalColumnCounter):
            names, values = counter.named
            return cls(planned, SegmentColumn(name, None, tuple(names[:CELLS])), values[:CELLS])
        assert isinstance(counter, NumericColumnCounter)
        x = planned.numbers(sample)
        bins = np.searchsorted(counter.edges, x[np.isfinite(x)], "left")
        rows = np.bincount(bins, minlength=len(counter.edges) + 1).astype(np.float64)
        whole = planned.kind in (INTEGER, BOOLEAN)
        return cls(planned, SegmentColumn(name, cut_at(counter.edges, rows), whole=whole))

    def codes(self, batch: Any) -> Codes:
        if self._values is None:
            return self.column.codes(self._planned.numbers(batch))
        if self._planned.is_text:
            values = batch.column(self._planned.source)
        else:
            values = pa.array(self._planned.numbers(batch) + 0.0)
        place = pc.fill_null(pc.index_in(values, value_set=self._values), len(self.column.categories))
        missing = pc.is_null(values, nan_is_null=True).to_numpy(zero_copy_only=False)
        codes: Codes = np.where(missing, NONE, place.to_numpy(zero_copy_only=False)).astype(np.uint8)
        return codes


class _ConditionReader:
    """Codes of a declared condition in record batches: 1 inside, 0 outside."""

    def __init__(self, text: str, planned: Mapping[ColumnKey, PlannedColumn]) -> None:
        self.column = SegmentColumn(text, condition=text)
        self._sources = {name: planned[ColumnKey(TARGET_INPUT, name)] for name in self.column.sources}

    def codes(self, batch: Any) -> Codes:
        values = {name: _plain(planned, batch) for name, planned in self._sources.items()}
        return self.column.codes_of_condition(values, batch.num_rows)


class _Outputs:
    """Confidence, label and prediction of record batches, where there are such columns."""

    def __init__(self, planned: Mapping[ColumnKey, PlannedColumn]) -> None:
        self._confidence = planned.get(ColumnKey(TARGET_OUTPUT, semconv.CONFIDENCE))
        self._prediction = planned.get(ColumnKey(TARGET_OUTPUT, semconv.PREDICTION))
        self._label = next((each for key, each in planned.items() if key.target == TARGET_LABEL), None)

    def flags(self, sample: Any) -> Flags:
        return flags(*self._values(sample))

    def status(self, given: Flags, batch: Any) -> IntArray:
        return status(given, batch.num_rows, *self._values(batch))

    def _values(self, batch: Any) -> tuple[FloatArray | None, NDArray[Any] | None, NDArray[Any] | None]:
        confidence = None if self._confidence is None else self._confidence.numbers(batch)
        label, prediction = (None if each is None else _plain(each, batch) for each in (self._label, self._prediction))
        return confidence, label, prediction


def _plain(planned: PlannedColumn, batch: Any) -> NDArray[Any]:
    if planned.is_text:
        return np.asarray(batch.column(planned.source).to_numpy(zero_copy_only=False), object)
    return planned.numbers(batch)
