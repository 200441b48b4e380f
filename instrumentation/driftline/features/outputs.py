"""What a model returned, as named output columns. Shared by the adapters of all frameworks."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftline.records import CLASSIFICATION, CLUSTERING, OUTLIER_DETECTION, NamedColumn
from driftline.semconv import CONFIDENCE, ENTROPY, MARGIN, PREDICTION, SCORE

_NAMED_RESULTS: Final = frozenset({CLASSIFICATION, CLUSTERING, OUTLIER_DETECTION})
"""Tasks whose result is a name, even where it looks like a number."""

_SUM_ERROR: Final = 1e-3
"""How far from 1 the probabilities of a row may add up in float32."""

ColumnArrays = Sequence[NDArray[Any]]


def numbered(name: str, columns: ColumnArrays, *, classes: bool = False) -> list[NamedColumn]:
    """One column as it is; several with their numbers."""
    if len(columns) == 1:
        return [NamedColumn(name, columns[0], classes)]
    return [NamedColumn(f"{name}.{position}", values, classes) for position, values in enumerate(columns)]


def results(columns: ColumnArrays, task: str | None) -> list[NamedColumn]:
    """What `predict` returned: classes or numbers, as the task says."""
    return numbered(PREDICTION, columns, classes=task in _NAMED_RESULTS)


def probabilities(columns: ColumnArrays, classes: Sequence[Any]) -> list[NamedColumn]:
    """Probabilities, a column a class: the class predicted, its probability, and of two classes the second one's.

    Of more classes their entropy, in nats, and the margin of the most probable one before the next.

    Where a row does not add up to 1, several labels may hold at once: each column is a score.
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
    """As `probabilities`, of their logarithms."""
    return probabilities([np.exp(column) for column in columns], classes)


def scores(columns: ColumnArrays, classes: Sequence[Any]) -> list[NamedColumn]:
    """Decision values: one column is the score; of a column a class the greatest, and the class that has it."""
    if len(columns) == 1 or len(columns) != len(classes):
        return numbered(SCORE, columns)
    table = np.stack(columns)
    return [_most_likely(table, classes), NamedColumn(SCORE, table.max(axis=0))]


def _most_likely(table: NDArray[Any], classes: Sequence[Any]) -> NamedColumn:
    names = np.asarray(classes) if len(classes) == len(table) else np.arange(len(table))
    return NamedColumn(PREDICTION, names[table.argmax(axis=0)], classes=True)
