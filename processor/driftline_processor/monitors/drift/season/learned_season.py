"""A reference that knows no time of day, such as shuffled training data: its season is learned from the stream.

Over 24 hours every time of day has its part, and over seven days every day of the week: these need no season. Shorter
horizons are allowed the amplitude of the season that the stream itself has shown; one that has shown none is allowed
nothing. The first hours of a stream show nothing of its day: until it was at the reference's level for a while, or has
not moved for as long as a season could stand still, a moderate distance is only a warning; and so is what the weekend
may do, in the first days, to a column whose first day was off that level.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from driftline.sketch.arrays import BoolArray, FloatArray, IntArray
from driftline.sketch.time_units import DAY, HOUR, SECOND
from driftline_processor.monitors.drift.detection.assessment import Z95, Assessment
from driftline_processor.monitors.drift.detection.decision import SeasonalAllowance
from driftline_processor.monitors.drift.detection.detector import Detector
from driftline_processor.monitors.drift.history.stream_history import (
    AlarmPeriod,
    StreamHistory,
    StreamTraits,
    TimedCounts,
)
from driftline_processor.monitors.drift.season import weekend
from driftline_processor.monitors.drift.season.alarm_parts import healthy, parts
from driftline_processor.monitors.drift.season.amplitude import (
    LIKELY,
    beyond_chance,
    design_effect,
    returned,
    spread_without_a_jump,
    without_a_jump,
)
from driftline_processor.monitors.drift.season.stretch_levels import FEWEST, StretchLevels, StretchReader
from driftline_processor.records import ColumnKey

MODERATE: Final = 0.25
"""What a season may make of which nothing is known yet, a share of rows: a sine of .6 standard deviations does. Larger
moves, such as a change of unit, are none."""

PACE: Final = 0.11
"""As far as a season goes in an hour, once it was at the reference's level: a sine of one standard deviation does."""

SETTLED: Final = 3
"""Hours in a row at the reference's level after which a stream is known to stay there."""

SETTLED_IN_SEASON: Final = 12
"""The same, where the reference knows of a season, in chunks too coarse to tell its shape."""

STANDS_STILL: Final = 12 * HOUR
"""After so long a sine over 24 hours has moved by its amplitude at least."""

GROWS: Final = 2.0
"""In its first two days a season may still go this many times as far as it was seen to move."""

WEEK_SHOWN: Final = 9 * DAY
"""After so long a weekend has come and gone, in any time zone."""

FEWEST_BENDS: Final = 10
"""The same in second differences, of a column that was in alarm in these hours."""


class BetweenAlarms(NamedTuple):
    """The events of a column that was in alarm, in all aspects, and the stretches between its alarms."""

    events: IntArray
    calm: list[slice]


