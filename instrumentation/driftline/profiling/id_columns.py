"""Detects ID columns and row numbers: as many distinct values as rows."""

from typing import Any, Final

import numpy as np
import pyarrow.compute as pc

from driftline.profiling.plan import PlannedColumn

_FEWEST: Final = 50
"""Fewer values may be distinct by chance: twenty ages may all differ."""

_UNIQUE_TEXTS: Final = 0.9
"""Share of distinct values from which on texts tell rows apart. Integers must all differ: they may be a quantity."""


class IdProbe:
    """Counts the values of a sample among all rows: in an ID column each occurs once."""

    def __init__(self, column: PlannedColumn, sample: Any) -> None:
        self._source = column.source
        self._needed = _UNIQUE_TEXTS if column.is_text else 1.0
        values = sample.column(column.source).drop_null()
        self._values = pc.unique(values)
        self._counts = np.zeros(len(self._values), np.int64)
        self.suspected = len(values) >= _FEWEST and len(self._values) >= self._needed * len(values)

    @classmethod
    def of(cls, column: PlannedColumn, sample: Any) -> "IdProbe | None":
        """A probe where the sample suggests one; `sample` is a record batch."""
        if not column.may_be_id:
            return None
        probe = cls(column, sample)
        return probe if probe.suspected else None

    def add(self, batch: Any) -> None:
        if not self.suspected:
            return
        found = pc.index_in(batch.column(self._source), value_set=self._values).drop_null()
        self._counts += np.bincount(found.to_numpy(), minlength=len(self._counts))
        self.suspected = float(np.mean(self._counts <= 1)) >= self._needed

    @property
    def is_id(self) -> bool:
        """After all rows."""
        return self.suspected
