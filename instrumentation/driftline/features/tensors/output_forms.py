"""Infers what a model's numbers are (logits, probabilities, plain values) from what all rows have in common."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftline.records import CLASSIFICATION, EMBEDDING, MULTILABEL, REGRESSION

LOGITS: Final = "logits"
PROBABILITIES: Final = "probabilities"
LOG_PROBABILITIES: Final = "log_probabilities"
SHARES: Final = "shares"
"""Independent values in [0, 1]: a single one is a class probability, several are label probabilities."""
SHARE_LOGITS: Final = "share_logits"
NUMBERS: Final = "numbers"
VECTOR: Final = "vector"

ENOUGH_ROWS: Final = 64
"""Rows to see before a guess, which is then final."""

_SUM_ERROR: Final = 0.02  # rows of bfloat16 have been seen to sum to 1.003
_SHORTEST_VECTOR: Final = 32

_KNOWN: Final = {REGRESSION: NUMBERS, EMBEDDING: VECTOR}


def known_form(task: str | None) -> str | None:
    """The form implied by the task alone, if any."""
    return None if task is None else _KNOWN.get(task)


def task_of(form: str, width: int) -> str:
    if form in (SHARES, SHARE_LOGITS):
        return CLASSIFICATION if width == 1 else MULTILABEL
    return {NUMBERS: REGRESSION, VECTOR: EMBEDDING}.get(form, CLASSIFICATION)


class Guess:
    """Guesses the form of one output from its rows. form: None until ENOUGH_ROWS were seen.

    Values alone are ambiguous: numbers in [0, 1] are taken as probabilities, and several other numbers as logits.
    """

    def __init__(self, task: str | None) -> None:
        self._task = task
        self._possible = set(_TESTS)
        self._rows = 0
        self.form: str | None = None

    def add(self, table: NDArray[Any]) -> None:
        """Take [width, rows] into account, ignoring rows with non-finite values."""
        rows = table[:, np.isfinite(table).all(axis=0)].astype(np.float64)
        self._rows += rows.shape[1]
        self._possible = {form for form in self._possible if _TESTS[form](rows)}
        if self._rows >= ENOUGH_ROWS:
            self.form = next((form for form in _TESTS if form in self._possible), self._otherwise(len(table)))

    def _otherwise(self, width: int) -> str:
        if self._task == MULTILABEL or (self._task == CLASSIFICATION and width == 1):
            return SHARE_LOGITS
        return LOGITS if width > 1 else NUMBERS


def _is_one(sums: NDArray[Any]) -> bool:
    return bool((np.abs(sums - 1) <= _SUM_ERROR).all())


def _are_probabilities(rows: NDArray[Any]) -> bool:
    return len(rows) > 1 and bool((rows >= 0).all()) and _is_one(rows.sum(axis=0))


def _are_logarithms(rows: NDArray[Any]) -> bool:
    return len(rows) > 1 and bool((rows <= 0).all()) and _is_one(np.exp(rows).sum(axis=0))


def _are_shares(rows: NDArray[Any]) -> bool:
    return bool(((rows >= 0) & (rows <= 1)).all())


def _is_vector(rows: NDArray[Any]) -> bool:
    return len(rows) >= _SHORTEST_VECTOR and _is_one(np.sqrt(np.square(rows).sum(axis=0)))


_TESTS: Final = {
    PROBABILITIES: _are_probabilities,
    LOG_PROBABILITIES: _are_logarithms,
    VECTOR: _is_vector,  # before shares: a vector after a ReLU is in [0, 1], too
    SHARES: _are_shares,
}
"""By precedence."""
