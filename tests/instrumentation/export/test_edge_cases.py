"""Edge cases: why on the span, how many rows by reason, whatever the spans."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

import driftline
from driftline import semconv
from telemetry import Telemetry


class Sure(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Its input is what it answers: probabilities."""

    def __init__(self, classes: int = 3) -> None:
        self.classes = classes
        self.classes_ = np.arange(classes)

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        return np.asarray(X, float)[:, : self.classes]


SURE, UNSURE, CLOSE = [0.9, 0.05, 0.05], [0.4, 0.2, 0.4], [0.5, 0.05, 0.45]


def counted(telemetry: Telemetry) -> dict[str, float]:
    """Rows by reason."""
    points = telemetry.streams(semconv.EDGE_CASES)
    return {point.attributes[semconv.EDGE_CASE_REASON]: point.value for point in points}


def test_a_row_says_why(instrumented: Callable[..., Telemetry]) -> None:
    """On its span, and in the counter; one that the model is sure of says nothing."""
    telemetry, model = instrumented(), Sure()
    for row in (SURE, UNSURE, CLOSE):
        model.predict_proba(np.array([row]))
    telemetry.flush()
    told = [span.attributes.get(semconv.EDGE_CASE) for span in telemetry.spans()]

    assert told == [None, [semconv.LOW_CONFIDENCE, semconv.SMALL_MARGIN], [semconv.SMALL_MARGIN]]
    assert counted(telemetry) == {semconv.LOW_CONFIDENCE: 1, semconv.SMALL_MARGIN: 2}


def test_every_row_is_counted(instrumented: Callable[..., Telemetry]) -> None:
    """Of a batch too, whose span looks at the rows that it shows; two classes have no margin."""
    telemetry = instrumented(low_confidence=0.6)
    rows = np.repeat([[0.95, 0.05], [0.55, 0.45]], [900, 100], axis=0)
    Sure(2).predict_proba(rows)
    telemetry.flush()

    assert counted(telemetry) == {semconv.LOW_CONFIDENCE: 100}


@pytest.mark.parametrize(
    "options", [{"capture": "none"}, {"sketch": "outputs"}, {"low_confidence": 0, "small_margin": 0}]
)
def test_settings(instrumented: Callable[..., Telemetry], options: dict[str, object]) -> None:
    """Counts reveal no value; what is switched off is not looked for."""
    telemetry = instrumented(**options)
    Sure().predict_proba(np.array([UNSURE]))
    telemetry.flush()
    expected = {} if "low_confidence" in options else {semconv.LOW_CONFIDENCE: 1, semconv.SMALL_MARGIN: 1}

    assert counted(telemetry) == expected
    shown = telemetry.spans()[0].attributes.get(semconv.EDGE_CASE)
    assert (shown is None) == (options == {"capture": "none"} or not expected)


def test_inputs_outside_of_training(instrumented: Callable[..., Telemetry], tmp_path: Path) -> None:
    """Where inputs are checked: beyond the range of training, or of a category that it never had."""
    random = np.random.default_rng(0)
    training = pd.DataFrame({"age": random.normal(40, 5, 5_000), "plan": random.choice(["a", "b"], 5_000)})
    driftline.profile(training, model="Named").save(tmp_path / "named.reference.json")

    class Named(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
        classes_ = np.array([0, 1])

        def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
            return np.tile([0.1, 0.9], (len(X), 1))

    telemetry = instrumented(check="observe", reference=str(tmp_path / "named.reference.json"))
    for age, plan in ((40.0, "a"), (4_000.0, "a"), (40.0, "z"), (4_000.0, "z")):
        Named().predict_proba(pd.DataFrame({"age": [age], "plan": [plan]}))
    telemetry.flush()
    told = [span.attributes.get(semconv.EDGE_CASE) for span in telemetry.spans()]

    assert told == [
        None,
        [semconv.OUTSIDE_TRAINING],
        [semconv.UNSEEN_CATEGORY],
        [semconv.OUTSIDE_TRAINING, semconv.UNSEEN_CATEGORY],
    ]
    assert counted(telemetry) == {semconv.OUTSIDE_TRAINING: 2, semconv.UNSEEN_CATEGORY: 2}
