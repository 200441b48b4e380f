"""From points to increments: each row once, however often its point comes.

A cumulative stream says how much it has counted since its start: what it adds is the difference to its last point, so a
lost point is healed by the next one and a repeated one adds nothing. A delta point, or a span, is known by its key.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

import numpy as np

from driftline.sketch import Buckets, Histogram
from driftline_processor.records import CountPoint, ExampleRows, RowsPoint, SketchPoint

HOUR: Final = 3_600_000_000_000

BASELINE_AFTER: Final = HOUR
"""A cumulative stream seen for the first time that began longer ago only sets the baseline of what follows: its rows
are history, or were counted before this stream was forgotten."""

KEPT: Final = HOUR + HOUR // 4
"""How long a stream that says nothing is remembered. Longer than BASELINE_AFTER: no row is counted twice."""

Point: TypeAlias = SketchPoint | CountPoint | RowsPoint
Amount: TypeAlias = Histogram | float


@dataclass(slots=True)
class Last:
    """The newest point of a cumulative stream, and when it came by event time."""

    time: int
    amount: Amount
    seen: int


@dataclass(frozen=True, slots=True)
class Increment:
    """What a point adds. `amount` is None where that is nothing: a duplicate, or a baseline of `skipped` rows."""

    amount: Amount | None = None
    duplicate: bool = False
    skipped: float = 0.0


@dataclass(slots=True)
class Streams:
    """What one model's senders have said so far."""

    cumulative: dict[tuple[bytes, int], Last] = field(default_factory=dict)
    keys: dict[bytes, int] = field(default_factory=dict)  # of deltas and spans -> event time

    def increment(self, point: Point, time: int) -> Increment:
        """What `point` adds to what is known; `time` is the event time it counts at."""
        if not point.cumulative:
            key = point.stream + point.start.to_bytes(8, "big") + point.time.to_bytes(8, "big")
            return Increment(duplicate=True) if self._known(key, max(time, point.time)) else Increment(amount(point))
        key_of_stream = (point.stream, point.start)
        last = self.cumulative.get(key_of_stream)
        if last is None:
            self.cumulative[key_of_stream] = Last(point.time, amount(point), time)
            if point.start and point.time - point.start > BASELINE_AFTER:
                return Increment(skipped=rows(amount(point)))
            return Increment(amount(point))
        if point.time <= last.time:
            return Increment(duplicate=True)
        added = difference(amount(point), last.amount)
        self.cumulative[key_of_stream] = Last(point.time, amount(point), max(time, last.seen))
        return Increment(added)

    def is_new(self, span: ExampleRows, time: int) -> bool:
        return not self._known(span.key, max(time, span.time))

    def forget(self, sealed: int) -> None:
        """Drops what can no longer matter: keys of closed panes, whose repetition is late, and silent streams."""
        self.keys = {key: time for key, time in self.keys.items() if time > sealed}
        self.cumulative = {key: last for key, last in self.cumulative.items() if last.seen > sealed - KEPT}

    def _known(self, key: bytes, time: int) -> bool:
        if key in self.keys:
            return True
        self.keys[key] = time
        return False


def amount(point: Point) -> Amount:
    return point.histogram if isinstance(point, SketchPoint) else point.count


def rows(counted: Amount) -> float:
    return float(counted.count) if isinstance(counted, Histogram) else counted


def difference(newer: Amount, older: Amount) -> Amount | None:
    """What a stream has counted since; all of `newer` where the sender began anew without saying so."""
    if isinstance(newer, Histogram):
        added = newer.minus(older) if isinstance(older, Histogram) else newer
        added = newer if added is None else added
        return added if added.count else None
    if isinstance(older, Histogram) or newer < older:
        return newer or None
    return newer - older or None


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
        return Last(time, held, seen)
    scale, zero, positive, negative, minimum, maximum = held
    histogram = Histogram(scale, zero, _unpack_buckets(positive), _unpack_buckets(negative))
    return Last(time, replace(histogram, minimum=minimum, maximum=maximum), seen)


def _pack_buckets(buckets: Buckets) -> tuple[bytes, bytes]:
    return np.asarray(buckets.index, "<i8").tobytes(), np.asarray(buckets.count, "<i8").tobytes()


def _unpack_buckets(packed: tuple[bytes, bytes]) -> Buckets:
    index, count = (np.frombuffer(part, "<i8").astype(np.int64) for part in packed)
    return Buckets(index, count)
