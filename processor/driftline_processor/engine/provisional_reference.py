"""The fallback for models without a training profile: a provisional reference built from their first full window."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from driftline.reference.row_repeats import RowRepeats
from driftline.semconv import MISSING, NON_FINITE, TARGET_ROWS, WRONG_TYPE
from driftline.sketch import cut_bins, project
from driftline.sketch.arrays import FloatArray
from driftline.sketch.identity import digest
from driftline.sketch.row_hash import counts_of, repeats
from driftline.sketch.time_units import SECOND
from driftline.sketch.values import read_text
from driftline_processor.engine.summary_ops import total
from driftline_processor.monitors.drift.binning.reading import with_numbers
from driftline_processor.records import ColumnKey, ColumnSummary, ModelKey, Reference, ReferenceColumn, Window

MAX_BINNED_CATEGORIES: Final = 256
"""Categories with a bin of their own; one more bin holds the rest, as in a training profile."""

MIN_ROWS: Final = 100
"""Rows needed for a provisional reference."""

_PREFIX: Final = "provisional-"


@dataclass(slots=True)
class ProvisionalData:
    """Live data collected for a provisional reference: columns by the start of their pane.

    step: nanoseconds in a pane. full: there is enough, and no more is added.
    """

    step: int
    panes: dict[int, Mapping[ColumnKey, ColumnSummary]] = field(default_factory=dict)
    rows: float = 0.0
    full: bool = False

    def add(self, pane: Window, rows: float, columns: Mapping[ColumnKey, ColumnSummary], size: int) -> None:
        """Adds a pane. The data is full with a whole window of `size` nanoseconds and MIN_ROWS."""
        if columns:
            self.panes[pane.start] = columns
            self.rows += rows
        first = min(self.panes, default=pane.end)
        self.full = self.rows >= MIN_ROWS and pane.end - first >= size

    def copy(self) -> "ProvisionalData":
        """As it is now."""
        return self if self.full else replace(self, panes=dict(self.panes))


def is_provisional(reference: str | None) -> bool:
    """Whether the id of a reference is of a provisional one."""
    return reference is not None and reference.startswith(_PREFIX)


def provisional_reference(
    model: ModelKey, panes: Mapping[int, Mapping[ColumnKey, ColumnSummary]], step: int
) -> Reference:
    """The reference whose chunks are these panes.

    Args:
        model: The model that the data comes from.
        panes: Columns by the start of their pane, Unix nanoseconds.
        step: Nanoseconds in a pane.

    """
    starts = sorted(panes)
    columns = sorted({column for held in panes.values() for column in held if column.target != TARGET_ROWS})
    seconds = np.array(starts, float) / SECOND
    resource = (text for pair in model.resource for text in pair)
    identity = digest(model.name, model.version, *resource, *starts, size=8)
    return Reference(
        id=f"{_PREFIX}{identity.hex()}",
        name=model.name,
        version=model.version,
        provisional=True,
        has_timestamps=True,
        starts=seconds,
        ends=seconds + step / SECOND,
        columns={
            column: _column(column, [panes[s].get(column, ColumnSummary()) for s in starts]) for column in columns
        },
        row_repeats=_row_repeats([panes[s] for s in starts]),
    )


def _row_repeats(chunks: Sequence[Mapping[ColumnKey, ColumnSummary]]) -> dict[str, RowRepeats]:
    """How often rows repeat in each chunk, by the digest of their columns."""
    found: dict[str, RowRepeats] = {}
    for held in chunks:
        for key, summary in held.items():
            if key.target == TARGET_ROWS and summary.rows:
                counts = counts_of(summary.intervals.upper, summary.intervals.weight)
                often = np.array([repeats(counts, summary.squares)])
                rows = np.array([round(summary.rows)])
                each = RowRepeats(key.name, np.rint(counts).astype(np.int64), rows, often, 0.0)
                found[key.name] = found[key.name].merge(each) if key.name in found else each
    return found


def _column(key: ColumnKey, chunks: Sequence[ColumnSummary]) -> ReferenceColumn:
    whole = total(chunks)
    numeric = whole.intervals.total >= sum(whole.categories.values())
    if numeric and whole.categories:  # texts among numbers: numbers themselves, or of the wrong type
        chunks = [with_numbers(chunk, read_text) for chunk in chunks]
        whole = total(chunks)
    edges = cut_bins(whole.intervals) if numeric and whole.intervals.total else np.zeros(0)
    ranked = sorted(whole.categories, key=lambda name: (-whole.categories[name], name))
    categories = () if numeric else tuple(ranked[:MAX_BINNED_CATEGORIES])
    count = [_numeric_bins(c, edges, whole) if numeric else _category_bins(c, categories) for c in chunks]
    return ReferenceColumn(
        key=key,
        type="float" if numeric else "string",
        kind="numeric" if numeric else "category",
        summary=whole,
        edges=edges,
        categories=categories,
        chunks=np.array(count),
        states={state: _state_bins(chunks, state) for state in (MISSING, NON_FINITE, WRONG_TYPE)},
    )


def _numeric_bins(chunk: ColumnSummary, edges: FloatArray, whole: ColumnSummary) -> FloatArray:
    return project(chunk.intervals, edges, whole.intervals) if len(edges) else np.zeros(1)


def _category_bins(chunk: ColumnSummary, categories: Sequence[str]) -> FloatArray:
    named = [chunk.categories.get(name, 0.0) for name in categories]
    return np.array([*named, max(sum(chunk.categories.values()) - sum(named), 0.0)])


def _state_bins(chunks: Sequence[ColumnSummary], state: str) -> FloatArray:
    """[chunk, 2]: rows that are not in the state, and rows that are."""
    inside = np.array([chunk.states.get(state, 0.0) for chunk in chunks])
    rows = np.array([chunk.rows for chunk in chunks])
    return np.column_stack([rows - inside, inside])
