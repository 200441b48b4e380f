"""Whether models and references find each other, what is said where they do not, and what is counted."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import MetricsData

import driftline
from driftline_processor.decode import decode_metrics
from driftline_processor.engine.engine import Engine
from driftline_processor.engine.matching import NameResolution, in_order, likeness, suggestions
from driftline_processor.records import ModelKey, Reference, ReferencePart, WindowResult
from driftline_processor.reference import read_reference
from driftline_processor.reference.assembly import Assembly
from driftline_processor.reference.read import read_file
from engine_records import CHURN, MINUTE, SETTINGS, START, Sender, span

NAMES = ["tenure", "age", "income", "visits", "balance"]
SCALES = [1.0, 10.0, 1000.0, 50.0, 300.0]


def values(rows: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(5, 1, (rows, len(NAMES))) * SCALES


def reference(names: list[str] | None = None, model: str = "churn", version: str | None = None) -> Reference:
    """Of a frame with these columns; an array without."""
    data = values(5000, 0)[:, : len(names or NAMES)]
    profile = driftline.profile(data if names is None else pd.DataFrame(data, columns=names), model=model)
    profile = replace(profile, version=version or "", pairs=())
    return read_reference(profile.to_request())


def serve(
    engine: Engine, names: list[str], *, minutes: int = 6, first: int = 0, scale: float = 1.0, model: ModelKey = CHURN
) -> list[WindowResult]:
    sender = Sender(START + first * MINUTE, model=model, process=f"{names}{first}")
    results = []
    for minute in range(first, first + minutes):
        rows = values(300, minute + 1) * scale
        sender.predict({name: rows[:, i % len(NAMES)].tolist() for i, name in enumerate(names)})
        time = START + (minute + 1) * MINUTE
        engine.observe(sender.tell(time), time)
        results += engine.advance(time)
    return results


def numbered(count: int) -> list[str]:
    return [f"x{place}" for place in range(count)]


def test_numbered_inputs_are_those_of_the_reference_in_its_order() -> None:
    """A model that was fitted on an array is judged by the names of the profile, and it is said once."""
    engine = Engine(SETTINGS)
    engine.put_reference(reference(NAMES))
    results = serve(engine, numbered(5))

    (match,) = engine.matching().models
    notices = engine.notices()
    assert {each.column.name for result in results for each in result.columns} == set(NAMES)
    assert all(each.verdict and each.verdict.state.value == "healthy" for each in results[-1].columns)
    assert (match.names, match.matched, match.missing) == (NameResolution.POSITION, 5, ())
    assert len(notices) == 1
    assert "inputs x0 … x4 are taken for those of the reference, in its order: 'tenure', 'age', 'income'" in notices[0]
    assert results[-1].unmatched == {"missing": 0, "unknown": 0, "type": 0, "pair": 0}


@pytest.mark.parametrize("pattern", ["{}", "f{}", "Column_{}", "feature_{}", "input.{}"])
@pytest.mark.parametrize("first", [0, 1])
def test_names_are_numbered_in_many_ways(pattern: str, first: int) -> None:
    """By libraries and by other SDKs, from 0 or from 1 on; ten come after nine."""
    names = [f"c{letter}" for letter in "lkjihgfedcba"]
    engine = Engine(SETTINGS)
    profile = driftline.profile(pd.DataFrame(np.arange(12.0) + np.zeros((200, 1)), columns=names), model="churn")
    engine.put_reference(read_reference(replace(profile, pairs=()).to_request()))
    sender, results = Sender(), []
    live = [pattern.format(place + first) for place in range(12)]
    for minute in range(3):
        time = START + (minute + 1) * MINUTE
        rows = {name: [float(place)] * 100 for place, name in enumerate(live)}
        engine.observe(sender.predict(rows).tell(time), time)
        results += engine.advance(time)

    means = {each.column.name: each.distribution["mean"] for each in results[-1].columns}
    assert means == pytest.approx({name: float(place) for place, name in enumerate(names)}, abs=0.02)
    assert f"inputs {live[0]} … {live[-1]} are taken" in engine.notices()[0]


@pytest.mark.parametrize(
    "names", [["x0", "x2"], ["x0", "f1"], ["x00", "x01"], ["age", "x1"], ["x2", "x3"], []], ids=str
)
def test_other_names_have_no_order(names: list[str]) -> None:
    """With gaps, of several kinds, with zeros in front, or not from the first one on."""
    assert in_order(names) == []


def test_a_fault_in_a_numbered_input_is_told_by_its_name() -> None:
    """Ten times the income alarms as income."""
    engine = Engine(SETTINGS)
    engine.put_reference(reference(NAMES))
    serve(engine, numbered(5))
    results = serve(engine, numbered(5), first=6, scale=10.0)

    assert {event.column.name for result in results for event in result.alarms} == set(NAMES)


def test_the_order_survives_a_collector_that_mixes_the_points() -> None:
    """A reference that comes over OTLP is put together by digest; the positions restore the order."""
    request = replace(
        driftline.profile(pd.DataFrame(values(500, 0), columns=NAMES), model="churn"), pairs=()
    ).to_request()
    (part,) = decode_metrics(request.SerializeToString()).records
    assert isinstance(part, ReferencePart)
    assembly = Assembly()
    assembly.add(part)

    assert list(read_reference(MetricsData.FromString(assembly.body(part.id))).inputs) == NAMES


def test_a_profile_without_positions_keeps_the_order_of_its_file(tmp_path: Path) -> None:
    """As earlier versions wrote them."""
    profile = replace(driftline.profile(pd.DataFrame(values(500, 0), columns=NAMES), model="churn"), pairs=())
    request = profile.to_request()
    for metric in request.resource_metrics[0].scope_metrics[0].metrics:
        for point in metric.gauge.data_points:
            for attribute in [each for each in point.attributes if each.key == "ml.column.position"]:
                point.attributes.remove(attribute)
    path = tmp_path / "churn.json"
    profile.save(path)

    assert list(read_reference(request).inputs) == list(read_file(path).inputs) == NAMES


def test_another_number_of_inputs_is_no_match_and_said_with_the_remedy() -> None:
    """Six columns of an array are not the five of the reference."""
    engine = Engine(SETTINGS)
    engine.put_reference(reference(NAMES))
    results = serve(engine, numbered(6))

    assert engine.notices() == [
        (
            "model 'churn' version '1': none of the 5 inputs of the reference arrive; the data has x0 … x5: fit the "
            "model on a data frame, or pass the names as feature_names to driftline.describe"
        )
    ]
    assert results[-1].unmatched == {"missing": 5, "unknown": 6, "type": 0, "pair": 0}


def test_a_numbered_reference_does_not_guess_the_order_of_names() -> None:
    """Names come in no order; the profile needs them."""
    engine = Engine(SETTINGS)
    engine.put_reference(reference(None))
    serve(engine, NAMES)

    (notice,) = engine.notices()
    assert "none of the 5 inputs of the reference arrive; the data has 'age', 'balance', 'income', " in notice
    assert "profile the training data with the names of its columns" in notice


def test_two_of_five_that_do_not_arrive_are_named_with_what_may_be_meant() -> None:
    """Case, spaces and prefixes differ more often than names do."""
    engine = Engine(SETTINGS)
    engine.put_reference(reference(NAMES))
    serve(engine, ["tenure", "Age ", "income", "num__visits", "balance"])

    (notice,) = engine.notices()
    assert "2 of the 5 inputs of the reference do not arrive: 'age', 'visits'; the data has 'Age ', " in notice
    assert "'Age ' for 'age'" in notice
    assert "'num__visits' for 'visits'" in notice
    assert engine.matching().models[0].suggestions == (("Age ", "age"), ("num__visits", "visits"))


def test_inputs_that_the_reference_lacks_are_said_once() -> None:
    """They are described, and not judged."""
    engine = Engine(SETTINGS)
    engine.put_reference(reference(NAMES))
    serve(engine, [*NAMES, "region"])
    serve(engine, [*NAMES, "region"], first=6)

    assert engine.notices() == [
        (
            "model 'churn' version '1': 'region' is not in the reference, and not judged: profile the training data "
            "with it (--keep for what it left out)"
        )
    ]


def test_the_order_of_named_inputs_does_not_matter() -> None:
    """Names are names."""
    engine = Engine(SETTINGS)
    engine.put_reference(reference(NAMES))
    serve(engine, NAMES[::-1])

    assert engine.notices() == []
    assert engine.matching().models[0].matched == 5


def test_servers_with_names_and_without_are_one_model() -> None:
    """While a deployment is under way both are counted, each row once."""
    engine = Engine(SETTINGS)
    engine.put_reference(reference(["tenure"]))
    named, unnamed = Sender(process="a"), Sender(process="b")
    results = []
    for minute in range(4):
        time = START + (minute + 1) * MINUTE
        rows = values(300, minute)[:, 0].tolist()
        records = named.predict({"tenure": rows[:200]}).tell(time) + unnamed.predict({"x0": rows[200:]}).tell(time)
        engine.observe(records, time)
        results += engine.advance(time)

    assert {each.column.name: each.rows for each in results[-1].columns} == {"tenure": results[-1].rows}


def test_another_type_is_said() -> None:
    """Texts where training had numbers, and numbers where it had words."""
    engine = Engine(SETTINGS)
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"age": rng.normal(40, 10, 2000), "plan": rng.choice(["basic", "pro"], 2000)})
    engine.put_reference(read_reference(replace(driftline.profile(frame, model="churn"), pairs=()).to_request()))
    sender = Sender()
    for minute in range(4):
        time = START + (minute + 1) * MINUTE
        engine.observe(sender.predict({"age": ["old"] * 200, "plan": [1.0] * 200}).tell(time), time)
        engine.advance(time)

    match = engine.matching().models[0]
    assert {tuple(each) for each in match.types} == {("age", "float", "text"), ("plan", "string", "numbers")}
    assert sum("convert it before the model" in notice for notice in engine.notices()) == 2


def test_pairs_that_never_arrive_are_said() -> None:
    """They need a setting where the model is served."""
    engine = Engine(SETTINGS)
    rng = np.random.default_rng(0)
    income = rng.normal(5, 1, 5000)
    frame = pd.DataFrame({"income": income, "tax": income * 0.3 + rng.normal(0, 0.05, 5000)})
    engine.put_reference(read_reference(driftline.profile(frame, model="churn").to_request()))
    results = serve(engine, ["income", "tax"])

    notices = [notice for notice in engine.notices() if "DRIFTLINE_REFERENCE" in notice]
    assert len(notices) == 1
    assert "1 pair of inputs in the reference never arrive" in notices[0]
    assert results[-1].unmatched["pair"] == 1


def test_the_nearest_unused_reference_is_named() -> None:
    """By its inputs first: a class name is like no model's name."""
    engine = Engine(SETTINGS)
    engine.put_reference(reference(NAMES))
    engine.put_reference(reference(["width", "height"], model="parcels"))
    model = ModelKey("LogisticRegression")
    serve(engine, NAMES, model=model)

    notices = [notice for notice in engine.notices() if "no reference has its name" in notice]
    assert notices == [
        (
            "model 'LogisticRegression': no reference has its name, and reference 'churn' (5 of its 5 inputs arrive) "
            "is unused: if it is this model's, set DRIFTLINE_MODEL_NAME=churn where it is served, or profile with "
            "--model LogisticRegression"
        )
    ]
    (match,) = engine.matching().models
    assert match.nearest is not None
    assert match.nearest.name == "churn"
    assert {each.name for each in engine.matching().unused} == {"churn", "parcels"}


