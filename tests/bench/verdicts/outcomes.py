"""Performance and concept drift, measured: intervals under selection, estimates, delays and false alarms.

    PYTHONPATH=tests python -m bench.verdicts.outcomes

Exits 1 where a gate is missed.
"""

import csv
import gzip
import sys
from collections.abc import Iterator
from itertools import product
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from bench.verdicts.real import DATA
from driftline.profiling.outcome_profiles import class_outcomes
from driftline.reference.outcome_profile import ClassOutcomes
from driftline_processor.monitors.concept.monitor import SPANS, Limits, OutcomeMonitor, Stretch
from driftline_processor.performance.classification import accuracy, by_class
from driftline_processor.performance.confusion import ConfusionCounts
from driftline_processor.performance.estimated import estimated_classes
from driftline_processor.performance.label_counts import ClassCounts
from driftline_processor.performance.measured import Measured, Metric
from driftline_processor.performance.ranking import ranking
from driftline_processor.verdicts.verdict import State

Array = NDArray[Any]

GATES: Final = {"accuracy": 0.93, "f1": 0.90, "roc_auc": 0.93}
"""Of 95 % intervals, the share that hold the truth: the mean over models, under every way of choosing labels."""

NANNYML: Final = (0.970744, 0.971011, 0.971407, 0.971091, 0.971123, 0.961090, 0.961825, 0.961073, 0.962533, 0.961316)
"""Its published estimates of the ROC AUC of the car loan's chunks."""

AT_MOST: Final = 0.0022
"""Mean error of ours: the noise of a perfect estimator."""

MODELS: Final = ("good", "weak", "overconfident", "sharp")
SHIFTS: Final = ("none", "flipped", "confident wrong")
SELECTIONS: Final = ("random", "score", "class", "both")
ROWS: Final = 20_000
ALPHA: Final = 4.6e-5


class Gate(NamedTuple):
    """Whether something measured is good enough."""

    what: str
    measured: str
    passed: bool


def scores(rng: np.random.Generator, rows: int, model: str, shift: str) -> tuple[Array, Array]:
    """Scores of a model, and outcomes."""
    if model == "weak":
        score = rate = expit(rng.normal(-0.8, 0.9, rows))
    else:
        score = rate = rng.beta(*{"good": (0.6, 0.6), "sharp": (0.12, 0.3), "overconfident": (1.2, 2.0)}[model], rows)
    if model == "overconfident":
        score = expit(2.2 * logit(rate) + 0.5)
    if shift == "confident wrong":
        off = np.where(score > 0.5, -0.2, 0.2)
        rate = np.where(np.abs(score - 0.5) > 0.4, np.clip(rate + off, 0.0, 1.0), rate)
    if shift == "flipped":
        rate = 0.9 * rate + 0.1 * (1.0 - rate)
    return score, (rng.random(rows) < rate).astype(np.int64)


def chances(score: Array, label: Array, number: int, selection: str) -> Array:
    """That a row gets a label, so that about `number` do."""
    doubtful, positive = np.exp(-6.0 * np.abs(score - 0.5)) + 0.02, np.where(label == 1, 3.0, 1.0)
    weight = {"random": np.ones(len(score)), "score": doubtful, "class": positive, "both": doubtful * positive}
    return np.minimum(1.0, number * weight[selection] / weight[selection].sum())


def measured(score: Array, label: Array, weights: Array) -> dict[str, Metric]:
    """Of labelled rows."""
    counts = ConfusionCounts.of(label, (score >= 0.5).astype(np.int64), weights, 2)
    found: dict[str, Metric] = {"accuracy": accuracy(counts), "f1": by_class(counts, ("0", "1"), 1)["f1"]}
    return {**found, "roc_auc": ranking(label == 1, score, weights, ("0", "1"))["roc_auc"]}


def truth(score: Array, label: Array) -> dict[str, float]:
    told = score >= 0.5
    f1 = 2.0 * (told & (label == 1)).sum() / (told.sum() + label.sum())
    return {
        "accuracy": float(np.mean(told == label)),
        "f1": float(f1),
        "roc_auc": float(roc_auc_score(label, score)),
    }


def coverage(repeats: int, sizes: tuple[int, ...]) -> Iterator[Gate]:
    """Of intervals by rows labelled with known chances: the mean over models and shifts."""
    for selection in SELECTIONS:
        held: dict[str, list[bool]] = {name: [] for name in GATES}
        for shift, size, model in product(SHIFTS, sizes, MODELS):
            rng = np.random.default_rng(3)
            for _ in range(repeats):
                score, label = scores(rng, ROWS, model, shift)
                chance = chances(score, label, size, selection)
                kept = rng.random(ROWS) < chance
                found, whole = measured(score[kept], label[kept], 1.0 / chance[kept]), truth(score, label)
                for name, metric in found.items():
                    if isinstance(metric, Measured):
                        held[name].append(metric.low <= whole[name] <= metric.high)
        for name, each in held.items():
            share = float(np.mean(each))
            yield Gate(
                f"coverage of {name}, labels by {selection}, {len(each)} windows", f"{share:.3f}", share >= GATES[name]
            )


