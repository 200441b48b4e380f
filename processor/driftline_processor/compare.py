"""A window against a reference: every column aligned, described, and judged."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isnan
from typing import NamedTuple

import numpy as np

from driftline.semconv import TARGET_INPUT, TARGET_PAIR
from driftline_processor.alignment import Aligned, CategoryCells, NumericCells
from driftline_processor.bags import Bags
from driftline_processor.counts import STATES, Counts
from driftline_processor.daily import COARSE, FINE, by_day
from driftline_processor.distribution import class_shares, numbers
from driftline_processor.habits import DAY, WEEK, Habits
from driftline_processor.judgement import Judge, Judgement, base_bounds, worst
from driftline_processor.naming import Naming
from driftline_processor.prepared import ASPECTS
from driftline_processor.records import (
    ColumnKey,
    ColumnResult,
    FloatArray,
    Reference,
    State,
    Tally,
    Verdict,
    Window,
)
from driftline_processor.spans import Trailing, slides
from driftline_processor.trained import Trained
from driftline_processor.unclocked import Unclocked, has_time_of_day
from driftline_processor.verdict.decision import ALARM, LOUDNESS, WARNING, Excuse
from driftline_processor.verdict.events import BoolArray
from driftline_processor.verdict.season import Season
from driftline_processor.verdict.wording import RECOVERED, describe_excuse

MOST_ALPHA = 0.001
"""False alarms allowed for one column in one evaluation, at most: rare evaluations would get a tenth each otherwise."""

PAIRS_SHARE = 0.1
"""Of a model's false alarms: for all of its pairs together. They are many, and few ever move alone."""

BLIND = 2.0
"""A verdict says what may go unseen where that is more than this many tolerances."""


class Asked(NamedTuple):
    """A window and how it is judged: false alarms allowed by column, what is remembered, and what that excuses."""

    held: Sequence[Tally]
    counts: Counts
    alpha: FloatArray
    habits: Habits | None
    excuse: Excuse | None