class SeasonLearner:
    """Learns what a stream does by itself, by aspect and column, and what that allows."""

    def __init__(
        self,
        detector: Detector,
        stretches: StretchReader,
        keys: Sequence[ColumnKey],
        tolerance: float,
        *,
        blank: bool,
    ) -> None:
        """Of a reference of these columns.

        blank: nothing of the day is known before the stream has shown it; else not all of it is, in a season.
        """
        pairing = detector.pairing
        self._pairs, self._members = pairing.pairs, pairing.members
        self._seasonal = np.append(
            detector.seasonal, np.zeros(len(detector.baseline.sizes) - len(detector.seasonal), bool)
        )
        self._keys = tuple(keys)
        self._knows_weeks = not blank
        self._blank = self._seasonal | blank
        self._settles = np.where(self._seasonal, SETTLED_IN_SEASON, SETTLED)
        self._stretches, self._tolerance, baseline = stretches, tolerance, detector.baseline
        self._column = baseline.column
        self._events = _by_number(self._column % len(keys), len(keys))
        self._starts = np.cumsum(baseline.sizes) - baseline.sizes

    def allowance(self, history: StreamHistory, end: int) -> SeasonalAllowance:
        """For windows and spans that are shorter than a day, and end at `end`."""
        traits, age, of_day = history.traits, end - history.begun, self.allowance_of_day(history, end)
        amplitude = np.max([traits.amplitude, *history.amplitudes], axis=0).astype(float)
        season, shown, masked = (amplitude + each for each in of_day[:3])
        if age <= 2 * DAY:
            unsettled = self._blank & (traits.settled < self._settles)
            possible = np.where(unsettled, self._possible(history, age), 0.0)
            season, masked = np.maximum(season, possible), np.maximum(masked, possible)
        season, shown, masked = (self._with_pairs(each, self._seasonal) for each in (season, shown, masked))
        return of_day._replace(season=season, shown=shown, masked=masked)

    def allowance_of_day(self, history: StreamHistory, end: int) -> SeasonalAllowance:
        """For 24 hours: days of the week may differ."""
        shown = season = history.traits.week.astype(float)
        if not self._knows_weeks and end - history.begun <= WEEK_SHOWN:
            season = np.maximum(season, weekend.possible(history.first.astype(float), MODERATE, end / SECOND))
        season, shown = (self._with_pairs(each) for each in (season, shown))
        days = (end - history.begun) / DAY
        return SeasonalAllowance(season, shown, shown, history.traits.design_effect.astype(float), days)

    def _with_pairs(self, season: FloatArray, seasonal: BoolArray | bool = False) -> FloatArray:
        """Members with a common season are correlated by it over a whole day, though not at any one time of it."""
        moving = (season > self._tolerance / 2.0) | seasonal
        allowed = season.copy()
        allowed[self._pairs] = np.maximum(season[self._pairs], MODERATE * moving[self._members].any(axis=0))
        return np.asarray(allowed)

    def see(self, history: StreamHistory, end: int, events: Assessment) -> None:
        """Notes which columns a window finds at the reference's level."""
        if self.sees(history, end):
            at = np.float32((end - history.begun) / HOUR)
            history.near = np.where(self._near(events.move.distance, events.move.error), at, history.near)

    def sees(self, history: StreamHistory, end: int) -> bool:
        """Whether anything is noted of a window that ends then."""
        return end - history.begun <= STANDS_STILL

    def _possible(self, history: StreamHistory, age: int) -> FloatArray:
        """What a season may make of which less than two cycles were seen, in columns that never stayed at one level."""
        seen = GROWS * np.asarray(history.traits.moved, float)
        if age > STANDS_STILL:
            return seen
        gone = np.minimum(PACE * (age / HOUR - history.near), MODERATE)
        return np.asarray(np.maximum(seen, gone))

    def learn(self, history: StreamHistory) -> None:
        """Looks at the hour that has become complete."""
        hours = self._stretches.hours(history.hours)
        effect = self._design_effect(history, hours)
        error, before = hours.last.error(effect), history.traits.settled
        near = self._near(np.abs(hours.levels[-1]), error)
        near &= Z95 * self._most(error) <= self._tolerance  # too few rows are near anything
        settled = np.where(before >= self._settles, before, np.where(near, before + 1.0, 0.0))
        history.learn(self._traits(history, hours, effect, settled))
        self._learn_first(history, effect)

    def relearn(self, history: StreamHistory) -> None:
        """Takes back what was learned from a move before it was known as an alarm's."""
        history.relearn = False
        if not history.hours:
            return
        hours, settled = self._stretches.hours(history.hours), history.traits.settled.astype(float)
        effect = self._design_effect(history, hours)
        history.traits = self._traits(history, hours, effect, settled)
        self._learn_first(history, effect)
        for column, alarms in self._alarmed(history):
            history.take_back(column, max(alarms[-1].began, history.hours[0].start))

    def _traits(
        self, history: StreamHistory, hours: StretchLevels, effect: FloatArray, settled: FloatArray
    ) -> StreamTraits:
        """hours: the last ones. effect: variance inflation by the dependence of rows, of columns in alarm too."""
        between, levels = self._between_alarms(history, history.hours), hours.levels
        apart = _by_part(between, hours.range, lambda *part: spread_without_a_jump(levels[part], PACE))
        moved = self._most(beyond_chance(apart, hours.error(effect), LIKELY))
        amplitudes = _amplitudes(between, hours, effect)
        return StreamTraits.of(self._most(amplitudes), moved, self._week(history, hours, effect), effect, settled)

    def _between_alarms(self, history: StreamHistory, stretches: list[TimedCounts]) -> list[BetweenAlarms]:
        """Of the columns that were in alarm."""
        return [
            BetweenAlarms(self._events[place], parts(stretches, history.alarms[key]))
            for place, key in enumerate(self._keys)
            if key in history.alarms
        ]

    def _alarmed(self, history: StreamHistory) -> Iterator[tuple[IntArray, list[AlarmPeriod]]]:
        """Columns that were in alarm, by their numbers in all aspects, and when."""
        for place, key in enumerate(self._keys):
            if key in history.alarms:
                yield np.arange(place, len(self._starts), len(self._keys)), history.alarms[key]

    def _learn_first(self, history: StreamHistory, effect: FloatArray) -> None:
        """How far the first day is from the reference, but for what is in alarm."""
        if history.hours[-1].end - history.begun > DAY:
            return
        first = self._off(history.hours, effect)
        for column, alarms in self._alarmed(history):
            hours = healthy(history.hours, alarms)
            first[column] = self._off(hours, effect)[column] if hours else 0.0
        history.first = first.astype(np.float32)

    def _off(self, hours: list[TimedCounts], effect: FloatArray) -> FloatArray:
        """How far some hours together are from the reference, beyond chance.

        Chance takes no more than what, times BALANCE, is within the tolerance: with few rows the rest is unknown.
        """
        stretch = self._stretches.together(hours, effect)
        error = np.minimum(stretch.errors(effect)[0], self._tolerance / weekend.BALANCE / LIKELY)
        return self._most(beyond_chance(np.abs(stretch.levels[0]), error, LIKELY))

    def _week(self, history: StreamHistory, hours: StretchLevels, effect: FloatArray) -> FloatArray:
        """The amplitude of whole days: of a weekend."""
        whole = [day for day in history.days[:-1] if day.start >= history.begun]
        if len(whole) < 3:
            return np.zeros(len(self._starts))
        days = self._stretches.days(whole, hours.effect)
        return self._most(_amplitudes(self._between_alarms(history, whole), days, effect))

    def _design_effect(self, history: StreamHistory, hours: StretchLevels) -> FloatArray:
        """Of all columns, [columns]. Of one that was in alarm, as far as it is known without the jumps."""
        effect: FloatArray = hours.effect.copy()
        if len(hours) < FEWEST:
            return effect
        for column, alarms in self._alarmed(history):
            within = [hours.bends[part.start : part.stop - 2, column] for part in parts(history.hours, alarms)]
            steady = np.concatenate(within) if within else hours.bends[:0, column]
            known = len(steady) >= FEWEST_BENDS
            effect[column] = design_effect(without_a_jump(steady)) if known else history.traits.design_effect[column]
        return effect

    def _near(self, distance: FloatArray, error: FloatArray) -> BoolArray:
        """Columns that are at the reference's level, as far as can be seen."""
        surely = self._most(distance - Z95 * error)
        return (surely <= self._tolerance / 2.0) & (self._most(distance) <= MODERATE / 2.0)

    def _most(self, values: FloatArray) -> FloatArray:
        return np.maximum.reduceat(values, self._starts)


def _by_number(numbers: IntArray, most: int) -> list[IntArray]:
    """The places of each number below `most`."""
    order = np.argsort(numbers, kind="stable")
    return np.split(order, np.cumsum(np.bincount(numbers, minlength=most))[:-1])


def _amplitudes(between: Sequence[BetweenAlarms], stretches: StretchLevels, effect: FloatArray) -> FloatArray:
    """The largest rise or fall that was undone later, [events]. effect: of the columns that were in alarm."""
    levels = stretches.levels

    def of_part(part: slice, events: IntArray) -> FloatArray:
        return returned(levels[part, events], stretches.errors(effect, events)[part])

    return _by_part(between, stretches.amplitudes, of_part)


def _by_part(
    between: Sequence[BetweenAlarms], whole: FloatArray, of_part: Callable[[slice, IntArray], FloatArray]
) -> FloatArray:
    """The most over the parts between alarms, [events]; `whole` where a column was in none."""
    found = whole.copy()
    for events, calm in between:
        found[events] = np.max([of_part(part, events) for part in calm], axis=0) if calm else 0.0
    return np.asarray(found)
