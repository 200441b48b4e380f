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
        for place in np.flatnonzero(calls >= 0).tolist():
            threshold = self._of_call(processes[place], int(calls[place]))
            if threshold is not None:
                found[place] = int(keys[place]) >> 8 < threshold
        return found

    def forget(self, before: int) -> None:
        """Days before, Unix nanoseconds."""
        self.least = {day: threshold for day, threshold in self.least.items() if (day + 1) * DAY > before}

    def _of_call(self, process: str, call: int) -> int | None:
        """The least threshold of the batches that a call may be in: one for each model and operation."""
        known = [threshold for first, last, threshold in self.calls.get(process, ()) if first <= call <= last]
        return min(known, default=None)

    def pack(self) -> dict[str, Any]:
        """As plain values."""
        return {"least": list(self.least.items()), "calls": list(self.calls.items())}

    @classmethod
    def unpack(cls, packed: Mapping[str, Any]) -> "SamplingThresholds":
        """The inverse of `pack`."""
        calls = {process: [list(span) for span in spans] for process, spans in packed["calls"]}
        return cls(dict(packed["least"]), calls)