class Comparison:
    """A reference, prepared for the windows to come."""

    def __init__(self, reference: Reference, tolerance: float, *, timed: bool) -> None:
        self.reference = reference
        columns = list(reference.columns.values())
        lasting = (
            float((reference.ends - reference.starts).mean()) if reference.clock and len(reference.starts) else 0.0
        )
        self._chunk = lasting if lasting > 0.0 else None  # mean duration in seconds, where the reference has a clock
        if not columns:
            return
        self._judge = Judge(columns, tolerance, *((reference.starts, reference.ends) if timed and self._chunk else ()))
        self._pairs = np.array([key.target == TARGET_PAIR for key in reference.columns])
        self._numeric = np.flatnonzero(self._judge.numeric)
        self._numbers = NumericCells([columns[i] for i in self._numeric])
        self._categories = {int(i): CategoryCells(columns[i]) for i in np.flatnonzero(~self._judge.numeric)}
        season = Season(reference.starts, reference.ends) if self._chunk else Season(np.zeros(0), np.zeros(0))
        self._naming = Naming(self._judge, self._numbers, self._categories, season)
        self._trained = Trained(columns, self._judge)
        knows_time = lasting > 0.0 and lasting <= COARSE
        resolves_hours = lasting > 0.0 and lasting <= FINE
        self._learner = None if resolves_hours else Unclocked(self._judge, tolerance, blank=not knows_time)
        days = by_day(columns, lasting) if knows_time else None
        self._daily = None if days is None else Judge(days, tolerance)
        place = {key: i for i, key in enumerate(reference.columns)}
        self._members = {
            i: [(name, place[key]) for name in column.pair.members if (key := ColumnKey(TARGET_INPUT, name)) in place]
            for i, column in enumerate(columns)
            if column.pair is not None
        }
        self._numeric_cells = np.flatnonzero(np.repeat(self._judge.numeric, self._judge.sizes))

    @classmethod
    def of(cls, reference: Reference, tolerance: float, *, timed: bool = False) -> "Comparison":
        """Prepare `reference`; `tolerance` is the distance that does not matter yet, a share of rows.

        timed: all windows will come with `spans` that tell their time of day, of which the reference may know more.
        """
        return cls(reference, tolerance, timed=timed)

    def window(
        self, tallies: Mapping[ColumnKey, Tally], budget: float, duration: int, spans: Trailing | None = None
    ) -> tuple[ColumnResult, ...]:
        """Judge a window of `duration` nanoseconds, with `budget` false alarms allowed in all of its columns together.

        As many are allowed in each of the longer `spans` that end with it. Columns of the reference come first, those
        without rows too; columns that it does not know are described only.
        """
        keys = self.reference.columns.keys()
        unknown = {key: tally for key, tally in tallies.items() if key not in keys}
        if not keys:
            return describe_window(unknown)
        held = [tallies.get(key, NOTHING) for key in keys]
        bags = Bags.of([tally.intervals for tally in held])
        placed = {i: cells.place(held[i]) for i, cells in self._categories.items()}
        counts = self._counts(held, bags.take(self._numeric), placed)
        judged = [key.target != TARGET_PAIR or key in tallies for key in keys]  # not every server counts pairs
        timeless = counts if spans is None else self._judge.without_time(counts, spans.window)
        asked = self._asked(held, timeless, self._allowed(budget, np.array(judged)), spans)
        verdicts = self._verdicts(asked, duration, spans)
        if spans is not None:
            self._hear(verdicts, asked, spans)
        self._excuse_pairs(verdicts)
        statistics = self._trained.statistics(counts, bags.take(self._numeric))
        distributions = numbers(bags)
        known = (
            ColumnResult(
                column=key,
                rows=tally.rows,
                effective_rows=effective,
                reference_rows=column.tally.rows,
                statistics=statistics[i],
                distribution=distributions[i],
                shares=class_shares(self._classes(i, tally, placed[i])) if i in placed else {},
                verdict=verdicts[i],
            )
            for i, (key, column, tally, effective) in enumerate(
                zip(keys, self.reference.columns.values(), held, (counts.rows * counts.effective).tolist(), strict=True)
            )
            if judged[i]
        )
        return (*known, *describe_window(unknown))

    def _allowed(self, budget: float, judged: BoolArray) -> FloatArray:
        """False alarms allowed in each column, [columns]: alike, but in all pairs together a small part."""
        pairs = judged & self._pairs
        for_pairs = PAIRS_SHARE if pairs.any() else 0.0
        single = (1.0 - for_pairs) * budget / max(int((judged & ~self._pairs).sum()), 1)
        of_pair = for_pairs * budget / max(int(pairs.sum()), 1)
        return np.minimum(np.where(self._pairs, of_pair, single), MOST_ALPHA)

    def _counts(self, held: Sequence[Tally], bags: Bags, placed: Mapping[int, Aligned]) -> Counts:
        """The window in the reference's cells."""
        cells, novel = np.zeros(int(self._judge.sizes.sum())), np.zeros(len(held))
        numbers_ = self._numbers.place(bags)
        cells[self._numeric_cells], novel[self._numeric] = numbers_.cells, numbers_.novel
        states = np.array([[tally.states.get(state, 0.0) for tally in held] for state in STATES])
        for i in self._numeric.tolist():
            if held[i].categories:  # text where numbers were
                states[-1, i] += sum(held[i].categories.values())
        for i, aligned in placed.items():
            start = self._judge.starts[i]
            cells[start : start + len(aligned.cells)] = aligned.cells
            novel[i] = aligned.novel_rows
            states[-1, i] += aligned.mistyped
        rows, squares = (np.array([getattr(tally, name) for tally in held], float) for name in ("rows", "squares"))
        return Counts(cells, novel, states, rows, squares)

    def _asked(self, held: Sequence[Tally], counts: Counts, alpha: FloatArray, spans: Trailing | None) -> Asked:
        if spans is None or not has_time_of_day(spans.window) or (self._daily is None and self._learner is None):
            return Asked(held, counts, alpha, None, None)
        trail, window = spans
        trail.follow(self.reference.id, window, len(counts.vector))
        habits = trail.habits = trail.habits or Habits.begin(window.start, len(self._judge.baseline.sizes))
        excuse = None if self._learner is None else self._learner.excuse(habits, window.end)
        return Asked(held, counts, alpha, habits, excuse)

    def _verdicts(self, asked: Asked, duration: int, spans: Trailing | None) -> list[Verdict]:
        window = None if spans is None else spans.window
        base = self._judge.judge(asked.counts, asked.alpha, self._chunks(duration), asked.excuse, window)
        bounds = base_bounds(base)
        if asked.habits is not None and spans is not None:
            if self._learner is not None:
                self._learner.see(asked.habits, spans.window.end, base.events)
            bounds = asked.habits.closing(bounds, self._judge.hidden(base))
        told = zip(worst(base).tolist(), asked.held, bounds.tolist(), strict=True)
        verdicts = [
            self._verdict(base, (aspect, i), tally, None if isnan(bound) else bound, duration)
            for i, (aspect, tally, bound) in enumerate(told)
        ]
        self._say_limits(verdicts, base)
        if asked.excuse is not None and asked.habits is not None and window is not None:
            self._say_excuses(verdicts, base, asked.excuse, (window.end - asked.habits.begun) / DAY)
        if spans is not None:
            self._name_seasons(verdicts, base, spans.window)
        return verdicts

    def _say_excuses(self, verdicts: list[Verdict], base: Judgement, excuse: Excuse, days: float) -> None:
        """Says where a season may be all that moved a column, and what a reference with time would tell.

        days: since the stream began.
        """
        for at in np.flatnonzero(base.events.withheld).tolist():
            aspect, i = divmod(at, len(verdicts))
            if verdicts[i].aspect == ASPECTS[aspect] and verdicts[i].state is not State.ALARM:
                why = describe_excuse(
                    float(excuse.season[at]), float(excuse.shown[at]), days, clock=self._chunk is not None
                )
                verdicts[i] = replace(verdicts[i], event=f"{verdicts[i].event}; {why}")

    def _say_limits(self, verdicts: list[Verdict], base: Judgement) -> None:
        """Says of columns without an alarm what may have gone unseen, where that is more than BLIND tolerances."""
        unseen = self._judge.unseen_below(base)
        blind = base.valued & (unseen > BLIND * self._judge.tolerance) & (base.state < WARNING).all(axis=0)
        for i in np.flatnonzero(blind).tolist():
            said, limit = verdicts[i].event, self._naming.limit(i, float(unseen[i]))
            verdicts[i] = replace(verdicts[i], event=f"{said}; {limit}" if said else limit)

    def _name_seasons(self, verdicts: list[Verdict], base: Judgement, window: Window) -> None:
        """Names the season where values are unusual without an alarm, and usual at this time."""
        for i in np.flatnonzero((base.state[0] == WARNING) & ~base.new & (base.state < ALARM).all(axis=0)).tolist():
            season = self._naming.season(base, i, window.start / 1e9, window.end / 1e9)
            if season and verdicts[i].aspect == ASPECTS[0]:
                verdicts[i] = replace(verdicts[i], event=f"{verdicts[i].event}; {season}")

    def _hear(self, verdicts: list[Verdict], asked: Asked, spans: Trailing) -> None:
        """Judges the longer spans, and whole days, in which every time of day had its part."""
        healthy = [i for i, verdict in enumerate(verdicts) if verdict.state is State.HEALTHY]
        for span in spans.trail.spans(self.reference.id, spans.window, asked.counts.vector):
            together = Counts.of_vector(span.counts, len(asked.held))
            if self._judge.may_alarm(together):
                window = Window(span.start, spans.window.end)
                chunks = self._chunks(spans.window.end - span.start)
                found = self._judge.judge(together, asked.alpha, chunks, asked.excuse, window)
                self._tell_louder(verdicts, found, asked.held, spans, span.start)
        if asked.habits is not None and not slides(spans.window):
            self._hear_day(verdicts, asked, spans, asked.habits)
        for i in healthy:
            if verdicts[i].state is State.ALARM:
                verdicts[i] = replace(verdicts[i], event=f"{verdicts[i].event}; {RECOVERED}")

    def _hear_day(self, verdicts: list[Verdict], asked: Asked, spans: Trailing, habits: Habits) -> None:
        """Remembers the window; each hour the last 24 are judged."""
        if not habits.add(spans.window, asked.counts.vector):
            return
        if self._learner is not None:
            self._learner.learn(habits)
        whole = (habits.whole_day(), DAY), (habits.whole_week() if self._daily is None else None, WEEK * DAY)
        for i, (counts, duration) in enumerate(whole):
            if counts is not None:
                found = self._of_whole(Counts.of_vector(counts, len(asked.held)), asked.alpha, habits, duration)
                habits.bounds[i] = base_bounds(found).astype(np.float32)
                self._tell_louder(verdicts, found, asked.held, spans, habits.hours[-1].end - duration)

    def _of_whole(self, counts: Counts, alpha: FloatArray, habits: Habits, duration: int) -> Judgement:
        """The last 24 hours, or the last seven days: these need no season at all."""
        if self._daily is not None:
            return self._daily.judge(counts, alpha, 1.0)
        of_day = self._learner is not None and duration == DAY
        excuse = self._learner.excuse_of_day(habits, habits.hours[-1].end) if of_day and self._learner else None
        return self._judge.judge(counts, alpha, self._chunks(duration), excuse)

    def _tell_louder(
        self, verdicts: list[Verdict], found: Judgement, held: Sequence[Tally], spans: Trailing, start: int
    ) -> None:
        """Puts the verdict of a longer span in the place of the window's, where it is in alarm and speaks louder."""
        loudest, keys = worst(found).tolist(), tuple(self.reference.columns)
        for i in np.flatnonzero((found.state == ALARM).any(axis=0)).tolist():
            before = verdicts[i]
            verdict = self._verdict(found, (loudest[i], i), held[i], before.base_bound, spans.window.end - start)
            louder = before.state is not State.ALARM or verdict.score > before.score
            if louder and spans.trail.eligible(keys[i], start):
                verdicts[i] = verdict

    def _excuse_pairs(self, verdicts: list[Verdict]) -> None:
        """A pair may move because one of its members does: that is told once, of the member."""
        for i, members in self._members.items():
            moved = [name for name, at in members if verdicts[at].state is State.ALARM]
            if moved and verdicts[i].state is State.ALARM:
                event = f"{verdicts[i].event}; as {' and '.join(moved)} moved"
                verdicts[i] = replace(verdicts[i], state=State.WARNING, score=min(verdicts[i].score, 1.0), event=event)

    def _verdict(
        self, judgement: Judgement, at: tuple[int, int], tally: Tally, base_bound: float | None, duration: int
    ) -> Verdict:
        """The verdict on an aspect of a column, `at`."""
        aspect, column = at
        state = LOUDNESS[judgement.state[at]]
        if not aspect and not judgement.valued[column]:
            nothing = (0.0, 0.0, self._judge.tolerance, 0.0, "no rows")
            return Verdict(ASPECTS[0], state, *nothing, base_bound, duration)
        new = not aspect and bool(judgement.new[column])
        spread = not aspect and bool(judgement.spread[column])
        source = judgement.diffuse if spread else judgement.novelty if new else judgement.events
        event = column if new or spread else source.loudest[aspect * len(self._judge.sizes) + column]
        return Verdict(
            aspect=ASPECTS[aspect],
            state=state,
            distance=float(source.distance[event]),
            lower_bound=max(float(source.lower_bound[event]), 0.0),
            tolerance=float(source.required[event]),
            score=float(judgement.score[at]),
            event="" if state is State.HEALTHY else self._naming.describe(judgement, column, aspect, tally),
            base_bound=base_bound,
            duration=duration,
        )

    def _chunks(self, duration: int) -> float | None:
        """A duration in chunks of the reference, where that has a clock."""
        return None if self._chunk is None else duration / 1e9 / self._chunk

    def _classes(self, column: int, tally: Tally, aligned: Aligned) -> Mapping[str, float]:
        """Rows by class: as they were sent, or by the numbers that stand for classes."""
        cells = self._categories[column]
        if not tally.intervals.total or not len(cells.codes.values):
            return tally.categories
        named = zip(cells.names, aligned.cells, strict=False)
        return {name: float(rows) for name, rows in named if rows}


NOTHING = Tally()


def describe_window(tallies: Mapping[ColumnKey, Tally]) -> tuple[ColumnResult, ...]:
    """What columns hold, where there is nothing to compare them with."""
    if not tallies:
        return ()
    distributions = numbers(Bags.of([tally.intervals for tally in tallies.values()]))
    return tuple(
        ColumnResult(
            column=key,
            rows=tally.rows,
            effective_rows=tally.rows**2 / tally.squares if tally.squares else tally.rows,
            reference_rows=0.0,
            statistics={},
            distribution=distribution,
            shares=class_shares(tally.categories),
            verdict=None,
        )
        for (key, tally), distribution in zip(tallies.items(), distributions, strict=True)
    )
