"""DRIFTLINE_REFERENCE where a model is served: names of inputs that have none, and their types."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline

import driftline
from driftline import semconv
from telemetry import Telemetry

NAMES = ["tenure", "age", "income"]
RNG = np.random.default_rng(0)
VALUES = RNG.normal(40, 10, (300, 3))


def save(path: Path, data: object, model: str = "churn") -> Path:
    driftline.profile(data, model=model).save(path)
    return path


def sent(telemetry: Telemetry) -> set[str]:
    """Names of the inputs that are sketched."""
    return {point.attributes[semconv.FEATURE_NAME] for point in telemetry.points(semconv.FEATURE_OBSERVATIONS)}


def states(telemetry: Telemetry, name: str) -> dict[str, float]:
    points = telemetry.streams(semconv.FEATURE_OBSERVATIONS)
    here = [point for point in points if point.attributes[semconv.FEATURE_NAME] == name]
    found = {str(point.attributes[semconv.FEATURE_STATE]): point.value for point in here if point.value}
    return {state: rows for state, rows in found.items() if state != semconv.OUT_OF_RANGE}  # valid ones, in the tails


def inputs(attributes: dict[str, object]) -> set[str]:
    return {name.removeprefix("ml.input.") for name in attributes if name.startswith("ml.input.")}


def test_inputs_without_names_have_those_of_the_reference(
    tmp_path: Path, instrumented: Callable[..., Telemetry], caplog: pytest.LogCaptureFixture
) -> None:
    """In sketches and in spans, for one row and for many; it is said once."""
    file = save(tmp_path / "churn.json", pd.DataFrame(VALUES, columns=NAMES))
    model = LinearRegression().fit(VALUES, VALUES[:, 0])
    telemetry = instrumented(reference=file, model_name="churn")
    model.predict(VALUES[:1])
    model.predict(VALUES)
    telemetry.flush()

    assert sent(telemetry) == set(NAMES)
    assert [inputs(span.attributes) for span in telemetry.spans()] == [set(NAMES), set(NAMES)]
    assert [message for message in caplog.messages if "taken for" in message] == [
        (
            "DRIFTLINE_REFERENCE: the 3 inputs of model 'churn' are taken for those of the reference, in its order: "
            "tenure, age, income."
        )
    ]


def test_names_are_numbers_where_the_reference_has_none(tmp_path: Path, instrumented: Callable[..., Telemetry]) -> None:
    """Here the order of the columns is known; the processor could only guess it."""
    file = save(tmp_path / "churn.json", VALUES)
    model = LinearRegression().fit(pd.DataFrame(VALUES, columns=NAMES), VALUES[:, 0])
    telemetry = instrumented(reference=file, model_name="churn")
    model.predict(pd.DataFrame(VALUES, columns=NAMES))
    telemetry.flush()

    assert sent(telemetry) == {"x0", "x1", "x2"}


@pytest.mark.parametrize(("columns", "model"), [(2, "churn"), (3, "fraud")])
def test_other_inputs_keep_their_names(
    columns: int, model: str, tmp_path: Path, instrumented: Callable[..., Telemetry]
) -> None:
    """Of another number, or of another model."""
    file = save(tmp_path / "churn.json", pd.DataFrame(VALUES, columns=NAMES))
    estimator = LinearRegression().fit(VALUES[:, :columns], VALUES[:, 0])
    telemetry = instrumented(reference=file, model_name=model)
    estimator.predict(VALUES[:, :columns])
    telemetry.flush()

    assert sent(telemetry) == {f"x{place}" for place in range(columns)}


class Anything(LinearRegression):
    """Takes any table."""

    def predict(self, X: object) -> np.ndarray:
        return np.zeros(len(X))  # type: ignore[arg-type]


def test_types_are_those_of_the_reference(tmp_path: Path, instrumented: Callable[..., Telemetry]) -> None:
    """Words among numbers are of the wrong type, however many come first; codes are names, also where numbers come."""
    frame = pd.DataFrame({"age": RNG.normal(40, 10, 300), "zip": RNG.choice(["1010", "2020", "3030"], 300)})
    telemetry = instrumented(reference=save(tmp_path / "churn.json", frame), model_name="churn")
    model = Anything()
    model.predict(pd.DataFrame({"age": ["unknown", "41.5", None] * 20, "zip": [1010, 2020, 3030] * 20}))
    model.predict(pd.DataFrame({"age": [40.0] * 100, "zip": ["1010"] * 100}))
    telemetry.flush()

    assert states(telemetry, "age") == {"valid": 120, "wrong_type": 20, "missing": 20}
    assert states(telemetry, "zip") == {"valid": 160}
    assert telemetry.total(semconv.FEATURE_CATEGORY, {semconv.FEATURE_NAME: "age"}) == 0
    assert telemetry.total(semconv.FEATURE_CATEGORY, {semconv.CATEGORY: "1010"}) == 120


def test_keys_that_all_dictionaries_lack_are_missing(instrumented: Callable[..., Telemetry]) -> None:
    """An empty join in lists of dictionaries: rows without a key that others had."""
    rows = [{"age": float(age), "income": 10.0 * age} for age in range(20, 60)]
    model = make_pipeline(DictVectorizer(), LinearRegression()).fit(rows, np.arange(40))
    telemetry = instrumented()
    model.predict(rows)
    model.predict([{"age": 30.0}] * 15)
    telemetry.flush()

    assert states(telemetry, "income") == {"valid": 40, "missing": 15}
    assert states(telemetry, "age") == {"valid": 55}
