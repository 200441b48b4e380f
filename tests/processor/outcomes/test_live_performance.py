"""Metrics of joined rows are scikit-learn's weighted ones, whatever predictions and labels are written as."""

from typing import Any

import numpy as np
import pytest
from sklearn import metrics

from driftline.rows.table import RowTable
from driftline_processor.encode.performance import PERFORMANCE_METRICS, encode_performance
from driftline_processor.outcomes.labelled_sample import LABEL_TEXT, LABEL_VALUE
from driftline_processor.outcomes.live_performance import figures, measure
from driftline_processor.outcomes.tables import SCORES, TEXT, VALUE, WEIGHT
from driftline_processor.performance.measured import Measured
from driftline_processor.records import MeasuredPerformance, ModelKey, Window

RNG = np.random.default_rng(8)
ROWS = 400
WEIGHTS = RNG.uniform(1, 5, ROWS)
SCORE = RNG.random(ROWS)
TRUTH = (RNG.random(ROWS) < SCORE).astype(int)
TOLD = (SCORE > 0.6).astype(int)


def column(values: Any) -> tuple[np.ndarray, np.ndarray]:
    """Numbers and texts."""
    texts = np.array([each if isinstance(each, str) else "" for each in values], object)
    return np.array([np.nan if isinstance(each, str) else float(each) for each in values]), texts


def table(told: Any, truth: Any, score: Any = None) -> RowTable:
    (value, text), (label, label_text) = column(told), column(truth)
    columns = {VALUE: value, TEXT: text, LABEL_VALUE: label, LABEL_TEXT: label_text, WEIGHT: WEIGHTS}
    columns[SCORES] = np.full(ROWS, np.nan) if score is None else score
    return RowTable(np.arange(ROWS, dtype=np.uint64), np.zeros(ROWS, np.int64), columns)


@pytest.mark.parametrize("names", [(0, 1), ("no", "yes"), (False, True), (10, 20)])
def test_two_classes(names: tuple[Any, Any]) -> None:
    """With a score: of the class that is predicted at the higher ones."""
    told, truth = ([names[each] for each in held.tolist()] for held in (TOLD, TRUTH))
    found = measure(table(told, truth, SCORE), classes=True)
    value = {key: each.value for key, each in found.items() if isinstance(each, Measured)}
    weights = {"sample_weight": WEIGHTS}
    name = names[1] if isinstance(names[1], str) else str(int(names[1]))
    assert value["accuracy", ""] == pytest.approx(metrics.accuracy_score(TRUTH, TOLD, **weights))
    assert value["f1", name] == pytest.approx(metrics.f1_score(TRUTH, TOLD, **weights))
    assert value["precision", name] == pytest.approx(metrics.precision_score(TRUTH, TOLD, **weights))
    assert value["roc_auc", ""] == pytest.approx(metrics.roc_auc_score(TRUTH, SCORE, **weights))
    assert value["brier", ""] == pytest.approx(metrics.brier_score_loss(TRUTH, SCORE, **weights))


def test_numbers() -> None:
    """Some of which are no whole ones; three classes are none."""
    told, truth = RNG.normal(size=ROWS), RNG.normal(size=ROWS)
    found = measure(table(told, truth), classes=False)
    mae = found["mae", ""]
    assert isinstance(mae, Measured)
    assert mae.value == pytest.approx(metrics.mean_absolute_error(truth, told, sample_weight=WEIGHTS))
    three = measure(table(TOLD + (SCORE < 0.2), TRUTH), classes=False)
    assert {name for name, _ in three} == {"accuracy", "balanced_accuracy", "precision", "recall", "f1"}


def test_figures_by_predicted_class() -> None:
    """Mean and sum, of all rows that the sample stands for."""
    revenue = RNG.normal(10, 2, ROWS)
    found = figures(table(TOLD, revenue), 2.0)
    own = TOLD == 1
    assert found["1"].rows == own.sum()
    assert found["1"].mean == pytest.approx(np.average(revenue[own], weights=WEIGHTS[own]))
    assert found["1"].total == pytest.approx(2 * revenue[own] @ WEIGHTS[own])
    assert set(figures(table(RNG.normal(size=ROWS), revenue), 1.0)) == {""}


def test_what_leaves() -> None:
    """Each with both ends of its interval, basis, model and service, and nothing that is no number."""
    model = ModelKey("churn", "7", (("service.name", "shop"),))
    told = {("accuracy", ""): (0.9, 0.8, 0.95), ("f1", "yes"): (0.5, 0.4, float("nan"))}
    performance = MeasuredPerformance(
        model, Window(0, 10**9), 5, 30, 60, told, {("revenue", "yes"): (3, 2.0, 6.0)}, 0.75
    )
    (data,) = encode_performance([performance])
    (resource,) = data.resource_metrics
    assert dict(resource.resource.attributes) == {"service.name": "shop"}
    points = {
        metric.name: (point.value, point.attributes)
        for metric in resource.scope_metrics[0].metrics
        for point in metric.data.data_points
    }
    named = {"service.name": "shop", "ml.model.name": "churn", "ml.model.version": "7"}
    basis = {**named, "ml.performance.basis": "labels"}
    assert points["ml.performance.accuracy.low"] == (0.8, basis)
    assert points["ml.performance.f1"] == (0.5, {**basis, "ml.output.class": "yes"})
    assert "ml.performance.f1.high" not in points
    assert points["ml.performance.labelled"] == (0.5, named)
    assert points["ml.performance.maturity"] == (0.75, named)
    assert points["ml.outcome.sum"] == (6.0, {**named, "ml.outcome.name": "revenue", "ml.output.class": "yes"})
    assert points.keys() <= {metric.name for metric in PERFORMANCE_METRICS}
