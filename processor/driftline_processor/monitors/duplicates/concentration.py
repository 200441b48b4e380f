"""How much likelier it is that two rows are the same than in training, by what each column holds.

Rows of few categories repeat by chance, and do so more where values drift to fewer of them. That shows in the columns:
two rows are alike in a column with the sum of the squares of its shares, and in all of them with the product, as far
as columns go together as in training.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import numpy as np

from driftline.semconv import TARGET_INPUT
from driftline.sketch.arrays import FloatArray
from driftline_processor.records import ColumnKey, ColumnSummary, Reference, ReferenceColumn

LEAST: Final = 1e-12


def concentration(columns: Mapping[ColumnKey, ColumnSummary], reference: Reference) -> float:
    """So many times as likely; 1 at least. columns: what the window held."""
    known = _of_training(reference)
    change = 0.0
    for key, before in known.items():
        if key in columns and columns[key].rows > 1.0:
            change += np.log(max(_alike(_held(columns[key], reference.columns[key])), LEAST) / before)
    return float(np.exp(max(change, 0.0)))


@lru_cache(maxsize=64)
def _of_training(reference: Reference) -> dict[ColumnKey, float]:
    """The chance that two rows are alike in each input."""
    inputs = {key: column for key, column in reference.columns.items() if key.target == TARGET_INPUT}
    found = {key: _alike(_held(column.summary, column)) for key, column in inputs.items()}
    return {key: chance for key, chance in found.items() if chance > 0.0}


def _held(summary: ColumnSummary, column: ReferenceColumn) -> FloatArray:
    """Rows by bin of the reference or by category, and by state."""
    other = list(summary.states.values())
    if column.kind != "numeric":
        return np.array([*summary.categories.values(), *other], float)
    middle = summary.intervals.lower / 2.0 + summary.intervals.upper / 2.0
    bins = np.bincount(np.searchsorted(column.edges, middle), summary.intervals.weight, len(column.edges) + 1)
    return np.append(bins, other)


def _alike(rows: FloatArray) -> float:
    """The chance that two of these rows are in one place, without bias."""
    total = float(rows.sum())
    return float((rows * (rows - 1.0)).sum()) / (total * (total - 1.0)) if total > 1.0 else 0.0
