"""Which row batches of a model have come: each counts once, however often it is sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from driftline.rows.batch import RowBatch

MAX_PROCESSES: Final = 10_000
"""Processes that are remembered; of those that sent nothing for longest, batches that come again count again."""

MAX_RUNS: Final = 100
"""Gaps in the sequence of a process that are remembered."""


@dataclass(slots=True)
class ReceivedBatches:
    """seen: rows that the batches stand for. sampled: rows in them.

    Ids are those of a process with a sequence number, so what has come is a few runs of numbers: process -> [first,
    last] pairs in ascending order. Of any other id, the whole is a process.
    """

    runs: dict[str, list[list[int]]] = field(default_factory=dict)
    seen: int = 0
    sampled: int = 0

    def add(self, batch: RowBatch) -> bool:
        """Count a batch; False if it has come before."""
        process, _, number = batch.uid.rpartition(".")
        known = process and number.isascii() and number.isdigit() and len(number) < 19
        runs = self.runs.pop(process if known else batch.uid, [])
        self.runs[process if known else batch.uid] = runs  # the last one that sent is the last one to be forgotten
        if not _insert(runs, int(number) if known else 0):
            return False
        if len(self.runs) > MAX_PROCESSES:
            del self.runs[next(iter(self.runs))]
        self.seen += batch.seen
        self.sampled += len(batch.table)
        return True

    def pack(self) -> dict[str, Any]:
        """As plain values."""
        return {"runs": list(self.runs.items()), "seen": self.seen, "sampled": self.sampled}

    @classmethod
    def unpack(cls, packed: Mapping[str, Any]) -> "ReceivedBatches":
        """The inverse of `pack`."""
        runs = {process: [list(run) for run in runs] for process, runs in packed["runs"]}
        return cls(runs, packed["seen"], packed["sampled"])


def _insert(runs: list[list[int]], number: int) -> bool:
    """Add a number to ascending runs; False if it lies in one."""
    place = len(runs)
    while place and runs[place - 1][0] > number:  # from the end, where nearly all belong
        place -= 1
    if place and number <= runs[place - 1][1]:
        return False
    after = place < len(runs) and runs[place][0] == number + 1
    if place and runs[place - 1][1] == number - 1:
        runs[place - 1][1] = runs.pop(place)[1] if after else number
    elif after:
        runs[place][0] = number
    else:
        runs.insert(place, [number, number])
    del runs[:-MAX_RUNS]
    return True
