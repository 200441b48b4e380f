"""Rows of the data → counts by cell of the reference, and which rows are like none of training."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftline.reference.outcome_profile import ClassOutcomes, InputLosses, NumberOutcomes
from driftline.rows.codes import CodedColumn
from driftline.semconv import PREDICTION, SCORE, TARGET_INPUT, TARGET_LABEL, TARGET_OUTPUT
from driftline.sketch.arrays import BoolArray, FloatArray, IntArray
from driftline.sketch.spellings import other_spellings, outcome_names
from driftline.sketch.values import class_names
from driftline_processor.monitors.drift.statistics.view import NUMERIC
from driftline_processor.performance.estimated import NOTHING_UNSEEN, Unseen, estimated_classes, estimated_numbers
from driftline_processor.performance.label_counts import ClassCounts, NumberCounts
from driftline_processor.performance.measured import Metric
from driftline_processor.records import ColumnKey, Reference, ReferenceColumn

Values = NDArray[Any]
Counts = ClassCounts | NumberCounts

_PREDICTION: Final = ColumnKey(TARGET_OUTPUT, PREDICTION)
_SCORE: Final = ColumnKey(TARGET_OUTPUT, SCORE)

PROBABILITY: Final = ColumnKey("outcome", "probability")
"""The chance that a row gets a label, among the values of its columns."""

NAMED_CATEGORIES: Final = 1000
"""Of a column with as many, others were in training too."""


class CountedPane:
    """Rows of one time step, with and without labels. unseen: rows by input that are like none of training."""

    def __init__(self, counts: Counts) -> None:
        self.counts = counts
        self.rows = 0
        self.unseen: Counter[str] = Counter()

    def add(self, other: "CountedPane") -> None:
        self.counts = self.counts.plus(other.counts)  # type: ignore[arg-type]  # of the same reference
        self.rows += other.rows
        self.unseen += other.unseen

    @property
    def most_unseen(self) -> Unseen:
        """The input that takes most rows out of what training has seen."""
        if not self.rows or not self.unseen:
            return NOTHING_UNSEEN
        name, rows = self.unseen.most_common(1)[0]
        return Unseen(rows / self.rows, f"{name} (never seen in training)")


class OutcomeCells:
    """The cells of a reference that knows outcomes, for data that has the columns they need."""

    def __init__(self, reference: Reference, outcomes: ClassOutcomes | NumberOutcomes) -> None:
        self._outcomes = outcomes
        self._label = next((key for key in reference.columns if key.target == TARGET_LABEL), None)
        inputs = {key: column for key, column in reference.columns.items() if key.target == TARGET_INPUT}
        self._known = {key: _names_of(column) for key, column in inputs.items() if column.kind != NUMERIC}
        self._ranges = {key: column.edges for key, column in inputs.items() if column.kind == NUMERIC}

    @classmethod
    def of(cls, reference: Reference, columns: Mapping[ColumnKey, object]) -> "OutcomeCells | None":
        """None where the reference knows no outcomes, or the data lacks the score or prediction that they go by."""
        outcomes = reference.outcomes
        needed = set()
        if isinstance(outcomes, NumberOutcomes):
            needed = {_PREDICTION}
        elif outcomes is not None:
            needed = {key for key, used in ((_PREDICTION, outcomes.predicts), (_SCORE, outcomes.scored)) if used}
        return cls(reference, outcomes) if outcomes is not None and needed <= set(columns) else None

    @property
    def outcomes(self) -> ClassOutcomes | NumberOutcomes:
        return self._outcomes

    def empty(self) -> CountedPane:
        """No rows."""
        if isinstance(self._outcomes, ClassOutcomes):
            return CountedPane(ClassCounts.empty(self._outcomes))
        return CountedPane(NumberCounts.empty(self._outcomes))

    def count(self, values: Mapping[ColumnKey, Values]) -> CountedPane:
        """Rows of one step."""
        pane = self.empty()
        pane.rows = len(next(iter(values.values())))
        weights = label_weights(values, pane.rows)[0]
        if isinstance(self._outcomes, ClassOutcomes):
            pane.counts = self._classes(self._outcomes, values, weights)
        else:
            pane.counts = self._numbers(self._outcomes, values, weights)
        strange = pane.rows - round(float(pane.counts.rows.sum()))
        if strange:
            pane.unseen["predictions"] = strange
        for key, column in values.items():
            unseen = self._unseen(key, column)
            if unseen:
                pane.unseen[key.name] = unseen
        return pane

    def estimated(self, pane: CountedPane) -> dict[str, Metric]:
        """What the scores alone say of a window."""
        if isinstance(self._outcomes, ClassOutcomes):
            assert isinstance(pane.counts, ClassCounts)
            return estimated_classes(self._outcomes, pane.counts, pane.most_unseen)
        assert isinstance(pane.counts, NumberCounts)
        return estimated_numbers(self._outcomes, pane.counts, pane.most_unseen)

    def training(self) -> dict[str, Metric]:
        """What is estimated of the training data itself."""
        pane, outcomes = self.empty(), self._outcomes
        if isinstance(outcomes, ClassOutcomes):
            pane.counts = ClassCounts.empty(outcomes)._replace(rows=outcomes.joint.sum(axis=2))
        else:
            inputs = tuple(each.sums[:, 0] for each in outcomes.inputs)
            pane.counts = NumberCounts.empty(outcomes)._replace(rows=outcomes.sums[:, 0], inputs=inputs)
        return self.estimated(pane)

    def _classes(self, outcomes: ClassOutcomes, values: Mapping[ColumnKey, Values], weights: FloatArray) -> ClassCounts:
        rows = len(weights)
        codes = {name: code for code, name in enumerate(outcomes.classes)}
        told, score = np.zeros(rows, np.int64), np.zeros(rows)
        if outcomes.predicts:
            told = _coded(values[_PREDICTION], codes)
        if outcomes.scored:
            score = numbers_of(values[_SCORE])
        known = (told >= 0) & np.isfinite(score)
        cell, told = outcomes.cell(score[known]), told[known]
        counts = ClassCounts.empty(outcomes).with_rows(cell, told)
        label = values.get(self._label) if self._label is not None else None
        if label is None:
            return counts
        y = _coded(label, codes)[known]
        labelled = (y >= 0) & np.isfinite(weights[known])
        return counts.with_labels(cell[labelled], told[labelled], y[labelled], weights[known][labelled])

    def _numbers(
        self, outcomes: NumberOutcomes, values: Mapping[ColumnKey, Values], weights: FloatArray
    ) -> NumberCounts:
        prediction = numbers_of(values[_PREDICTION])
        known = np.isfinite(prediction)
        inputs = tuple(_value_cells(each, values, known) for each in outcomes.inputs)
        counts = NumberCounts.empty(outcomes).with_rows(outcomes.cell(prediction[known]), inputs)
        label = values.get(self._label) if self._label is not None else None
        if label is None:
            return counts
        y = numbers_of(label)
        both = known & np.isfinite(y) & np.isfinite(weights)
        z = outcomes.standardised(prediction[both], prediction[both] - y[both])
        return counts.with_labels(z, weights[both])

    def _unseen(self, key: ColumnKey, values: Values) -> int:
        """Rows outside the range of training, or of a category that it had not."""
        if key in self._ranges:
            edges, x = self._ranges[key], numbers_of(values)
            return int(((x < edges[0]) | (x > edges[-1])).sum()) if len(edges) else 0
        known = self._known.get(key, frozenset())
        if not known or len(known) >= NAMED_CATEGORIES:
            return 0
        return sum(rows for name, rows in class_names(values).items() if name not in known)


def label_weights(values: Mapping[ColumnKey, Values], rows: int) -> tuple[FloatArray, BoolArray]:
    """What each row stands for if it has a label: one over the chance of that, 1 where it is unknown; and where not."""
    if PROBABILITY not in values:
        return np.ones(rows), np.zeros(rows, bool)
    chance = numbers_of(values[PROBABILITY])
    known = (chance > 0.0) & (chance <= 1.0)
    return np.where(known, 1.0 / np.where(known, chance, 1.0), 1.0), known


def _names_of(column: ReferenceColumn) -> frozenset[str]:
    names = (*column.categories, *column.minor, *column.summary.categories)
    return frozenset(names) | other_spellings(dict.fromkeys(names, 0)).keys()


def _coded(values: Values, codes: Mapping[str, int]) -> IntArray:
    """Classes of the reference, -1 for others and where missing, [rows]."""
    return np.array([codes.get(name, -1) for name in outcome_names(values).tolist()], np.int64)


def _value_cells(losses: InputLosses, values: Mapping[ColumnKey, Values], known: BoolArray) -> IntArray:
    """The cell of an input's value, of the rows that have a prediction and a value."""
    column = values.get(ColumnKey(TARGET_INPUT, losses.name))
    if column is None:
        return np.zeros(0, np.int64)
    if losses.categories:
        codes = CodedColumn(None, losses.categories).codes(column[known])
        return np.minimum(codes, len(losses.categories)).astype(np.int64)
    x = numbers_of(column)[known]
    return np.searchsorted(losses.edges, x[np.isfinite(x)], "right").astype(np.int64)


def numbers_of(values: Values) -> FloatArray:
    """NaN for all that is no number, [rows]."""
    if values.dtype.kind == "f":
        return values.astype(np.float64)
    return np.array([each if isinstance(each, int | float) else np.nan for each in values.tolist()], np.float64)
