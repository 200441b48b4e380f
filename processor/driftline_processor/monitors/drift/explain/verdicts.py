"""From detections to verdicts: what is said of each column, and what is said with it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import isnan

import numpy as np

from driftline.sketch.arrays import FloatArray
from driftline_processor.monitors.drift.detection.column_baseline import ASPECTS
from driftline_processor.monitors.drift.detection.decision import ALARM, LOUDNESS, WARNING, Excuse
from driftline_processor.monitors.drift.detection.detector import Detection, Detector, worst
from driftline_processor.monitors.drift.explain.describe import Naming
from driftline_processor.monitors.drift.explain.wording import RECOVERED, describe_excuse
from driftline_processor.records import ColumnSummary, Reference, State, Verdict, Window

BLIND = 2.0
"""A verdict says what may go unseen where that is more than this many tolerances."""


class Telling:
    """The verdicts on the columns of a reference. clock: the reference has times."""

    def __init__(self, reference: Reference, judge: Detector, naming: Naming, *, clock: bool) -> None:
        self._detector, self._naming, self._clock = judge, naming, clock
        columns, pairing = list(reference.columns.values()), judge.pairing
        members = zip(pairing.pairs.tolist(), pairing.members.T.tolist(), strict=True)
        self._members = {pair: [(columns[i].key.name, i) for i in both] for pair, both in members}

    def verdicts(
        self, base: Detection, held: Sequence[ColumnSummary], bounds: FloatArray, duration: int, window: Window | None
    ) -> list[Verdict]:
        """One for each column of a window. bounds: what the closing of an alarm goes by, NaN where nothing is known."""
        told = zip(worst(base).tolist(), held, bounds.tolist(), strict=True)
        verdicts = [
            self._verdict(base, (aspect, i), summary, None if isnan(bound) else bound, duration)
            for i, (aspect, summary, bound) in enumerate(told)
        ]
        self._say_limits(verdicts, base)
        if window is not None:
            self._name_seasons(verdicts, base, window)
        return verdicts

    def say_excuses(self, verdicts: list[Verdict], base: Detection, excuse: Excuse, days: float) -> None:
        """Says where a season may be all that moved a column, and what a reference with time would tell.

        days: since the stream began.
        """
        for at in np.flatnonzero(base.events.withheld).tolist():
            aspect, i = divmod(at, len(verdicts))
            if verdicts[i].aspect == ASPECTS[aspect] and verdicts[i].state is not State.ALARM:
                why = describe_excuse(float(excuse.season[at]), float(excuse.shown[at]), days, clock=self._clock)
                verdicts[i] = replace(verdicts[i], event=f"{verdicts[i].event}; {why}")

    def say_louder(
        self,
        verdicts: list[Verdict],
        found: Detection,
        held: Sequence[ColumnSummary],
        duration: int,
        eligible: Callable[[int], bool],
    ) -> None:
        """Puts what is found of a longer span in the place of a verdict, where it is in alarm and speaks louder.

        eligible: whether a column is told of this span.
        """
        loudest = worst(found).tolist()
        for i in np.flatnonzero((found.state == ALARM).any(axis=0)).tolist():
            before = verdicts[i]
            verdict = self._verdict(found, (loudest[i], i), held[i], before.base_bound, duration)
            louder = before.state is not State.ALARM or verdict.score > before.score
            if louder and eligible(i):
                verdicts[i] = verdict

    def say_recovered(self, verdicts: list[Verdict], healthy: Sequence[int]) -> None:
        """Says of alarms of longer spans that these columns are healthy in the window by itself."""
        for i in healthy:
            if verdicts[i].state is State.ALARM:
                verdicts[i] = replace(verdicts[i], event=f"{verdicts[i].event}; {RECOVERED}")

    def excuse_pairs(self, verdicts: list[Verdict]) -> None:
        """A pair may move because one of its members does: that is told once, of the member."""
        for i, members in self._members.items():
            moved = [name for name, at in members if verdicts[at].state is State.ALARM]
            if moved and verdicts[i].state is State.ALARM:
                event = f"{verdicts[i].event}; as {' and '.join(moved)} moved"
                verdicts[i] = replace(verdicts[i], state=State.WARNING, score=min(verdicts[i].score, 1.0), event=event)

    def _say_limits(self, verdicts: list[Verdict], base: Detection) -> None:
        """Says of columns without an alarm what may have gone unseen, where that is more than BLIND tolerances."""
        unseen = self._detector.unseen_below(base)
        blind = base.valued & (unseen > BLIND * self._detector.tolerance) & (base.state < WARNING).all(axis=0)
        for i in np.flatnonzero(blind).tolist():
            said, limit = verdicts[i].event, self._naming.limit(i, float(unseen[i]))
            verdicts[i] = replace(verdicts[i], event=f"{said}; {limit}" if said else limit)

    def _name_seasons(self, verdicts: list[Verdict], base: Detection, window: Window) -> None:
        """Names the season where values are unusual without an alarm, and usual at this time."""
        for i in np.flatnonzero((base.state[0] == WARNING) & ~base.new & (base.state < ALARM).all(axis=0)).tolist():
            season = self._naming.season(base, i, window.start / 1e9, window.end / 1e9)
            if season and verdicts[i].aspect == ASPECTS[0]:
                verdicts[i] = replace(verdicts[i], event=f"{verdicts[i].event}; {season}")

    def _verdict(
        self, detection: Detection, at: tuple[int, int], summary: ColumnSummary, base_bound: float | None, duration: int
    ) -> Verdict:
        """The verdict on an aspect of a column, `at`."""
        aspect, column = at
        state = LOUDNESS[detection.state[at]]
        if not aspect and not detection.valued[column]:
            nothing = (0.0, 0.0, self._detector.tolerance, 0.0, "no rows")
            return Verdict(ASPECTS[0], state, *nothing, base_bound, duration)
        new = not aspect and bool(detection.new[column])
        spread = not aspect and bool(detection.spread[column])
        source = detection.diffuse if spread else detection.novelty if new else detection.events
        event = column if new or spread else source.loudest[aspect * len(self._detector.sizes) + column]
        return Verdict(
            aspect=ASPECTS[aspect],
            state=state,
            distance=float(source.distance[event]),
            lower_bound=max(float(source.lower_bound[event]), 0.0),
            tolerance=float(source.required[event]),
            score=float(detection.score[at]),
            event="" if state is State.HEALTHY else self._naming.describe(detection, column, aspect, summary),
            base_bound=base_bound,
            duration=duration,
        )
