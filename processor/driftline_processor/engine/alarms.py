"""The life of an alarm: it opens, is updated when what moved changes materially, and closes when that is surely back.

A verdict says both: that a column surely moved, and, of one whose alarm is open, that at most half of the move is left.
The state is a value: the same windows give the same events, with the same ids.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from driftline.semconv import TARGET_SEGMENT
from driftline.sketch.identity import digest
from driftline_processor.config.durations import about
from driftline_processor.engine.alarm_summary import (
    begun,
    column_in_words,
    counts,
    model_in_words,
    move_in_words,
    moves,
    since,
)
from driftline_processor.records import AlarmChange, AlarmEvent, ColumnKey, ColumnResult, ModelKey, WindowResult
from driftline_processor.verdicts.numbers import percent
from driftline_processor.verdicts.reasons import StillOpen
from driftline_processor.verdicts.verdict import State, Verdict


@dataclass(frozen=True, slots=True)
class Alarm:
    """An open alarm.

    reported: the verdict of its last event. aspects, distance: all aspects, and the most, that were reported.
    largest_bound: the largest of all verdicts in alarm so far.
    """

    id: str
    opened: int
    reference: str | None
    reported: Verdict
    aspects: tuple[str, ...]
    distance: float
    largest_bound: float

    def report(self, verdict: Verdict) -> "Alarm":
        aspects = tuple(sorted({*self.aspects, verdict.aspect}))
        return replace(self, reported=verdict, aspects=aspects, distance=max(verdict.distance, self.distance))

    def strengthen(self, verdict: Verdict) -> "Alarm":
        return replace(self, largest_bound=max(verdict.largest_bound, self.largest_bound))


class Change(NamedTuple):
    """What became of an alarm, by which verdict, and where that is not the reason, why."""

    change: AlarmChange
    column: ColumnKey
    alarm: Alarm
    verdict: Verdict
    why: str = ""


def follow(
    alarms: Mapping[ColumnKey, Alarm], result: WindowResult, tolerance: float, traces: tuple[str, ...] = ()
) -> tuple[dict[ColumnKey, Alarm], WindowResult]:
    """The alarms that are open after a window, and its result with what changed.

    A column without rows keeps its alarm. One that is no longer judged, or is compared with another reference, loses
    it, and may open a new one in the same window. tolerance: of columns without one of their own.
    """
    judged = {each.column: each.verdict for each in result.columns if each.verdict is not None}
    changes = list(_lost(alarms, result, judged))
    still = {key: alarm for key, alarm in alarms.items() if key not in {change.column for change in changes}}
    for key, verdict in judged.items():
        alarm, change = _step(still.pop(key, None), key, verdict, result, tolerance)
        if alarm is not None:
            still[key] = alarm
        if change is not None:
            changes.append(change)
    columns = tuple(_marked(each, still[each.column]) if each.column in still else each for each in result.columns)
    marked = replace(result, columns=columns)
    return still, replace(marked, alarms=tuple(_event(change, marked, traces) for change in changes))


def close_all(alarms: Mapping[ColumnKey, Alarm], result: WindowResult, why: str) -> WindowResult:
    """The result with the end of all alarms, whatever its columns. why: to follow the name of a column."""
    changes = (Change(AlarmChange.CLOSED, key, alarm, alarm.reported, why) for key, alarm in sorted(alarms.items()))
    return replace(result, alarms=tuple(_event(change, result, ()) for change in changes))


def _marked(column: ColumnResult, alarm: Alarm) -> ColumnResult:
    """With its open alarm, of which a verdict that does not show it says so first."""
    verdict = column.verdict
    if verdict is not None and verdict.state is not State.ALARM:
        verdict = replace(verdict, reasons=(StillOpen(alarm.opened), *verdict.reasons))
    return replace(column, alarm=alarm.id, verdict=verdict)


def _lost(
    alarms: Mapping[ColumnKey, Alarm], result: WindowResult, judged: Mapping[ColumnKey, Verdict]
) -> Iterator[Change]:
    """The alarms of columns that this window does not judge as before."""
    for key, alarm in alarms.items():
        if key not in judged:
            yield Change(AlarmChange.CLOSED, key, alarm, alarm.reported, "is no longer judged")
        elif alarm.reference != result.reference:
            yield Change(AlarmChange.CLOSED, key, alarm, alarm.reported, "is compared with another reference")


def _step(
    alarm: Alarm | None, key: ColumnKey, verdict: Verdict, result: WindowResult, tolerance: float
) -> tuple[Alarm | None, Change | None]:
    """A column's alarm after a window, and what changed."""
    alarmed = verdict.state is State.ALARM
    if alarm is None:
        if not alarmed or verdict.block is not None:
            return None, None
        alarm = _opened(key, verdict, result)
        return alarm, Change(AlarmChange.OPENED, key, alarm, verdict)
    if verdict.closing is not None:
        return None, Change(AlarmChange.CLOSED, key, alarm, verdict)
    if not alarmed:
        return alarm, None
    material, alarm = _is_material(alarm, verdict, verdict.asked or tolerance), alarm.strengthen(verdict)
    if material:
        alarm = alarm.report(verdict)
        return alarm, Change(AlarmChange.UPDATED, key, alarm, verdict)
    return alarm, None


