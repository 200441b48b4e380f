"""Every estimator that scikit-learn ships: one call, one record, and nothing during the fit."""

import inspect
import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils import all_estimators

import driftline
from driftline import semconv
from driftline.frameworks.sklearn import SklearnInstrumentor
from telemetry import Telemetry

RNG = np.random.default_rng(2)
X = np.abs(RNG.normal(size=(60, 4))) + 0.1
CLASSES = np.arange(60) % 2
TARGETS = (
    CLASSES,
    X[:, 0] * 2 + 1,
    np.stack([CLASSES, 1 - CLASSES], axis=1),
    X[:, :2],
)
"""What estimators want to learn: classes, numbers, several of either."""

MEMBERS: dict[str, Any] = {
    "estimator": LogisticRegression(),
    "estimators": [("a", LogisticRegression()), ("b", LogisticRegression(C=2))],
    "param_grid": {"C": [1.0]},
    "param_distributions": {"C": [1.0, 2.0]},
    "base_estimator": LogisticRegression(),
    "steps": [("last", LogisticRegression())],
    "transformers": [("all", "passthrough", [0, 1])],
    "transformer_list": [("all", "passthrough")],
}
MODEST = {"n_estimators": 3, "max_iter": 20, "n_components": 2, "n_jobs": 2, "cv": 2, "n_iter": 2, "epsilon": 0.1}
"""Parameters that keep a fit short."""


def made(cls: type[BaseEstimator]) -> BaseEstimator | None:
    """An estimator, its required parameters filled in; None where we do not know how."""
    parameters = inspect.signature(cls).parameters
    required = [
        name for name, each in parameters.items() if each.default is each.empty and each.kind.name != "VAR_KEYWORD"
    ]
    given = {name: MEMBERS[name] for name in required if name in MEMBERS}
    if len(given) < len(required):
        return None
    if "estimators" in given and "Regressor" in cls.__name__:
        given["estimators"] = [("a", Ridge()), ("b", Ridge(alpha=2))]
    return cls(**given, **{name: value for name, value in MODEST.items() if name in parameters})


def fitted(cls: type[BaseEstimator]) -> Any:
    """The estimator fitted on the first target that it takes; None where it takes none."""
    for target in TARGETS:
        try:
            estimator = made(cls)
            return None if estimator is None else estimator.fit(X, target)
        except Exception:  # noqa: BLE001, PERF203  # then another target
            continue
    return None


@pytest.mark.filterwarnings("ignore")
def test_one_call_is_one_record_on_every_estimator(telemetry: Telemetry) -> None:
    """Each method of each estimator gives exactly one span with its rows; outputs never differ from a paused call."""
    expected: list[tuple[str, str]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _, cls in all_estimators():
            estimator = fitted(cls)
            for name in SklearnInstrumentor.calls:
                if estimator is None or not hasattr(estimator, name):
                    continue
                try:
                    with driftline.paused():
                        getattr(estimator, name)(X)
                except Exception:  # noqa: BLE001  # it wants another input
                    continue
                getattr(estimator, name)(X)
                expected.append((cls.__name__, name))
    telemetry.flush()

    recorded = [
        (each.attributes[semconv.MODEL_NAME], each.attributes[semconv.OPERATION_NAME]) for each in telemetry.spans()
    ]
    assert recorded == expected
    assert len(expected) > 200
    assert telemetry.total(semconv.INFERENCE_ROWS) == 60 * len(expected)
    assert not telemetry.points(semconv.FAULTS)
