"""Weighted confusion counts, one class against the rest: additive over windows and processes."""

from typing import NamedTuple

import numpy as np

from driftline.sketch.arrays import BoolArray, FloatArray, IntArray
from driftline_processor.performance.intervals import kish_size


class WeightSums(NamedTuple):
    """Of the rows of each class, [classes]: their number, Σw and Σw²."""

    rows: FloatArray
    weight: FloatArray
    squares: FloatArray

    @classmethod
    def of(cls, codes: IntArray, weights: FloatArray, classes: int) -> "WeightSums":
        """codes: the class of each row, [rows]."""
        return cls(*(np.bincount(codes, weights**power, classes).astype(np.float64) for power in range(3)))

    def plus(self, other: "WeightSums", sign: float = 1.0) -> "WeightSums":
        return WeightSums(*(a + sign * b for a, b in zip(self, other, strict=True)))

    def kish(self, code: int) -> float:
        return kish_size(float(self.weight[code]), float(self.squares[code]))


class ConfusionCounts(NamedTuple):
    """Rows of each class by label, by prediction, and by both (hits)."""

    labels: WeightSums
    predictions: WeightSums
    hits: WeightSums

    @classmethod
    def of(cls, labels: IntArray, predictions: IntArray, weights: FloatArray, classes: int) -> "ConfusionCounts":
        """Counts rows.

        Args:
            labels: The class of each row, 0 to `classes` − 1, [rows].
            predictions: Likewise.
            weights: Over 0, [rows].
            classes: How many there are.

        """
        right: BoolArray = labels == predictions
        return cls(
            WeightSums.of(labels, weights, classes),
            WeightSums.of(predictions, weights, classes),
            WeightSums.of(labels[right], weights[right], classes),
        )

    def plus(self, other: "ConfusionCounts") -> "ConfusionCounts":
        return ConfusionCounts(*(a.plus(b) for a, b in zip(self, other, strict=True)))

    @property
    def unions(self) -> WeightSums:
        """Rows of each class by label or by prediction: tp + fp + fn."""
        return self.labels.plus(self.predictions).plus(self.hits, -1.0)