def test_a_reference_that_no_model_uses_is_said_after_a_window() -> None:
    """Once, and no longer counted when its model comes."""
    engine = Engine(SETTINGS)
    engine.put_reference(reference(NAMES))
    engine.put_reference(reference(NAMES, model="chrun"))
    serve(engine, NAMES, minutes=12)

    assert engine.notices() == [
        (
            "reference 'chrun' is unused: no model of that name has sent rows, only 'churn'; check "
            "DRIFTLINE_MODEL_NAME and DRIFTLINE_MODEL_VERSION where it is served"
        )
    ]
    assert [(each.name, each.nearest) for each in engine.matching().unused] == [("chrun", "churn")]
    serve(engine, NAMES, model=ModelKey("chrun"), first=12)
    assert engine.matching().unused == ()


def test_a_model_that_matches_is_not_mentioned() -> None:
    """Nothing to say, nothing counted."""
    engine = Engine(SETTINGS)
    engine.put_reference(reference(NAMES))
    results = serve(engine, NAMES, minutes=12)

    assert engine.notices() == []
    assert not any(results[-1].unmatched.values())
    assert engine.matching().unused == ()


@pytest.mark.parametrize(
    ("name", "other"),
    [("Age", "age"), (" age ", "age"), ("num__age", "age"), ("features.age", "age"), ("annualIncome", "annual_income")],
)
def test_names_that_differ_in_form_alone_are_alike(name: str, other: str) -> None:
    """Whatever a preprocessor or an exporter did to them."""
    assert likeness(name, other) >= 0.9
    assert likeness(other, name) >= 0.9


def test_each_name_is_suggested_once() -> None:
    """The most alike first."""
    assert list(suggestions(["AGE", "age_years"], ["age", "height"])) == [("AGE", "age")]


def test_spans_of_numbered_inputs_are_resolved_too() -> None:
    """Whoever sends no sketches."""
    engine = Engine(SETTINGS)
    engine.put_reference(reference(NAMES))
    results = []
    for minute in range(4):
        time = START + (minute + 1) * MINUTE - 1
        rows = values(100, minute)
        engine.observe(
            [span(1000 * minute + i, time, {f"x{k}": v for k, v in enumerate(r)}) for i, r in enumerate(rows.tolist())],
            time,
        )
        results += engine.advance(time)

    assert {each.column.name for each in results[-1].columns} == {*NAMES, "duplicates"}
