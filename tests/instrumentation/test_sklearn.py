"""The scikit-learn instrumentation as its users meet it."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from telemetry import Telemetry

import driftline
from driftline import semconv

RNG = np.random.default_rng(7)
X = RNG.normal(size=(200, 3))
Y = (X[:, 0] > 0).astype(int)


@pytest.fixture
def model() -> LogisticRegression:
    return LogisticRegression().fit(X, Y)


def test_every_row_of_every_column_is_counted_once(telemetry: Telemetry, model: LogisticRegression) -> None:
    """Rows, states of inputs and outputs, and the sketches agree on the number of rows."""
    model.predict(X)
    for row in X[:50]:
        model.predict(row[None])
    telemetry.flush()

    assert telemetry.total(semconv.INFERENCE_ROWS) == 250
    for name in ("x0", "x1", "x2"):
        column = {semconv.FEATURE_NAME: name}
        states = {**column, semconv.FEATURE_STATE: semconv.VALID}
        assert telemetry.total(semconv.FEATURE_OBSERVATIONS, states) == 250
        sketched = telemetry.total(semconv.FEATURE_VALUE, column) + telemetry.total(semconv.FEATURE_TAIL, column)
        assert sketched == 250
    assert telemetry.total(semconv.OUTPUT_PREDICTIONS) == 250
