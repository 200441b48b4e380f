"""How many rows of a model came when: by the hour for as long as they wait, and finer for the window that is told."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from driftline.sketch.arrays import IntArray
from driftline.sketch.time_units import HOUR, SECOND

PARTS: Final = 60
"""Steps in a window, about: its first one is counted in part."""

_SPARE: Final = 48
"""Hours that may be counted beyond those that wait, and steps beyond those of a window, before they are forgotten."""


@dataclass(slots=True)
class RowCounts:
    """By operation, as two may have the same rows. window: nanoseconds. hours, steps: rows by their number."""

    window: int
    hours: dict[str, Counter[int]] = field(default_factory=dict)
    steps: dict[str, Counter[int]] = field(default_factory=dict)

    @property
    def step(self) -> int:
        """Length of a step, nanoseconds."""
        return max(self.window // PARTS, SECOND)

    def add(self, operation: str, times: IntArray) -> None:
        """times: of rows, Unix nanoseconds, [rows]."""
        _count(self.hours.setdefault(operation, Counter()), times // HOUR)
        _count(self.steps.setdefault(operation, Counter()), times // self.step)

    def within(self, start: int, end: int) -> int:
        """Rows in [start, end], Unix nanoseconds, of the operation that has most; of a step that is cut its share."""
        first, last = start // self.step, end // self.step
        cut = 1.0 - (start - first * self.step) / self.step
        counted = (_between(steps, first, last) - (1.0 - cut) * steps[first] for steps in self.steps.values())
        return round(max(counted, default=0.0))

    @property
    def by_hour(self) -> Mapping[int, int]:
        """Of the operation that has most."""
        return max(self.hours.values(), key=Counter.total, default=Counter())

    def forget(self, before: int, wait: int) -> None:
        """Hours that ended before, Unix nanoseconds, and steps before the window of the newest row."""
        for operation, hours in self.hours.items():
            if len(hours) > wait // HOUR + _SPARE:
                self.hours[operation] = _since(hours, before // HOUR)
        for operation, steps in self.steps.items():
            if len(steps) > PARTS + _SPARE:
                self.steps[operation] = _since(steps, max(steps) - PARTS)

    def pack(self) -> tuple[Any, Any]:
        """Hours, and the step with its counts, as plain values."""
        return _packed(self.hours), (self.step, _packed(self.steps))

    @classmethod
    def unpack(cls, window: int, hours: Any, steps: Any = (0, ())) -> "RowCounts":
        """The inverse of `pack`. Steps of another length, from before the window was set anew, are left out."""
        counts = cls(window, _unpacked(hours))
        if steps[0] == counts.step:
            counts.steps = _unpacked(steps[1])
        return counts


def _count(counter: Counter[int], places: IntArray) -> None:
    found, rows = np.unique(places, return_counts=True)
    counter.update(dict(zip(found.tolist(), rows.tolist(), strict=True)))


def _between(counter: Counter[int], first: int, last: int) -> int:
    return sum(rows for place, rows in counter.items() if first <= place <= last)


def _since(counter: Counter[int], first: int) -> Counter[int]:
    return Counter({place: rows for place, rows in counter.items() if place >= first})


def _packed(counters: Mapping[str, Counter[int]]) -> list[Any]:
    return [(operation, list(counter.items())) for operation, counter in counters.items()]


def _unpacked(packed: Any) -> dict[str, Counter[int]]:
    return {operation: Counter(dict(counter)) for operation, counter in packed}
