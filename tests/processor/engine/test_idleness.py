"""When a model counts as idle, whatever happens to the clocks and to the processor."""

from driftline_processor.engine.engine import Engine
from engine_records import CHURN, MINUTE, SECOND, SETTINGS, START, span

HOUR = 60 * MINUTE


def begun() -> Engine:
    engine = Engine(SETTINGS)
    engine.observe([span(1, START + SECOND, {"age": 1.0})], START + SECOND)
    return engine


def test_a_replayed_model_is_not_idle_since_before_the_crash() -> None:
    """Its senders have been waiting, and may have to reconnect: what they hold must not find the door closed."""
    engine, away = begun(), START + HOUR
    engine.resume(away)
    engine.advance(away)
    queued = engine.observe([span(2, START + 2 * SECOND, {"age": 1.0})], away)

    assert not queued.late
    assert engine.rows() == {CHURN: 2}
    assert len(engine.advance(away + 3 * MINUTE)) == 1


def test_a_clock_that_is_set_forward_makes_no_model_idle() -> None:
    """Nobody was silent for that hour; two minutes later the model is idle as it would have been."""
    engine = begun()
    engine.clock_set_forward(HOUR)

    assert not engine.advance(START + HOUR + MINUTE)
    assert len(engine.advance(START + HOUR + 3 * MINUTE)) == 1


def test_rows_of_a_clock_that_is_ahead_are_not_late_where_ours_is_behind() -> None:
    """A restart found the clock an hour back: all senders seem ahead, and their rows count with the newest."""
    engine = begun()
    observed = [engine.observe([span(n, START + n * SECOND, {"age": 1.0})], START - HOUR) for n in range(2, 9)]

    assert not any(each.late for each in observed)
    assert engine.rows() == {CHURN: 8}
