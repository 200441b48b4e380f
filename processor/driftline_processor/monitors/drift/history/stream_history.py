"""What is remembered of a stream to judge whole days: its last hours, its last days, and its amplitude.

An hour is the shortest stretch that is looked at, or a window where that is longer. For a model of 30 columns all of it
is about 180 kB.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftline.sketch.arrays import FloatArray, IntArray
from driftline.sketch.time_units import DAY, HOUR, WEEK
from driftline_processor.records import ColumnKey, Window

DAYS_A_WEEK: Final = 7

DAYS: Final = 10
"""Days that are remembered: from before the last weekend to the next one."""

Floats = NDArray[np.float32]


class TimedCounts(NamedTuple):
    """What was counted from start to end, in single precision: counts to 16 million are exact."""

    start: int
    end: int
    counts: Floats


class AlarmPeriod(NamedTuple):
    """When a column was in alarm. began: of the horizon that opened it; ended: of the one that closed it, None before.

    The move itself was between `began` and `opened`, and the return not much before `ended`.
    """

    began: int
    opened: int
    ended: int | None = None


class StreamTraits(NamedTuple):
    """What was learned, by aspect and column: distances in shares of rows.

    amplitude: how far the last 24 hours rose or fell and returned; moved: how far apart they were; week: the amplitude
    of days. design_effect: variance inflation by the dependence of rows. settled: hours in a row at the reference's
    level.
    """

    amplitude: Floats
    moved: Floats
    week: Floats
    design_effect: Floats
    settled: Floats

    @classmethod
    def of(cls, *traits: FloatArray) -> "StreamTraits":
        return cls(*(np.asarray(each, np.float32) for each in traits))


@dataclass(slots=True)
class StreamHistory:
    """Mutable, part of the trailing windows. begun: of the first window, nanoseconds.

    near: when columns were at the reference's level last, by aspect and column, hours from the beginning; -inf: never.
    first: how far the first 24 hours surely were from it. open: the hour that is not complete yet. hours:
    those of the last 24. days: the last DAYS calendar days. amplitudes: the largest of each of these days.
    alarms: when columns were in alarm in these days; what that did is no season. relearn: whether one opened or closed
    since the traits were learned.
    """

    begun: int
    traits: StreamTraits
    near: Floats
    first: Floats
    open: TimedCounts | None = None
    hours: list[TimedCounts] = field(default_factory=list)
    days: list[TimedCounts] = field(default_factory=list)
    amplitudes: list[Floats] = field(default_factory=list)
    alarms: dict[ColumnKey, list[AlarmPeriod]] = field(default_factory=dict)
    relearn: bool = False

    @classmethod
    def begin(cls, start: int, columns: int) -> "StreamHistory":
        """Nothing is known; columns: by aspect."""
        nothing = np.zeros((len(StreamTraits._fields), columns), np.float32)
        return cls(start, StreamTraits(*nothing), np.full(columns, -np.inf, np.float32), nothing[0])

    def copy(self) -> "StreamHistory":
        """As it is now; arrays, which are never changed in place, are shared."""
        return replace(
            self,
            hours=list(self.hours),
            days=list(self.days),
            amplitudes=list(self.amplitudes),
            alarms={column: list(periods) for column, periods in self.alarms.items()},
        )

    def add(self, window: Window, counts: FloatArray) -> bool:
        """Counts a window that overlaps none before. True where an hour is complete."""
        size = max(HOUR, window.end - window.start)
        begin = window.start // size * size
        complete = self.open is not None and self.open.start != begin
        if self.open is not None and complete:
            self._keep(self.open)
            self.open = None
        held = counts if self.open is None else self.open.counts + counts
        self.open = TimedCounts(begin, begin + size, np.asarray(held, np.float32))
        if window.end >= self.open.end:
            self._keep(self.open)
            self.open, complete = None, True
        return complete

    def learn(self, traits: StreamTraits) -> None:
        """Of the last complete hour."""
        self.traits = traits
        if len(self.amplitudes) < len(self.days):
            self.amplitudes.append(traits.amplitude)
        else:
            self.amplitudes[-1] = np.maximum(self.amplitudes[-1], traits.amplitude)

    def opened(self, column: ColumnKey, began: int, time: int) -> None:
        """An alarm of the column has opened at that time, by a horizon that began at `began`."""
        self.alarms[column] = [*self.alarms.get(column, ()), AlarmPeriod(began, time)]
        self.relearn = True

    def closed(self, column: ColumnKey, ended: int) -> None:
        """The last alarm of the column has closed, by a horizon that began at `ended`."""
        if periods := self.alarms.get(column):
            periods[-1] = periods[-1]._replace(ended=ended)
            self.relearn = True

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

    def _keep(self, hour: TimedCounts) -> None:
        self.hours = [*(past for past in self.hours if past.start >= hour.end - DAY), hour]
        day = hour.start // DAY * DAY
        if self.days and self.days[-1].start == day:
            self.days[-1] = TimedCounts(day, hour.end, self.days[-1].counts + hour.counts)
        else:
            kept = 1 - DAYS
            self.days, self.amplitudes = (
                [*self.days[kept:], TimedCounts(day, hour.end, hour.counts)],
                self.amplitudes[kept:],
            )
            self._forget(self.days[0].start)

    def take_back(self, columns: IntArray, since: int) -> None:
        """Of some columns only what the traits of now say stays of the amplitudes of days that end after `since`."""
        for place, day in enumerate(self.days[: len(self.amplitudes)]):
            if day.end > since:
                amplitude = self.amplitudes[place].copy()
                amplitude[columns] = np.minimum(amplitude[columns], self.traits.amplitude[columns])
                self.amplitudes[place] = amplitude

    def _forget(self, time: int) -> None:
        """Alarms that closed before."""
        kept = ((key, [each for each in found if (each.ended or time) >= time]) for key, found in self.alarms.items())
        self.alarms = {key: periods for key, periods in kept if periods}


def pack(history: StreamHistory | None) -> tuple[Any, ...] | None:
    """Plain values that MessagePack knows."""
    if history is None:
        return None
    return (
        history.begun,
        [_bytes(trait) for trait in history.traits],
        _bytes(history.near),
        _bytes(history.first),
        None if history.open is None else _pack(history.open),
        [_pack(hour) for hour in history.hours],
        [_pack(day) for day in history.days],
        [_bytes(each) for each in history.amplitudes],
        [((key.target, key.name), periods) for key, periods in history.alarms.items()],
        history.relearn,
    )


def unpack(packed: tuple[Any, ...] | None) -> StreamHistory | None:
    if packed is None:
        return None
    begun, traits, near, first, unfinished, hours, days, amplitudes, alarms, relearn = packed
    return StreamHistory(
        begun,
        StreamTraits(*(_floats(trait) for trait in traits)),
        _floats(near),
        _floats(first),
        None if unfinished is None else _unpack(unfinished),
        [_unpack(hour) for hour in hours],
        [_unpack(day) for day in days],
        [_floats(each) for each in amplitudes],
        {ColumnKey(*column): [AlarmPeriod(*period) for period in periods] for column, periods in alarms},
        relearn,
    )


def _pack(stretch: TimedCounts) -> tuple[int, int, bytes]:
    return stretch.start, stretch.end, _bytes(stretch.counts)


def _unpack(packed: tuple[int, int, bytes]) -> TimedCounts:
    start, end, counts = packed
    return TimedCounts(start, end, _floats(counts))


def _bytes(values: Floats) -> bytes:
    return values.astype("<f4").tobytes()


def _floats(packed: bytes) -> Floats:
    return np.frombuffer(packed, "<f4")
