"""The counter of rows and the sketches name calls by their traces, so that an alarm can name some."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression

import driftline
from driftline import semconv
from driftline.export.exemplars import ANY, NAMES
from telemetry import Telemetry

X = np.random.default_rng(5).normal(size=(10, 3))


@pytest.fixture
def model() -> LogisticRegression:
    return LogisticRegression().fit(X, X[:, 0] > 0)


def exemplars(telemetry: Telemetry) -> list[tuple[bytes, bytes, float]]:
    """Trace, span and rows of all that were sent, in order."""
    points = telemetry.points(semconv.INFERENCE_ROWS)
    return [(each.trace_id, each.span_id, each.as_int) for point in points for each in point.point.exemplars]


def test_each_export_names_one_call(instrumented: Callable[..., Telemetry], model: LogisticRegression) -> None:
    """It is one of those that the export tells of for the first time, and its span is in the backend."""
    telemetry = instrumented()
    for size in (3, 4):
        model.predict(X[:size])
        model.predict(X)
        assert driftline.flush(10)
    spans = [span.span for span in telemetry.spans()]

    assert exemplars(telemetry) == [(spans[i].trace_id, spans[i].span_id, size) for i, size in ((0, 3), (2, 4))]


def test_a_trace_that_is_not_recorded_is_not_named(
    instrumented: Callable[..., Telemetry], model: LogisticRegression
) -> None:
    """Nobody could look it up."""
    telemetry = instrumented(sampler=ALWAYS_OFF)
    model.predict(X)
    assert driftline.flush(10)

    assert telemetry.total(semconv.INFERENCE_ROWS) == 10
    assert exemplars(telemetry) == []


FRAME = pd.DataFrame(
    {
        "age": [41.0] * 50 + [np.nan] + [4_100.0] + [float("inf")],
        "plan": ["basic"] * 50 + ["gold", None, "basic"],
        "visits": [3] * 53,
    }
)


class Yes(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Takes whatever comes."""

    classes_ = np.array(["no", "yes"])

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        return np.full(len(X), "yes")


def of_columns(telemetry: Telemetry) -> dict[str, set[tuple[object, bytes, bytes]]]:
    """Value, trace and span of all exemplars, by column: of categories and states their names."""
    found: dict[str, set[tuple[object, bytes, bytes]]] = {}
    for point in telemetry.points():
        attributes = point.attributes
        name = attributes.get(semconv.FEATURE_NAME, attributes.get(semconv.OUTPUT_NAME))
        told = (semconv.CATEGORY, semconv.OUTPUT_CLASS, semconv.FEATURE_STATE)
        value = next((attributes[each] for each in told if each in attributes), None)
        for each in point.point.exemplars if name else ():
            shown = each.as_double if value is None else value
            found.setdefault(name, set()).add((shown, each.trace_id, each.span_id))
    return found


@pytest.mark.parametrize("batch", [1, 53])
def test_columns_name_calls_by_their_values(telemetry: Telemetry, batch: int) -> None:
    """The ends, one without a value, and one of each category: each with the call that held it."""
    for at in range(0, len(FRAME), batch):
        Yes().predict(FRAME.iloc[at : at + batch])
    telemetry.flush()
    found, spans = of_columns(telemetry), [span.span for span in telemetry.spans()]
    calls = [(spans[row // batch].trace_id, spans[row // batch].span_id) for row in range(len(FRAME))]

    assert {("missing", *calls[50]), (4_100.0, *calls[51]), ("non_finite", *calls[52])} <= found["age"]
    assert {("gold", *calls[50]), ("missing", *calls[51])} <= found["plan"]
    assert {value for value, *_ in found["plan"]} == {"basic", "gold", "missing"}
    assert {value for value, *_ in found["visits"]} == {3.0}
    assert {value for value, *_ in found["prediction"]} == {"yes"}
    for name in ("age", "plan"):
        assert all(_holds(FRAME[name], value, calls, call) for value, *call in found[name])


def _holds(column: pd.Series, value: object, calls: list[tuple[bytes, bytes]], call: list[bytes]) -> bool:
    """Whether a row of that call has this value."""
    rows = [row for row, each in enumerate(calls) if each == tuple(call)]
    held = column.iloc[rows]
    return bool({"missing": held.isna(), "non_finite": held == np.inf}.get(str(value), held == value).any())


def test_exemplars_are_few_and_sent_once(telemetry: Telemetry) -> None:
    """However many rows and categories there are; the next export tells of new calls only."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"age": rng.normal(size=20_000), "plan": [f"plan {i % 200}" for i in range(20_000)]})
    for at in range(0, len(X), 2_000):
        Yes().predict(X.iloc[at : at + 2_000])
    telemetry.flush()
    found = of_columns(telemetry)

    assert 3 <= len(found["age"]) <= 4 * ANY
    assert len(found["plan"]) == NAMES  # all 200 plans are counted by name
    Yes().predict(X[:1])
    telemetry.flush()
    last = telemetry.spans()[-1].span
    new = {each[1:] for name in ("age", "plan") for each in of_columns(telemetry)[name] - found[name]}
    assert new == {(last.trace_id, last.span_id)}


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({"capture": "none"}, set()),
        ({"capture": "outputs"}, {"prediction"}),
        ({"exclude": "age"}, {"plan", "visits", "prediction"}),
        ({"hash": "plan"}, {"age", "visits", "prediction"}),
        ({"sampler": ALWAYS_OFF}, set()),
    ],
)
def test_hidden_values_and_unsampled_calls_have_none(
    instrumented: Callable[..., Telemetry], options: dict[str, object], shown: set[str]
) -> None:
    """An exemplar says of a call no more than its span does."""
    telemetry = instrumented(**options)
    Yes().predict(FRAME)
    telemetry.flush()

    assert of_columns(telemetry).keys() == shown
