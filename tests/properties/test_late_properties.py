"""Rows in any order, after any delay within the retention: the windows and the alarms of rows that come in order."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

from hypothesis import example, given, settings
from hypothesis import strategies as st

from driftline_processor.engine.engine import Engine
from driftline_processor.engine.engine_settings import EngineSettings
from driftline_processor.records import AlarmChange, AlarmEvent, IncidentEvent, InputRecord, Window, WindowResult
from driftline_processor.reference import read_file
from engine_records import SECOND
from golden.processor_files import REFERENCE, REQUESTS, START, read, records

MINUTE = 60 * SECOND
STEP = 5 * SECOND
SETTINGS = EngineSettings(10 * SECOND, STEP, 2 * SECOND, 0.05, 1.0, 30 * 86_400 * SECOND, retention=2 * MINUTE)
BEGIN = START + 61 * SECOND

Told = AlarmEvent | IncidentEvent


@cache
def requests() -> tuple[tuple[InputRecord, ...], ...]:
    """A minute of a model that moves and recovers, five seconds each."""
    return tuple(tuple(records(request)) for request in read(REQUESTS) if "metrics" in request)


def new_engine(wanted: EngineSettings = SETTINGS) -> Engine:
    engine = Engine(wanted)
    engine.put_reference(read_file(REFERENCE))
    return engine


def restarted(engine: Engine, now: int) -> Engine:
    other = new_engine()
    other.restore([state for state in engine.snapshot().values() if state is not None], now)
    return other


def finish(engine: Engine, now: int) -> list[WindowResult]:
    return [result for minute in range(1, 4) for result in engine.advance(now + minute * MINUTE)]


def last_of_each(results: Iterable[WindowResult]) -> dict[Window, Any]:
    """What was told last of each window, but for the ids under which alarms are known."""
    return {
        result.window: (
            result.rows,
            [replace(c, alarm=None if c.alarm is None else "open") for c in result.columns],
            result.unmatched,
        )
        for result in results
    }


def events(results: Iterable[WindowResult]) -> list[Told]:
    return [event for result in results for event in (*result.alarms, *result.incidents)]


@cache
def undisturbed() -> tuple[WindowResult, ...]:
    engine, results = new_engine(), []
    for number, request in enumerate(requests(), 1):
        now = START + number * STEP
        engine.observe(request, now)
        results += engine.advance(now)
    return (*results, *finish(engine, BEGIN))


def named(told: Sequence[Told]) -> list[tuple[str, AlarmChange, int]]:
    return sorted(((event.id, event.change, event.time) for event in told), key=str)


class Arrival(NamedTuple):
    """One request, a pause before it, and what follows: windows judged, how many of them at most, and a restart."""

    request: int
    pause: int = 0
    judged: bool = False
    most: int | None = None
    restart: bool = False


@st.composite
def arrivals(draw: st.DrawFn) -> list[Arrival]:
    """All requests in some order."""
    rest = st.tuples(st.sampled_from([0, 1, 4, 20]), st.booleans(), st.sampled_from([None, 1]), st.booleans())
    return [Arrival(number, *draw(rest)) for number in draw(st.permutations(range(len(requests()))))]


OLDER_WHILE_JUDGED_AGAIN = [
    *map(Arrival, (0, 1, 4, 5, 6, 7, 10)),
    Arrival(11, judged=True),
    Arrival(3, restart=True),
    Arrival(8, 20, judged=True, most=1),  # of the windows that lead up to those with request 3
    *map(Arrival, (2, 9)),
]
"""Rows older than those for which windows are being judged again, and not among the windows that have been."""


@given(arrivals())
@example(OLDER_WHILE_JUDGED_AGAIN)
@settings(max_examples=12, deadline=None)
def test_any_order_within_the_retention_ends_in_the_same_windows(drawn: list[Arrival]) -> None:
    """Whatever was told before, with restarts between: the last result of each window is that of all rows in order.

    What may differ is said: earlier results are revised, and an alarm that was told of fewer rows keeps its id.
    """
    engine, results, now = new_engine(), [], BEGIN
    for arrival in drawn:
        now += arrival.pause * SECOND
        engine.observe(requests()[arrival.request], now)
        if arrival.judged:
            results += engine.advance(now, arrival.most)  # in slices, as the worker does it
        if arrival.restart:
            engine = restarted(engine, now)
    results += finish(engine, now)
    told = events(results)
    opened = [event.id for event in told if event.change is AlarmChange.OPENED]

    assert last_of_each(results) == last_of_each(undisturbed())
    assert sorted({r.window: r.revision for r in results}) == sorted(r.window for r in undisturbed())
    assert len(opened) == len(set(opened))
    assert set(opened) == {event.id for event in told if event.change is AlarmChange.CLOSED}


@given(st.integers(1, 11), st.lists(st.integers(1, 11), max_size=3), st.booleans())
@settings(max_examples=12, deadline=None)
def test_an_outage_changes_no_alarm(away: int, cuts: list[int], late: bool) -> None:
    """The first requests come in time, the others after an hour, in order; the processor restarts when it likes.

    Where a window was judged in silence the rest of it comes and the window is told again; no alarm is.
    """
    engine, results = new_engine(), []
    for number, request in enumerate(requests(), 1):
        now = START + number * STEP + (MINUTE * 60 if number >= away else 0)
        if number == away and not late:
            results += engine.advance(now - 30 * MINUTE)
            engine.resume(now)
        engine.observe(request, now)
        results += engine.advance(now)
        if number in cuts:
            engine = restarted(engine, now)
    results += finish(engine, now)

    assert last_of_each(results) == last_of_each(undisturbed())
    assert named(events(results)) == named(events(undisturbed()))
