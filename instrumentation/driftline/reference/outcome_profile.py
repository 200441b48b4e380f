"""How outcomes went with predictions in training: counts by cell of score, prediction and label, and errors."""

from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np

from driftline.sketch.arrays import FloatArray, IntArray

MOST_CHUNKS: Final = 128
"""Chunks kept: of more, neighbours are added up."""

CHUNK_SUMS: Final = 3
"""Of the rows of a chunk in a cell of the score: their number, those with the event, and those predicted wrong."""

ERROR_SUMS: Final = 5
"""Of the errors e in a cell: their number, Σe, Σ|e|, Σe² and Σe⁴."""

BLOCK_SUMS: Final = 4
"""Of the standardised errors z of a chunk: their number, Σz, Σ|z| and Σz²."""

VALUE_SUMS: Final = 5
"""Of rows by value of an input: their number, Σ|e| and Σe², and what cells of the prediction expect of both."""


@dataclass(frozen=True, slots=True, eq=False)
class ClassOutcomes:
    """Of a model that predicts classes.

    Attributes:
        classes: Names, sorted.
        positive: Of two classes the one that scores speak for, else "".
        edges: Of the cells of the score, [cells - 1]; a score on an edge belongs to the cell above. Where predictions
            go by a threshold of the score, it is one of them.
        joint: Rows by cell, predicted class and label, [cells, classes, classes]; [cells, 1, classes] without
            predictions.
        scores: Σ of the scores in each cell, [cells].
        areas: ROC AUC within each cell, 1/2 where too few rows tell it, [cells].
        chunks: Of consecutive stretches of the rows, [chunks, CHUNK_SUMS, cells]. The event is the positive label of
            two classes, else a right prediction.
        scored: Whether the cells are of a score; else there is one.

    """

    classes: tuple[str, ...]
    positive: str
    edges: FloatArray
    joint: FloatArray
    scores: FloatArray
    areas: FloatArray
    chunks: FloatArray
    scored: bool

    @property
    def cells(self) -> int:
        return len(self.edges) + 1

    @property
    def predicts(self) -> bool:
        """Whether there are predictions, and not only scores."""
        return bool(self.joint.shape[1] == len(self.classes))

    def cell(self, scores: FloatArray) -> IntArray:
        """The cell of each score, [rows]."""
        return np.searchsorted(self.edges, scores, "right").astype(np.int64)

    def merge(self, other: "ClassOutcomes") -> "ClassOutcomes | None":
        """Of the rows of both; None where their cells differ."""
        mine, theirs = ((each.classes, each.positive, each.edges.tolist()) for each in (self, other))
        if mine != theirs or self.joint.shape != other.joint.shape:
            return None
        rows, others = self.joint.sum(axis=(1, 2)), other.joint.sum(axis=(1, 2))
        areas = (rows * self.areas + others * other.areas) / np.maximum(rows + others, 1.0)
        return replace(
            self,
            joint=self.joint + other.joint,
            scores=self.scores + other.scores,
            areas=areas,
            chunks=fewer_chunks(np.concatenate((self.chunks, other.chunks))),
        )


@dataclass(frozen=True, slots=True, eq=False)
class InputLosses:
    """Losses by the value of one input: what cells of the prediction cannot tell.

    Attributes:
        name: Of the input.
        edges: Of the cells of its numbers, [cells - 1].
        categories: Its categories, each a cell, and one more for all others; () of numbers.
        sums: [cells, VALUE_SUMS].

    """

    name: str
    edges: FloatArray
    categories: tuple[str, ...]
    sums: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class NumberOutcomes:
    """Of a model that predicts numbers. Errors are prediction − label.

    Attributes:
        edges: Of the cells of the prediction, [cells - 1].
        sums: Of each cell, [cells, ERROR_SUMS].
        chunks: Of consecutive stretches of the rows, [chunks, BLOCK_SUMS].
        inputs: Losses by input.

    """

    edges: FloatArray
    sums: FloatArray
    chunks: FloatArray
    inputs: tuple[InputLosses, ...] = ()

    @property
    def cells(self) -> int:
        return len(self.edges) + 1

    def cell(self, predictions: FloatArray) -> IntArray:
        """The cell of each prediction, [rows]."""
        return np.searchsorted(self.edges, predictions, "right").astype(np.int64)

    def standardised(self, predictions: FloatArray, errors: FloatArray) -> FloatArray:
        """Errors less the mean of their cell, in its standard deviations, at most ±3, [rows]."""
        cell = self.cell(predictions)
        mean, spread = error_moments(self.sums)
        return np.clip((errors - mean[cell]) / spread[cell], -3.0, 3.0)

    def merge(self, other: "NumberOutcomes") -> "NumberOutcomes | None":
        """Of the rows of both; None where their cells differ. Inputs are kept whose cells are the same."""
        if self.edges.tolist() != other.edges.tolist():
            return None
        theirs = {_cells_of(each): each for each in other.inputs}
        kept = tuple(
            replace(each, sums=each.sums + theirs[_cells_of(each)].sums)
            for each in self.inputs
            if _cells_of(each) in theirs
        )
        chunks = fewer_chunks(np.concatenate((self.chunks, other.chunks)))
        return replace(self, sums=self.sums + other.sums, chunks=chunks, inputs=kept)


OutcomeProfile: TypeAlias = ClassOutcomes | NumberOutcomes


def _cells_of(losses: InputLosses) -> tuple[object, ...]:
    return losses.name, losses.categories, *losses.edges.tolist()


def error_moments(sums: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of the errors of each cell, [cells]; sums: [cells, ERROR_SUMS]."""
    rows = np.maximum(sums[:, 0], 1.0)
    mean = sums[:, 1] / rows
    spread = np.sqrt(np.maximum(sums[:, 3] / rows - mean**2, 0.0))
    known = spread[spread > 0.0]
    return mean, np.where(spread > 0.0, spread, known.min() if len(known) else 1.0)


def fewer_chunks(chunks: FloatArray) -> FloatArray:
    """At most MOST_CHUNKS of them: neighbours are added up."""
    while len(chunks) > MOST_CHUNKS:
        whole = len(chunks) // 2 * 2
        paired = chunks[:whole].reshape(whole // 2, 2, *chunks.shape[1:]).sum(axis=1)
        chunks = np.concatenate((paired, chunks[whole:]))
    return chunks


def merge_outcomes(ours: OutcomeProfile | None, theirs: OutcomeProfile | None) -> OutcomeProfile | None:
    """Of the rows of both profiles; None where they cannot be added up."""
    if isinstance(ours, ClassOutcomes) and isinstance(theirs, ClassOutcomes):
        return ours.merge(theirs)
    if isinstance(ours, NumberOutcomes) and isinstance(theirs, NumberOutcomes):
        return ours.merge(theirs)
    return None
