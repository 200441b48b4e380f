"""Evaluating a model is no traffic: whatever it predicts to score."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import cross_val_predict, cross_val_score, cross_validate, learning_curve

import driftline
from driftline import semconv
from telemetry import Telemetry

X = np.random.default_rng(0).normal(size=(120, 4))
Y = (X[:, 0] > 0).astype(int)

EVALUATIONS: dict[str, Callable[[Any], Any]] = {
    "no scoring": lambda model: cross_val_score(model, X, Y, cv=3),
    "a name": lambda model: cross_val_score(model, X, Y, cv=3, scoring="accuracy"),
    "a function": lambda model: cross_val_score(model, X, Y, cv=3, scoring=lambda m, x, y: (m.predict(x) == y).mean()),
    "several": lambda model: cross_validate(model, X, Y, cv=3, scoring=["accuracy", "roc_auc"]),
    "in workers": lambda model: cross_val_score(model, X, Y, cv=3, scoring="accuracy", n_jobs=2),
    "predictions": lambda model: cross_val_predict(model, X, Y, cv=3, method="predict_proba"),
    "predictions in workers": lambda model: cross_val_predict(model, X, Y, cv=3, n_jobs=2),
    "a learning curve": lambda model: learning_curve(model, X, Y, cv=3),
    "importances": lambda model: permutation_importance(model, X, Y, n_repeats=2),
    "a scorer by itself": lambda model: get_scorer("accuracy")(model, X, Y),
}


@pytest.mark.parametrize("evaluation", EVALUATIONS)
def test_an_evaluation_is_not_counted(evaluation: str, telemetry: Telemetry) -> None:
    """And a prediction after it is."""
    model = LogisticRegression().fit(X, Y)
    EVALUATIONS[evaluation](model)
    telemetry.flush()
    assert telemetry.total(semconv.INFERENCE_ROWS) == 0
    assert telemetry.spans() == []

    model.predict(X)
    telemetry.flush()
    assert telemetry.total(semconv.INFERENCE_ROWS) == 120


def test_scorers_are_as_before_after_uninstrument(instrumented: Callable[..., Telemetry]) -> None:
    """The same functions."""
    from sklearn.metrics import _scorer

    before = _scorer._BaseScorer.__call__
    instrumented()
    assert _scorer._BaseScorer.__call__ is not before
    driftline.uninstrument()
    assert _scorer._BaseScorer.__call__ is before
