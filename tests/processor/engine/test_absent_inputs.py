"""An input that a span leaves out is missing in its rows: SDKs of many languages drop attributes that are null."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import driftline
from driftline.semconv import MISSING, TARGET_ROWS
from driftline_processor.decode import decode_traces
from driftline_processor.engine.engine import Engine
from driftline_processor.engine.snapshot import dump, load
from driftline_processor.records import ColumnKey, Reference, WindowResult
from driftline_processor.reference import read_reference
from driftline_processor.verdicts.verdict import State
from engine_records import MINUTE, SETTINGS, START, Sender, span
from otlp_requests import of_model, trace_request
from otlp_requests import span as otlp_span

Row = dict[str, float | str]
INCOME = ColumnKey("input", "income")


def rows(count: int, seed: int, absent: float) -> list[Row]:
    """Customers, some of whom have no income; a plan is text."""
    rng = np.random.default_rng(seed)
    known = rng.random(count) >= absent
    plans = rng.choice(["basic", "pro"], count)
    made: list[Row] = [
        {"age": float(age), "plan": str(plan)} for age, plan in zip(rng.normal(40, 9, count), plans, strict=False)
    ]
    for row, income, is_known in zip(made, rng.normal(3000, 500, count).tolist(), known, strict=True):
        if is_known:
            row["income"] = income
    return made


def reference(absent: float) -> Reference:
    frame = pd.DataFrame(rows(5000, 99, absent), columns=["age", "plan", "income"])
    profile = replace(driftline.profile(frame, model="churn"), pairs=())
    return read_reference(profile.to_request())


def serve(engine: Engine, minutes: Sequence[Sequence[Row]], *, batch: int = 1) -> list[WindowResult]:
    """The rows of each minute through the decoder, `batch` rows a span."""
    results = []
    for minute, made in enumerate(minutes):
        time = START + (minute + 1) * MINUTE - 1
        spans = []
        for i in range(0, len(made), batch):
            part = made[i : i + batch]
            names = [name for name in ("age", "plan", "income") if any(name in row for row in part)]
            inputs: Mapping[str, object] = {
                f"input__{name}": part[0][name] if batch == 1 else [row.get(name) for row in part] for name in names
            }
            spans.append(otlp_span(of_model(**inputs), number=100_000 * (minute + 1) + i, time=time))
        engine.observe(decode_traces(trace_request(*spans).SerializeToString()).records, time)
        results += engine.advance(time)
    return results


def missing(result: WindowResult, name: str = "income") -> float:
    """The share of rows without a value, beyond that of the reference."""
    return next(each.statistics["missing_rate"] for each in result.columns if each.column.name == name)


@pytest.mark.parametrize("batch", [1, 4])
def test_nulls_as_in_training_are_healthy(batch: int) -> None:
    """Of one row or several in a span; one in ten incomes is unknown, in training and in serving."""
    engine = Engine(SETTINGS)
    engine.put_reference(reference(0.1))
    results = serve(engine, [rows(400, minute, 0.1) for minute in range(7)], batch=batch)

    states = {each.verdict.state for result in results for each in result.columns if each.verdict}
    assert states == {State.HEALTHY}
    assert not any(result.alarms for result in results)
    columns = [
        (result.rows, each) for result in results for each in result.columns if each.column.target != TARGET_ROWS
    ]
    assert all(each.rows == rows_of_all for rows_of_all, each in columns)


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("absent_in_training", [0.0, 0.1])
def test_a_join_that_goes_empty_alarms(batch: int, absent_in_training: float) -> None:
    """No span has an income any more: all of them are missing."""
    engine = Engine(SETTINGS)
    engine.put_reference(reference(absent_in_training))
    healthy = [rows(400, minute, absent_in_training) for minute in range(6)]
    results = serve(engine, [*healthy, *(rows(400, 50 + minute, 1.0) for minute in range(7))], batch=batch)

    opened = [event for result in results for event in result.alarms]
    assert {(event.column.name, event.verdict.aspect) for event in opened} == {("income", MISSING)}
    assert missing(results[-1]) == pytest.approx(1.0 - absent_in_training, abs=0.02)
    assert "missing" in opened[-1].verdict.sentence


def test_without_a_reference_the_other_spans_tell() -> None:
    """What the first window had, and later ones lack, is missing."""
    engine = Engine(SETTINGS)
    results = serve(engine, [*(rows(400, m, 0.1) for m in range(8)), *(rows(400, 50 + m, 1.0) for m in range(7))])

    assert results[-1].provisional
    assert missing(results[-1]) == pytest.approx(0.9, abs=0.02)
    assert missing(results[6]) == pytest.approx(0.0, abs=0.03)


def test_many_spans_and_few_are_counted_alike() -> None:
    """Together by their layout, or one by one."""
    made = rows(400, 1, 0.3)
    together, alone = Engine(SETTINGS), Engine(SETTINGS)
    for engine in (together, alone):
        engine.put_reference(reference(0.3))
    time = START + MINUTE - 1
    spans = [
        otlp_span(of_model(**{f"input__{name}": value for name, value in row.items()}), number=i + 1, time=time)
        for i, row in enumerate(made)
    ]
    together.observe(decode_traces(trace_request(*spans).SerializeToString()).records, time)
    for each in spans:
        alone.observe(decode_traces(trace_request(each).SerializeToString()).records, time)
    (one,), (other,) = (engine.advance(time + 5 * MINUTE)[:1] for engine in (together, alone))

    assert {each.column: (each.rows, missing(one)) for each in one.columns} == {
        each.column: (each.rows, missing(other)) for each in other.columns
    }


def test_a_sampled_span_is_missing_by_its_weight() -> None:
    """One in four rows is sent: each stands for four."""
    engine = Engine(SETTINGS)
    engine.put_reference(reference(0.1))
    spans = [span(i, START + 1, row, weight=4.0) for i, row in enumerate(rows(300, 1, 0.5))]
    spans = [replace(each, model=each.model._replace(version="")) for each in spans]
    engine.observe(spans, START + 1)
    result = engine.advance(START + 6 * MINUTE)[-1]

    assert missing(result) == pytest.approx(0.4, abs=0.1)
    assert next(each.rows for each in result.columns if each.column == INCOME) == result.rows == 1200.0


def test_rows_of_sketches_are_not_missing() -> None:
    """A sketch counts its own missing rows; only spans are looked through for what they lack."""
    engine = Engine(SETTINGS)
    engine.put_reference(reference(0.0))
    model = span(1, START, {}).model
    sender = Sender(model=model)
    columns = {"age": [40.0] * 300, "plan": ["basic"] * 300, "income": [3000.0] * 300}
    time = START + MINUTE - 1
    engine.observe([*sender.predict(columns).tell(time), *(span(i, time, {"age": 1.0}) for i in range(10))], time)
    result = engine.advance(START + 6 * MINUTE)[0]

    assert missing(result) == pytest.approx(10 / 310)


def test_a_reference_of_other_names_makes_nothing_missing() -> None:
    """It calls them something else, which is said once; five alarms would say it five times."""
    engine = Engine(SETTINGS)
    engine.put_reference(reference(0.0))
    renamed = [[{"customer_" + name: value for name, value in row.items()} for row in rows(300, 1, 0.0)]]
    time = START + MINUTE - 1
    spans = [replace(span(i, time, row), model=span(1, time, {}).model) for i, row in enumerate(renamed[0])]
    engine.observe(spans, time)
    result = engine.advance(START + 6 * MINUTE)[0]

    assert not result.alarms
    assert result.unmatched["missing"] == 3


def test_what_is_missing_survives_a_restart() -> None:
    """A snapshot holds which rows of spans had which input."""
    engine = Engine(SETTINGS)
    engine.observe([span(i, START + 1, row) for i, row in enumerate(rows(300, 1, 0.5))], START + 1)
    (state,) = engine.snapshot().values()
    assert state is not None
    model = load(state, SETTINGS.size, SETTINGS.step, SETTINGS.lateness)
    pane = next(iter(model.panes.by_start.values()))
    (held,) = [each for key, each in pane.summaries([INCOME]).items() if key.column == INCOME]

    assert held.rows == 300.0
    assert 100 < held.states[MISSING] < 200
    assert dump(model) == state
