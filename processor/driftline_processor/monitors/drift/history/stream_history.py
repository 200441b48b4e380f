"""What is remembered of a stream to judge whole days: its last hours, its last days, and how it swung.

An hour is the shortest stretch that is looked at, or a window where that is longer. For a model of 30 columns all of it
is about 180 kB.
"""

from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftline.sketch.arrays import BoolArray, FloatArray
from driftline.sketch.time_units import DAY, HOUR, WEEK
from driftline_processor.records import Window

DAYS_A_WEEK: Final = 7

DAYS: Final = 10
"""Days that are remembered: from before the last weekend to the next one."""

Floats = NDArray[np.float32]


class Stretch(NamedTuple):
    """What was counted from start to end, in single precision: counts to 16 million are exact."""

    start: int
    end: int
    counts: Floats


class Traits(NamedTuple):
    """What was learned, by aspect and column: distances in magnified shares of rows.

    swing: how far the last 24 hours swung and came back; moved: how far apart they were; week: how far days swung.
    clumped: variance inflation of rows that hang together. settled: hours in a row at the reference's level.
    """

    swing: Floats
    moved: Floats
    week: Floats
    clumped: Floats
    settled: Floats

    @classmethod
    def of(cls, *traits: FloatArray) -> "Traits":
        return cls(*(np.asarray(each, np.float32) for each in traits))


@dataclass(slots=True)
class Habits:
    """Mutable, part of a trail. begun: of the first window, nanoseconds.

    near: when columns were at the reference's level last, by aspect and column, hours from the beginning; -inf: never.
    first: how far the first 24 hours surely were from it, magnified. open: the hour that is not complete yet. hours:
    those of the last 24. days: the last DAYS calendar days. swings: how far each of these days swung at most. bounds:
    what the closing of an alarm goes by, of the last 24 hours, and of the last seven days, [columns].
    """

    begun: int
    traits: Traits
    near: Floats
    first: Floats
    open: Stretch | None = None
    hours: list[Stretch] = field(default_factory=list)
    days: list[Stretch] = field(default_factory=list)
    swings: list[Floats] = field(default_factory=list)
    bounds: list[Floats] = field(default_factory=lambda: [np.zeros(0, np.float32)] * 2)

    @classmethod
    def begin(cls, start: int, columns: int) -> "Habits":
        """Nothing is known; columns: by aspect."""
        nothing = np.zeros((len(Traits._fields), columns), np.float32)
        return cls(start, Traits(*nothing), np.full(columns, -np.inf, np.float32), nothing[0])

    def add(self, window: Window, counts: FloatArray) -> bool:
        """Counts a window that overlaps none before. True where an hour is complete."""
        size = max(HOUR, window.end - window.start)
        begin = window.start // size * size
        complete = self.open is not None and self.open.start != begin
        if self.open is not None and complete:
            self._keep(self.open)
            self.open = None
        held = counts if self.open is None else self.open.counts + counts
        self.open = Stretch(begin, begin + size, np.asarray(held, np.float32))
        if window.end >= self.open.end:
            self._keep(self.open)
            self.open, complete = None, True
        return complete

    def learn(self, traits: Traits) -> None:
        """Of the last complete hour."""
        self.traits = traits
        if len(self.swings) < len(self.days):
            self.swings.append(traits.swing)
        else:
            self.swings[-1] = np.maximum(self.swings[-1], traits.swing)

    def closing(self, bounds: FloatArray, seasonal: BoolArray) -> FloatArray:
        """What the closing of an alarm goes by, [columns]: in seasonal ones the last whole day and week have a say."""
        for known in (np.nan_to_num(each) for each in self.bounds if len(each)):
            bounds = np.where(seasonal, np.maximum(bounds, known), bounds)
        return bounds

    def whole_day(self) -> FloatArray | None:
        """Counts of the last 24 hours; None before there were so many."""
        if not self.hours or self.hours[-1].end - self.begun < DAY:
            return None
        return np.asarray(np.sum([hour.counts for hour in self.hours], axis=0, dtype=float))

    def whole_week(self) -> FloatArray | None:
        """Counts of the last seven days, when the last of them has just ended; None before there were so many."""
        week = self.days[-DAYS_A_WEEK:]
        ended = bool(self.hours) and self.hours[-1].end % DAY == 0
        if not ended or week[-1].end - self.begun < WEEK:
            return None
        within = [day.counts for day in week if day.end > week[-1].end - WEEK]
        return np.asarray(np.sum(within, axis=0, dtype=float))

    def _keep(self, hour: Stretch) -> None:
        self.hours = [*(past for past in self.hours if past.start >= hour.end - DAY), hour]
        day = hour.start // DAY * DAY
        if self.days and self.days[-1].start == day:
            self.days[-1] = Stretch(day, hour.end, self.days[-1].counts + hour.counts)
        else:
            kept = 1 - DAYS
            self.days, self.swings = [*self.days[kept:], Stretch(day, hour.end, hour.counts)], self.swings[kept:]


def pack(habits: Habits | None) -> tuple[Any, ...] | None:
    """Plain values that MessagePack knows."""
    if habits is None:
        return None
    return (
        habits.begun,
        [_bytes(trait) for trait in habits.traits],
        _bytes(habits.near),
        _bytes(habits.first),
        None if habits.open is None else _pack(habits.open),
        [_pack(hour) for hour in habits.hours],
        [_pack(day) for day in habits.days],
        [_bytes(swing) for swing in habits.swings],
        [_bytes(bound) for bound in habits.bounds],
    )


def unpack(packed: tuple[Any, ...] | None) -> Habits | None:
    if packed is None:
        return None
    begun, traits, near, first, unfinished, hours, days, swings, bounds = packed
    return Habits(
        begun,
        Traits(*(_floats(trait) for trait in traits)),
        _floats(near),
        _floats(first),
        None if unfinished is None else _unpack(unfinished),
        [_unpack(hour) for hour in hours],
        [_unpack(day) for day in days],
        [_floats(swing) for swing in swings],
        [_floats(bound) for bound in bounds],
    )


def _pack(stretch: Stretch) -> tuple[int, int, bytes]:
    return stretch.start, stretch.end, _bytes(stretch.counts)


def _unpack(packed: tuple[int, int, bytes]) -> Stretch:
    start, end, counts = packed
    return Stretch(start, end, _floats(counts))


def _bytes(values: Floats) -> bytes:
    return values.astype("<f4").tobytes()


def _floats(packed: bytes) -> Floats:
    return np.frombuffer(packed, "<f4")
