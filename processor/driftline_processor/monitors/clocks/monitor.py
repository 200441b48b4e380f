"""Whether inputs that tell the time go with the time of the rows: one verdict on each, of the aspect `clock`.

They are in no column of a reference, as they always drift: what is asked is whether their values are those of the time.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from scipy.special import betaincinv

from driftline.reference.clocks import EPOCH, HOURS, Clock
from driftline.semconv import TARGET_INPUT
from driftline_processor.monitors.clocks.allowed_values import SECOND, ClockValues, share_off, slipped_by
from driftline_processor.records import ColumnKey, ColumnResult, ColumnSummary, Window
from driftline_processor.verdicts.reasons import ClockOff, NoRows
from driftline_processor.verdicts.verdict import ClosingEvidence, OpenAlarm, State, Verdict

ASPECT: Final = "clock"

TIMES_TRAINING: Final = 2.0
"""So many times the share of training rows that do not go with their time is tolerated, beside the tolerance."""


@dataclass(frozen=True, slots=True)
class Limits:
    """tolerance: share of rows. alpha: false alarms allowed in one evaluation of each clock."""

    tolerance: float
    alpha: float


class TimedWindow(NamedTuple):
    """A window of a stream, in what proportion its rows came in each hour, by its start, nanoseconds, and open alarms.

    hours: empty where that is not known.
    """

    window: Window
    hours: Mapping[int, float]
    alarms: Mapping[ColumnKey, OpenAlarm]


@dataclass(frozen=True, slots=True)
class ClockMonitor:
    """The clocks of a reference. rows: of its training data."""

    clocks: tuple[Clock, ...]
    rows: float

    def judged(
        self,
        results: Iterable[ColumnResult],
        columns: Mapping[ColumnKey, ColumnSummary],
        timed: TimedWindow,
        limits: Limits,
    ) -> tuple[ColumnResult, ...]:
        """The results of a window, those of clocks with a verdict. columns: what it held."""
        verdicts = dict(self._verdicts(columns, timed, limits))
        return tuple(
            replace(each, verdict=verdicts[each.column], reference_rows=self.rows) if each.column in verdicts else each
            for each in results
        )

    def _verdicts(
        self, columns: Mapping[ColumnKey, ColumnSummary], timed: TimedWindow, limits: Limits
    ) -> Iterator[tuple[ColumnKey, Verdict]]:
        for clock in self.clocks:
            key = ColumnKey(TARGET_INPUT, clock.name)
            if key in columns:
                found = _verdict(clock, columns[key], timed, limits)
                yield key, _closing(found, timed.window, timed.alarms.get(key))


def _verdict(clock: Clock, summary: ColumnSummary, timed: TimedWindow, limits: Limits) -> Verdict:
    window, hours, _ = timed
    values = ClockValues.of(summary, clock)
    tolerance = min(limits.tolerance + TIMES_TRAINING * clock.off, 1.0)
    duration = window.end - window.start
    if values.total <= 0.0:
        return Verdict(
            ASPECT, State.INSUFFICIENT_DATA, 0.0, 0.0, tolerance, 0.0, (NoRows(),), duration, asked=limits.tolerance
        )
    share = share_off(clock, values, window, hours)
    rows = summary.rows**2 / summary.squares if summary.squares else values.total
    bound = at_least(share, rows, limits.alpha)
    state = State.ALARM if bound > tolerance else State.WARNING if share > tolerance else State.HEALTHY
    score = bound / tolerance
    return Verdict(
        aspect=ASPECT,
        state=state,
        distance=share,
        lower_bound=bound,
        tolerance=tolerance,
        score=score if state is State.ALARM else min(score, 1.0),
        reasons=() if state is State.HEALTHY else (ClockOff(clock.kind, share, _behind(clock, values, window, hours)),),
        duration=duration,
        largest_bound=bound if state is State.ALARM else 0.0,
        asked=limits.tolerance,
    )


def at_least(share: float, rows: float, alpha: float) -> float:
    """A lower bound on the share, at this level (Clopper and Pearson 1934)."""
    off = share * rows
    return float(betaincinv(off, rows - off + 1.0, alpha)) if off > 0.0 else 0.0


def _closing(verdict: Verdict, window: Window, alarm: OpenAlarm | None) -> Verdict:
    """As soon as a window after the opening goes with its time again."""
    known = verdict.state is not State.INSUFFICIENT_DATA
    if alarm is None or window.start < alarm.opened or not known or verdict.distance > verdict.tolerance:
        return verdict
    return replace(verdict, closing=ClosingEvidence(window.start, 0.0))


def _behind(clock: Clock, values: ClockValues, window: Window, hours: Mapping[int, float]) -> float | None:
    """Seconds that a clock is behind, about; None of what does not go round, or of no such slip."""
    if clock.kind == EPOCH and len(values.rows):
        usual = float(clock.lows[0] + clock.highs[0]) / 2.0
        return (window.start + window.end) / 2.0 * SECOND + usual - clock.scale * values.median
    return slipped_by(clock, values, window, hours) if clock.kind in HOURS else None


def is_clock(verdict: Verdict | None) -> bool:
    """Whether a verdict is one of these."""
    return verdict is not None and verdict.aspect == ASPECT
