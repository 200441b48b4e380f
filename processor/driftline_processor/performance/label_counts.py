"""Rows of a stretch of time by cell of the reference, with and without labels: sums, which add up over stretches."""

from typing import NamedTuple

import numpy as np

from driftline.reference.outcome_profile import BLOCK_SUMS, ClassOutcomes, NumberOutcomes
from driftline.sketch.arrays import FloatArray, IntArray


class ClassCounts(NamedTuple):
    """Of a model that predicts classes. Cells are those of `ClassOutcomes`.

    Empty ones come from `ClassCounts.empty(outcomes)`; `counts.with_rows(...)` and `counts.with_labels(...)` count
    rows, and `plus` adds stretches up.

    Attributes:
        rows: All rows by cell and predicted class, [cells, predicted].
        labels: Labelled ones by cell, predicted class and label, [cells, predicted, labels].
        weight: Σ of their weights, likewise.
        squares: Σ of the squares of these.

    """

    rows: FloatArray
    labels: FloatArray
    weight: FloatArray
    squares: FloatArray

    @classmethod
    def empty(cls, outcomes: ClassOutcomes) -> "ClassCounts":
        return cls(np.zeros(outcomes.joint.shape[:2]), *(np.zeros(outcomes.joint.shape) for _ in range(3)))

    def with_rows(self, cell: IntArray, predicted: IntArray) -> "ClassCounts":
        """With more rows, labelled or not. cell, predicted: of each, [rows]."""
        rows = self.rows.copy()
        np.add.at(rows, (cell, predicted), 1.0)
        return self._replace(rows=rows)

    def with_labels(self, cell: IntArray, predicted: IntArray, label: IntArray, weights: FloatArray) -> "ClassCounts":
        """With the labels of rows that `with_rows` counts too.

        Args:
            cell: Of each, [rows].
            predicted: Code of the predicted class, 0 without predictions, [rows].
            label: Code of the label, [rows].
            weights: One over the chance that the row is sampled and gets a label, [rows].

        """
        sums = [each.copy() for each in (self.labels, self.weight, self.squares)]
        for power, each in enumerate(sums):
            np.add.at(each, (cell, predicted, label), weights**power)
        return ClassCounts(self.rows, *sums)

    def plus(self, other: "ClassCounts") -> "ClassCounts":
        return ClassCounts(*(a + b for a, b in zip(self, other, strict=True)))


class NumberCounts(NamedTuple):
    """Of a model that predicts numbers. Cells are those of `NumberOutcomes`.

    Attributes:
        rows: All rows by cell of the prediction, [cells].
        inputs: All rows by value of each input whose losses are known, [cells of the input] each.
        blocks: Σw, Σwz, Σw|z| and Σwz² of the standardised errors z of labelled rows, [BLOCK_SUMS].
        squares: Σw² of these.

    """

    rows: FloatArray
    inputs: tuple[FloatArray, ...]
    blocks: FloatArray
    squares: float

    @classmethod
    def empty(cls, outcomes: NumberOutcomes) -> "NumberCounts":
        inputs = tuple(np.zeros(len(each.sums)) for each in outcomes.inputs)
        return cls(np.zeros(outcomes.cells), inputs, np.zeros(BLOCK_SUMS), 0.0)

    def with_rows(self, cell: IntArray, inputs: tuple[IntArray, ...]) -> "NumberCounts":
        """With more rows, labelled or not. cell: of the prediction, [rows]. inputs: cell by value of each, [rows]."""
        counted = tuple(
            mine + np.bincount(each, minlength=len(mine)) for mine, each in zip(self.inputs, inputs, strict=True)
        )
        return self._replace(rows=self.rows + np.bincount(cell, minlength=len(self.rows)), inputs=counted)

    def with_labels(self, standardised: FloatArray, weights: FloatArray) -> "NumberCounts":
        """With the errors of rows that `with_rows` counts too. standardised: by the reference, [rows]."""
        terms = np.column_stack((np.ones(len(weights)), standardised, np.abs(standardised), standardised**2))
        return self._replace(blocks=self.blocks + weights @ terms, squares=self.squares + float(weights @ weights))

    def plus(self, other: "NumberCounts") -> "NumberCounts":
        return NumberCounts(
            self.rows + other.rows,
            tuple(a + b for a, b in zip(self.inputs, other.inputs, strict=True)),
            self.blocks + other.blocks,
            self.squares + other.squares,
        )