def _opened(key: ColumnKey, verdict: Verdict, result: WindowResult) -> Alarm:
    end = result.window.end
    identity = _identity(result.model, key, end)
    return Alarm(identity, end, result.reference, verdict, (verdict.aspect,), verdict.distance, verdict.largest_bound)


def _is_material(alarm: Alarm, verdict: Verdict, tolerance: float) -> bool:
    """An aspect not reported yet, or a distance that has surely grown by more than what matters.

    Both only ever happen so often in one alarm: there are few aspects, and a distance has an end.
    """
    return verdict.aspect not in alarm.aspects or verdict.lower_bound > alarm.distance + tolerance


def _identity(model: ModelKey, column: ColumnKey, opened: int) -> str:
    resource = (text for pair in model.resource for text in pair)
    return digest(model.name, model.version, *resource, column.target, column.name, opened).hex()


def _event(change: Change, result: WindowResult, traces: tuple[str, ...]) -> AlarmEvent:
    alarm = change.alarm
    return AlarmEvent(
        id=alarm.id,
        change=change.change,
        model=result.model,
        column=change.column,
        opened=alarm.opened,
        time=result.window.end,
        verdict=change.verdict,
        summary=f"{model_in_words(result.model)}: {_what(change, result)}",
        traces=() if change.change is AlarmChange.CLOSED else traces,
    )


def _what(change: Change, result: WindowResult) -> str:
    column = column_in_words(change.column)
    if change.change is AlarmChange.CLOSED:
        after = f"after {about(result.window.end - change.alarm.opened)}"
        return f"{column} {change.why}, {after}" if change.why else f"{column} is back {_how_far(change, after)}"
    moved = next(each for each in result.columns if each.column == change.column)
    how, what = move_in_words(moved, change.verdict, result.window)
    if change.change is AlarmChange.OPENED:
        how = f" {moves(change.column)}{how}{begun(change.verdict, result.window)}"
    else:
        began = since(change.alarm.opened)
        more = "more" if change.column.target == TARGET_SEGMENT else "further"
        how = f" {moves(change.column)} {more}{how}{began and f', in alarm{began}'}"
    return f"{column}{how}: {what} ({counts(result.columns)})"


def _how_far(change: Change, after: str) -> str:
    """What is known of a column whose alarm closes: that all is well, or that most of the move is over."""
    left = change.verdict.closing.at_most if change.verdict.closing is not None else 0.0
    if not left:
        return f"within the tolerance {after}"
    return f"{after}: at most {percent(left)} of the rows may still be off"
