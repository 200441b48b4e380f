"""A reference that knows no time of day, such as shuffled training data: its season is learned from the stream.

Over 24 hours every time of day has its part, and over seven days every day of the week: these need no season. Shorter
stretches are excused for as much as the stream itself has swung and come back; one that never swung is excused for
nothing. In its first hours a stream tells nothing of its day: until it was at the reference's level for a while, or has
not moved for as long as a season could stand still, a moderate distance is only warned of; and so is what the weekend
may do, in its first days, to one whose first day was off that level.
"""

from typing import Final

import numpy as np

from driftline.sketch.arrays import BoolArray, FloatArray
from driftline.sketch.time_units import DAY, HOUR, SECOND
from driftline_processor.monitors.drift.binning.binned_counts import Counts
from driftline_processor.monitors.drift.detection.decision import Z95, Assessment, Excuse
from driftline_processor.monitors.drift.detection.detector import Detector
from driftline_processor.monitors.drift.history.stream_history import Habits, Stretch, Traits
from driftline_processor.monitors.drift.season import weekend
from driftline_processor.monitors.drift.season.amplitude import LIKELY, beyond_chance, clumping, returned, spread

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

FEWEST: Final = 18
"""Hours that tell how much rows hang together."""


class Unclocked:
    """Learns what a stream does by itself, by aspect and column, and says what that excuses."""

    def __init__(self, judge: Detector, tolerance: float, *, blank: bool) -> None:
        """blank: nothing of the day is known before the stream has shown it; else not all of it is, in a season."""
        pairing = judge.pairing
        self._pairs, self._members = pairing.pairs, pairing.members
        self._seasonal = np.append(judge.seasonal, np.zeros(len(judge.baseline.sizes) - len(judge.seasonal), bool))
        self._knows_weeks = not blank
        self._blank = self._seasonal | blank
        self._settles = np.where(self._seasonal, SETTLED_IN_SEASON, SETTLED)
        self._detector, self._tolerance, baseline = judge, tolerance, judge.baseline
        self._column = baseline.column
        self._starts = np.cumsum(baseline.sizes) - baseline.sizes
        self._factor = baseline.magnify(baseline.shares)
        self._variance = baseline.spread

    def excuse(self, habits: Habits, end: int) -> Excuse:
        """For windows and spans that are shorter than a day, and end at `end`."""
        traits, age, of_day = habits.traits, end - habits.begun, self.excuse_of_day(habits, end)
        swing = np.max([traits.swing, *habits.swings], axis=0).astype(float)
        season, shown = swing + of_day.season, swing + of_day.shown
        if age <= 2 * DAY:
            unsettled = self._blank & (traits.settled < self._settles)
            season = np.where(unsettled, np.maximum(season, self._possible(habits, age)), season)
        season, shown = (self._with_pairs(each, self._seasonal) for each in (season, shown))
        return of_day._replace(season=season, shown=shown)

    def excuse_of_day(self, habits: Habits, end: int) -> Excuse:
        """For 24 hours: days of the week may differ."""
        shown = season = habits.traits.week.astype(float)
        if not self._knows_weeks and end - habits.begun <= WEEK_SHOWN:
            season = np.maximum(season, weekend.possible(habits.first.astype(float), MODERATE, end / SECOND))
        season, shown = (self._with_pairs(each) for each in (season, shown))
        return Excuse(season, shown, habits.traits.clumped.astype(float))

    def _with_pairs(self, season: FloatArray, seasonal: BoolArray | bool = False) -> FloatArray:
        """Pairs whose members have a season go together by it in the whole, not at each time: only the whole tells."""
        moving = (season > self._tolerance / 2.0) | seasonal
        excused = season.copy()
        excused[self._pairs] = np.maximum(season[self._pairs], MODERATE * moving[self._members].any(axis=0))
        return np.asarray(excused)

    def see(self, habits: Habits, end: int, events: Assessment) -> None:
        """Notes which columns a window finds at the reference's level."""
        if end - habits.begun <= STANDS_STILL:
            at = np.float32((end - habits.begun) / HOUR)
            habits.near = np.where(self._near(events.distance, events.sampling), at, habits.near)

    def _possible(self, habits: Habits, age: int) -> FloatArray:
        """What a season may make of which less than two cycles were seen, in columns that never stayed at one level."""
        seen = GROWS * np.asarray(habits.traits.moved, float)
        if age > STANDS_STILL:
            return seen
        gone = np.minimum(PACE * (age / HOUR - habits.near), MODERATE)
        return np.asarray(np.maximum(seen, gone))

    def learn(self, habits: Habits) -> None:
        """Looks at the hour that has become complete."""
        levels, rows = self._levels(habits.hours)
        clumped = self._clumped(levels, rows)
        error = self._error(levels, rows, clumped)
        moved = self._most(beyond_chance(spread(levels), error, LIKELY))
        swing = self._most(returned(levels, self._errors(levels, rows, clumped)))
        of_week = self._week(habits, clumped)
        last, before = self._error(levels[-1:], rows[-1:], clumped), habits.traits.settled
        near = self._near(np.abs(levels[-1]), last)
        near &= Z95 * self._most(last) <= self._tolerance  # too few rows are near anything
        settled = np.where(before >= self._settles, before, np.where(near, before + 1.0, 0.0))
        habits.learn(Traits.of(swing, moved, of_week, clumped, settled))
        if habits.hours[-1].end - habits.begun <= DAY:
            habits.first = self._off(habits.hours, clumped).astype(np.float32)

    def _off(self, hours: list[Stretch], clumped: FloatArray) -> FloatArray:
        """How far some hours together are from the reference, beyond chance.

        Chance takes no more than what, times BALANCE, is within the tolerance: with few rows the rest is unknown.
        """
        levels, rows = self._levels([Stretch(hours[0].start, hours[-1].end, np.sum([h.counts for h in hours], axis=0))])
        error = np.minimum(self._errors(levels, rows, clumped)[0], self._tolerance / weekend.BALANCE / LIKELY)
        return self._most(beyond_chance(np.abs(levels[0]), error, LIKELY))

    def _week(self, habits: Habits, clumped: FloatArray) -> FloatArray:
        """How far whole days swung and came back: a weekend does."""
        days = [day for day in habits.days[:-1] if day.start >= habits.begun]
        if len(days) < 3:
            return np.zeros(len(self._starts))
        levels, rows = self._levels(days)
        return self._most(returned(levels, self._errors(levels, rows, clumped)))

    def _levels(self, stretches: list[Stretch]) -> tuple[FloatArray, FloatArray]:
        """How far each event was from its share in training, magnified, and rows, [stretches, events]."""
        columns = len(self._detector.sizes)
        found = [self._detector.shares(Counts.of_vector(np.asarray(each.counts, float), columns)) for each in stretches]
        shares, rows = (np.array([each[part] for each in found]).reshape(len(found), -1) for part in (0, 1))
        return self._factor * (shares - self._detector.baseline.shares) if found else shares, rows

    def _clumped(self, levels: FloatArray, rows: FloatArray) -> FloatArray:
        if len(levels) < FEWEST:
            return np.ones(len(self._starts))
        return clumping(levels / self._factor, rows, self._variance, self._starts)

    def _errors(self, levels: FloatArray, rows: FloatArray, clumped: FloatArray) -> FloatArray:
        """Standard error of each level, [stretches, events]: what became frequent varies more than in training."""
        shares = np.clip(self._detector.baseline.shares + levels / self._factor, 0.0, 1.0)
        variance = np.maximum(self._variance, self._detector.baseline.spread_at(shares).mean(axis=0))
        return np.asarray(self._factor * np.sqrt(np.maximum(variance, 0.25 / rows) / rows * clumped[self._column]))

    def _error(self, levels: FloatArray, rows: FloatArray, clumped: FloatArray) -> FloatArray:
        """Of one of the levels, with as many rows as they have on average, [events]."""
        return np.asarray(self._errors(levels, np.broadcast_to(rows.mean(axis=0), rows.shape), clumped)[0])

    def _near(self, distance: FloatArray, error: FloatArray) -> BoolArray:
        """Columns that are at the reference's level, as far as can be seen."""
        surely = self._most(distance - Z95 * error)
        return (surely <= self._tolerance / 2.0) & (self._most(distance) <= MODERATE / 2.0)

    def _most(self, values: FloatArray) -> FloatArray:
        return np.maximum.reduceat(values, self._starts)
