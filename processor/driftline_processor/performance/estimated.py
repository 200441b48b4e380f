"""Performance before labels come: what the reference knows of each cell of score and prediction, times all rows.

It takes the outcome given score and prediction to be as in training, so it cannot see concept drift.
"""

from collections.abc import Iterator, Mapping
from math import sqrt
from typing import Final, NamedTuple

import numpy as np

from driftline.reference.outcome_profile import ClassOutcomes, InputLosses, NumberOutcomes
from driftline.sketch.arrays import FloatArray
from driftline_processor.performance.intervals import NORMAL
from driftline_processor.performance.label_counts import ClassCounts, NumberCounts
from driftline_processor.performance.measured import Measured, Metric, Refused

LIMITS_OF_ESTIMATES: Final = "estimated from scores: cannot see concept drift"

MOST_UNSEEN: Final = 0.05
"""Share of rows that are like none of training, from which on nothing is told."""

FEWEST_ROWS: Final = 30
"""Training rows in a cell that make it a known one."""

PRIOR: Final = 10.0
"""Rows that what is known of a predicted class and its confidence counts as, in a cell of one of several classes."""

MOST_CLASSES: Final = 100
"""Classes whose precision, recall and F1 are told."""

_WIDENED: Final[Mapping[str, float]] = {"roc_auc": 1.5, "precision": 2.0, "recall": 2.0, "f1": 2.0}
"""So many times the share of unseen rows widens an interval; all others once."""


class Unseen(NamedTuple):
    """The largest share of rows that are like none of training in one respect. what: which, for people."""

    share: float
    what: str


NOTHING_UNSEEN: Final = Unseen(0.0, "")


class _Term(NamedTuple):
    """A metric as a function of expected labels. gradient: by each expected label; broadcasts to those of `_Cells`."""

    value: float
    gradient: FloatArray


class _Cells(NamedTuple):
    """Of every cell and predicted class: rows now, rows of the reference, and the chances of each label.

    rows, known: [cells, predicted]. chances, steady: [cells, predicted, labels]; the second kept off 0 and 1, for
    variances only: as an estimate it would be biased in sharp models.
    """

    rows: FloatArray
    known: FloatArray
    chances: FloatArray
    steady: FloatArray

    @property
    def expected(self) -> FloatArray:
        """Labels, [cells, predicted, labels]."""
        return self.rows[:, :, None] * self.chances


def estimated_classes(
    outcomes: ClassOutcomes, counts: ClassCounts, unseen: Unseen = NOTHING_UNSEEN
) -> dict[str, Metric]:
    """Accuracy, F1 and the like of classes, and ROC AUC of two.

    Args:
        outcomes: Of the reference.
        counts: Of the window.
        unseen: The largest share of rows that one input takes out of what training has seen.

    """
    cells = _cells(outcomes, counts)
    rows = float(cells.rows.sum())
    if rows <= 0.0:
        return {}
    thin = float(cells.rows[cells.known < FEWEST_ROWS].sum()) / rows
    unseen = max(unseen, Unseen(thin, "scores and predictions"), key=lambda each: each.share)
    terms = dict(_terms(outcomes, cells))
    if unseen.share > MOST_UNSEEN:
        return dict.fromkeys(terms, refusal(unseen))
    return {name: _bounded(name, term, cells, unseen.share) for name, term in terms.items()}


def refusal(unseen: Unseen) -> Refused:
    """Why nothing is estimated."""
    return Refused(f"{unseen.share:.0%} of the rows are like none of training: {unseen.what}")


def _cells(outcomes: ClassOutcomes, counts: ClassCounts) -> _Cells:
    known = outcomes.joint.sum(axis=2)
    labels = len(outcomes.classes)
    prior = _prior(outcomes)
    if labels == 2:
        chances = np.where(known[:, :, None] > 0.0, outcomes.joint / np.maximum(known, 1.0)[:, :, None], prior)
    else:
        chances = (outcomes.joint + PRIOR * prior) / (known + PRIOR)[:, :, None]
    steady = (outcomes.joint + 1.0 / labels) / (known + 1.0)[:, :, None]
    return _Cells(counts.rows, known, chances, steady)


