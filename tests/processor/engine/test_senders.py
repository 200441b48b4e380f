"""Whom a watermark waits for: a queue that is being emptied, and not one that is silent or a clock that is slow."""

from dataclasses import replace

from driftline_processor.engine.engine import Engine
from driftline_processor.engine.senders import Senders
from driftline_processor.records import ExampleRows
from engine_records import CHURN, MINUTE, SECOND, SETTINGS, START, Sender, span

HOUR = 60 * MINUTE
LATE = replace(SETTINGS, retention=2 * HOUR)
NOW = START + HOUR


def senders() -> Senders:
    return Senders(lateness=MINUTE, step=MINUTE)


def test_a_sender_that_others_are_ahead_of_is_waited_for() -> None:
    """Its rows come in order: what is before its newest has come."""
    held = senders()
    held.note(b"a", NOW, NOW)
    held.note(b"b", NOW - 30 * SECOND, NOW)

    assert held.held(NOW) == NOW - 30 * SECOND


def test_a_silent_sender_is_not_waited_for() -> None:
    """After lateness and a step; without any sender that is waited for nothing is held."""
    held = senders()
    held.note(b"a", NOW, NOW)
    held.note(b"b", NOW - SECOND, NOW)
    held.note(b"a", NOW + 2 * MINUTE + SECOND, NOW + 2 * MINUTE + SECOND)

    assert held.held(NOW + 2 * MINUTE + SECOND) == NOW + 2 * MINUTE + SECOND
    assert held.held(NOW + HOUR) is None


def test_a_backlog_is_waited_for_while_it_becomes_younger() -> None:
    """An hour of it, emptied in six minutes; with the lateness, as old rows may be out of order."""
    held = senders()
    for second in range(360):
        now = NOW + second * SECOND
        held.note(b"a", now, now)
        held.note(b"b", START + 10 * second * SECOND, now)
        assert held.held(now) == START + 10 * second * SECOND - MINUTE


def test_a_slow_clock_is_not_waited_for() -> None:
    """Its rows stay as old as they are: for two minutes it could be a backlog."""
    held = senders()
    for second in range(0, 600, 5):
        now = NOW + second * SECOND
        held.note(b"a", now, now)
        held.note(b"slow", now - HOUR + (second % 3) * SECOND, now)

    assert held.held(now) == now


def test_a_sender_that_returns_from_a_silence_is_waited_for() -> None:
    """Its rows are older than they used to be: it has a backlog now, which it takes minutes to empty."""
    held = senders()
    held.note(b"b", NOW, NOW)
    for second in range(90, 400):
        now = NOW + second * SECOND
        held.note(b"a", now, now)
        held.note(b"b", NOW + (second - 90) * 5 * SECOND // 4, now)

    assert held.held(now) == NOW + (second - 90) * 5 * SECOND // 4


def test_a_queue_that_grows_is_not_waited_for() -> None:
    """It sends half as fast as it fills: nobody knows when it will be empty."""
    held = senders()
    for second in range(600):
        now = NOW + second * SECOND
        held.note(b"a", now, now)
        held.note(b"b", NOW + second * SECOND // 2, now)

    assert held.held(now) == now


def test_after_a_restart_all_are_waited_for() -> None:
    """Also who has been silent for long: its queue may have to reconnect."""
    held = senders()
    held.note(b"a", NOW, NOW)
    held.note(b"b", NOW - SECOND, NOW)
    held.resume(NOW + HOUR)
    held.note(b"a", NOW + HOUR, NOW + HOUR)

    assert held.held(NOW + HOUR) == NOW - SECOND - MINUTE


def test_spans_are_of_the_resources_of_their_request() -> None:
    """Two instances behind two Collectors: after a restart the one that is faster waits for the other."""
    engine, results = Engine(LATE), []
    for minute in range(60):
        now = START + minute * MINUTE if minute < 3 else NOW + minute * SECOND
        engine.observe([_of_instance(b"a", minute)], now)
        if minute < 3:
            engine.observe([_of_instance(b"b", minute)], now)
        if minute == 3:
            engine.resume(now)
        results += engine.advance(now)
    told = len(results)
    for minute in range(3, 60):
        now = NOW + 70 * SECOND + minute * SECOND
        engine.observe([_of_instance(b"b", minute)], now)
        results += engine.advance(now)
    results += engine.advance(NOW + HOUR)

    assert told <= 3
    assert [result.rows for result in results] == [2, 4, 6, 8, *([10] * 56)]


def _of_instance(instance: bytes, minute: int) -> ExampleRows:
    number = minute + 1000 * instance[0]
    return replace(span(number, START + minute * MINUTE + SECOND, {"age": 1.0}), senders=(instance,))


def test_two_queues_after_an_outage_are_judged_once() -> None:
    """One is empty before the other begins: no window is judged without rows that were still to come, or twice."""
    engine, results = Engine(LATE), []
    one, two = Sender(process="one"), Sender(process="two")
    for minute in range(3):
        time = START + minute * MINUTE + 30 * SECOND
        for sender in (one, two):
            engine.observe(sender.predict({"age": [1.0]}).tell(time), time)
        results += engine.advance(time)
    engine.resume(NOW)
    for sender, begin in ((one, NOW), (two, NOW + 40 * SECOND)):
        for minute in range(3, 60):
            engine.observe(
                sender.predict({"age": [1.0]}).tell(START + minute * MINUTE + 30 * SECOND), begin + minute * SECOND // 4
            )
            results += engine.advance(begin + minute * SECOND // 4)
    results += engine.advance(NOW + 10 * MINUTE)

    assert engine.rows() == {CHURN: 120}
    assert [result.rows for result in results] == [2, 4, 6, 8, *([10] * 56)]
    assert not any(result.revision for result in results)
