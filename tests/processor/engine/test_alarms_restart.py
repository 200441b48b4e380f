"""Alarms and incidents survive a restart: however the processor ends, the events are those of one that goes on."""

from functools import cache

import pytest

from driftline_processor.engine.engine import Engine
from driftline_processor.records import AlarmChange, AlarmEvent, IncidentEvent, WindowResult
from golden.processor_files import REQUESTS, answer, new_engine, observe, read

ALL = range(len(read(REQUESTS)))


def events(results: list[WindowResult]) -> list[AlarmEvent | IncidentEvent]:
    return [event for result in results for event in (*result.incidents, *result.alarms)]


@cache
def uninterrupted() -> list[AlarmEvent | IncidentEvent]:
    engine = new_engine()
    return [event for request in read(REQUESTS) for event in events(answer(engine, request))]


def restarted(engine: Engine, now: int) -> Engine:
    """Another process, which has what this one saved."""
    other = new_engine()
    other.restore([state for state in engine.snapshot().values() if state is not None], now)
    return other


def test_an_alarm_lives_in_these_requests() -> None:
    """What the other tests interrupt has every change in it."""
    opened, updated, closed = AlarmChange
    changes = [(type(event), event.change) for event in uninterrupted()]

    assert [change for kind, change in changes if kind is AlarmEvent] == [opened, updated, closed]
    assert [change for kind, change in changes if kind is IncidentEvent] == [opened, closed]
    assert len({event.incident for event in uninterrupted() if isinstance(event, AlarmEvent)}) == 1


@pytest.mark.parametrize("cut", ALL)
def test_a_restart_changes_nothing(cut: int) -> None:
    """The state that is saved at the end knows what is open, what was told of it, and how long it has been quiet."""
    engine, requests = new_engine(), read(REQUESTS)
    found = [event for request in requests[:cut] for event in events(answer(engine, request))]
    engine = restarted(engine, int(requests[cut]["received"]))
    found += [event for request in requests[cut:] for event in events(answer(engine, request))]

    assert found == uninterrupted()


@pytest.mark.parametrize("saved", ALL)
def test_a_replay_gives_the_same_events_again(saved: int) -> None:
    """After a crash the journal is counted anew: what it had led to comes again, equal in all of its parts."""
    engine, requests = new_engine(), read(REQUESTS)
    before = [event for request in requests[:saved] for event in events(answer(engine, request))]
    engine = restarted(engine, int(requests[-1]["received"]))
    for request in requests[saved:]:  # as the worker does it: all of the journal first, the windows then
        observe(engine, request)

    assert before + events(engine.advance(int(requests[-1]["received"]))) == uninterrupted()