def _prior(outcomes: ClassOutcomes) -> FloatArray:
    """Of a cell: the chance to be right by the confidence alone, the rest by the predicted class and what it is not."""
    by_class = outcomes.joint.sum(axis=0)
    shares = (by_class + 1.0 / by_class.shape[1]) / (by_class.sum(axis=1, keepdims=True) + 1.0)
    if not outcomes.predicts:
        return np.broadcast_to(shares, outcomes.joint.shape)
    labels = len(outcomes.classes)
    hits = np.einsum("cpp->c", outcomes.joint)
    right = (hits + 0.5) / (outcomes.joint.sum(axis=(1, 2)) + 1.0)
    off = shares * (1.0 - np.eye(labels))
    off /= np.maximum(off.sum(axis=1, keepdims=True), 1e-300)
    prior: FloatArray = right[:, None, None] * np.eye(labels) + (1.0 - right)[:, None, None] * off
    return prior


def _terms(outcomes: ClassOutcomes, cells: _Cells) -> Iterator[tuple[str, _Term]]:
    expected, positive = cells.expected, outcomes.positive
    if outcomes.predicts:
        yield from _confusion_terms(outcomes, expected.sum(axis=0), cells.rows.sum(axis=0))
    if positive and outcomes.scored:
        yield from _area_term(outcomes, expected.sum(axis=1), outcomes.classes.index(positive))


def _confusion_terms(outcomes: ClassOutcomes, joint: FloatArray, told: FloatArray) -> Iterator[tuple[str, _Term]]:
    """joint: expected labels, [predicted, labels]. told: rows, [predicted]."""
    labels = joint.sum(axis=0)
    right = np.eye(len(outcomes.classes))
    yield "accuracy", _Term(float(np.trace(joint) / told.sum()), right / told.sum())
    single = {name: _class_terms(joint, told, labels, code) for code, name in enumerate(outcomes.classes)}
    recalls = [each["recall"] for each in single.values() if "recall" in each]
    if recalls:
        gradient = np.mean([each.gradient for each in recalls], axis=0)
        yield "balanced_accuracy", _Term(float(np.mean([each.value for each in recalls])), gradient)
    if outcomes.positive:
        yield from single[outcomes.positive].items()
    for name in outcomes.classes[:MOST_CLASSES]:
        yield from ((f"{kind}.{name}", term) for kind, term in single[name].items())


def _class_terms(joint: FloatArray, told: FloatArray, labels: FloatArray, code: int) -> dict[str, _Term]:
    hits, column, row = float(joint[code, code]), np.zeros_like(joint), np.zeros_like(joint)
    hit = np.zeros_like(joint)
    hit[code, code], column[:, code], row[code] = 1.0, 1.0, 1.0
    terms = {}
    if told[code] > 0.0:
        precision = hits / told[code]
        terms["precision"] = _Term(float(precision), (hit - precision * row) / told[code])
    if labels[code] > 0.0:
        recall = hits / labels[code]
        terms["recall"] = _Term(float(recall), (hit - recall * column) / labels[code])
    both = told[code] + labels[code]
    if both > 0.0:
        f1 = 2.0 * hits / both
        terms["f1"] = _Term(float(f1), (2.0 * hit - f1 * column) / both)
    return terms


def _area_term(outcomes: ClassOutcomes, labels: FloatArray, positive: int) -> Iterator[tuple[str, _Term]]:
    """labels: expected, [cells, 2]."""
    p, q = labels[:, positive], labels[:, 1 - positive]
    if min(p.sum(), q.sum()) <= 0.0:
        return
    below = (np.cumsum(q) - q + outcomes.areas * q) / q.sum()
    above = (p.sum() - np.cumsum(p) + outcomes.areas * p) / p.sum()
    area = float(p @ below / p.sum())
    gradient = np.zeros((len(p), 1, 2))
    gradient[:, 0, positive], gradient[:, 0, 1 - positive] = (below - area) / p.sum(), (above - area) / q.sum()
    yield "roc_auc", _Term(area, gradient)


