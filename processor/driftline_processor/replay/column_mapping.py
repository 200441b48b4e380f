"""Columns of the data → columns of the model, with rows as the instrumentation would receive them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftline import semconv
from driftline.profiling.plan import PlannedColumn
from driftline.reference.column_types import BOOLEAN
from driftline_processor.monitors.drift.binning.reading import reader_of_texts
from driftline_processor.monitors.drift.statistics.view import CATEGORY, NUMERIC
from driftline_processor.records import ColumnKey, Reference, ReferenceColumn
from driftline_processor.replay.errors import ReplayError


@dataclass(frozen=True, slots=True)
class ReplayedColumn:
    """A column of the data as one of the model. classes: its values are labels. read: the number that a text is."""

    key: ColumnKey
    planned: PlannedColumn
    classes: bool
    read: Callable[[str], float | None] | None = None

    def values(self, batch: Any) -> NDArray[Any]:
        """Its rows in a record batch, [rows]: floats, NaN where missing; or objects, None where missing."""
        if self.planned.is_text:
            texts: NDArray[Any] = batch.column(self.planned.source).to_numpy(zero_copy_only=False)
            return texts if self.read is None else _numbers_in(texts, self.read)
        if self.classes and self.planned.kind == BOOLEAN:
            return np.asarray(batch.column(self.planned.source).to_numpy(zero_copy_only=False))
        return self.planned.numbers(batch)


def _numbers_in(texts: NDArray[Any], read: Callable[[str], float | None]) -> NDArray[Any]:
    values = np.empty(len(texts), object)
    for row, text in enumerate(texts):
        number = None if text is None else read(text)
        values[row] = text if number is None else number
    return values


def assign_columns(planned: Sequence[PlannedColumn], reference: Reference) -> list[ReplayedColumn]:
    """Maps the columns of the data to those of the reference, by name.

    Args:
        planned: The columns of the data.
        reference: The reference; columns it lacks are mapped as inputs.

    Raises:
        ReplayError: The reference has none of the columns.

    """
    wanted = [column for column in planned if not column.confidence or ColumnKey(*column.key) in reference.columns]
    taken = {ColumnKey(*column.key) for column in wanted}
    free = {key: column for key, column in reference.columns.items() if key not in taken}
    columns = [_assigned(column, reference.columns, free) for column in wanted]
    if not any(column.key in reference.columns for column in columns):
        expected, got = (
            _list_names([key.name for key in keys]) for keys in (reference.columns, [c.key for c in columns])
        )
        raise ReplayError(
            f"the data must have columns of the reference of model {reference.name!r}, {expected} (got {got})"
        )
    return columns


def _assigned(
    planned: PlannedColumn,
    known: Mapping[ColumnKey, ReferenceColumn],
    free: Mapping[ColumnKey, ReferenceColumn],
) -> ReplayedColumn:
    """free: columns of the reference that no column of the data has by its role."""
    key = ColumnKey(*planned.key)
    if key not in known and key.target == semconv.TARGET_INPUT:
        named = (ColumnKey(target, key.name) for target in (semconv.TARGET_OUTPUT, semconv.TARGET_LABEL))
        key = next((each for each in named if each in free), key)
    if key not in known and key.target == semconv.TARGET_LABEL:
        labels = [each for each in known if each.target == semconv.TARGET_LABEL]
        key = labels[0] if len(labels) == 1 else key  # there is but one, whatever it was called in training
    column = known.get(key)
    return ReplayedColumn(
        key,
        planned,
        classes=column is not None and column.kind == CATEGORY and key.target != semconv.TARGET_INPUT,
        read=reader_of_texts(column.type) if column is not None and column.kind == NUMERIC else None,
    )


def column_notes(columns: Sequence[ReplayedColumn], reference: Reference) -> list[str]:
    """Notes about columns that only the data or only the reference has."""
    found = {column.key for column in columns}
    clocks = {clock.name for clock in reference.clocks}
    unknown = [key.name for key in found if key not in reference.columns and key.name not in clocks]
    told = sorted(key.name for key in found if key.name in clocks)
    missing = [key.name for key in reference.columns if key not in found and key.target != semconv.TARGET_PAIR]
    lines = []
    if unknown:
        lines.append(f"Not in the reference, so not judged: {_list_names(sorted(unknown))}")
    if told:
        lines.append(f"Clocks, judged by the time that they tell: {_list_names(told)}")
    if missing:
        lines.append(f"Not in the data, so not judged: {_list_names(missing)}")
    return lines


def _list_names(names: Sequence[str], most: int = 10) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + more
