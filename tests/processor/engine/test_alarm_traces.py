"""Which calls an event names: those that most likely did it, the newest first."""

from collections.abc import Mapping
from dataclasses import replace

from driftline_processor.engine.alarm_traces import MOST, Suspect, name_calls
from driftline_processor.engine.call_examples import CallExample
from driftline_processor.records import (
    AlarmChange,
    AlarmEvent,
    ColumnKey,
    ColumnResult,
    Window,
    WindowResult,
)
from driftline_processor.verdicts.verdict import State, Verdict
from engine_records import CHURN

AGE, SCORE = ColumnKey("input", "age"), ColumnKey("output", "score")
VERDICT = Verdict("value", State.ALARM, 0.2, 0.15, 0.05, 3.0, ())
SPAN, TRACE = "b7ad6b7169203331", "0af7651916cd43dd8448eb211c80319c"


def suspect(share: float, number: int, trace: int | None = None) -> Suspect:
    """The `number`-th call."""
    call = number.to_bytes(8, "big") + (number if trace is None else trace).to_bytes(16, "big")
    return Suspect(share, CallExample(call, 0, number, 1.0))


def result(*columns: ColumnKey, change: AlarmChange = AlarmChange.OPENED) -> WindowResult:
    held = tuple(ColumnResult(key, 9.0, 9.0, 9.0, {}, {}, {}, VERDICT, "id") for key in columns)
    events = tuple(AlarmEvent("id", change, CHURN, key, 60, 60, VERDICT, "", ("any",)) for key in columns)
    return WindowResult(CHURN, Window(0, 60), 9.0, "abc", False, held, events)


def named(found: Mapping[ColumnKey, list[Suspect]], *columns: ColumnKey) -> list[list[int]]:
    """The numbers of the calls that are named of each column. found: the newest first."""
    events = name_calls(result(*columns), lambda key, _: found.get(key, [])).alarms
    assert all(int(event.span, 16) == int(event.traces[0], 16) for event in events)
    return [[int(trace, 16) for trace in event.traces] for event in events]


def test_the_newest_of_the_most_suspect() -> None:
    """A call that is clearly less suspect is not named, however new it is."""
    assert named({AGE: [suspect(0.5, 9), suspect(0.98, 8), suspect(0.95, 7), suspect(0.99, 6)]}, AGE) == [[8, 7, 6]]


def test_a_few_are_named() -> None:
    """The newest ones of many."""
    assert named({AGE: [suspect(0.9, number) for number in range(20, 0, -1)]}, AGE) == [[20, 19, 18, 17, 16]]
    assert MOST == 5


def test_a_trace_is_named_once() -> None:
    """A request may call a model twice, and a call has many rows."""
    event = name_calls(result(AGE), lambda *_: [suspect(0.9, 9, 1), suspect(0.9, 8, 1), suspect(0.9, 7, 2)]).alarms[0]

    assert [int(trace, 16) for trace in event.traces] == [1, 2]
    assert int(event.span, 16) == 9


def test_columns_of_one_incident_help_each_other() -> None:
    """What an output says more often tells less of its cause than the input that broke."""
    found = {AGE: [suspect(0.95, 3), suspect(0.95, 1)], SCORE: [suspect(0.3, 4), suspect(0.3, 2)]}

    assert named(found, AGE, SCORE) == [[3, 1], [3, 1]]
    assert named(found, SCORE) == [[4, 2]]


def test_a_column_that_knows_names_its_own() -> None:
    """Two causes at once have calls of their own."""
    found = {AGE: [suspect(0.95, 3)], SCORE: [suspect(0.9, 4)]}

    assert named(found, AGE, SCORE) == [[3], [4]]


def test_without_examples_the_calls_of_the_window_stay() -> None:
    """Of servers whose spans do not come to the processor; the record has no context then."""
    (event,) = name_calls(result(AGE), lambda *_: []).alarms

    assert (event.traces, event.span) == (("any",), "")


def test_calls_that_are_not_suspect_are_not_named() -> None:
    """A share that has shrunk is seen in no call."""
    (event,) = name_calls(result(AGE), lambda *_: [suspect(0.0, 9)]).alarms

    assert (event.traces, event.span) == (("any",), "")


def test_an_alarm_that_closes_names_no_call() -> None:
    """There is nothing to look at."""
    closed = result(AGE, change=AlarmChange.CLOSED)
    closed = replace(closed, alarms=(replace(closed.alarms[0], traces=()),))

    assert name_calls(closed, lambda *_: [suspect(0.9, 9)]) == closed
