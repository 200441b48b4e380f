"""How outcomes go with predictions, from a sample of the training data that is as large as most training data."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from driftline import semconv
from driftline.profiling.plan import PlannedColumn
from driftline.profiling.row_sample import RowSample
from driftline.reference.outcome_profile import (
    BLOCK_SUMS,
    CHUNK_SUMS,
    ERROR_SUMS,
    VALUE_SUMS,
    ClassOutcomes,
    InputLosses,
    NumberOutcomes,
    OutcomeProfile,
    fewer_chunks,
)
from driftline.reference.profile_column import ColumnKey
from driftline.sketch.arrays import FloatArray, IntArray
from driftline.sketch.spellings import outcome_names

MOST_ROWS: Final = 1 << 18
"""Rows that are kept of few columns."""

MOST_VALUES: Final = 8_000_000
"""Values that are kept: of many columns, fewer rows."""

MOST_INPUTS: Final = 64
"""Inputs by whose values losses are told apart."""

MOST_CLASSES: Final = 100
"""Of more classes nothing is kept."""

SCORE_CELLS: Final = 32
PREDICTION_CELLS: Final = 8
INPUT_CELLS: Final = 8

FEWEST_OF_CLASS: Final = 6
"""Rows of either class in a cell that tell the ROC AUC within it."""

FEWEST_ROWS: Final = 20
"""With an outcome."""

_CHUNK: Final = "<chunk>"


class OutcomeCounter:
    """Keeps predictions, scores and labels, and where predictions are numbers the inputs beside them."""

    def __init__(self, columns: Sequence[PlannedColumn], *, classes: bool) -> None:
        """columns: all that are profiled. classes: whether the model predicts classes."""
        found = {column.key: column for column in columns}
        outputs = (ColumnKey(semconv.TARGET_OUTPUT, name) for name in (semconv.PREDICTION, semconv.SCORE))
        self._prediction, self._score = (found.get(key) for key in outputs)
        self._label = next((c for c in columns if c.key.target == semconv.TARGET_LABEL), None)
        inputs = [c for c in columns if c.key.target == semconv.TARGET_INPUT]
        self._classes, self._inputs = classes, [] if classes else inputs[:MOST_INPUTS]
        named = (self._label, self._prediction, self._score, *self._inputs)
        self._sources = list(dict.fromkeys(column.source for column in named if column is not None))
        self._sample = RowSample(min(MOST_ROWS, MOST_VALUES // max(len(self._sources), 1)))

    @property
    def usable(self) -> bool:
        """Whether there are labels, and something to hold them against."""
        other = self._prediction or (self._score if self._classes else None)
        return self._label is not None and other is not None

    def add(self, batch: Any, chunk: IntArray) -> None:
        """Rows of a record batch. chunk: of each row, [rows], -1 for rows in none."""
        if self.usable:
            kept = batch.select(self._sources)
            arrays = [*kept.columns, pa.array(chunk)]
            self._sample.add(pa.RecordBatch.from_arrays(arrays, names=[*self._sources, _CHUNK]))

    def result(self) -> OutcomeProfile | None:
        """None where too few rows have an outcome, or too many classes occur."""
        if not self.usable or not self._sample.any:
            return None
        batch = self._sample.rows()
        chunk = np.asarray(batch.column(_CHUNK).to_numpy(zero_copy_only=False), np.int64)
        return self._of_classes(batch, chunk) if self._classes else self._of_numbers(batch, chunk)

    def _of_classes(self, batch: Any, chunk: IntArray) -> ClassOutcomes | None:
        assert self._label is not None
        label = _names(self._label, batch)
        told = None if self._prediction is None else _names(self._prediction, batch)
        score = None if self._score is None else self._score.numbers(batch)
        known = label != ""
        if told is not None:
            known &= told != ""
        if score is not None:
            known &= np.isfinite(score)
        if known.sum() < FEWEST_ROWS:
            return None
        told, score = None if told is None else told[known], None if score is None else score[known]
        return class_outcomes(label[known], told, score, chunk[known])

    def _of_numbers(self, batch: Any, chunk: IntArray) -> NumberOutcomes | None:
        assert self._label is not None
        assert self._prediction is not None
        label, prediction = self._label.numbers(batch), self._prediction.numbers(batch)
        known = np.isfinite(label) & np.isfinite(prediction)
        if known.sum() < FEWEST_ROWS or (prediction[known] == label[known]).all():
            return None
        values = {c.key.name: _values(c, batch)[known] for c in self._inputs}
        return number_outcomes(label[known], prediction[known], chunk[known], values)


def _names(column: PlannedColumn, batch: Any) -> NDArray[Any]:
    """Classes by name, "" where missing."""
    return outcome_names(_values(column, batch))


def _values(column: PlannedColumn, batch: Any) -> NDArray[Any]:
    if column.is_text:
        return np.asarray(batch.column(column.source).to_numpy(zero_copy_only=False), object)
    return column.numbers(batch)


def class_outcomes(
    label: NDArray[Any], told: NDArray[Any] | None, score: FloatArray | None, chunk: IntArray
) -> ClassOutcomes | None:
    """Of rows that have all of them.

    Args:
        label: Names of classes, [rows].
        told: Names of the predicted ones, [rows]; None without predictions.
        score: Finite, [rows]; None without scores.
        chunk: Of each row, [rows], -1 for rows in none.

    """
    names = sorted(set(label.tolist()) | (set() if told is None else set(told.tolist())))
    if len(names) > MOST_CLASSES or len(names) < 2:
        return None
    codes = {name: code for code, name in enumerate(names)}
    y = np.array([codes[name] for name in label.tolist()], np.int64)
    p = np.zeros(len(y), np.int64) if told is None else np.array([codes[name] for name in told.tolist()], np.int64)
    positive = _positive(names, y if told is None else p, score)
    cells = SCORE_CELLS if positive else PREDICTION_CELLS
    truth = (y == codes[positive]) if positive else (y == p)
    speaks = None if told is None or not positive else p == codes[positive]
    edges = np.zeros(0) if score is None else score_edges(score, speaks, cells)
    x = np.zeros(len(y)) if score is None else score
    cell = np.searchsorted(edges, x, "right")
    predicted = 1 if told is None else len(names)
    joint = np.zeros((len(edges) + 1, predicted, len(names)))
    np.add.at(joint, (cell, p, y), 1.0)
    wrong = np.zeros(len(y), bool) if told is None else y != p
    areas = [_area(x[cell == each], truth[cell == each]) if positive else 0.5 for each in range(len(edges) + 1)]
    return ClassOutcomes(
        tuple(names),
        positive,
        edges,
        joint,
        np.bincount(cell, x, len(edges) + 1).astype(np.float64),
        np.array(areas),
        fewer_chunks(_stretches(chunk, cell, len(edges) + 1, truth, wrong)),
        score is not None,
    )


def _positive(names: Sequence[str], codes: IntArray, score: FloatArray | None) -> str:
    """Of two classes, the one whose rows have the higher scores; the last without scores; "" of more classes."""
    if len(names) != 2:
        return ""
    if score is None or len(set(codes.tolist())) < 2:
        return names[1]
    return names[int(score[codes == 1].mean() >= score[codes == 0].mean())]


def score_edges(score: FloatArray, speaks: NDArray[np.bool_] | None, cells: int) -> FloatArray:
    """Edges of cells of equal numbers of rows, one of them the threshold where predictions have one.

    Args:
        score: Finite, [rows].
        speaks: Whether the positive class is predicted, [rows], if that is known.
        cells: About so many.

    """
    edges = np.quantile(score, np.linspace(0.0, 1.0, cells + 1)[1:-1], method="higher")
    if speaks is not None and speaks.any() and not speaks.all():
        threshold = score[speaks].min()
        if score[~speaks].max() < threshold:
            edges = np.append(edges, threshold)
    edges = np.unique(edges)
    inner: FloatArray = edges[edges > score.min()]
    return inner


def _area(score: FloatArray, truth: NDArray[np.bool_]) -> float:
    """ROC AUC; 1/2 of too few rows."""
    hits = int(truth.sum())
    if min(hits, len(truth) - hits) < FEWEST_OF_CLASS:
        return 0.5
    values, at = np.unique(score, return_inverse=True)
    positives, negatives = (np.bincount(at[side], minlength=len(values)).astype(float) for side in (truth, ~truth))
    below = np.cumsum(negatives) - negatives / 2.0
    return float(positives @ below / (positives.sum() * negatives.sum()))


def _stretches(
    chunk: IntArray, cell: IntArray, cells: int, event: NDArray[np.bool_], wrong: NDArray[np.bool_]
) -> FloatArray:
    """[chunks with rows, CHUNK_SUMS, cells]."""
    used, at = np.unique(chunk[chunk >= 0], return_inverse=True)
    sums = np.zeros((len(used), CHUNK_SUMS, cells))
    inside = chunk >= 0
    for place, counted in enumerate((np.ones(len(cell)), event.astype(float), wrong.astype(float))):
        np.add.at(sums[:, place], (at, cell[inside]), counted[inside])
    return sums


def number_outcomes(
    label: FloatArray, prediction: FloatArray, chunk: IntArray, inputs: dict[str, NDArray[Any]]
) -> NumberOutcomes:
    """Of rows that have both.

    Args:
        label: Finite, [rows].
        prediction: Finite, [rows].
        chunk: Of each row, [rows], -1 for rows in none.
        inputs: Numbers, NaN where missing, or texts, None where missing, [rows] each.

    """
    error = prediction - label
    edges = score_edges(prediction, None, PREDICTION_CELLS)
    cell = np.searchsorted(edges, prediction, "right")
    terms = (np.ones(len(error)), error, np.abs(error), error**2, error**4)
    assert len(terms) == ERROR_SUMS
    sums = np.column_stack([np.bincount(cell, each, len(edges) + 1) for each in terms]).astype(np.float64)
    found = NumberOutcomes(edges, sums, np.zeros((0, BLOCK_SUMS)))
    z = found.standardised(prediction, error)
    used, at = np.unique(chunk[chunk >= 0], return_inverse=True)
    held = z[chunk >= 0]
    of_blocks = (np.ones(len(held)), held, np.abs(held), held**2)
    blocks = np.column_stack([np.bincount(at, each, len(used)) for each in of_blocks]).astype(np.float64)
    expected = sums[cell] / np.maximum(sums[cell, :1], 1.0)
    losses = np.column_stack((terms[0], terms[2], terms[3], expected[:, 2], expected[:, 3]))
    kept = tuple(_input_losses(name, values, losses) for name, values in inputs.items())
    return NumberOutcomes(edges, sums, fewer_chunks(blocks), tuple(each for each in kept if each is not None))


def _input_losses(name: str, values: NDArray[Any], losses: FloatArray) -> InputLosses | None:
    """None of an input that has one value."""
    edges: FloatArray = np.zeros(0)
    categories: tuple[str, ...] = ()
    if values.dtype == object:
        present = [value for value in values.tolist() if value is not None]
        texts, counts = np.unique(np.array(present, object).astype(str), return_counts=True)
        categories = tuple(sorted(texts[np.argsort(-counts, kind="stable")][:INPUT_CELLS].tolist()))
        places = {text: place for place, text in enumerate(categories)}
        cell = np.array([places.get(value, len(categories)) for value in values.tolist()], np.int64)
    else:
        known = np.isfinite(values)
        if not known.all() or not len(values):
            return None
        edges = score_edges(values, None, INPUT_CELLS)
        cell = np.searchsorted(edges, values, "right")
    cells = len(categories) + 1 if categories else len(edges) + 1
    if cells < 2:
        return None
    sums = np.column_stack([np.bincount(cell, losses[:, term], cells) for term in range(VALUE_SUMS)]).astype(np.float64)
    return InputLosses(name, edges, categories, sums)
