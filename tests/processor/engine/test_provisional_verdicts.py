"""Against a stream's own first window: what is overwhelming alarms at once, and no cycle and no growth does."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from driftline_processor.engine.engine import Engine
from driftline_processor.engine.engine_settings import EngineSettings
from driftline_processor.engine.snapshot import dump, load
from driftline_processor.records import AlarmChange, AlarmEvent, WindowResult
from engine_records import MINUTE, SECOND, SETTINGS, START, Sender, span

Columns = dict[str, list[float] | list[str]]
Made = Callable[[int, np.random.Generator], Columns]

TUMBLING = replace(SETTINGS, size=MINUTE)
SHORT = replace(SETTINGS, size=30 * SECOND, step=10 * SECOND, lateness=10 * SECOND)


def healthy(rng: np.random.Generator, rows: int = 300) -> Columns:
    return {
        "age": rng.normal(40, 10, rows).tolist(),
        "income": rng.lognormal(8, 1, rows).tolist(),
        "plan": rng.choice(["basic", "pro", "team"], rows).tolist(),
    }


def serve(
    engine: Engine,
    steps: range,
    made: Callable[[int, np.random.Generator], Columns],
    settings: EngineSettings,
    seed: int = 0,
) -> Iterator[WindowResult]:
    """One step of the windows after another; `made` gives the rows of each."""
    sender = Sender(START + steps.start * settings.step, process=f"{steps}")
    rng = np.random.default_rng([seed, steps.start])
    for step in steps:
        time = START + (step + 1) * settings.step
        engine.observe(sender.predict(made(step, rng)).tell(time), time)
        yield from engine.advance(time)


def opened(results: list[WindowResult]) -> list[AlarmEvent]:
    return [event for each in results for event in each.alarms if event.change is AlarmChange.OPENED]


def times(factor: float, name: str, begin: int) -> Made:
    """A column in another unit from some step on."""

    def made(step: int, rng: np.random.Generator) -> Columns:
        columns = healthy(rng)
        if step >= begin:
            columns[name] = [factor * float(value) for value in columns[name]]
        return columns

    return made


@pytest.mark.parametrize("settings", [SETTINGS, TUMBLING, SHORT], ids=["sliding", "tumbling", "short"])
@pytest.mark.parametrize(
    ("factor", "name"), [(100.0, "income"), (0.01, "income"), (12.0, "age"), (0.001, "age"), (2.2, "age")]
)
def test_a_change_of_unit_in_all_rows_alarms(settings: EngineSettings, factor: float, name: str) -> None:
    """Larger or smaller, within two windows, in that column alone, and provisionally."""
    engine, window = Engine(settings), settings.size // settings.step
    begin = 6 * window
    results = list(serve(engine, range(begin + 3 * window), times(factor, name, begin), settings))

    alarms = opened(results)
    assert [alarm.column.name for alarm in alarms] == [name]
    assert alarms[0].time <= START + (begin + 2 * window) * settings.step
    assert results[-1].provisional


@pytest.mark.parametrize("settings", [SETTINGS, TUMBLING, SHORT], ids=["sliding", "tumbling", "short"])
def test_it_alarms_from_the_second_window_on(settings: EngineSettings) -> None:
    """Directly after the one that stands in for a reference."""
    window = settings.size // settings.step
    results = list(serve(Engine(settings), range(4 * window + 2), times(100.0, "income", window), settings))

    assert [alarm.column.name for alarm in opened(results)] == ["income"]


def test_all_missing_all_texts_and_all_new_categories_alarm() -> None:
    """What is no number any more, and what was never seen."""
    engine = Engine(SETTINGS)

    def made(step: int, rng: np.random.Generator) -> Columns:
        columns = healthy(rng)
        return columns if step < 10 else columns | {"plan": ["PRO"] * 300, "age": ["old"] * 300}

    alarms = opened(list(serve(engine, range(17), made, SETTINGS)))
    assert {(alarm.column.name, alarm.verdict.aspect) for alarm in alarms} == {("plan", "value"), ("age", "wrong_type")}


def test_an_empty_join_of_spans_alarms() -> None:
    """No span has the column any more."""
    engine, results = Engine(SETTINGS), []
    rng = np.random.default_rng(0)
    for minute in range(17):
        time = START + (minute + 1) * MINUTE - 1
        rows = [{"age": float(age), "income": 1.0 + float(age) % 7} for age in rng.normal(40, 10, 200)]
        kept = rows if minute < 10 else [{"age": row["age"]} for row in rows]
        engine.observe([span(1000 * minute + i, time, row) for i, row in enumerate(kept)], time)
        results += engine.advance(time)

    assert {(a.column.name, a.verdict.aspect) for a in opened(results)} == {("income", "missing")}


def test_the_alarm_stays_while_the_fault_does_and_closes_after_it() -> None:
    """It is held against what the column was before it moved."""
    engine = Engine(SETTINGS)

    def made(step: int, rng: np.random.Generator) -> Columns:
        return times(100.0 if step < 30 else 1.0, "income", 10)(step, rng)

    results = list(serve(engine, range(45), made, SETTINGS))
    events = [(event.change, event.time) for result in results for event in result.alarms]

    assert [change for change, _ in events if change is not AlarmChange.UPDATED] == [
        AlarmChange.OPENED,
        AlarmChange.CLOSED,
    ]
    assert START + 30 * MINUTE < events[-1][1] <= START + 37 * MINUTE


HEALTHY_STREAMS: dict[str, Callable[[float, int, np.random.Generator, int], np.ndarray]] = {
    "alike": lambda _hour, _step, rng, rows: rng.normal(40, 10, rows),
    "heavy tail": lambda _hour, _step, rng, rows: rng.pareto(1.2, rows),
    "daily cycle": lambda hour, _step, rng, rows: 15 + 10 * np.sin(hour / 3.82) + rng.normal(0, 1, rows),
    "narrow daily cycle": lambda hour, _step, rng, rows: 15 + 10 * np.sin(hour / 3.82) + rng.normal(0, 0.1, rows),
    "growth": lambda _hour, step, rng, rows: rng.normal(100 * np.exp(step / 500), 5, rows),
    "day and night": lambda hour, _step, rng, rows: np.where(
        rng.random(rows) < 0.5 + 0.45 * np.sin(hour / 3.82), rng.normal(10, 2, rows), rng.normal(60, 4, rows)
    ),
    "timestamp": lambda hour, _step, rng, rows: hour * 3600 - np.sort(60 * rng.random(rows))[::-1],
    "counter": lambda _hour, step, _rng, rows: np.arange(rows) + step * rows,
    "hour": lambda hour, _step, _rng, rows: np.full(rows, float(int(hour) % 24)),
    "minute": lambda hour, _step, _rng, rows: np.full(rows, float(int(hour * 60) % 60)),
    "second of the day": lambda hour, _step, rng, rows: (hour * 3600 - 60 * rng.random(rows)) % 86_400,
    "one value a batch": lambda _hour, _step, rng, rows: np.full(rows, rng.normal()),
    "constant": lambda _hour, _step, _rng, rows: np.full(rows, 3.0),
    "rare flag": lambda _hour, _step, rng, rows: (rng.random(rows) < 0.02).astype(float),
}


@pytest.mark.parametrize("settings", [SETTINGS, TUMBLING], ids=["sliding", "tumbling"])
@pytest.mark.parametrize("first_hour", [3, 22])
def test_no_cycle_no_growth_and_no_clock_alarms(settings: EngineSettings, first_hour: int) -> None:
    """Two hours of every healthy stream that is known to leave its first window."""
    engine = Engine(settings)

    def made(step: int, rng: np.random.Generator) -> Columns:
        hour = first_hour + (step + 1) / 60
        return {name: stream(hour, step, rng, 120).tolist() for name, stream in HEALTHY_STREAMS.items()}

    results = list(serve(engine, range(110), made, settings, seed=first_hour))

    assert [(alarm.column.name, alarm.verdict.sentence) for alarm in opened(results)] == []
    assert all(column.verdict.tolerance <= 1.0 for each in results for column in each.columns if column.verdict)


def test_a_stream_that_rested_may_come_back_elsewhere() -> None:
    """After hours without a row a column may have gone anywhere."""
    engine = Engine(SETTINGS)
    before = list(serve(engine, range(12), lambda _, rng: {"age": rng.normal(10, 1, 300).tolist()}, SETTINGS))
    after = list(serve(engine, range(300, 310), lambda _, rng: {"age": rng.normal(25, 1, 300).tolist()}, SETTINGS))

    assert opened(before + after) == []


def test_what_is_known_of_calm_columns_survives_a_restart() -> None:
    """The fault may begin after it."""
    engine = Engine(SETTINGS)
    list(serve(engine, range(10), times(100.0, "income", 10), SETTINGS))
    (state,) = engine.snapshot().values()
    assert state is not None
    assert dump(load(state, SETTINGS.size, SETTINGS.step, SETTINGS.lateness)) == state
    restarted = Engine(SETTINGS)
    restarted.restore([state], START + 10 * MINUTE)
    results = list(serve(restarted, range(10, 16), times(100.0, "income", 10), SETTINGS))

    assert [alarm.column.name for alarm in opened(results)] == ["income"]
