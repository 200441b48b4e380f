"""Whose windows are judged first: a service that has many, or wide ones, makes those of others wait for one at most."""

from collections import Counter
from collections.abc import Sequence

from driftline_processor.engine.engine import Engine
from driftline_processor.engine.tenant_engines import TenantEngines
from driftline_processor.records import Batch, ExampleRows, ModelKey, WindowResult
from engine_records import MINUTE, SECOND, SETTINGS, START, span

WIDE = {f"c{i}": 1.0 for i in range(200)}
NOW = START + 60 * MINUTE


def named(service: str, model: str = "m") -> ModelKey:
    return ModelKey(model, "", (("service.name", service),))


def rows(model: ModelKey, number: int, minutes: int, columns: dict[str, float]) -> list[ExampleRows]:
    """A row in each of so many minutes."""
    times = [START + minute * MINUTE + SECOND for minute in range(minutes)]
    return [span(number * 1_000 + i, time, columns, model=model) for i, time in enumerate(times)]


def judged(engine: Engine | TenantEngines, most: int) -> list[ModelKey]:
    """The models of the first windows, one call for each."""
    found: list[Sequence[WindowResult]] = [engine.advance(NOW, 1) for _ in range(most)]
    return [result.model for results in found for result in results]


def test_many_models_make_only_their_own_results_wait() -> None:
    """One model among two hundred of another service has every other window until all of its own are judged."""
    engine, own = Engine(SETTINGS), named("good")
    others = [named("evil", f"m{i}") for i in range(200)]
    for number, model in enumerate([*others, own]):
        engine.observe(rows(model, number, 3, {"a": 1.0}), NOW - 10 * MINUTE)

    assert Counter(judged(engine, 6))[own] == 3


def test_wide_windows_make_only_their_own_results_wait() -> None:
    """What is shared is not the number of windows but what they cost: a wide one is as much as several narrow ones."""
    engine, own = Engine(SETTINGS), named("good")
    engine.observe(rows(named("evil"), 1, 6, WIDE), NOW - 10 * MINUTE)
    engine.observe(rows(own, 2, 6, {"a": 1.0}), NOW - 10 * MINUTE)

    assert Counter(judged(engine, 8))[own] == 6


def test_tenants_have_shares_too() -> None:
    """As services have; a tenant that had nothing to judge before gets no more for it."""
    engines = TenantEngines.of(["good", "evil"], SETTINGS)
    for number in range(20):
        model = named("evil", f"m{number}")
        engines.observe("evil", Batch(tuple(rows(model, number, 3, WIDE))), NOW - 10 * MINUTE)
    assert len(judged(engines, 10)) == 10
    for number in range(40, 60):
        model = named("good", f"m{number}")
        engines.observe("good", Batch(tuple(rows(model, number, 3, WIDE))), NOW - 10 * MINUTE)

    assert Counter(model.resource[0][1] for model in judged(engines, 10)) == {"good": 6, "evil": 4}


def test_a_model_that_comes_while_others_are_judged_has_its_turn() -> None:
    """However many windows its service has left."""
    engine, late = Engine(SETTINGS), named("s", "late")
    for number in range(20):
        engine.observe(rows(named("s", f"m{number}"), number, 30, {"a": 1.0}), NOW - 10 * MINUTE)
    judged(engine, 5)
    engine.observe(rows(late, 50, 1, {"a": 1.0}), NOW - 10 * MINUTE)
    found = [result.model for _ in range(25) for result in engine.advance(NOW + SECOND, 1)]

    assert late in found
