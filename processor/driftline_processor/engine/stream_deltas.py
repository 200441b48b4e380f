"""Cumulative to delta: each row is counted once, however often its point is received.

A cumulative point adds the difference to the last point of its stream, so the next point makes up for a lost one and a
repeated one adds nothing. Delta points and spans are deduplicated by key.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from struct import Struct
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from driftline.sketch import Buckets, Histogram
from driftline.sketch.encoded import EncodedHistogram, Sketch
from driftline.sketch.time_units import HOUR
from driftline_processor.engine.old_keys import OldKeys
from driftline_processor.records import CountPoint, ExampleRows, RowsPoint, SketchPoint

BASELINE_AFTER: Final = HOUR
"""A new cumulative stream that started longer ago only sets a baseline: its rows are history, or were counted before
the stream was forgotten."""

KEEP_FOR: Final = HOUR + HOUR // 4
"""How long a silent stream is remembered. Longer than BASELINE_AFTER, so that no row is counted twice."""

Point: TypeAlias = SketchPoint | CountPoint | RowsPoint
Amount: TypeAlias = Sketch | float


@dataclass(slots=True)
class StreamPosition:
    """The newest point of a cumulative stream: its time, its amount and rows, and the event time it was counted at."""

    time: int
    amount: Amount
    rows: float
    seen: int


class IncrementKind(Enum):
    """What a point contributes to its stream."""

    NEW = auto()
    DUPLICATE = auto()
    BASELINE = auto()


class Increment(NamedTuple):
    """The rows that a point adds to `older`, the amount of its stream before (None: nothing).

    For a baseline: the rows that are not counted.
    """

    kind: IncrementKind
    rows: float = 0.0
    older: Amount | None = None


_DUPLICATE: Final = Increment(IncrementKind.DUPLICATE)


@dataclass(slots=True)
class StreamDeltas:
    """What is remembered of one model's streams, delta points and spans. old: keys whose windows have been judged."""

    cumulative: dict[tuple[bytes, int], StreamPosition] = field(default_factory=dict)
    keys: dict[bytes, int] = field(default_factory=dict)  # of deltas and spans -> event time
    old: OldKeys = field(default_factory=OldKeys)

    def increment(self, point: Point, time: int) -> Increment:
        """The increment of a point that counts at event time `time`."""
        held = _amount(point)
        counted = _rows(held)
        if not point.cumulative:
            new = self._is_new(delta_key(point), max(time, point.time))
            return Increment(IncrementKind.NEW, counted) if new else _DUPLICATE
        last = self.cumulative.get((point.stream, point.start))
        if last is None:
            self.cumulative[point.stream, point.start] = StreamPosition(point.time, held, counted, time)
            old = point.time - point.start > BASELINE_AFTER
            return Increment(IncrementKind.BASELINE if old else IncrementKind.NEW, counted)
        if point.time <= last.time:
            return _DUPLICATE
        return Increment(IncrementKind.NEW, *_follow(last, held, counted, point.time, time))

    def is_old(self, point: Point, time: int) -> bool:
        """Whether a delta point that counts at `time` may be one of those whose windows have been judged."""
        return max(time, point.time) <= self.old.until

    def new_spans(self, spans: ExampleRows) -> Sequence[int]:
        """The indices of spans not received before."""
        times = spans.times.tolist()
        new = self.keys.keys().isdisjoint(spans.keys) and len(set(spans.keys)) == len(spans.keys)
        if new and min(times, default=0) > self.old.until:
            self.keys.update(zip(spans.keys, times, strict=True))
            return range(len(times))
        known = zip(spans.keys, times, strict=True)
        return [i for i, (key, time) in enumerate(known) if self._is_new(key, time)]

    def forget(self, closed: int, judged: int | None = None) -> int:
        """Drops the keys of closed panes, whose repetitions would be late, and silent streams.

        Args:
            closed: Panes that end at or before this are closed.
            judged: Of those that end at or before this few rows will come again; None: of all that are closed.

        Returns:
            What has to be closed instead, where there are too many keys.

        """
        self.keys = self.old.take(self.keys, closed if judged is None else judged)
        closed = self.old.forget(closed)
        self.cumulative = {key: last for key, last in self.cumulative.items() if last.seen > closed - KEEP_FOR}
        return closed

    def _is_new(self, key: bytes, time: int) -> bool:
        if key in self.keys or self.old.knows(key, time):
            return False
        self.keys[key] = time
        return True


def _follow(
    last: StreamPosition, held: Amount, counted: float, point_time: int, seen: int
) -> tuple[float, Amount | None]:
    """Advances a stream: the rows added, and the older amount; None after a restart without a new start time."""
    older, before = last.amount, last.rows
    last.time, last.seen = point_time, max(seen, last.seen)
    if counted == before:
        return 0.0, older  # same content: keep the older object, a pane's pending delta compares by identity
    last.amount, last.rows = held, counted
    return (counted - before, older) if counted > before else (counted, None)


def delta_key(point: Point) -> bytes:
    """What identifies a delta point: its stream, and since when and when it counts."""
    return point.stream + _TIMES.pack(point.start, point.time)


_TIMES: Final = Struct(">QQ")


def _amount(point: Point) -> Amount:
    return point.histogram if isinstance(point, SketchPoint) else point.count


def _rows(counted: Amount) -> float:
    return counted if isinstance(counted, float) else float(counted.count)


def pack_position(last: StreamPosition) -> tuple[Any, ...]:
    """A stream's position as plain values for MessagePack."""
    held = last.amount if isinstance(last.amount, float) else tuple(EncodedHistogram.of(last.amount))
    return (last.time, last.seen, held)


def unpack_position(packed: tuple[Any, ...]) -> StreamPosition:
    time, seen, held = packed
    if not isinstance(held, tuple | list):
        return StreamPosition(time, held, held, seen)
    amount = EncodedHistogram(*held) if len(held) == len(EncodedHistogram._fields) else _of_arrays(*held)
    return StreamPosition(time, amount, _rows(amount), seen)


def _of_arrays(scale: int, zero: int, *rest: Any) -> EncodedHistogram:
    """A sketch as earlier versions wrote it."""
    *sides, minimum, maximum = rest
    up, down = (Buckets(*(np.frombuffer(part, "<i8").astype(np.int64) for part in side)) for side in sides)
    return EncodedHistogram.of(Histogram(scale, zero, up, down, minimum, maximum))
