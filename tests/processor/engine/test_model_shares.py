"""A service has a share of the models and columns that there may be: others find a place whatever it sends."""

from dataclasses import replace

import pytest

from driftline.sketch.time_units import MINUTE
from driftline_processor.engine.engine import Engine
from driftline_processor.engine.engine_settings import EngineSettings
from driftline_processor.engine.model_shares import FEW_ROWS
from driftline_processor.records import ExampleRows, ModelKey
from engine_records import START, span

SETTINGS = EngineSettings(5 * MINUTE, MINUTE, MINUTE, 0.05, 1.0, 30 * 24 * 60 * MINUTE, models=10, columns=60)


def of(name: str, service: str = "evil") -> ModelKey:
    return ModelKey(name, "", (("service.name", service),))


def one(model: ModelKey, number: int, width: int = 1) -> ExampleRows:
    """A span of one row."""
    return span(number, START + number, {f"c{i}": 1.0 for i in range(width)}, model=model)


def names(engine: Engine, service: str) -> set[str]:
    return {key.name for key in engine.rows() if key.resource == (("service.name", service),)}


def test_a_service_takes_as_many_models_as_are_left_for_others() -> None:
    """Past them it is told so, by name and number, with the exact number of its items."""
    engine = Engine(SETTINGS)
    observed = engine.observe([replace_time(one(of(f"m{i}"), i)) for i in range(9)], START)

    assert len(names(engine, "evil")) == 6
    assert sum(items for items, _ in observed.rejections) == 3
    assert observed.rejections[0].reason == (
        "service 'evil': more models than are left for all others, 4 of 10 (got 'm6')"
    )
    for number, service in enumerate(["a", "b", "c"], 20):
        assert engine.observe([one(of("m", service), number)], START + number).rejections == ()


def replace_time(record: ExampleRows) -> ExampleRows:
    """At one time with all others: none of them is older, so that none makes way."""
    return replace(record, times=record.times * 0 + START)


def test_a_model_of_few_rows_makes_way_for_a_newer_one() -> None:
    """Names that are made for each run make way for each other, and for a newcomer of the same service; others stay."""
    engine = Engine(SETTINGS)
    engine.observe([one(of("steady"), number) for number in range(1, int(FEW_ROWS) + 10)], START)
    engine.observe([one(of("shop", "good"), 200)], START + 200)
    for number in range(300, 400):
        observed = engine.observe([one(of(f"run{number}"), number)], START + number)
        assert observed.rejections == ()
    engine.observe([one(of("newcomer"), 500)], START + 500)

    assert {"steady", "newcomer"} <= names(engine, "evil")
    assert names(engine, "good") == {"shop"}
    assert len(engine.rows()) <= 10
    assert "makes way for a new model, with its 1 rows" in observed.notices[0]
    states = engine.snapshot()
    assert states[of("run350")] is None
    assert states[of("newcomer")] is not None


def test_one_that_calls_itself_many_services_takes_no_place_for_good() -> None:
    """When all places are taken, a model with a single row makes way, whoever it says it is of."""
    engine = Engine(SETTINGS)
    for number in range(1, 40):
        engine.observe([one(of("m", f"evil{number}"), number)], START + number)
    observed = engine.observe([one(of("m", "good"), 50)], START + 50)

    assert observed.rejections == ()
    assert names(engine, "good") == {"m"}
    assert len(engine.rows()) == 10


def test_models_with_rows_stay() -> None:
    """A service with many models that are in use is refused a further one, and loses none."""
    engine = Engine(SETTINGS)
    for model in range(6):
        engine.observe([one(of(f"m{model}"), 1000 * model + n + 1) for n in range(int(FEW_ROWS) + 1)], START)
    before = names(engine, "evil")
    observed = engine.observe([one(of("more"), 9_000)], START + 9_000)

    assert [items for items, _ in observed.rejections] == [1]
    assert names(engine, "evil") == before


@pytest.mark.parametrize("together", [True, False])
def test_a_service_takes_as_many_columns_as_are_left_for_others(together: bool) -> None:
    """Whether its models come in one request or in many; rows of the columns that fit are counted."""
    engine = Engine(SETTINGS)
    wide = [one(of(f"m{i}"), i + 1, width=25) for i in range(3)]
    for records in [wide] if together else [[each] for each in wide]:
        observed = engine.observe(records, START)
    engine.observe([one(of("m", "good"), 10, width=10)], START)
    results = engine.advance(START + 10 * MINUTE)
    columns = {result.model: len(result.columns) for result in results if result.rows}

    assert columns[of("m0")] == 25
    assert sum(count for key, count in columns.items() if key.resource == of("m0").resource) <= 45
    assert columns[of("m", "good")] >= 5
    assert engine.rows()[of("m2")] == 1
    assert "limits.columns" in observed.notices[0]
