"""Which calls the events of a window name: those whose rows are most likely ones that moved, the newest first."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Final, NamedTuple

from driftline_processor.engine.alarm_summary import by_evidence
from driftline_processor.engine.call_examples import CallExample
from driftline_processor.records import AlarmChange, AlarmEvent, ColumnKey, WindowResult

MOST: Final = 5
"""Calls that an event names."""

AS_SUSPECT: Final = 0.95
"""Of the most suspect ones: calls that are at least this part as suspect as the first."""

BETTER: Final = 0.9
"""Another column of the same incident names the calls where the own one's are less than this part as suspect."""

_ASKED: Final = 10
"""Columns of an incident, by evidence, that are asked for calls."""


class Suspect(NamedTuple):
    """A call, and how likely it is that a row of it is one that moved."""

    share: float
    example: CallExample


Find = Callable[[ColumnKey, str], Sequence[Suspect]]
"""The suspects of a column, which moved in some aspect, the newest first."""


def name_calls(result: WindowResult, find: Find) -> WindowResult:
    """The result, whose alarms that open or grow name calls that did it; they keep theirs where none is known.

    A model that says something else is often told of by its inputs: so the columns of one incident help each other.
    """
    if not any(event.change is not AlarmChange.CLOSED for event in result.alarms):
        return result
    find = cache(find)
    others = [(c.column, c.verdict.aspect) for c in by_evidence(result.columns)[:_ASKED] if c.verdict]
    named = tuple(_named(event, find, others) for event in result.alarms)
    return replace(result, alarms=named)


def _named(event: AlarmEvent, find: Find, others: Sequence[tuple[ColumnKey, str]]) -> AlarmEvent:
    if event.change is AlarmChange.CLOSED:
        return event
    own = find(event.column, event.verdict.aspect)
    best = max((find(*other) for other in others), key=_most, default=own)
    chosen = _chosen(best if _most(own) < BETTER * _most(best) else own)
    if not chosen:
        return event
    return replace(event, traces=tuple(each.trace for each in chosen), span=chosen[0].span)


def _most(suspects: Sequence[Suspect]) -> float:
    return max((suspect.share for suspect in suspects), default=0.0)


def _chosen(suspects: Sequence[Suspect]) -> list[CallExample]:
    """The calls that are all but as suspect as the first, the newest of each trace."""
    least = AS_SUSPECT * _most(suspects)
    newest: dict[str, CallExample] = {}
    for share, example in suspects:
        if share >= least and share > 0.0:
            newest.setdefault(example.trace, example)
    return list(newest.values())[:MOST]
