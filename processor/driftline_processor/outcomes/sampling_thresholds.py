"""Which rows were provably never sent: below the threshold of the batch that would hold them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from driftline.rows.batch import RowBatch
from driftline.rows.keys import Words
from driftline.rows.sampling import RANGE, randomness
from driftline.sketch.arrays import BoolArray, IntArray
from driftline.sketch.time_units import DAY

MAX_PROCESSES: Final = 10_000
MAX_SPANS: Final = 5_000
"""Spans of calls of one threshold that are remembered of a process."""

_PROCESS_DIGITS: Final = 24

_TOGETHER: Final = 64
"""Batches of a process that one call may be in, by models and operations."""


@dataclass(slots=True)
class SamplingThresholds:
    """least: of all batches of a day. calls: of a process, [first, last, threshold] of batches in a row."""

    least: dict[int, int] = field(default_factory=dict)
    calls: dict[str, list[list[int]]] = field(default_factory=dict)

    def add(self, batch: RowBatch, time: int) -> None:
        """Remember what a batch left out. time: of its rows, Unix nanoseconds."""
        day = time // DAY
        self.least[day] = min(batch.threshold, self.least.get(day, RANGE))
        process, first, last = (
            batch.first[:_PROCESS_DIGITS],
            batch.first[_PROCESS_DIGITS:],
            batch.last[_PROCESS_DIGITS:],
        )
        try:
            span = [int(first, 16), int(last, 16), batch.threshold]
        except ValueError:
            return
        spans = self.calls.pop(process, [])
        self.calls[process] = spans
        same = spans and spans[-1][2] == span[2] and spans[-1][0] <= span[0] <= spans[-1][1] + 1
        if same:
            spans[-1][1] = max(spans[-1][1], span[1])
        else:
            spans.append(span)
        del spans[:-MAX_SPANS]
        while len(self.calls) > MAX_PROCESSES:
            del self.calls[next(iter(self.calls))]

    def left_out(self, keys: Words, processes: Any, calls: IntArray) -> BoolArray:
        """Whether rows were left out for certain, [rows].

        Args:
            keys: Of the rows, [rows].
            processes: Of our own ids, "" for others, [rows].
            calls: Numbers of calls in them, [rows].

        """
        found: BoolArray = randomness(keys) < np.uint64(min(self.least.values(), default=0))
        ours = np.flatnonzero(calls >= 0)
        names, groups = np.unique(processes[ours].astype(str), return_inverse=True)
        for group, name in enumerate(names.tolist()):
            own = ours[groups == group]
            threshold = self._of_calls(name, calls[own])
            found[own] = (threshold < RANGE) & (randomness(keys[own]) < threshold.astype(np.uint64))
        return found

    def forget(self, before: int) -> None:
        """Days before, Unix nanoseconds."""
        self.least = {day: threshold for day, threshold in self.least.items() if (day + 1) * DAY > before}

    def _of_calls(self, process: str, calls: IntArray) -> IntArray:
        """The least threshold of the batches that each call may be in, one for each model and operation, [calls].

        RANGE where no such batch has come.
        """
        least = np.full(len(calls), RANGE, np.int64)
        spans = self.calls.get(process)
        if not spans:
            return least
        first, last, threshold = np.array(spans, np.int64).T
        order = np.argsort(first, kind="stable")
        first, last, threshold = first[order], last[order], threshold[order]
        after = np.searchsorted(first, calls, "right")
        for back in range(1, min(len(spans), _TOGETHER) + 1):
            place = np.maximum(after - back, 0)
            inside = (after >= back) & (calls <= last[place])
            least[inside] = np.minimum(least[inside], threshold[place[inside]])
        return least

    def pack(self) -> dict[str, Any]:
        """As plain values."""
        return {"least": list(self.least.items()), "calls": list(self.calls.items())}

    @classmethod
    def unpack(cls, packed: Mapping[str, Any]) -> "SamplingThresholds":
        """The inverse of `pack`."""
        calls = {process: [list(span) for span in spans] for process, spans in packed["calls"]}
        return cls(dict(packed["least"]), calls)
