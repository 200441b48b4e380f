"""Two models never share a name in silence; one model never has two."""

import copy
import gc
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import driftline
from driftline import semconv
from driftline.features.learned import learned_alike
from telemetry import Telemetry

X = np.random.default_rng(0).normal(size=(120, 4))
Y = (X[:, 0] > 0).astype(int)


def rows(telemetry: Telemetry) -> dict[str, float]:
    """Rows by model."""
    telemetry.flush()
    found: dict[str, float] = {}
    for point in telemetry.streams(semconv.INFERENCE_ROWS):
        name = str(point.attributes[semconv.MODEL_NAME])
        found[name] = found.get(name, 0.0) + point.value
    return found


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [message for message in caplog.messages if "Two models would be" in message]


def test_a_gate_and_a_classifier_under_one_name(
    instrumented: Callable[..., Telemetry], caplog: pytest.LogCaptureFixture
) -> None:
    """The second keeps its own, and one warning names both."""
    gate, classifier = IsolationForest(n_estimators=5).fit(X), RandomForestClassifier(5).fit(X, Y)
    telemetry = instrumented(model_name="churn")
    for _ in range(3):
        gate.predict(X)
        classifier.predict(X)

    assert rows(telemetry) == {"churn": 360, "RandomForestClassifier": 360}
    assert warnings(caplog) == [
        (
            "Two models would be 'churn': IsolationForest has that name, and RandomForestClassifier keeps one of its "
            "own. Name each of them by driftline.describe(model, name=...)."
        )
    ]


@pytest.mark.parametrize("name", [None, "churn"])
def test_two_models_of_one_class(
    name: str | None, instrumented: Callable[..., Telemetry], caplog: pytest.LogCaptureFixture
) -> None:
    """Of the same features, trained on other labels."""
    one, other = LogisticRegression().fit(X, Y), LogisticRegression().fit(X, (X[:, 1] > 0).astype(int))
    telemetry = instrumented(**({} if name is None else {"model_name": name}))
    one.predict(X)
    other.predict(X[:50])
    one.predict(X)

    second = "LogisticRegression-2" if name is None else "LogisticRegression"
    assert rows(telemetry) == {name or "LogisticRegression": 240, second: 50}
    assert len(warnings(caplog)) == 1


def test_two_pipelines_of_one_class(instrumented: Callable[..., Telemetry]) -> None:
    """The second goes by its final estimator."""
    one = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    other = make_pipeline(StandardScaler(), RandomForestClassifier(5)).fit(X, Y)
    telemetry = instrumented()
    one.predict(X)
    other.predict(X)

    assert rows(telemetry) == {"Pipeline": 120, "RandomForestClassifier": 120}


def test_a_pipeline_and_its_own_final_estimator_are_one(
    instrumented: Callable[..., Telemetry], caplog: pytest.LogCaptureFixture
) -> None:
    """Also where a search holds the pipeline."""
    search = GridSearchCV(make_pipeline(StandardScaler(), LogisticRegression()), {}, cv=2).fit(X, Y)
    telemetry = instrumented(model_name="churn")
    search.predict(X)
    search.best_estimator_.predict(X)
    search.best_estimator_[-1].predict(X)

    assert rows(telemetry) == {"churn": 360}
    assert warnings(caplog) == []


@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(5),
        LogisticRegression(),
        GradientBoostingClassifier(n_estimators=3),
        HistGradientBoostingClassifier(max_iter=3),
    ],
    ids=lambda model: type(model).__name__,
)
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_what_was_learned_is_compared(model: Any, copied: Callable[[Any], Any]) -> None:
    """A copy has learned the same; the same class on other labels has not."""
    model.fit(X, Y)
    other = clone(model).fit(X, 1 - Y)

    assert learned_alike(model, copied(model))
    assert learned_alike(copied(model), copied(model))
    assert not learned_alike(model, other)
    assert not learned_alike(copied(other), model)


def test_copies_of_a_model_are_one(instrumented: Callable[..., Telemetry], caplog: pytest.LogCaptureFixture) -> None:
    """As threads and workers have them."""
    model = RandomForestClassifier(5).fit(X, Y)
    copies = [copy.deepcopy(model) for _ in range(3)]
    telemetry = instrumented(model_name="churn")
    for each in (model, *copies):
        each.predict(X)

    assert rows(telemetry) == {"churn": 480}
    assert warnings(caplog) == []


def test_a_model_that_is_loaded_anew_keeps_the_name(
    instrumented: Callable[..., Telemetry], caplog: pytest.LogCaptureFixture
) -> None:
    """The old one is gone by then; nothing is said."""
    telemetry = instrumented(model_name="churn")
    model = LogisticRegression().fit(X, Y)
    model.predict(X)
    model = LogisticRegression(C=0.01).fit(X, Y)
    gc.collect()
    model.predict(X)

    assert rows(telemetry) == {"churn": 240}
    assert warnings(caplog) == []


def test_the_name_is_free_when_its_model_is_gone(instrumented: Callable[..., Telemetry]) -> None:
    """The one that had to step back has it from then on."""
    telemetry = instrumented(model_name="churn")
    gate, classifier = IsolationForest(n_estimators=5).fit(X), LogisticRegression().fit(X, Y)
    gate.predict(X)
    classifier.predict(X)
    del gate
    gc.collect()
    classifier.predict(X)

    assert rows(telemetry) == {"churn": 240, "LogisticRegression": 120}


def test_described_names_are_kept(instrumented: Callable[..., Telemetry], caplog: pytest.LogCaptureFixture) -> None:
    """The remedy works."""
    gate, classifier = IsolationForest(n_estimators=5).fit(X), LogisticRegression().fit(X, Y)
    driftline.describe(gate, name="gate")
    telemetry = instrumented(model_name="churn")
    gate.predict(X)
    classifier.predict(X)

    assert rows(telemetry) == {"gate": 120, "churn": 120}
    assert warnings(caplog) == []


def test_a_model_that_is_fitted_again_is_the_same(instrumented: Callable[..., Telemetry]) -> None:
    """In place."""
    telemetry = instrumented()
    model = LogisticRegression().fit(X, Y)
    model.predict(X)
    model.fit(X, 1 - Y).predict(X)

    assert rows(telemetry) == {"LogisticRegression": 240}
