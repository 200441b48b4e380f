"""From detections to verdicts: of each column the horizon with the highest score, with its reasons."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from driftline.sketch.arrays import BoolArray
from driftline_processor.monitors.drift.detection.assessment import Assessment
from driftline_processor.monitors.drift.detection.column_baseline import ASPECTS, VALUE
from driftline_processor.monitors.drift.detection.decision import ALARM, SEVERITY, WARNING
from driftline_processor.monitors.drift.detection.detector import Detection, Detector, worst
from driftline_processor.monitors.drift.detection.harmonics import CYCLES
from driftline_processor.monitors.drift.detection.horizon import Judged
from driftline_processor.monitors.drift.detection.rare import RATIO
from driftline_processor.monitors.drift.explain.describe import ReasonFinder
from driftline_processor.monitors.drift.explain.likeness import likeness
from driftline_processor.records import ColumnSummary, Reference
from driftline_processor.verdicts.reasons import (
    ConstantMembers,
    ExplainedByMembers,
    MayBeSeason,
    Multiplied,
    NoRows,
    Reason,
    Recovered,
    Widened,
)
from driftline_processor.verdicts.verdict import ClosingEvidence, State, Verdict

BLIND: Final = 2.0
"""A verdict says what may go unseen where that is more than this many tolerances."""


WIDE: Final = 1.2
"""A tolerance, or an error, is wider than another where it is so many times as large."""


class Subject(NamedTuple):
    """A column in a window: what it held, and what closes its alarm, if anything does."""

    column: int
    summary: ColumnSummary
    closing: ClosingEvidence | None


class Found(NamedTuple):
    """An alarm of a column in a horizon: its score, and in which aspect it is."""

    score: float
    judged: Judged
    aspect: int


class Measure(NamedTuple):
    """How far an aspect of a column has moved, and where that was found: an event of the source."""

    source: Assessment
    event: int
    distance: float
    lower_bound: float
    required: float


class Qualification(NamedTuple):
    """A reason beside what moved in a column; aspect: only where the verdict is on that one."""

    column: int
    aspect: str | None
    reason: Reason


def _subjects(held: Sequence[ColumnSummary], closing: Mapping[int, ClosingEvidence]) -> list[Subject]:
    return [Subject(i, summary, closing.get(i)) for i, summary in enumerate(held)]


class Explainer:
    """The verdicts on the columns of a reference. timed: the reference has timestamps."""

    def __init__(self, reference: Reference, detector: Detector, reasons: ReasonFinder, *, timed: bool) -> None:
        self._detector, self._reasons, self._timed = detector, reasons, timed
        lasting = (float(reference.ends.max() - reference.starts.min()) if timed else 0.0) / 3_600
        self._hours = lasting if 0.0 < lasting < 24 * CYCLES else None
        columns, pairing = list(reference.columns.values()), detector.pairing
        self._columns = columns
        members = zip(pairing.pairs.tolist(), pairing.members.T.tolist(), strict=True)
        self._members = {pair: [(columns[i].key.name, i) for i in both] for pair, both in members}

    def verdicts(
        self,
        judged: Sequence[Judged],
        held: Sequence[ColumnSummary],
        closing: Mapping[int, ClosingEvidence],
        eligible: Callable[[int, int], bool],
    ) -> list[Verdict]:
        """One for each column, of a window, the first of `judged`, and of the longer horizons that end with it.

        held: what the window held. closing: what closes the alarms of columns: their longer horizons hold what is over.
        eligible: whether a column is judged in a horizon that begins at some time.
        """
        window, *longer = judged
        subjects = _subjects(held, closing)
        verdicts = self._of_window(window, subjects)
        healthy = [i for i, verdict in enumerate(verdicts) if verdict.state is State.HEALTHY]
        for i, found in self._alarms(longer, subjects, eligible).items():
            if verdicts[i].state is not State.ALARM or found.score > verdicts[i].score:
                (verdicts[i],) = self._verdicts(found.judged, [found.aspect], [subjects[i]])
        for i in healthy:
            if verdicts[i].state is State.ALARM:
                verdicts[i] = _also(verdicts[i], Recovered())
        return self._likened(self._explained(verdicts), held)

    def changes(
        self,
        judged: Sequence[Judged],
        held: Sequence[ColumnSummary],
        closing: Mapping[int, ClosingEvidence],
        eligible: Callable[[int, int], bool],
    ) -> list[Verdict]:
        """The same verdicts as far as they open or close alarms; of all other columns only that they do not."""
        window, *longer = judged
        subjects = _subjects(held, closing)
        alarms = dict(_in_alarm(window))
        for i, found in self._alarms(longer, subjects, eligible).items():
            if i not in alarms or found.score > alarms[i].score:
                alarms[i] = found
        verdicts = self.quiet(window.horizon.duration)
        for i, evidence in closing.items():
            verdicts[i] = replace(verdicts[i], closing=evidence)
        for i, found in alarms.items():
            (verdicts[i],) = self._verdicts(found.judged, [found.aspect], [subjects[i]])
        return self._explained(verdicts)

    def quiet(self, duration: int) -> list[Verdict]:
        """The verdicts of a window in which no alarm can open or close."""
        return [Verdict(VALUE, State.HEALTHY, 0.0, 0.0, 0.0, 0.0, (), duration)] * len(self._detector.sizes)

    def moves(self, judged: Judged, column: int, aspect: int, summary: ColumnSummary) -> tuple[Reason, ...]:
        """What moved in an aspect of a column, and in all others that are in alarm."""
        return self._reasons.moves(judged, column, aspect, summary)

    def of_pairs(self, verdicts: list[Verdict], constant: BoolArray) -> list[Verdict]:
        """Pairs with a constant member have no data, whatever longer horizons say. constant: [2, pairs]."""
        explained = list(verdicts)
        for (i, members), both in zip(self._members.items(), constant.T.tolist(), strict=True):
            names = tuple(name for (name, _), is_constant in zip(members, both, strict=True) if is_constant)
            if names:
                explained[i] = self._nothing(i, verdicts[i].duration, None, ConstantMembers(names))
        return explained

    def _nothing(self, column: int, duration: int, closing: ClosingEvidence | None, why: Reason) -> Verdict:
        """Of a column without data."""
        asked = float(self._detector.tolerances[column])
        state = State.INSUFFICIENT_DATA
        return Verdict(VALUE, state, 0.0, 0.0, asked, 0.0, (why,), duration, closing=closing, asked=asked)

    def _of_window(self, window: Judged, subjects: Sequence[Subject]) -> list[Verdict]:
        aspects = worst(window.detection).tolist()
        verdicts = self._verdicts(window, aspects, subjects)
        for qualified in (self._limits(window), self._seasons(window), self._allowances(window)):
            for i, aspect, reason in qualified:
                if aspect is None or verdicts[i].aspect == aspect:
                    verdicts[i] = _also(verdicts[i], reason)
        return verdicts

    def _alarms(
        self, longer: Sequence[Judged], subjects: Sequence[Subject], eligible: Callable[[int, int], bool]
    ) -> dict[int, Found]:
        """Of longer horizons only alarms are reported: of each column, where it has the highest score."""
        highest: dict[int, Found] = {}
        for each in longer:
            for i, found in _in_alarm(each):
                known = eligible(i, each.horizon.start) and subjects[i].closing is None
                if known and (i not in highest or found.score > highest[i].score):
                    highest[i] = found
        return highest

    def _limits(self, window: Judged) -> Iterator[Qualification]:
        """What may have gone unseen in columns without an alarm, where that is more than BLIND tolerances."""
        detection = window.detection
        unseen = self._detector.unseen_below(detection)
        quiet = (detection.state < WARNING).all(axis=0)
        blind = detection.valued & (unseen > BLIND * self._detector.tolerances) & quiet
        for i in np.flatnonzero(blind).tolist():
            yield Qualification(i, None, self._reasons.limit(i, float(unseen[i])))

    def _seasons(self, window: Judged) -> Iterator[Qualification]:
        """The season of values that are unusual without an alarm, and usual at this time."""
        detection, at = window.detection, window.horizon.at
        if at is None:
            return
        unusual = (detection.state[0] == WARNING) & ~detection.new & (detection.state < ALARM).all(axis=0)
        for i in np.flatnonzero(unusual).tolist():
            season = self._reasons.season(window, i, at.start / 1e9, at.end / 1e9)
            if season is not None:
                yield Qualification(i, VALUE, season)

    def _allowances(self, window: Judged) -> Iterator[Qualification]:
        """Where a season may be all that moved a column, and no alarm is raised for that reason."""
        allowance, state = window.horizon.allowance, window.detection.state
        if allowance is None:
            return
        for at in np.flatnonzero(window.detection.events.withheld).tolist():
            aspect, i = divmod(at, state.shape[1])
            if state[aspect, i] != ALARM:
                season, shown = float(allowance.season[at]), float(allowance.shown[at])
                yield Qualification(i, ASPECTS[aspect], MayBeSeason(season, shown, allowance.days, self._timed))

    def _explained(self, verdicts: list[Verdict]) -> list[Verdict]:
        """A pair may move because one of its members does: that is reported once, of the member."""
        explained = list(verdicts)
        for i, members in self._members.items():
            moved = tuple(name for name, at in members if verdicts[at].state is State.ALARM)
            if moved and verdicts[i].state is State.ALARM:
                verdict = replace(verdicts[i], state=State.WARNING, score=min(verdicts[i].score, 1.0))
                explained[i] = _also(verdict, ExplainedByMembers(moved))
        return explained

    def _likened(self, verdicts: list[Verdict], held: Sequence[ColumnSummary]) -> list[Verdict]:
        """What columns in alarm look like, where that explains nearly all of their move."""
        of_columns = enumerate(verdicts[: len(self._columns)])  # beyond them lie their decimals
        alarmed = [i for i, verdict in of_columns if verdict.state is State.ALARM]
        for i in alarmed:
            like = likeness(i, held, self._columns, alarmed)
            if like is not None:
                verdicts[i] = _also(verdicts[i], like)
        return verdicts

    def _verdicts(self, judged: Judged, aspects: Sequence[int], subjects: Sequence[Subject]) -> list[Verdict]:
        """The verdicts on an aspect of each of some columns."""
        measures = _measures(judged.detection, aspects, [each.column for each in subjects])
        every = zip(aspects, subjects, measures, strict=True)
        return [self._verdict(judged, aspect, subject, measure) for aspect, subject, measure in every]

    def _verdict(self, judged: Judged, aspect: int, subject: Subject, measure: Measure) -> Verdict:
        """The verdict on an aspect of a column."""
        (horizon, detection), column = judged, subject.column
        asked = float(self._detector.tolerances[column])
        state = SEVERITY[detection.state[aspect, column]]
        if not aspect and not detection.valued[column]:
            return self._nothing(column, horizon.duration, subject.closing, NoRows())
        moves = self._reasons.moves(judged, column, aspect, subject.summary) if state is not State.HEALTHY else ()
        return Verdict(
            aspect=ASPECTS[aspect],
            state=state,
            distance=measure.distance,
            lower_bound=max(measure.lower_bound, 0.0),
            tolerance=min(measure.required, 1.0),  # a share of rows
            score=float(detection.score[aspect, column]),
            reasons=(*moves, *self._tolerated(judged, state, column, measure)),
            duration=horizon.duration,
            largest_bound=float(detection.largest_bound[column]) if state is State.ALARM else 0.0,
            closing=subject.closing,
            asked=asked,
        )

    def _tolerated(
        self, judged: Judged, state: State, column: int, measure: Measure
    ) -> tuple[Widened | Multiplied, ...]:
        """Why more is tolerated of what moved than was asked for, or less; a season says so itself."""
        if state not in {State.WARNING, State.ALARM}:
            return ()
        source, event, asked = measure.source, measure.event, float(self._detector.tolerances[column])
        if source.rare is not None and source.rare[event]:
            return (Multiplied(RATIO),)
        tolerated = min(measure.required, 1.0)
        if source.season[event] > 0.0 or tolerated <= WIDE * asked:
            return ()
        if source.natural[event] > WIDE * source.move.error[event]:
            return (Widened(asked, tolerated, hours=self._hours),)
        counts = judged.horizon.counts
        rows = float((counts.rows * counts.effective)[column])
        return (Widened(asked, tolerated, rows),) if state is State.WARNING else ()


def _measures(detection: Detection, aspects: Sequence[int], columns: Sequence[int]) -> Iterator[Measure]:
    """What moved an aspect of each of some columns, and how far."""
    aspect, column = np.array(aspects, np.int64), np.array(columns, np.int64)
    values = aspect == 0
    spread = values & detection.spread[column]
    new = values & detection.new[column] & ~spread
    at = np.where(spread | new, column, detection.events.highest[aspect * len(detection.valued) + column])
    measures: list[Measure | None] = [None] * len(at)
    sources = ((detection.events, ~(spread | new)), (detection.novelty, new), (detection.diffuse, spread))
    for source, those in sources:
        if those.any():
            places, events = np.flatnonzero(those).tolist(), at[those]
            found = (each[events].tolist() for each in (source.move.distance, source.lower_bound, source.required))
            for place, event, *measured in zip(places, events.tolist(), *found, strict=True):
                measures[place] = Measure(source, event, *measured)
    return (each for each in measures if each is not None)


def _in_alarm(judged: Judged) -> Iterator[tuple[int, Found]]:
    """The columns that are in alarm in a horizon."""
    alarmed = np.flatnonzero((judged.detection.state == ALARM).any(axis=0)).tolist()
    aspects = worst(judged.detection) if alarmed else ()
    for i in alarmed:
        aspect = int(aspects[i])
        yield i, Found(float(judged.detection.score[aspect, i]), judged, aspect)


def _also(verdict: Verdict, reason: Reason) -> Verdict:
    return replace(verdict, reasons=(*verdict.reasons, reason))
