"""A row batch: rows of one model and operation in one interval, as a sample with a threshold. Pure functions on it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from driftline.rows.sampling import kept, weight
from driftline.rows.table import RowTable
from driftline.sketch.arrays import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class RowBatch:
    """The rows that were kept.

    uid: unique, and the same when a batch is sent again. threshold: rows of less randomness were left out. seen: rows
    of the interval, those left out included. first, last: ids of the first and last call in it, as `prediction_id`
    gives them; a call of this process in between is in this batch. reference: id of the reference whose bins the
    columns of role CODE number, "" without any.
    """

    uid: str
    threshold: int
    seen: int
    table: RowTable
    first: str = ""
    last: str = ""
    reference: str = ""

    @property
    def weight(self) -> float:
        """How many rows each row stands for."""
        return weight(self.threshold)

    def thinned(self, threshold: int) -> "RowBatch":
        """As if it had been sampled at a greater threshold: exact. A smaller one changes nothing."""
        if threshold <= self.threshold:
            return self
        return replace(self, threshold=threshold, table=self.table.chosen(kept(self.table.keys, threshold)))


class WeightedRows(NamedTuple):
    """Rows of several batches, and how many rows each stands for: weights, [rows]."""

    table: RowTable
    weights: FloatArray

    @property
    def effective_rows(self) -> float:
        """As many rows of equal weights tell as much (Kish 1965)."""
        squares = float(self.weights @ self.weights)
        return float(self.weights.sum()) ** 2 / squares if squares else 0.0

    def calibrated(self, rows: float) -> "WeightedRows":
        """With weights that sum to `rows`, the exact count of `ml.inference.rows`: a lost batch costs no level."""
        held = float(self.weights.sum())
        return self._replace(weights=self.weights * (rows / held)) if held else self


def weighted(batches: Sequence[RowBatch]) -> WeightedRows:
    """All rows of the batches, each with the weight of its batch."""
    weights = np.repeat([batch.weight for batch in batches], [len(batch.table) for batch in batches])
    return WeightedRows(RowTable.joined([batch.table for batch in batches]), weights.astype(np.float64))


def merged_by_key(batches: Sequence[RowBatch]) -> WeightedRows:
    """One row for each key, with the columns of all batches that have it: `predict` and `predict_proba` of one id.

    In each column the first batch with a value there counts, and of the weights the least: the smaller sample of the
    same ids lies within the greater one.
    """
    rows = weighted(batches)
    keys, first, place = np.unique(rows.table.keys, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    weights = np.full(len(keys), np.inf)
    np.minimum.at(weights, place, rows.weights)
    origin = np.repeat(np.arange(len(batches)), [len(batch.table) for batch in batches])
    columns = {
        column: rows.table.columns[column][_chosen(place, _has(batches, column)[origin], first)[order]]
        for column in rows.table.columns
    }
    return WeightedRows(RowTable(keys[order], rows.table.times[first][order], columns), weights[order])


def _has(batches: Sequence[RowBatch], column: object) -> FloatArray:
    return np.array([column in batch.table.columns for batch in batches], np.float64)


def _chosen(place: IntArray, has: FloatArray, first: IntArray) -> IntArray:
    """For each key, the first row with a value, else its first row. place: [rows], the key of each. has: [rows]."""
    with_value = np.flatnonzero(has)[::-1]  # the first one is written last
    chosen: IntArray = first.copy()
    chosen[place[with_value]] = with_value
    return chosen
