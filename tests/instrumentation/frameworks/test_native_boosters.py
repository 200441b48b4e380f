"""XGBoost's and LightGBM's native models, as some servers call them."""

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import driftline
from driftline import semconv
from telemetry import Telemetry

RNG = np.random.default_rng(6)
ROWS = 80
X = RNG.normal(size=(ROWS, 3))
LABELS = (X[:, 0] > 0).astype(int)
CLASSES = np.digitize(X[:, 0], [-0.5, 0.5])
NAMES = ["age", "income", "tenure"]
OBJECTIVES = {
    "binary": ({"prediction", "confidence", "score"}, LABELS),
    "multiclass": ({"prediction", "confidence", "entropy", "margin"}, CLASSES),
    "regression": ({"prediction"}, X[:, 0]),
}


@dataclass(frozen=True)
class Library:
    """train: (objective, rows, labels, own metric?) to a booster. call: predicts rows. reads: whether it sees them."""

    system: str
    train: Callable[..., Any]
    call: Callable[[Any, Any], Any]
    reads: bool
    methods: tuple[str, ...]


def _xgboost(*, inplace: bool) -> Library:
    import xgboost

    names = {"binary": "binary:logistic", "multiclass": "multi:softprob", "regression": "reg:squarederror"}

    def train(objective: str, rows: Any, labels: Any, metric: Any = None) -> Any:
        options: dict[str, Any] = {"objective": names[objective], "nthread": 1}
        options |= {"num_class": 3} if objective == "multiclass" else {}
        data = xgboost.DMatrix(rows, labels)
        more: dict[str, Any] = {"evals": [(data, "train")], "verbose_eval": False, "custom_metric": metric}
        return xgboost.train(options, data, 4, **(more if metric else {}))

    def call(booster: Any, rows: Any) -> Any:
        return booster.inplace_predict(rows) if inplace else booster.predict(data=xgboost.DMatrix(rows))

    return Library("xgboost", train, call, inplace, ("predict", "inplace_predict", "update", "eval_set"))


def _lightgbm() -> Library:
    import lightgbm

    def train(objective: str, rows: Any, labels: Any, metric: Any = None) -> Any:
        options: dict[str, Any] = {"objective": objective, "num_threads": 1, "verbose": -1, "min_data_in_leaf": 2}
        options |= {"num_class": 3} if objective == "multiclass" else {}
        data = lightgbm.Dataset(rows, labels)
        more: dict[str, Any] = {"valid_sets": [data], "feval": metric}
        return lightgbm.train(options, data, 4, **(more if metric else {}))

    return Library("lightgbm", train, lambda booster, rows: booster.predict(rows), True, ("predict", "update", "eval"))


LIBRARIES: dict[str, Callable[[], Library]] = {
    "xgboost": lambda: _xgboost(inplace=False),
    "xgboost in place": lambda: _xgboost(inplace=True),
    "lightgbm": _lightgbm,
}


@pytest.fixture(params=LIBRARIES.values(), ids=LIBRARIES.keys(), scope="module")
def library(request: pytest.FixtureRequest) -> Library:
    return request.param()


def features(telemetry: Telemetry) -> dict[str, float]:
    """Valid rows by feature."""
    return {
        point.attributes[semconv.FEATURE_NAME]: point.value
        for point in telemetry.streams(semconv.FEATURE_OBSERVATIONS)
        if point.attributes[semconv.FEATURE_STATE] == semconv.VALID
    }


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_one_call_is_one_record(telemetry: Telemetry, library: Library, objective: str) -> None:
    """Rows, outputs as the objective says and, where they can be read, inputs by their names."""
    outputs, labels = OBJECTIVES[objective]
    booster = library.train(objective, pd.DataFrame(X, columns=NAMES), labels)
    library.call(booster, pd.DataFrame(X, columns=NAMES))
    telemetry.flush()

    (span,) = telemetry.spans()
    assert span.attributes[semconv.SYSTEM_NAME] == library.system
    assert span.attributes[semconv.TASK] == ("regression" if objective == "regression" else "classification")
    assert telemetry.total(semconv.INFERENCE_ROWS) == ROWS
    found = {point.attributes[semconv.OUTPUT_NAME] for point in telemetry.points(semconv.OUTPUT_OBSERVATIONS)}
    assert {name for name in found if not name.startswith("raw")} == outputs
    assert features(telemetry) == (dict.fromkeys(NAMES, ROWS) if library.reads else {})
    assert not telemetry.points(semconv.FAULTS)


def test_training_with_an_own_metric_records_nothing(telemetry: Telemetry, library: Library) -> None:
    """A metric is given predictions of the model in training: they are none of production."""
    calls: list[int] = []

    def metric(predicted: Any, data: Any) -> Any:
        calls.append(len(predicted))
        return ("own", 0.0) if library.system == "xgboost" else ("own", 0.0, True)

    library.train("binary", X, LABELS, metric)

    assert calls
    assert not telemetry.flush().spans()


def test_what_is_no_prediction_has_no_outputs(telemetry: Telemetry) -> None:
    """Contributions of features are counted as a call, and sketched under no output."""
    _lightgbm().train("binary", X, LABELS).predict(X, pred_contrib=True)
    telemetry.flush()

    assert telemetry.total(semconv.INFERENCE_ROWS) == ROWS
    assert not telemetry.points(semconv.OUTPUT_OBSERVATIONS)


def test_boosters_stay_what_they_are(library: Library, instrumented: Callable[..., Telemetry]) -> None:
    """A booster can be pickled and is recorded then, too; afterwards its class has the very objects that it had."""
    booster = library.train("binary", X, LABELS)
    cls = type(booster)
    before = [(name, id(value)) for name, value in vars(cls).items()]
    expected = library.call(booster, X)
    telemetry = instrumented()
    assert [(name, id(value)) for name, value in vars(cls).items()] != before
    np.testing.assert_array_equal(library.call(pickle.loads(pickle.dumps(booster)), X), expected)
    assert telemetry.flush().total(semconv.INFERENCE_ROWS) == ROWS
    driftline.uninstrument()

    assert [(name, id(value)) for name, value in vars(cls).items()] == before


def test_below_a_scikit_learn_model_nothing_counts_twice(telemetry: Telemetry, library: Library) -> None:
    """A user's estimator that holds a booster is one record."""
    booster = library.train("binary", X, LABELS)

    class Holder(LogisticRegression):
        def predict(self, X: Any) -> Any:
            return library.call(booster, X) > 0.5

    Holder().predict(X)

    assert telemetry.flush().total(semconv.INFERENCE_ROWS) == ROWS
    assert [span.attributes[semconv.MODEL_NAME] for span in telemetry.spans()] == ["Holder"]
