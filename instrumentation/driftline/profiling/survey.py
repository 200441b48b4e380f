"""The first pass over the data: the number of rows, a sample, and each column's range and frequent values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from driftline.profiling.frequent_values import FrequentValues
from driftline.profiling.plan import Plan, PlannedColumn
from driftline.profiling.row_sample import RowSample
from driftline.profiling.tables import Table
from driftline.reference.column_types import INTEGER
from driftline.reference.errors import ProfileError
from driftline.reference.profile_column import ColumnKey

FEW_VALUES: Final = 50
"""Integers with at most as many distinct values are counted as categories too."""


class Range:
    """Smallest and largest finite value so far; infinite the other way round while there is none."""

    def __init__(self) -> None:
        self.least, self.greatest = np.inf, -np.inf

    @property
    def empty(self) -> bool:
        return self.least > self.greatest

    def add(self, values: NDArray[np.float64]) -> None:
        if not len(values):
            return
        least, greatest = np.fmin.reduce(values), np.fmax.reduce(values)
        if not (np.isfinite(least) and np.isfinite(greatest)):
            values = values[np.isfinite(values)]
            if not len(values):
                return
            least, greatest = values.min(), values.max()
        self.least, self.greatest = min(self.least, float(least)), max(self.greatest, float(greatest))


class ColumnSurvey:
    """One column in the first pass: the range of its numbers, and its frequent values if it may be categorical."""

    def __init__(self, column: PlannedColumn) -> None:
        self.column = column
        self.range = Range()
        self.values: FrequentValues | None = None
        if column.is_text or column.declared:
            self.values = FrequentValues()
        elif column.kind == INTEGER or column.may_be_classes:
            self.values = FrequentValues(FEW_VALUES)

    def add(self, batch: Any) -> None:
        if self.column.is_text:
            assert self.values is not None
            self.values.add(batch.column(self.column.source))
            return
        x = self.column.numbers(batch)
        self.range.add(x)
        if self.values is not None:
            self.values.add(pa.array(x[np.isfinite(x)] + 0.0))  # + 0.0: there is one zero
            if not self.values.exact and not self.column.declared:
                self.values = None


@dataclass(frozen=True, slots=True)
class Survey:
    """Result of the first pass. times: the range of the timestamps, in the column's own unit."""

    rows: int
    sample: Any
    columns: Mapping[ColumnKey, ColumnSurvey]
    times: Range


def survey(table: Table, plan: Plan, on_rows: Callable[[int], None]) -> Survey:
    """Reads the table once, calling on_rows with the size of each batch. Raises ProfileError if there are no rows."""
    sample, times, rows = RowSample(), Range(), 0
    columns = {column.key: ColumnSurvey(column) for column in plan.columns}
    for batch in table.batches(plan.sources):
        if not batch.num_rows:
            continue
        rows += batch.num_rows
        sample.add(batch)
        for column in columns.values():
            column.add(batch)
        if plan.timestamp:
            times.add(_times(batch, plan.timestamp))
        on_rows(batch.num_rows)
    if not rows:
        raise ProfileError(f"{', '.join(source.name for source in table.sources[:3])}: must hold rows (got none)")
    return Survey(rows, sample.rows(), columns, times)


def _times(batch: Any, timestamp: str) -> NDArray[np.float64]:
    return np.asarray(batch.column(timestamp).to_numpy(zero_copy_only=False), np.float64)