def outcomes_of(score: Array, label: Array, chunks: int) -> ClassOutcomes:
    names = np.array(["0", "1"], object)
    told = names[(score >= 0.5).astype(int)]
    found = class_outcomes(names[label], told, score, np.arange(len(score)) * chunks // len(score))
    assert found is not None
    return found


def counted(outcomes: ClassOutcomes, score: Array, label: Array) -> ClassCounts:
    cell, told = outcomes.cell(score), (score >= 0.5).astype(np.int64)
    return ClassCounts.empty(outcomes).with_rows(cell, told).with_labels(cell, told, label, np.ones(len(score)))


def alarms(outcomes: ClassOutcomes, score: Array, label: Array, per: int) -> Array:
    """Windows of so many rows in alarm."""
    monitor, starts = OutcomeMonitor.of(outcomes, 0.0), range(0, len(score) - per + 1, per)
    panes = [counted(outcomes, score[at : at + per], label[at : at + per]) for at in starts]
    sums = [ClassCounts.empty(outcomes)]
    for pane in panes:
        sums.append(sums[-1].plus(pane))
    found = []
    for end in range(1, len(sums)):
        spans = [span for span in SPANS if span <= end]
        stretches = [
            Stretch(end - span, end, ClassCounts(*(a - b for a, b in zip(sums[end], sums[end - span], strict=True))))
            for span in spans
        ]
        results = monitor.judge(stretches, {}, Limits(2.0 * ALPHA))
        found.append(any(each.verdict is not None and each.verdict.state is State.ALARM for each in results))
    return np.array(found)


def nothing_changes(streams: int) -> Iterator[Gate]:
    """720 hourly windows without a change of the concept: outcomes at random, wandering, with the time of day."""
    for kind, per in product(("at random", "wandering", "daily"), (20, 200)):
        total = 0
        for seed in range(streams):
            rng = np.random.default_rng(seed)
            reference = _stream(rng, kind, per)
            total += int(alarms(outcomes_of(*reference, 90), *_stream(rng, kind, per), per).sum())
        yield Gate(f"720 windows of {per} rows, {kind}: windows in alarm in {streams} streams", f"{total}", total == 0)


def _stream(rng: np.random.Generator, kind: str, per: int, hours: int = 720) -> tuple[Array, Array]:
    swing = np.zeros(hours)
    if kind == "wandering":
        for hour in range(1, hours):
            swing[hour] = 0.9 * swing[hour - 1] + rng.normal(0.0, 0.3 * np.sqrt(0.19))
    if kind == "daily":
        swing = 0.5 * np.sin(2.0 * np.pi * np.arange(hours) / 24.0)
    score = rng.beta(0.8, 1.2, hours * per).clip(1e-6, 1.0 - 1e-6)
    return score, (rng.random(hours * per) < expit(logit(score) + np.repeat(swing, per))).astype(np.int64)


def sea(streams: int) -> Iterator[Gate]:
    """SEA's concept moves from 8 to 9: labelled rows until it is found, in windows of 50."""
    delays, false = [], 0
    for seed in range(streams):
        rng = np.random.default_rng(seed)
        model = LogisticRegression().fit(*_sea(rng, 2_000, 8.0))
        x, y = _sea(rng, 10_000, 8.0)
        outcomes = outcomes_of(model.predict_proba(x)[:, 1], y, 64)
        (x, y), (after, changed) = _sea(rng, 2_500, 8.0), _sea(rng, 2_500, 9.0)
        found = np.flatnonzero(
            alarms(outcomes, model.predict_proba(np.vstack([x, after]))[:, 1], np.append(y, changed), 50)
        )
        false += int((found < 50).sum())
        delays.append((int(found[found >= 50].min(initial=100)) - 49) * 50)
    passed = float(np.median(delays)) <= 300.0 and not false
    yield Gate("SEA 8 → 9: labelled rows, median (worst)", f"{np.median(delays):.0f} ({max(delays)})", passed)


def _sea(rng: np.random.Generator, rows: int, threshold: float) -> tuple[Array, Array]:
    x = rng.uniform(0.0, 10.0, (rows, 3))
    y = (x[:, 0] + x[:, 1] <= threshold).astype(np.int64)
    return x, np.where(rng.random(rows) < 0.1, 1 - y, y)


def car_loan() -> Iterator[Gate]:
    """ROC AUC of ten chunks from scores alone, beside NannyML's published estimates."""
    if not DATA.is_dir():
        return
    before, now, late = (_table(name) for name in ("reference", "analysis", "analysis_labels"))
    labels = dict(zip(late["id"].tolist(), late["repaid"].tolist(), strict=True))
    truths = np.array([int(float(labels[each])) for each in now["id"].tolist()])
    score, told = (before[name].astype(np.float64) for name in ("y_pred_proba", "y_pred"))
    names = np.array(["0", "1"], object)
    known = before["repaid"].astype(np.float64).astype(int)
    outcomes = class_outcomes(names[known], names[told.astype(int)], score, np.arange(len(score)) * 64 // len(score))
    assert outcomes is not None
    ours, true = [], []
    for at in range(0, 50_000, 5_000):
        x, p = (now[name][at : at + 5_000].astype(np.float64) for name in ("y_pred_proba", "y_pred"))
        counts = ClassCounts.empty(outcomes).with_rows(outcomes.cell(x), p.astype(np.int64))
        metric = estimated_classes(outcomes, counts)["roc_auc"]
        assert isinstance(metric, Measured)
        ours.append(metric.value)
        true.append(roc_auc_score(truths[at : at + 5_000], x))
    error, theirs = (float(np.abs(np.array(each) - true).mean()) for each in (ours, NANNYML))
    yield Gate("car loan, mean error of ROC AUC (NannyML's)", f"{error:.6f} ({theirs:.6f})", error <= AT_MOST)


def _table(name: str) -> dict[str, Array]:
    with gzip.open(DATA / f"car_loan_{name}.csv.gz", "rt", encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    return {key: np.array(column) for key, column in zip(head, zip(*rows, strict=True), strict=True)}


def main() -> int:
    """Prints each gate as it is measured."""
    passed = True
    for gates in (car_loan(), sea(20), nothing_changes(2), coverage(30, (50, 300))):
        for gate in gates:
            passed &= gate.passed
            print(f"{'ok    ' if gate.passed else 'MISSED'} {gate.what}: {gate.measured}", flush=True)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
