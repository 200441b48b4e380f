"""How often the 95 % intervals hold the value of all rows, where some are labelled with known probabilities."""

import numpy as np
import pytest

from driftline_processor.performance.classification import accuracy, by_class
from driftline_processor.performance.confusion import ConfusionCounts
from driftline_processor.performance.measured import Measured, Metric
from driftline_processor.performance.probabilities import probability_losses
from driftline_processor.performance.ranking import ranking
from driftline_processor.performance.regression import regression

REPEATS, ROWS = 200, 4000
Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]


def classified(y: np.ndarray, s: np.ndarray, w: np.ndarray) -> dict[str, Metric]:
    counts = ConfusionCounts.of(y.astype(np.int64), (s >= 0.5).astype(np.int64), w, 2)
    own = by_class(counts, ["no", "yes"], 1)
    return {
        "accuracy": accuracy(counts),
        **own,
        **ranking(y, s, w, ("no", "yes")),
        **probability_losses(y, s, w),
    }


def covered(labels: int, selection: str) -> dict[str, float]:
    """The share of windows whose realised metrics lie in the intervals of the labelled rows, by metric."""
    rng, hits = np.random.default_rng(labels), dict[str, list[bool]]()
    for _ in range(REPEATS):
        s = rng.beta(1.2, 1.2, ROWS)
        y = rng.random(ROWS) < s
        pull = np.exp(-6 * np.abs(s - 0.5)) if selection == "doubtful" else np.ones(ROWS)
        pi = np.minimum(pull * labels / pull.sum(), 1.0)
        chosen = rng.random(ROWS) < pi
        truth, told = classified(y, s, np.ones(ROWS)), classified(y[chosen], s[chosen], 1 / pi[chosen])
        for name, metric in told.items():
            whole = truth[name]
            if isinstance(metric, Measured) and isinstance(whole, Measured):
                hits.setdefault(name, []).append(metric.low <= whole.value <= metric.high)
    return {name: float(np.mean(each)) for name, each in hits.items()}


@pytest.mark.parametrize("selection", ["random", "doubtful"])
@pytest.mark.parametrize("labels", [50, 300])
def test_intervals_hold(labels: int, selection: str) -> None:
    """Of 200 windows the intervals hold in 180 at least, whoever gets labels, where the probability is known."""
    assert {name: share for name, share in covered(labels, selection).items() if share < 0.90} == {}


def test_intervals_of_regression_hold() -> None:
    """Likewise of errors that are normal."""
    rng, hits = np.random.default_rng(3), dict[str, list[bool]]()
    for _ in range(REPEATS):
        y = rng.gamma(3, 20, ROWS)
        p = np.maximum(y + rng.normal(2, 5, ROWS), 0.0)
        chosen = rng.random(ROWS) < 60 / ROWS
        truth, told = (regression(y[each], p[each], np.ones(each.sum())) for each in (np.ones(ROWS, bool), chosen))
        for name in ("mae", "rmse", "bias", "r2"):
            metric, whole = told[name], truth[name]
            assert isinstance(metric, Measured)
            assert isinstance(whole, Measured)
            hits.setdefault(name, []).append(metric.low <= whole.value <= metric.high)

    assert {name: share for name in hits if (share := float(np.mean(hits[name]))) < 0.90} == {}
