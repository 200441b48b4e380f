"""A window against a reference: every column aligned, described, and judged."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from driftline.semconv import TARGET_PAIR
from driftline.sketch.arrays import BoolArray, FloatArray
from driftline.sketch.time_units import DAY, WEEK
from driftline_processor.monitors.drift.binning.binned_counts import Counts
from driftline_processor.monitors.drift.binning.binner import InCells, Placing
from driftline_processor.monitors.drift.binning.describe import class_shares, numbers
from driftline_processor.monitors.drift.binning.stacked_intervals import StackedIntervals
from driftline_processor.monitors.drift.detection.decision import Excuse
from driftline_processor.monitors.drift.detection.detector import Detection, Detector, base_bounds
from driftline_processor.monitors.drift.explain.describe import Naming
from driftline_processor.monitors.drift.explain.verdicts import Telling
from driftline_processor.monitors.drift.history.stream_history import Habits
from driftline_processor.monitors.drift.history.trailing_windows import Trailing, has_time_of_day, slides
from driftline_processor.monitors.drift.season.calendar import Season
from driftline_processor.monitors.drift.season.learned_season import Unclocked
from driftline_processor.monitors.drift.season.rebin_by_day import COARSE, FINE, by_day
from driftline_processor.monitors.drift.statistics.compute import ReferenceStatistics
from driftline_processor.records import ColumnKey, ColumnResult, ColumnSummary, Reference, State, Verdict, Window

MOST_ALPHA = 0.001
"""False alarms allowed for one column in one evaluation, at most: rare evaluations would get a tenth each otherwise."""

PAIRS_SHARE = 0.1
"""Of a model's false alarms: for all of its pairs together. They are many, and few ever move alone."""


class Asked(NamedTuple):
    """A window and how it is judged: false alarms allowed by column, what is remembered, and what that excuses."""

    held: Sequence[ColumnSummary]
    counts: Counts
    alpha: FloatArray
    habits: Habits | None
    excuse: Excuse | None


