"""Cells of categorical columns: those known by chunk, those known in the whole alone, and one for all others.

How a category varies over time is known of the most frequent ones only, for the size of a reference. How frequent it is
is known of many more, so that one of those that becomes frequent is seen by itself, too.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from driftline.semconv import OTHER
from driftline.sketch.arrays import FloatArray
from driftline.sketch.spellings import spellings
from driftline_processor.records import ColumnKey, ReferenceColumn

MOST_MINOR: Final = 16_384
"""Categories known in the whole alone, over all columns of a reference: windows are remembered cell by cell."""

UNUSUAL: Final = 9
"""The unlikeness of a name that is none of a number's spellings."""


def with_minor(columns: Mapping[ColumnKey, ReferenceColumn]) -> dict[ColumnKey, ReferenceColumn]:
    """The columns with their minor categories, the most frequent ones where there are too many."""
    ranked = {key: _minor(column) for key, column in columns.items()}
    most = MOST_MINOR // max(sum(len(names) > 0 for names in ranked.values()), 1)
    return {key: replace(column, minor=tuple(ranked[key][:most])) for key, column in columns.items()}


def cell_rows(column: ReferenceColumn) -> FloatArray:
    """Rows of the training data in each cell of a window; those of minor categories are in the last one of chunks."""
    rows = column.chunks.sum(axis=0)
    return np.concatenate((rows[:-1], rows[-1] * minor_shares(column))) if column.minor else rows


def without_cell(column: ReferenceColumn) -> dict[str, float]:
    """Rows in the whole of the categories without a cell of their own in chunks, OTHER among them."""
    listed = set(column.categories)
    return {name: rows for name, rows in column.summary.categories.items() if name not in listed}


def minor_shares(column: ReferenceColumn) -> FloatArray:
    """Of the rows without a cell in chunks: the share of each minor category, and last that of all others."""
    behind = without_cell(column)
    minor = [behind[name] for name in column.minor]
    total = sum(behind.values())
    return np.array([*minor, total - sum(minor)]) / total


def unlikeness(name: str, number: float) -> int:
    """0 for the name that a number has as a class, more for others, UNUSUAL for one as 01."""
    usual = spellings(number)
    return usual.index(name) if name in usual else UNUSUAL


def _minor(column: ReferenceColumn) -> list[str]:
    """Named categories without a cell in chunks, the most frequent first, by name among equals."""
    behind = without_cell(column) if column.categories else {}
    named = (name for name, rows in behind.items() if name != OTHER and rows > 0.0)
    return sorted(named, key=lambda name: (-behind[name], name))
