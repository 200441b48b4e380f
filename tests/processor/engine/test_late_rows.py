"""Rows whose windows have been judged: counted and judged again within the retention, and late beyond it."""

from dataclasses import replace

import pytest

from driftline_processor.engine import old_keys
from driftline_processor.engine.engine import Engine
from driftline_processor.engine.old_keys import OldKeys
from driftline_processor.records import ModelKey, WindowResult
from engine_records import CHURN, MINUTE, SECOND, SETTINGS, START, Sender, span

HOUR = 60 * MINUTE
LATE = replace(SETTINGS, retention=2 * HOUR)


def judged(engine: Engine, until: int) -> list[WindowResult]:
    """A row each minute, from the first one to the last, and what is told of them."""
    results = []
    for minute in range(until):
        time = START + minute * MINUTE + SECOND
        engine.observe([span(minute, time, {"age": 1.0})], time)
        results += engine.advance(time)
    return results


def ends(results: list[WindowResult]) -> list[tuple[int, float, int]]:
    """Of each result the minute of its end, its rows, and its revision."""
    return [((each.window.end - START) // MINUTE, each.rows, each.revision) for each in results]


def test_a_late_row_is_counted_and_its_windows_are_judged_again() -> None:
    """A step after it came: those that hold it, and those after them, which say so; none before."""
    engine = Engine(LATE)
    judged(engine, 60)
    now = START + 60 * MINUTE
    late = engine.observe([span(100, START + 40 * MINUTE + 1, {"age": 1.0})], now)
    again = engine.advance(now) + engine.advance(now + 61 * SECOND)

    assert not late.late
    assert engine.rows() == {CHURN: 61}
    assert ends(again)[:6] == [(41, 6, 1), (42, 6, 1), (43, 6, 1), (44, 6, 1), (45, 6, 1), (46, 5, 1)]
    assert ends(again)[-1] == (58, 5, 1)


def test_late_rows_are_gathered_for_a_step() -> None:
    """They come by the thousand: a window is judged once for all of them, after the first one has waited that long."""
    engine = Engine(LATE)
    judged(engine, 20)
    told = []
    for second in range(120):
        now = START + 20 * MINUTE + second * SECOND
        engine.observe([span(100 + second, START + 10 * MINUTE + second, {"age": 1.0})], now)
        told += [each for each in engine.advance(now) if each.window.end == START + 11 * MINUTE]

    assert [each.revision for each in told] == [1]


def test_what_repeats_is_known_though_its_window_was_judged() -> None:
    """A span and a delta point come again after an hour: neither is counted twice, nor is a window judged again."""
    engine, sender = Engine(LATE), Sender(cumulative=False)
    delta = sender.predict({"age": [1.0, 2.0]}).tell(START + SECOND)
    engine.observe(delta, START + SECOND)
    judged(engine, 60)
    now = START + 60 * MINUTE
    again = engine.observe([*delta, span(1, START + MINUTE + SECOND, {"age": 1.0})], now)

    assert again.duplicates == len(delta) + 1
    assert engine.rows() == {CHURN: 62}
    assert not [each for each in engine.advance(now + 61 * SECOND) if each.revision]


def test_what_is_later_than_the_retention_is_late() -> None:
    """By a model that goes on; the sender is told why, and that its clock may be slow."""
    engine = Engine(LATE)
    judged(engine, 130)
    now = START + 130 * MINUTE
    observed = engine.observe([span(1000, START + 8 * MINUTE, {"age": 1.0})], now)

    assert observed.late == {CHURN: 1}
    assert observed.rejections[0].reason == (
        "model 'churn' version '1': beyond the window.retention of 7200 s (7261 s behind the newest); "
        "did a queue hold them, or is a sender's clock slow?"
    )


def test_a_clock_that_is_right_is_not_blamed() -> None:
    """The newest rows are from the future, those that are late for it are not old."""
    engine = Engine(LATE)
    engine.observe([span(1, START + 3 * HOUR, {"age": 1.0})], START + 3 * HOUR)
    observed = engine.observe([span(2, START, {"age": 1.0})], START)

    assert observed.late == {CHURN: 1}
    assert "the clock of the newest is ahead" in observed.rejections[0].reason


def test_rows_of_before_a_silence_are_counted_whenever_they_come() -> None:
    """The link broke in the middle of a minute: its window was told of in time, and is told again with all rows."""
    engine = Engine(LATE)
    told = judged(engine, 10) + engine.advance(START + 12 * MINUTE + 2 * SECOND)
    now = START + 5 * HOUR
    queued = [span(100 + second, START + 9 * MINUTE + second * SECOND, {"age": 1.0}) for second in range(2, 180)]
    observed = engine.observe(queued, now)
    again = engine.advance(now) + engine.advance(now + HOUR)

    assert not observed.late
    assert ends(told)[-1] == (10, 5, 0)
    assert ends(again)[:2] == [(10, 5 + 59, 1), (11, 5 + 118, 0)]
    assert engine.rows() == {CHURN: 188}


def test_a_stream_that_was_away_for_the_retention_is_no_new_one() -> None:
    """Its count goes on where it was, though others have been ahead for longer than a silent stream is remembered."""
    engine, sender = Engine(LATE), Sender()
    engine.observe(sender.predict({"age": [1.0] * 5}).tell(START + SECOND), START + SECOND)
    judged(engine, 110)
    observed = engine.observe(sender.predict({"age": [1.0] * 3}).tell(START + 100 * MINUTE), START + 110 * MINUTE)

    assert not observed.notices
    assert engine.rows() == {CHURN: 118}


def test_too_many_keys_shorten_the_retention(monkeypatch: pytest.MonkeyPatch) -> None:
    """No row that is new is refused for it, and none is counted twice: the oldest panes are closed."""
    monkeypatch.setattr(old_keys, "MAX_OLD_KEYS", 20)
    engine = Engine(LATE)
    judged(engine, 60)
    now = START + 60 * MINUTE
    old, young = (engine.observe([span(n, START + n * MINUTE + SECOND, {"age": 1.0})], now) for n in (5, 50))

    assert old.late == {CHURN: 1}
    assert young.duplicates == 1
    assert engine.rows() == {CHURN: 60}


@pytest.mark.parametrize("retention", [0, 30 * MINUTE])
def test_windows_that_are_judged_one_by_one_leave_nothing_behind(retention: int) -> None:
    """The worker judges in slices: panes, keys and checkpoints go all the same."""
    engine = Engine(replace(SETTINGS, retention=retention))
    for minute in range(90):
        time = START + minute * MINUTE + SECOND
        engine.observe([span(minute, time, {"age": 1.0})], time)
        engine.advance(time, 1)
        while not engine.caught_up:
            engine.advance(time, 1)
    model, steps = engine._models[CHURN], retention // MINUTE

    assert len(model.panes.by_start) <= 8
    assert len(model.panes.stored) <= steps
    assert len(model.streams.keys) <= 3
    assert len(model.checkpoints.held) <= steps + 2


def test_old_keys_know_a_key_by_its_time() -> None:
    """Of times that are still in use nothing is said."""
    keys = OldKeys()
    left = keys.take({b"a": 1, b"b": 5, b"c": 9}, 5)

    assert left == {b"c": 9}
    assert [keys.knows(key, time) for key, time in ((b"a", 1), (b"b", 5), (b"c", 9), (b"d", 3))] == [
        True,
        True,
        False,
        False,
    ]
    assert keys.forget(1) == 1
    assert keys.knows(b"b", 5)
    keys.forget(5)
    assert not keys.knows(b"b", 5)


def test_what_is_kept_for_late_rows_is_small() -> None:
    """Panes that no window reaches take 1.5 kB a column at most, and a snapshot of them no more."""
    engine, sender = Engine(LATE), Sender(cumulative=False)
    for minute in range(60):
        time = START + minute * MINUTE + SECOND
        values = {f"c{each}": [float(number * each) for number in range(1, 200)] for each in range(4)}
        engine.observe(sender.predict(values).tell(time), time)
        engine.advance(time)
    model = engine._models[ModelKey("churn", "1")]

    assert len(model.panes.by_start) <= 8
    assert len(model.panes.stored) >= 50
    assert sum(map(len, model.panes.stored.values())) / len(model.panes.stored) < 4 * 1536
