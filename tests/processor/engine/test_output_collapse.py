"""A collapse of outputs through the engine, without a reference: alarm, incident, and calls from the bucket."""

from dataclasses import replace

import numpy as np

from driftline_processor.engine.engine import Engine
from driftline_processor.records import AlarmChange, AlarmEvent, ColumnKey, ExampleRows
from engine_records import CHURN, MINUTE, SETTINGS, START

CLASS = ColumnKey("output", "prediction")
COLLAPSE = START + 30 * MINUTE
CALLS = 40
"""In a minute, of ten rows each."""


def call(number: int, time: int, classes: list[str]) -> ExampleRows:
    key = b"%016d%08d" % (number, number)
    return ExampleRows(CHURN, "predict", (key,), np.array([time]), np.array([1.0]), len(classes), {CLASS: classes})


def events() -> tuple[list[AlarmEvent], dict[str, str]]:
    """All alarm events, and by trace the class of its call: every call has rows of one class."""
    random, engine = np.random.default_rng(0), Engine(replace(SETTINGS, tolerance=0.05))
    said: dict[str, str] = {}
    found: list[AlarmEvent] = []
    for minute in range(40):
        for of_minute in range(CALLS):
            time = START + minute * MINUTE + (of_minute + 1) * MINUTE // CALLS
            name = f"class {random.integers(10)}"
            if time > COLLAPSE and random.random() < 0.5:
                name = "class 3"
            record = call(minute * CALLS + of_minute, time, [name] * 10)
            said[record.keys[0][:16].hex()] = name
            engine.observe([record], time)
        found += [event for result in engine.advance(time) for event in result.alarms]
    return found, said


def test_the_bucket_that_takes_over_is_named_with_calls_from_it() -> None:
    """Within one window: the class, its share before and now, and traces of calls that said so."""
    found, said = events()

    first = found[0]
    assert (first.change, first.column, first.verdict.aspect) == (AlarmChange.OPENED, CLASS, "collapse")
    assert COLLAPSE < first.time <= COLLAPSE + SETTINGS.size
    assert "share of 'class 3': " in first.summary
    assert first.traces
    assert {said[trace] for trace in first.traces} == {"class 3"}
    assert {event.column for event in found} == {CLASS}
