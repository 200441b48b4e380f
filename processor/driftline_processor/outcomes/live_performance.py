"""How right a model is, by the labels that have come: metrics of the predictions of a window, and business figures."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftline.rows.table import RowTable
from driftline.sketch.arrays import BoolArray, FloatArray
from driftline_processor.outcomes.labelled_sample import LABEL_TEXT, LABEL_VALUE
from driftline_processor.outcomes.tables import SCORES, TEXT, VALUE, WEIGHT, names_of
from driftline_processor.performance.classification import accuracy, balanced_accuracy, by_class
from driftline_processor.performance.confusion import ConfusionCounts
from driftline_processor.performance.measured import Metric
from driftline_processor.performance.probabilities import probability_losses
from driftline_processor.performance.ranking import ranking
from driftline_processor.performance.regression import regression

MOST_CLASSES: Final = 100
"""Classes of a model, and those of a figure; past so many different numbers, predictions are no classes."""

_HUGE: Final = 1e75

Names = NDArray[Any]


class ClassFigure(NamedTuple):
    """A figure of the rows that were predicted as one class: "" where predictions are numbers."""

    rows: int
    mean: float
    total: float


def measure(table: RowTable, *, classes: bool) -> dict[tuple[str, str], Metric]:
    """The metrics of labelled rows, by name and class ("" for those of no class).

    Args:
        table: Labelled rows.
        classes: Whether predictions are classes for certain.

    """
    weights = _column(table, WEIGHT)
    if not classes and _are_numbers(table):
        y, p = _column(table, LABEL_VALUE), _column(table, VALUE)
        both = (np.abs(y) < _HUGE) & (np.abs(p) < _HUGE)
        return {(name, ""): each for name, each in regression(y[both], p[both], weights[both]).items()}
    truth, told = names_of(table, LABEL_VALUE, LABEL_TEXT), names_of(table, VALUE, TEXT)
    return _of_classes(truth, told, _column(table, SCORES), weights)


def figures(table: RowTable, thinning: float) -> dict[str, ClassFigure]:
    """Mean and sum of a figure, by predicted class. thinning: rows that each row of the table stands for, besides."""
    values, weights = _column(table, LABEL_VALUE), _column(table, WEIGHT)
    told = np.full(len(table), "", object) if _are_numbers(table) else names_of(table, VALUE, TEXT)
    found: dict[str, ClassFigure] = {}
    for name in sorted(set(told.tolist()))[:MOST_CLASSES]:
        own = (told == name) & np.isfinite(values)
        if own.any():
            total = float(values[own] @ weights[own])
            found[name] = ClassFigure(int(own.sum()), total / float(weights[own].sum()), total * thinning)
    return found


def _are_numbers(table: RowTable) -> bool:
    """Whether predictions are numbers: some are no whole ones, or there are too many different ones for classes."""
    values = _column(table, VALUE)
    known = values[np.isfinite(values)]
    if len(known) < len(values) and (table.columns[TEXT] != "").any():
        return False
    return bool((known != np.trunc(known)).any()) or len(np.unique(known)) > MOST_CLASSES


def _of_classes(truth: Names, told: Names, scores: FloatArray, weights: FloatArray) -> dict[tuple[str, str], Metric]:
    named = (truth != "") & (told != "")
    classes = sorted({*truth.tolist(), *told.tolist()} - {""})
    positive = _positive(classes, told, scores)
    found: dict[tuple[str, str], Metric] = {}
    if named.any():
        codes = {name: code for code, name in enumerate(classes)}
        y, p = (np.array([codes[name] for name in each[named].tolist()], np.int64) for each in (truth, told))
        counts = ConfusionCounts.of(y, p, weights[named], len(classes))
        found["accuracy", ""] = accuracy(counts)
        if len(classes) > 1:
            found["balanced_accuracy", ""] = balanced_accuracy(counts, classes)
        for name in classes[:MOST_CLASSES]:
            found |= {(kind, name): each for kind, each in by_class(counts, classes, codes[name]).items()}
    if positive is not None:
        found |= {(name, ""): each for name, each in _of_scores(truth, scores, weights, classes, positive).items()}
    return found


def _of_scores(
    truth: Names, scores: FloatArray, weights: FloatArray, classes: list[str], positive: str
) -> Mapping[str, Metric]:
    known: BoolArray = np.isfinite(scores) & (truth != "")
    if not known.any():
        return {}
    hits, other = truth[known] == positive, next(name for name in classes if name != positive)
    ranked = ranking(hits, scores[known], weights[known], (other, positive))
    return {**ranked, **probability_losses(hits, scores[known], weights[known])}


def _positive(classes: list[str], told: Names, scores: FloatArray) -> str | None:
    """Of two classes, the one that is predicted at the higher scores; else the last by name."""
    if len(classes) != 2:
        return None
    known = np.isfinite(scores)
    means = [(scores[known & (told == name)], name) for name in classes]
    if all(len(each) for each, _ in means):
        return max((float(each.mean()), name) for each, name in means)[1]
    return classes[-1]


def _column(table: RowTable, column: Any) -> FloatArray:
    return np.asarray(table.columns[column], np.float64) if len(table) else np.zeros(0)
