"""Rows that a model is unsure of, by what its outputs say of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from opentelemetry.metrics import Meter

from driftline import semconv
from driftline.export.row_counters import RowCounters
from driftline.records import ModelFacts, NamedColumn
from driftline.settings import Settings

REASONS: Final = {
    semconv.CONFIDENCE: semconv.LOW_CONFIDENCE,
    semconv.MARGIN: semconv.SMALL_MARGIN,
}
"""By output, why a row with a low value is an edge case."""


def limits(settings: Settings) -> Mapping[str, float]:
    """By output, below which value a row is an edge case."""
    return {semconv.CONFIDENCE: settings.low_confidence, semconv.MARGIN: settings.small_margin}


def reasons(outputs: Iterable[tuple[str, Sequence[Any]]], below: Mapping[str, float]) -> list[str]:
    """Why some of the rows are edge cases. outputs: by name, a value a row."""
    return [
        REASONS[name]
        for name, values in outputs
        if name in below and any(isinstance(value, float) and value < below[name] for value in values)
    ]


class EdgeCaseCounter:
    """Counts all rows that are edge cases by their outputs. meter: asked for at the first one."""

    def __init__(self, settings: Settings, meter: Callable[[], Meter]) -> None:
        self._below, self._counters = limits(settings), RowCounters(meter)

    def count(self, model: ModelFacts, column: NamedColumn) -> None:
        """The rows of an output of a model."""
        below = self._below.get(column.name)
        if below is not None and column.values.dtype.kind == "f":
            reason, rows = REASONS[column.name], int(np.count_nonzero(column.values < below))
            self._counters.add(semconv.EDGE_CASES, model, rows, {semconv.EDGE_CASE_REASON: reason})
