"""A sample of the rows of a table, spread over all of them, whatever their number."""

from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from driftline.sketch.splitmix import splitmix64

MOST_ROWS: Final = 4096
"""Rows kept by default; a layout is fitted to half as many."""


class RowSample:
    """Keeps the rows whose scrambled number is small: a stride would fall in step with data that has a period.

    The same rows give the same sample. All rows are kept as long as there are few.
    """

    def __init__(self, most: int = MOST_ROWS) -> None:
        """most: rows kept."""
        self._most = most
        self._batches: list[Any] = []
        self._ranks: list[NDArray[np.uint64]] = []
        self._limit = np.uint64(2**64 - 1)
        self._rows = 0
        self._seen = 0

    def add(self, batch: Any) -> None:
        rank = splitmix64(np.arange(self._seen, self._seen + batch.num_rows, dtype=np.uint64))
        self._seen += batch.num_rows
        kept = np.flatnonzero(rank <= self._limit)
        if len(kept):
            self._batches.append(batch.take(pa.array(kept)))
            self._ranks.append(rank[kept])
            self._rows += len(kept)
        if self._rows > 2 * self._most:
            self._thin()

    @property
    def any(self) -> bool:
        """Whether there are rows."""
        return self._rows > 0

    def _thin(self) -> None:
        table, rank = pa.Table.from_batches(self._batches), np.concatenate(self._ranks)
        self._limit = np.partition(rank, self._most - 1)[self._most - 1]
        kept = rank <= self._limit
        self._batches, self._ranks = table.filter(pa.array(kept)).combine_chunks().to_batches(), [rank[kept]]
        self._rows = int(kept.sum())

    def rows(self) -> Any:
        """A record batch of at most so many rows, in the order of the data."""
        if self._rows > self._most:
            self._thin()
        return pa.Table.from_batches(self._batches).combine_chunks().to_batches()[0]
