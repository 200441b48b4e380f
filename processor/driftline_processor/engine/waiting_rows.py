"""Rows of a model that wait for the window they are in: in memory only, and bounded."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from driftline.rows.batch import RowBatch, WeightedRows, merged_by_key

MAX_ROWS: Final = 200_000
"""Of a model. Beyond, all are thinned to half of them, exactly: what is left stands for twice as many."""

_WHOLE: Final = 1 << 56


@dataclass(slots=True)
class WaitingRows:
    """Batches with rows of windows to come."""

    batches: list[RowBatch] = field(default_factory=list)

    def add(self, batch: RowBatch) -> None:
        """Rows to be judged; batches without any say nothing."""
        if not len(batch.table):
            return
        self.batches.append(batch)
        while sum(len(each.table) for each in self.batches) > MAX_ROWS:
            least = min(each.threshold for each in self.batches)
            self.batches = [each.thinned((least + _WHOLE) // 2) for each in self.batches]

    def take(self, before: int, reference: str) -> WeightedRows | None:
        """The rows of windows that end by then; None where there are none. They do not wait any longer.

        before: nanoseconds. reference: codes of another one mean something else, and are left out.
        """
        ready, rest = [], []
        for batch in self.batches:
            early = batch.table.times < before
            if early.all():
                ready.append(batch)
                continue
            if early.any():
                ready.append(_some(batch, early))
            rest.append(_some(batch, ~early))
        self.batches = rest
        known = [each for each in ready if each.reference in {"", reference}]
        return merged_by_key(known) if known else None


def _some(batch: RowBatch, which: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]") -> RowBatch:
    return RowBatch(
        batch.uid, batch.threshold, batch.seen, batch.table.chosen(which), batch.first, batch.last, batch.reference
    )
