"""From points to increments: each row once, however often its point comes.

A cumulative stream says how much it has counted since its start: what it adds is the difference to its last point, so a
lost point is healed by the next one and a repeated one adds nothing. A delta point, or a span, is known by its key.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from driftline.sketch import Buckets, Histogram
from driftline.sketch.time_units import HOUR
from driftline_processor.records import CountPoint, ExampleRows, RowsPoint, SketchPoint

BASELINE_AFTER: Final = HOUR
"""A cumulative stream seen for the first time that began longer ago only sets the baseline of what follows: its rows
are history, or were counted before this stream was forgotten."""

KEPT: Final = HOUR + HOUR // 4
"""How long a stream that says nothing is remembered. Longer than BASELINE_AFTER: no row is counted twice."""

Point: TypeAlias = SketchPoint | CountPoint | RowsPoint
Amount: TypeAlias = Histogram | float


@dataclass(slots=True)
class Last:
    """How far a cumulative stream has come: its newest point, the rows in it, and when it came by event time."""

    time: int
    amount: Amount
    rows: float
    seen: int


class Kind(Enum):
    """What a point is to its stream."""

    NEWS = auto()
    DUPLICATE = auto()
    BASELINE = auto()


class Increment(NamedTuple):
    """The rows that a point adds to `older`, what its stream had counted before (None: nothing).

    Of a baseline: the rows that are not counted.
    """

    kind: Kind
    rows: float = 0.0
    older: Amount | None = None


_DUPLICATE: Final = Increment(Kind.DUPLICATE)


@dataclass(slots=True)
class Streams:
    """What one model's senders have said so far."""

    cumulative: dict[tuple[bytes, int], Last] = field(default_factory=dict)
    keys: dict[bytes, int] = field(default_factory=dict)  # of deltas and spans -> event time

    def increment(self, point: Point, time: int) -> Increment:
        """What `point` adds to what is known; `time` is the event time it counts at."""
        held = amount(point)
        counted = rows(held)
        if not point.cumulative:
            key = point.stream + point.start.to_bytes(8, "big") + point.time.to_bytes(8, "big")
            return Increment(Kind.NEWS, counted) if self._is_new(key, max(time, point.time)) else _DUPLICATE
        last = self.cumulative.get((point.stream, point.start))
        if last is None:
            self.cumulative[point.stream, point.start] = Last(point.time, held, counted, time)
            old = point.time - point.start > BASELINE_AFTER
            return Increment(Kind.BASELINE if old else Kind.NEWS, counted)
        if point.time <= last.time:
            return _DUPLICATE
        return Increment(Kind.NEWS, *_follow(last, held, counted, point.time, time))

    def new_spans(self, spans: ExampleRows) -> Sequence[int]:
        """Which of the spans have not come before."""
        times = spans.times.tolist()
        if self.keys.keys().isdisjoint(spans.keys) and len(set(spans.keys)) == len(spans.keys):
            self.keys.update(zip(spans.keys, times, strict=True))
            return range(len(times))
        known = zip(spans.keys, times, strict=True)
        return [i for i, (key, time) in enumerate(known) if self._is_new(key, time)]

    def forget(self, sealed: int) -> None:
        """Drops what can no longer matter: keys of closed panes, whose repetition is late, and silent streams."""
        self.keys = {key: time for key, time in self.keys.items() if time > sealed}
        self.cumulative = {key: last for key, last in self.cumulative.items() if last.seen > sealed - KEPT}

    def _is_new(self, key: bytes, time: int) -> bool:
        if key in self.keys:
            return False
        self.keys[key] = time
        return True


def _follow(last: Last, held: Amount, counted: float, told: int, time: int) -> tuple[float, Amount | None]:
    """Moves a stream on. The rows it adds, and to what: to nothing where the sender began anew without saying so."""
    older, before = last.amount, last.rows
    last.time, last.seen = told, max(time, last.seen)
    if counted == before:
        return 0.0, older  # the same content: the older object stays, so that who holds it knows it again
    last.amount, last.rows = held, counted
    return (counted - before, older) if counted > before else (counted, None)


def amount(point: Point) -> Amount:
    return point.histogram if isinstance(point, SketchPoint) else point.count


def rows(counted: Amount) -> float:
    return float(counted.count) if isinstance(counted, Histogram) else counted


def difference(newer: Histogram, older: Histogram | None) -> Histogram:
    """What a sketch has counted since `older`; all of it where it is no successor."""
    added = newer.minus(older) if older is not None else None
    return newer if added is None else added


def pack(last: Last) -> tuple[Any, ...]:
    """Plain values that MessagePack knows."""
    if not isinstance(last.amount, Histogram):
        return (last.time, last.seen, last.amount)
    held = last.amount
    sides = [_pack_buckets(side) for side in (held.positive, held.negative)]
    return (last.time, last.seen, (held.scale, held.zero, *sides, held.minimum, held.maximum))


def unpack(packed: tuple[Any, ...]) -> Last:
    time, seen, held = packed
    if not isinstance(held, tuple | list):
        return Last(time, held, held, seen)
    scale, zero, positive, negative, minimum, maximum = held
    histogram = Histogram(scale, zero, _unpack_buckets(positive), _unpack_buckets(negative))
    histogram = replace(histogram, minimum=minimum, maximum=maximum)
    return Last(time, histogram, rows(histogram), seen)


def _pack_buckets(buckets: Buckets) -> tuple[bytes, bytes]:
    return np.asarray(buckets.index, "<i8").tobytes(), np.asarray(buckets.count, "<i8").tobytes()


def _unpack_buckets(packed: tuple[bytes, bytes]) -> Buckets:
    index, count = (np.frombuffer(part, "<i8").astype(np.int64) for part in packed)
    return Buckets(index, count)
