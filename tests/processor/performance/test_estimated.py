"""Performance before labels: what the reference knows of each cell, times all rows."""

from typing import Any

import numpy as np
import pytest
from scipy.special import expit
from sklearn import metrics

from driftline.profiling.outcome_profiles import class_outcomes, number_outcomes
from driftline.reference.outcome_profile import ClassOutcomes
from driftline_processor.performance.estimated import Unseen, estimated_classes, estimated_numbers
from driftline_processor.performance.harm import harm
from driftline_processor.performance.label_counts import ClassCounts, NumberCounts
from driftline_processor.performance.measured import Measured, Refused

THRESHOLD = 0.65
ROWS = 20_000


def scored(rows: int, seed: int, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Calibrated scores, classes predicted from THRESHOLD on, and labels."""
    rng = np.random.default_rng(seed)
    score = expit(rng.normal(shift, 1.5, rows))
    label = np.where(rng.random(rows) < score, "yes", "no")
    return score, np.where(score >= THRESHOLD, "yes", "no"), label


def reference() -> ClassOutcomes:
    score, told, label = scored(ROWS, 1)
    found = class_outcomes(label, told, score, np.arange(ROWS) * 64 // ROWS)
    assert found is not None
    return found


def window(outcomes: ClassOutcomes, score: np.ndarray, told: np.ndarray) -> ClassCounts:
    codes = np.array([outcomes.classes.index(each) for each in told])
    return ClassCounts.empty(outcomes).with_rows(outcomes.cell(score), codes)


def test_the_threshold_is_an_edge() -> None:
    """Every cell has one predicted class."""
    outcomes = reference()

    assert outcomes.positive == "yes"
    assert ((outcomes.joint.sum(axis=2) > 0).sum(axis=1) == 1).all()


def test_estimates_hold_the_truth_where_scores_move() -> None:
    """Of a shifted window, of which no label is known."""
    outcomes = reference()
    score, told, label = scored(5_000, 2, shift=0.8)
    found = estimated_classes(outcomes, window(outcomes, score, told))
    truth = {
        "accuracy": metrics.accuracy_score(label, told),
        "f1": metrics.f1_score(label, told, pos_label="yes"),
        "precision": metrics.precision_score(label, told, pos_label="yes"),
        "recall.no": metrics.recall_score(label, told, pos_label="no"),
        "roc_auc": metrics.roc_auc_score(label == "yes", score),
    }

    for name, value in truth.items():
        metric = found[name]
        assert isinstance(metric, Measured)
        assert metric.low <= value <= metric.high, name
        assert metric.high - metric.low < 0.08, name


def test_intervals_cover() -> None:
    """ROC AUC and accuracy of 100 windows of 1,000 rows: at least 90 of them."""
    outcomes, held = reference(), {"accuracy": 0, "roc_auc": 0}
    for seed in range(100):
        score, told, label = scored(1_000, 100 + seed)
        found = estimated_classes(outcomes, window(outcomes, score, told))
        truth = {"accuracy": np.mean(label == told), "roc_auc": metrics.roc_auc_score(label == "yes", score)}
        for name, value in truth.items():
            metric = found[name]
            assert isinstance(metric, Measured)
            held[name] += metric.low <= value <= metric.high

    assert min(held.values()) >= 90, held


def test_unseen_rows_widen_and_refuse() -> None:
    """By their share up to 5 %; beyond it nothing is told but which input it is."""
    outcomes = reference()
    score, told, _ = scored(2_000, 3)
    counts = window(outcomes, score, told)
    plain, some = (estimated_classes(outcomes, counts, Unseen(share, "age"))["accuracy"] for share in (0.0, 0.04))
    refused = estimated_classes(outcomes, counts, Unseen(0.06, "age"))["accuracy"]

    assert isinstance(plain, Measured)
    assert isinstance(some, Measured)
    assert some.low == pytest.approx(plain.low - 0.04)
    assert isinstance(refused, Refused)
    assert "age" in refused.reason


def test_several_classes_by_confidence() -> None:
    """Three classes, predicted right as often as the confidence says."""
    rng = np.random.default_rng(5)
    names = np.array(["a", "b", "c"])

    def made(rows: int, low: float) -> tuple[Any, Any, Any]:
        label, confidence = rng.integers(0, 3, rows), rng.uniform(low, 1.0, rows)
        told = np.where(rng.random(rows) < confidence, label, (label + 1) % 3)
        return names[label].astype(object), names[told].astype(object), confidence

    label, told, confidence = made(10_000, 0.4)
    outcomes = class_outcomes(label, told, confidence, np.arange(10_000) * 64 // 10_000)
    assert outcomes is not None
    label, told, confidence = made(5_000, 0.7)
    found = estimated_classes(outcomes, window(outcomes, confidence, told))

    assert outcomes.positive == ""
    accuracy, f1 = found["accuracy"], found["f1.a"]
    assert isinstance(accuracy, Measured)
    assert isinstance(f1, Measured)
    assert accuracy.value == pytest.approx(np.mean(label == told), abs=0.02)
    assert f1.value == pytest.approx(metrics.f1_score(label == "a", told == "a"), abs=0.02)


def test_the_one_input_that_changes_errors() -> None:
    """Errors twice as large at night, which the prediction does not show: a window of nights."""
    rng = np.random.default_rng(6)

    def made(rows: int, nights: float) -> tuple[Any, Any, dict[str, Any]]:
        night, guess = rng.random(rows) < nights, rng.uniform(10, 100, rows)
        error = rng.normal(0, 1, rows) * guess / 10 * np.where(night, 3.0, 1.0)
        return guess - error, guess, {"night": np.where(night, "yes", "no").astype(object), "x": rng.random(rows)}

    label, guess, inputs = made(20_000, 0.2)
    outcomes = number_outcomes(label, guess, np.arange(20_000) * 64 // 20_000, inputs)
    label, guess, inputs = made(4_000, 0.8)
    cells = (
        np.array([each.categories.index(value) for value in inputs["night"]])
        if each.categories
        else np.searchsorted(each.edges, inputs["x"], "right")
        for each in outcomes.inputs
    )
    counts = NumberCounts.empty(outcomes).with_rows(outcomes.cell(guess), tuple(cells))
    mae = estimated_numbers(outcomes, counts)["mae"]

    assert isinstance(mae, Measured)
    assert mae.value == pytest.approx(np.abs(label - guess).mean(), rel=0.06)


def test_a_change_may_be_no_harm() -> None:
    """Surer scores than in training promise more, doubtful ones less: only these are harm."""
    outcomes = reference()
    training = estimated_classes(outcomes, ClassCounts.empty(outcomes)._replace(rows=outcomes.joint.sum(axis=2)))
    told = []
    for low, high in ((0.9, 1.0), (0.4, 0.9)):
        score = np.random.default_rng(8).uniform(low, high, 3_000)
        classes = np.where(score >= THRESHOLD, "yes", "no")
        told.append(harm(estimated_classes(outcomes, window(outcomes, score, classes)), training))

    assert [each is not None and each.harmful for each in told] == [False, True]
    assert harm({}, training) is None
