"""Every metric is scikit-learn's weighted one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from driftline_processor.performance.classification import accuracy, balanced_accuracy, by_class
from driftline_processor.performance.confusion import ConfusionCounts
from driftline_processor.performance.measured import Measured, Metric, Refused
from driftline_processor.performance.probabilities import probability_losses
from driftline_processor.performance.ranking import ranking
from driftline_processor.performance.regression import regression

ROWS = 400
SEEDS = st.integers(0, 2**32 - 1)
WEIGHINGS = st.sampled_from(["equal", "few", "skewed"])


def weights_of(weighing: str, rng: np.random.Generator, rows: int = ROWS) -> np.ndarray:
    """Equal; one of two; or over two decades."""
    if weighing == "equal":
        return np.ones(rows)
    return rng.choice([1.0, 7.5], rows) if weighing == "few" else 10.0 ** rng.uniform(0, 2, rows)


def check(metric: Metric, expected: float) -> None:
    assert isinstance(metric, Measured), metric
    assert metric.value == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert metric.low <= metric.value <= metric.high


@settings(deadline=None, max_examples=25)
@given(SEEDS, WEIGHINGS, st.integers(2, 7))
def test_classification(seed: int, weighing: str, classes: int) -> None:
    """Accuracy, balanced accuracy, and precision, recall and F1 of each class."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, ROWS)
    p = np.where(rng.random(ROWS) < 0.7, y, rng.integers(0, classes, ROWS))
    w = weights_of(weighing, rng)
    names = [f"c{code}" for code in range(classes)]
    counts = ConfusionCounts.of(y, p, w, classes)

    check(accuracy(counts), metrics.accuracy_score(y, p, sample_weight=w))
    check(balanced_accuracy(counts, names), metrics.balanced_accuracy_score(y, p, sample_weight=w))
    expected = metrics.precision_recall_fscore_support(y, p, sample_weight=w)
    for code in range(classes):
        for name, values in zip(("precision", "recall", "f1"), expected, strict=False):
            check(by_class(counts, names, code)[name], values[code])


@settings(deadline=None, max_examples=25)
@given(SEEDS, WEIGHINGS, st.sampled_from([1, 2, 16]))
def test_scores(seed: int, weighing: str, decimals: int) -> None:
    """ROC AUC, PR AUC, log loss and Brier score, with and without ties."""
    rng = np.random.default_rng(seed)
    s = rng.beta(1, 2, ROWS).round(decimals)
    y = rng.random(ROWS) < 0.1 + 0.8 * s
    w = weights_of(weighing, rng)

    found = {**ranking(y, s, w, ("no", "yes")), **probability_losses(y, s, w)}

    check(found["roc_auc"], metrics.roc_auc_score(y, s, sample_weight=w))
    check(found["pr_auc"], metrics.average_precision_score(y, s, sample_weight=w))
    check(found["log_loss"], metrics.log_loss(y, s, sample_weight=w))
    check(found["brier"], metrics.brier_score_loss(y, s, sample_weight=w))
    assert isinstance(found["calibration_error"], Measured)


@settings(deadline=None, max_examples=25)
@given(SEEDS, WEIGHINGS)
def test_regression(seed: int, weighing: str) -> None:
    """MAE, RMSE, RMSLE, bias and R²."""
    rng = np.random.default_rng(seed)
    y = rng.gamma(2, 20, ROWS)
    p = y * rng.lognormal(0.1, 0.3, ROWS)
    w = weights_of(weighing, rng)

    found = regression(y, p, w)

    check(found["mae"], metrics.mean_absolute_error(y, p, sample_weight=w))
    check(found["rmse"], metrics.mean_squared_error(y, p, sample_weight=w) ** 0.5)
    check(found["rmsle"], metrics.mean_squared_log_error(y, p, sample_weight=w) ** 0.5)
    check(found["bias"], float(np.average(p - y, weights=w)))
    check(found["r2"], metrics.r2_score(y, p, sample_weight=w))


def test_counts_of_parts_add_up() -> None:
    """The counts of two windows are those of their rows together."""
    rng = np.random.default_rng(1)
    y, p, w = rng.integers(0, 3, 90), rng.integers(0, 3, 90), rng.random(90) + 0.1
    parts = ConfusionCounts.of(y[:40], p[:40], w[:40], 3).plus(ConfusionCounts.of(y[40:], p[40:], w[40:], 3))

    for part, whole in zip(parts, ConfusionCounts.of(y, p, w, 3), strict=True):
        for a, b in zip(part, whole, strict=True):
            assert a == pytest.approx(b)


def test_calibration_error_of_two_bins() -> None:
    """Scores of .25 that come true in half of the rows and of .75 in all: a gap of a quarter in both."""
    s = np.repeat([0.25, 0.75], 40)
    y = np.concatenate([np.arange(40) % 2 == 0, np.ones(40, bool)])

    check(probability_losses(y, s, np.ones(80))["calibration_error"], 0.25)


def test_few_labels_are_refused() -> None:
    """Under 20 labels nothing is told, and under 5 of a class nothing that needs it."""
    y = np.zeros(30, np.int64)
    y[:4] = 1
    counts, few = (ConfusionCounts.of(x, x, np.ones(len(x)), 2) for x in (y, y[:19]))

    assert accuracy(few) == Refused("19 labelled rows (at least 20 needed)")
    assert isinstance(accuracy(counts), Measured)
    needed = Refused("4 labels of class 'yes' (at least 5 needed)")
    assert by_class(counts, ["no", "yes"], 1)["recall"] == needed
    assert balanced_accuracy(counts, ["no", "yes"]) == needed
    assert ranking(y == 1, y * 1.0, np.ones(30), ("no", "yes"))["roc_auc"] == needed


def test_scores_beyond_one_are_no_probabilities() -> None:
    """Log loss, Brier score and calibration error need probabilities; ranks do not."""
    y, s = np.arange(40) % 2 == 0, np.linspace(-3, 3, 40)

    found = probability_losses(y, s, np.ones(40))

    assert set(found.values()) == {Refused("scores are no probabilities: they leave 0 to 1")}