class Comparison:
    """A reference, prepared for the windows to come."""

    def __init__(self, reference: Reference, tolerance: float, *, timed: bool) -> None:
        self.reference = reference
        columns, chunk = list(reference.columns.values()), _chunk(reference)
        self._chunk = chunk if chunk > 0.0 else None
        if not columns:
            return
        times = (reference.starts, reference.ends)
        self._detector = Detector(columns, tolerance, *(times if timed and self._chunk else ()))
        self._pairs = np.array([key.target == TARGET_PAIR for key in reference.columns])
        self._placing = Placing(columns, self._detector)
        season = Season(*times) if self._chunk else Season(np.zeros(0), np.zeros(0))
        naming = Naming(self._detector, self._placing.numbers, self._placing.categories, season)
        self._telling = Telling(reference, self._detector, naming, clock=self._chunk is not None)
        self._statistics = ReferenceStatistics(columns)
        knows_time, resolves_hours = 0.0 < chunk <= COARSE, 0.0 < chunk <= FINE
        self._learner = None if resolves_hours else Unclocked(self._detector, tolerance, blank=not knows_time)
        days = by_day(columns, chunk) if knows_time else None
        self._daily = None if days is None else Detector(days, tolerance)

    @classmethod
    def of(cls, reference: Reference, tolerance: float, *, timed: bool = False) -> "Comparison":
        """Prepare `reference`; `tolerance` is the distance that does not matter yet, a share of rows.

        timed: all windows will come with `spans` that tell their time of day, of which the reference may know more.
        """
        return cls(reference, tolerance, timed=timed)

    def window(
        self, summaries: Mapping[ColumnKey, ColumnSummary], budget: float, duration: int, spans: Trailing | None = None
    ) -> tuple[ColumnResult, ...]:
        """Judge a window of `duration` nanoseconds, with `budget` false alarms allowed in all of its columns together.

        As many are allowed in each of the longer `spans` that end with it. Columns of the reference come first, those
        without rows too; columns that it does not know are described only.
        """
        keys = self.reference.columns.keys()
        unknown = {key: summary for key, summary in summaries.items() if key not in keys}
        if not keys:
            return describe_window(unknown)
        held = [summaries.get(key, NOTHING) for key in keys]
        placed = self._placing.place(held)
        # Not every server counts pairs.
        judged = np.array([key.target != TARGET_PAIR or key in summaries for key in keys])
        timeless = placed.counts if spans is None else self._detector.without_time(placed.counts, spans.window)
        asked = self._asked(held, timeless, self._allowed(budget, judged), spans)
        verdicts = self._verdicts(asked, duration, spans)
        if spans is not None:
            self._hear(verdicts, asked, spans)
        self._telling.excuse_pairs(verdicts)
        return (*self._results(held, placed, verdicts, judged), *describe_window(unknown))

    def _results(
        self, held: Sequence[ColumnSummary], placed: InCells, verdicts: Sequence[Verdict], judged: BoolArray
    ) -> list[ColumnResult]:
        """Of the columns of the reference that are judged."""
        statistics = self._statistics.of_window(placed.counts, placed.numeric)
        distributions, categories = numbers(placed.stacked), placed.categories
        columns = list(self.reference.columns.values())
        effective = (placed.counts.rows * placed.counts.effective).tolist()
        return [
            ColumnResult(
                column=columns[i].key,
                rows=held[i].rows,
                effective_rows=effective[i],
                reference_rows=columns[i].summary.rows,
                statistics=statistics[i],
                distribution=distributions[i],
                shares=class_shares(self._placing.classes(i, held[i], categories[i])) if i in categories else {},
                verdict=verdicts[i],
            )
            for i in np.flatnonzero(judged).tolist()
        ]

    def _allowed(self, budget: float, judged: BoolArray) -> FloatArray:
        """False alarms allowed in each column, [columns]: alike, but in all pairs together a small part."""
        pairs = judged & self._pairs
        for_pairs = PAIRS_SHARE if pairs.any() else 0.0
        single = (1.0 - for_pairs) * budget / max(int((judged & ~self._pairs).sum()), 1)
        of_pair = for_pairs * budget / max(int(pairs.sum()), 1)
        return np.minimum(np.where(self._pairs, of_pair, single), MOST_ALPHA)

    def _asked(self, held: Sequence[ColumnSummary], counts: Counts, alpha: FloatArray, spans: Trailing | None) -> Asked:
        if spans is None or not has_time_of_day(spans.window) or (self._daily is None and self._learner is None):
            return Asked(held, counts, alpha, None, None)
        trail, window = spans
        trail.follow(self.reference.id, window, len(counts.vector))
        habits = trail.habits = trail.habits or Habits.begin(window.start, len(self._detector.baseline.sizes))
        excuse = None if self._learner is None else self._learner.excuse(habits, window.end)
        return Asked(held, counts, alpha, habits, excuse)

    def _verdicts(self, asked: Asked, duration: int, spans: Trailing | None) -> list[Verdict]:
        """Of the window by itself."""
        window = None if spans is None else spans.window
        base = self._detector.judge(asked.counts, asked.alpha, self._chunks(duration), asked.excuse, window)
        bounds = base_bounds(base)
        if asked.habits is None or window is None:
            return self._telling.verdicts(base, asked.held, bounds, duration, window)
        if self._learner is not None:
            self._learner.see(asked.habits, window.end, base.events)
        bounds = asked.habits.closing(bounds, self._detector.hidden(base))
        verdicts = self._telling.verdicts(base, asked.held, bounds, duration, window)
        if asked.excuse is not None:
            self._telling.say_excuses(verdicts, base, asked.excuse, (window.end - asked.habits.begun) / DAY)
        return verdicts

    def _hear(self, verdicts: list[Verdict], asked: Asked, spans: Trailing) -> None:
        """Judges the longer spans, and whole days and weeks, in which every time had its part."""
        healthy = [i for i, verdict in enumerate(verdicts) if verdict.state is State.HEALTHY]
        for span in spans.trail.spans(self.reference.id, spans.window, asked.counts.vector):
            together = Counts.of_vector(span.counts, len(asked.held))
            if self._detector.may_alarm(together):
                window = Window(span.start, spans.window.end)
                chunks = self._chunks(spans.window.end - span.start)
                found = self._detector.judge(together, asked.alpha, chunks, asked.excuse, window)
                self._tell_louder(verdicts, found, asked, spans, span.start)
        if asked.habits is not None and not slides(spans.window):
            self._hear_whole(verdicts, asked, spans, asked.habits)
        self._telling.say_recovered(verdicts, healthy)

    def _hear_whole(self, verdicts: list[Verdict], asked: Asked, spans: Trailing, habits: Habits) -> None:
        """Remembers the window; each hour the last 24 are judged, and each day the last seven."""
        if not habits.add(spans.window, asked.counts.vector):
            return
        if self._learner is not None:
            self._learner.learn(habits)
        whole = (habits.whole_day(), DAY), (habits.whole_week() if self._daily is None else None, WEEK)
        for i, (counts, duration) in enumerate(whole):
            if counts is not None:
                found = self._of_whole(Counts.of_vector(counts, len(asked.held)), asked.alpha, habits, duration)
                habits.bounds[i] = base_bounds(found).astype(np.float32)
                self._tell_louder(verdicts, found, asked, spans, habits.hours[-1].end - duration)

    def _of_whole(self, counts: Counts, alpha: FloatArray, habits: Habits, duration: int) -> Detection:
        """The last 24 hours, in which days of the week may still differ, or the last seven days."""
        if self._daily is not None:
            return self._daily.judge(counts, alpha, 1.0)
        end, learner = habits.hours[-1].end, self._learner if duration == DAY else None
        excuse = None if learner is None else learner.excuse_of_day(habits, end)
        return self._detector.judge(counts, alpha, self._chunks(duration), excuse)

    def _tell_louder(
        self, verdicts: list[Verdict], found: Detection, asked: Asked, spans: Trailing, start: int
    ) -> None:
        """Tells of a span that began at `start`; not of columns whose alarm opened or closed within it."""
        keys, duration = tuple(self.reference.columns), spans.window.end - start
        self._telling.say_louder(verdicts, found, asked.held, duration, lambda i: spans.trail.eligible(keys[i], start))

    def _chunks(self, duration: int) -> float | None:
        """A duration in chunks of the reference, where that has a clock."""
        return None if self._chunk is None else duration / 1e9 / self._chunk


def _chunk(reference: Reference) -> float:
    """Mean duration of the chunks, seconds; 0 where the reference has no clock."""
    timed = reference.clock and len(reference.starts)
    return float((reference.ends - reference.starts).mean()) if timed else 0.0


NOTHING = ColumnSummary()


def describe_window(summaries: Mapping[ColumnKey, ColumnSummary]) -> tuple[ColumnResult, ...]:
    """What columns hold, where there is nothing to compare them with."""
    if not summaries:
        return ()
    distributions = numbers(StackedIntervals.of([summary.intervals for summary in summaries.values()]))
    return tuple(
        ColumnResult(
            column=key,
            rows=summary.rows,
            effective_rows=summary.rows**2 / summary.squares if summary.squares else summary.rows,
            reference_rows=0.0,
            statistics={},
            distribution=distribution,
            shares=class_shares(summary.categories),
            verdict=None,
        )
        for (key, summary), distribution in zip(summaries.items(), distributions, strict=True)
    )
