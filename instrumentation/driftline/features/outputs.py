"""A model's output as named columns. Shared by the adapters of all frameworks."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftline.features.blocks import ColumnArrays
from driftline.records import CLASSIFICATION, CLUSTERING, OUTLIER_DETECTION, NamedColumn
from driftline.semconv import CONFIDENCE, ENTROPY, MARGIN, PREDICTION, SCORE

_NAMED_RESULTS: Final = frozenset({CLASSIFICATION, CLUSTERING, OUTLIER_DETECTION})
"""Tasks whose result is a class name, even if it looks like a number."""

_SUM_ERROR: Final = 1e-3
"""Tolerance on the sum of a row's probabilities, for float32."""


def numbered(name: str, columns: ColumnArrays, *, classes: bool = False) -> list[NamedColumn]:
    """Name a single column `name`, several `name.0`, `name.1`, …."""
    if len(columns) == 1:
        return [NamedColumn(name, columns[0], classes)]
    return [NamedColumn(f"{name}.{position}", values, classes) for position, values in enumerate(columns)]


def results(columns: ColumnArrays, task: str | None) -> list[NamedColumn]:
    """The result of `predict`: class names or numbers, depending on the task."""
    return numbered(PREDICTION, columns, classes=task in _NAMED_RESULTS)


def probabilities(columns: ColumnArrays, classes: Sequence[Any]) -> list[NamedColumn]:
    """Class probabilities, one column per class: the predicted class and its probability (confidence).

    For two classes also the probability of the second as the score; for more, the entropy, in nats, and the margin
    between the two most probable classes. If a row does not sum to 1, the labels are not exclusive, and each column is
    a score.
    """
    table = np.stack(columns)
    if not len(columns) or (np.abs(table.sum(axis=0) - 1) > _SUM_ERROR).any():
        return numbered(SCORE, columns)
    found = [_most_likely(table, classes), NamedColumn(CONFIDENCE, table.max(axis=0))]
    if len(table) == 2:
        return [*found, NamedColumn(SCORE, table[1])]
    return [*found, *_spread(table)] if len(table) > 2 else found


def _spread(table: NDArray[Any]) -> list[NamedColumn]:
    logarithms = np.log(table, out=np.zeros_like(table), where=table > 0)
    second, first = np.partition(table, len(table) - 2, axis=0)[-2:]
    return [NamedColumn(ENTROPY, -(table * logarithms).sum(axis=0)), NamedColumn(MARGIN, first - second)]


def log_probabilities(columns: ColumnArrays, classes: Sequence[Any]) -> list[NamedColumn]:
    """As `probabilities`, from log probabilities."""
    return probabilities([np.exp(column) for column in columns], classes)


def scores(columns: ColumnArrays, classes: Sequence[Any]) -> list[NamedColumn]:
    """Decision values: a single column is the score; with one per class, the greatest and its class."""
    if len(columns) == 1 or len(columns) != len(classes):
        return numbered(SCORE, columns)
    table = np.stack(columns)
    return [_most_likely(table, classes), NamedColumn(SCORE, table.max(axis=0))]


def _most_likely(table: NDArray[Any], classes: Sequence[Any]) -> NamedColumn:
    names = np.asarray(classes) if len(classes) == len(table) else np.arange(len(table))
    return NamedColumn(PREDICTION, names[table.argmax(axis=0)], classes=True)