def _bounded(name: str, term: _Term, cells: _Cells, unseen: float) -> Measured:
    """± z errors: of the calibration, as large as the reference is, and of this window's own chance."""
    gradient = np.broadcast_to(term.gradient, cells.steady.shape)
    mean = (cells.steady * gradient).sum(axis=2)
    variance = (cells.steady * gradient**2).sum(axis=2) - mean**2
    spread = cells.rows**2 / (cells.known + 1.0) + cells.rows
    half = NORMAL * sqrt(max(float((spread * variance).sum()), 0.0))
    half += _WIDENED.get(name.split(".", maxsplit=1)[0], 1.0) * unseen
    value = min(max(term.value, 0.0), 1.0)
    return Measured(value, max(value - half, 0.0), min(value + half, 1.0))


_ABSOLUTE: Final = 2
_SQUARE: Final = 3
"""Of the sums of errors: Σ|e| and Σe²."""


def estimated_numbers(
    outcomes: NumberOutcomes, counts: NumberCounts, unseen: Unseen = NOTHING_UNSEEN
) -> dict[str, Metric]:
    """MAE and RMSE: mean loss by cell of the prediction, times the ratio by value of the one input that changes it.

    Args:
        outcomes: Of the reference.
        counts: Of the window.
        unseen: The largest share of rows that one input takes out of what training has seen.

    """
    rows = float(counts.rows.sum())
    if rows <= 0.0:
        return {}
    thin = float(counts.rows[outcomes.sums[:, 0] < FEWEST_ROWS].sum()) / rows
    unseen = max(unseen, Unseen(thin, "predictions"), key=lambda each: each.share)
    if unseen.share > MOST_UNSEEN:
        return dict.fromkeys(("mae", "rmse"), refusal(unseen))
    mae = _mean_loss(outcomes, counts, _ABSOLUTE)
    squared = _mean_loss(outcomes, counts, _SQUARE)
    return {"mae": mae, "rmse": Measured(*(sqrt(each) for each in squared))}


def _mean_loss(outcomes: NumberOutcomes, counts: NumberCounts, term: int) -> Measured:
    sums, rows = outcomes.sums, counts.rows
    known = np.maximum(sums[:, 0], 1.0)
    means = sums[:, term] / known
    squares = sums[:, _SQUARE if term == _ABSOLUTE else 4] / known
    total = float(rows.sum())
    ratio, error = _ratio(outcomes, counts, term)
    value = float(rows @ means) / total
    variance = float((rows**2 / known + rows) @ np.maximum(squares - means**2, 0.0)) / total**2
    relative = sqrt(variance) / value if value > 0.0 else 0.0
    factor = float(np.exp(min(NORMAL * sqrt(relative**2 + error**2), 700.0)))
    value *= ratio
    return Measured(value, value / factor, value * factor)


def _ratio(outcomes: NumberOutcomes, counts: NumberCounts, term: int) -> tuple[float, float]:
    """Of the input that changes the loss most, what it does to it beside the prediction, and the doubt in it."""
    found = [
        _effect(losses, now, term) for losses, now in zip(outcomes.inputs, counts.inputs, strict=True) if now.sum()
    ]
    ratio, error, _ = max(found, key=lambda each: each[2], default=(1.0, 0.0, 0.0))
    return ratio, error


def _effect(losses: InputLosses, now: FloatArray, term: int) -> tuple[float, float, float]:
    """Ratio and its relative error; and share of rows moved × |log ratio|, by which inputs compete."""
    rows = losses.sums[:, 0]
    actual, expected = losses.sums[:, term - 1], losses.sums[:, term + 1]
    ratios = np.where(expected > 0.0, actual / np.where(expected > 0.0, expected, 1.0), 1.0)
    weights = expected / np.maximum(rows, 1.0)
    before, after = rows / max(rows.sum(), 1.0), now / now.sum()
    usual = float(before * weights @ ratios / max(before @ weights, 1e-300))
    ratio = float(after * weights @ ratios / max(after @ weights, 1e-300)) / max(usual, 1e-300)
    moved = float(np.abs(after - before).sum()) / 2.0
    ratio = max(ratio, 1e-6)
    error = moved / sqrt(max(float(rows[after > before].min(initial=rows.sum())), 1.0))
    return ratio, error, moved * abs(float(np.log(ratio)))
