"""StreamWindow spans: a slow or small drift that no single window proves is proved by the last 2, 4, ... 32 together.

Windows are kept as vectors of counts in the reference's bins, a few kilobytes each, so that a span is a sum. A longer
span is judged when its last window is complete, also where shorter steps slide in between.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftline.sketch.arrays import FloatArray
from driftline.sketch.time_units import DAY
from driftline_processor.monitors.drift.history import stream_history
from driftline_processor.monitors.drift.history.calm_windows import CalmWindows
from driftline_processor.monitors.drift.history.stream_history import StreamHistory
from driftline_processor.records import ColumnKey, Window
from driftline_processor.verdicts.verdict import OpenAlarm

LONGER: Final = (2, 4, 8, 16, 32)
"""Windows in each of the longer spans."""

NUMBERED: Final = 365 * DAY
"""Rows that are numbered, not timed, are counted from 1970 on: they have no time of day."""


class PastWindow(NamedTuple):
    """A window that is remembered. Single precision: counts to 16 million are exact."""

    window: Window
    counts: NDArray[np.float32]


class TrailingSpan(NamedTuple):
    """So many windows together: the sum of their counts, and where it begins."""

    windows: int
    start: int
    counts: FloatArray


@dataclass(slots=True)
class TrailingWindows:
    """The last windows of a model against one reference, without overlap. Mutable, part of the model's state.

    since: when spans of a column begin anew, nanoseconds; those of all others with the first window. history: where the
    reference has no timestamps. calm: where it is provisional.
    """

    reference: str = ""
    begun: int = 0
    past: list[PastWindow] = field(default_factory=list)
    since: dict[ColumnKey, int] = field(default_factory=dict)
    history: StreamHistory | None = None
    calm: CalmWindows | None = None

    def copy(self) -> "TrailingWindows":
        """As it is now; arrays that are never changed in place are shared."""
        history = None if self.history is None else self.history.copy()
        calm = None if self.calm is None else self.calm.copy()
        return replace(self, past=list(self.past), since=dict(self.since), history=history, calm=calm)

    def follow(self, reference: str, window: Window, bins: int) -> None:
        """Begins anew where windows are held against another reference."""
        if reference != self.reference or (self.past and len(self.past[-1].counts) != bins):
            self.reference, self.begun, self.past, self.since, self.history = reference, window.start, [], {}, None
            self.calm = None

    def opened(self, column: ColumnKey, began: int, time: int) -> None:
        """An alarm of the column has opened, by a horizon that began at `began`: what was before is reported."""
        self.since[column] = time
        if self.history is not None:
            self.history.opened(column, began, time)

    def closed(self, column: ColumnKey, ended: int, time: int) -> None:
        """It has closed, by a horizon that began at `ended`."""
        self.since[column] = time
        if self.history is not None:
            self.history.closed(column, ended)

    def spans(self, reference: str, window: Window, counts: FloatArray) -> Iterator[TrailingSpan]:
        """The longer spans that end with `window`, which is remembered; none for one that overlaps the last."""
        self.follow(reference, window, len(counts))
        if slides(window):
            return
        size = window.end - window.start
        reach = window.end - LONGER[-1] * size
        self.past = [past for past in self.past if reach <= past.window.start and past.window.end <= window.start]
        self.past.append(PastWindow(window, counts.astype(np.float32)))
        sums = np.cumsum(np.array([past.counts for past in reversed(self.past)], float), axis=0)
        starts = [past.window.start for past in reversed(self.past)]
        for windows in LONGER:
            start = window.end - windows * size
            within = sum(begin >= start for begin in starts)
            if start >= self.begun and within > 1:
                yield TrailingSpan(windows, start, sums[within - 1])

    def eligible(self, column: ColumnKey, start: int) -> bool:
        """Whether a span that begins at `start` may be judged for a column."""
        return start >= self.since.get(column, self.begun)


def is_timed(window: Window) -> bool:
    """Whether it begins at a time, and not at a row."""
    return window.start >= NUMBERED


def has_time_of_day(window: Window) -> bool:
    """Whether a day holds several such windows, and they have a time."""
    return is_timed(window) and 2 * (window.end - window.start) <= DAY


def slides(window: Window) -> bool:
    """Whether a window overlaps those that are remembered."""
    return window.end % (window.end - window.start) != 0


class StreamWindow(NamedTuple):
    """A window, the windows of its stream before it, and the alarms of columns that are open.

    hours: in what proportion its rows came in each hour, by its start, nanoseconds; empty where that is not known.
    """

    trailing: TrailingWindows
    window: Window
    alarms: Mapping[ColumnKey, OpenAlarm] = MappingProxyType({})
    hours: Mapping[int, float] = MappingProxyType({})


def pack(trailing: TrailingWindows) -> tuple[Any, ...]:
    """Plain values that MessagePack knows."""
    past = [(*each.window, each.counts.astype("<f4").tobytes()) for each in trailing.past]
    since = [((column.target, column.name), time) for column, time in trailing.since.items()]
    return trailing.reference, trailing.begun, past, since, stream_history.pack(trailing.history)


def unpack(packed: tuple[Any, ...]) -> TrailingWindows:
    reference, begun, past, since, *learned = packed
    windows = [PastWindow(Window(start, end), np.frombuffer(counts, "<f4")) for start, end, counts in past]
    return TrailingWindows(
        reference,
        begun,
        windows,
        {ColumnKey(*column): time for column, time in since},
        stream_history.unpack(learned[0]) if learned else None,
    )
