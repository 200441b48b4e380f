"""Rows with their labels, kept until their window is judged, and how right the model was in it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftline.reference.column_types import BOOLEAN
from driftline.reference.outcome_profile import ClassOutcomes, NumberOutcomes
from driftline.semconv import PREDICTION, SCORE, TARGET_LABEL, TARGET_OUTPUT
from driftline.sketch.arrays import BoolArray, FloatArray
from driftline.sketch.spellings import outcome_names, told_names
from driftline_processor.engine.engine_settings import EngineSettings
from driftline_processor.monitors.concept.monitor import SPANS, OutcomeMonitor, Stretch
from driftline_processor.performance.classification import accuracy, balanced_accuracy, by_class
from driftline_processor.performance.confusion import ConfusionCounts
from driftline_processor.performance.harm import Harm, harm
from driftline_processor.performance.label_counts import ClassCounts
from driftline_processor.performance.measured import Measured, Metric
from driftline_processor.performance.probabilities import probability_losses
from driftline_processor.performance.ranking import ranking
from driftline_processor.performance.regression import regression
from driftline_processor.performance.selection import differs, stratum_weights
from driftline_processor.performance.sufficiency import FEWEST_LABELS
from driftline_processor.records import ColumnKey, ColumnResult, Reference, Window
from driftline_processor.replay.column_mapping import ReplayedColumn
from driftline_processor.replay.outcome_cells import CountedPane, OutcomeCells, label_weights, numbers_of
from driftline_processor.verdicts.verdict import OpenAlarm

MOST_CLASSES = 100
"""Classes whose precision, recall and F1 are told."""

BASIS_LABELS = "labels"
BASIS_ESTIMATED = "estimated"

Values = NDArray[Any]


class WindowPerformance(NamedTuple):
    """How right the model was. labels: rows that have one, of so many. estimated: metrics without them.

    selected: labelled rows have other scores than the rest, and nothing tells what chance each row had of a label.
    harm: what the rows of the window do to the model, by their scores.
    """

    labels: int
    rows: int
    metrics: Mapping[str, Metric]
    estimated: frozenset[str] = frozenset()
    selected: bool = False
    harm: Harm | None = None

    def basis(self, name: str) -> str:
        """What a metric is based on."""
        return BASIS_ESTIMATED if name in self.estimated else BASIS_LABELS

    @property
    def labelled(self) -> float:
        """The share of rows that have a label."""
        return self.labels / self.rows if self.rows else 0.0


class _Part(NamedTuple):
    """Labelled rows of one time step, and the number of all of its rows. chance: where that of a label is known."""

    rows: int
    label: Values
    prediction: Values | None
    score: FloatArray | None
    weights: FloatArray
    chance: BoolArray


class LabelledRows:
    """The labelled rows of the windows to come."""

    def __init__(self, columns: Sequence[ReplayedColumn], settings: EngineSettings, reference: Reference) -> None:
        """settings: windows begin and end at multiples of its step."""
        found = {column.key: column for column in columns}
        self._cells = OutcomeCells.of(reference, found)
        self._panes: dict[int, CountedPane] = {}
        self._training = {} if self._cells is None else self._cells.training()
        self._step, self._settings = settings.step, settings
        self._monitor = OutcomeMonitor.of_reference(reference) if self._cells is not None else None
        self._label = next((key for key in found if key.target == TARGET_LABEL), None)
        outputs = (ColumnKey(TARGET_OUTPUT, name) for name in (PREDICTION, SCORE))
        self._prediction, self._score = (key if key in found else None for key in outputs)
        compared = [found[key] for key in (self._label, self._prediction) if key is not None]
        of_numbers = self._cells is not None and isinstance(self._cells.outcomes, NumberOutcomes)
        self._classes = not of_numbers and (self._prediction is None or any(map(_holds_classes, compared)))
        self._parts: dict[int, list[_Part]] = {}
        self._seen: dict[str, list[float]] = {}
        self._told: dict[str, str] = {}

    @property
    def usable(self) -> bool:
        """Whether there are labels and something to compare them with, or a reference that estimates without."""
        return self._cells is not None or self._compares

    @property
    def _compares(self) -> bool:
        return self._label is not None and (self._prediction is not None or self._score is not None)

    def add(self, values: Mapping[ColumnKey, Values], time: int) -> None:
        """Keeps rows of one step, whose newest time is `time`."""
        step = (time - 1) // self._step
        if self._cells is not None:
            self._panes.setdefault(step, self._cells.empty()).add(self._cells.count(values))
        if not self._compares or self._label is None:
            return
        label = values[self._label]
        known = ~_missing(label)
        prediction = None if self._prediction is None else values[self._prediction]
        score = None if self._score is None else numbers_of(values[self._score])
        if self._classes and prediction is not None:
            self._remember(outcome_names(prediction), score)
            if len(self._told) < MOST_CLASSES:
                self._told |= told_names(prediction)
        told, score = None if prediction is None else prediction[known], None if score is None else score[known]
        weights, chance = label_weights(values, len(label))
        part = _Part(len(label), label[known], told, score, weights[known], chance[known])
        self._parts.setdefault(step, []).append(part)

    def measure(self, window: Window) -> WindowPerformance:
        """Of one window; windows come in order, and what is older than this one is dropped."""
        first, last = window.start // self._step, window.end // self._step
        self._parts = {step: parts for step, parts in self._parts.items() if step >= first}
        parts = [part for step in sorted(self._parts) if step < last for part in self._parts[step]]
        if self._cells is None:
            return self._measured(parts)
        pane = self._pane(window.start, window.end)
        found = self._measured(parts, pane)
        estimated = self._cells.estimated(pane)
        found = found._replace(rows=pane.rows, harm=harm(estimated, self._training))
        return _with_estimates(found, {self._as_told(name): metric for name, metric in estimated.items()})

    def judge(self, window: Window, alarms: Mapping[ColumnKey, OpenAlarm]) -> tuple[ColumnResult, ...]:
        """Whether outcomes given predictions have changed, and performance is below that of training."""
        if self._monitor is None or self._label is None:
            return ()
        size = self._settings.size
        first = window.end - SPANS[-1] * size
        self._panes = {step: pane for step, pane in self._panes.items() if step * self._step >= first}
        begun = min(self._panes, default=0) * self._step
        spans = [window.end - span * size for span in SPANS]
        starts = [start for place, start in enumerate(spans) if not place or start >= begun]
        stretches = [Stretch(start, window.end, self._pane(start, window.end).counts) for start in starts]
        weighted = all(part.chance.all() for parts in self._parts.values() for part in parts)
        found = self._monitor.judge(stretches, alarms, self._settings.of_outcomes(weighted=weighted))
        return tuple(each for each in found if each.rows or each.column in alarms)

    def _pane(self, start: int, end: int) -> CountedPane:
        """All rows of some time."""
        assert self._cells is not None
        whole = self._cells.empty()
        for step in range(start // self._step, end // self._step):
            if step in self._panes:
                whole.add(self._panes[step])
        return whole

    def _measured(self, parts: Sequence[_Part], pane: CountedPane | None = None) -> WindowPerformance:
        if not self._compares:
            return WindowPerformance(0, 0, {})
        label = _joined([part.label for part in parts])
        prediction = None if self._prediction is None else _joined([p.prediction for p in parts])
        score = None if self._score is None else _joined([p.score for p in parts]).astype(np.float64)
        weights = np.concatenate([np.ones(0), *(part.weights for part in parts)])
        factor = None if all(part.chance.all() for part in parts) else self._stratum_weights(pane)
        if factor is not None and score is not None:
            known = self._cells.outcomes if self._cells is not None else None
            assert isinstance(known, ClassOutcomes)
            weights = factor[known.cell(np.nan_to_num(score))]
        of = self._of_classes if self._classes else _of_numbers
        metrics = of(label, prediction, score, weights)
        return WindowPerformance(len(label), sum(part.rows for part in parts), metrics, selected=factor is not None)

    def _stratum_weights(self, pane: CountedPane | None) -> FloatArray | None:
        """Of labels in each cell of the score, where labelled rows have other scores than the rest; else None."""
        known = self._cells.outcomes if self._cells is not None else None
        if pane is None or not isinstance(pane.counts, ClassCounts) or not isinstance(known, ClassOutcomes):
            return None
        rows, labelled = pane.counts.rows.sum(axis=1), pane.counts.labels.sum(axis=(1, 2))
        if not known.scored or not differs(labelled, rows):
            return None
        return stratum_weights(labelled, rows, known.joint.sum(axis=2).argmax(axis=1))

    def _of_classes(
        self, label: Values, prediction: Values | None, score: FloatArray | None, weights: FloatArray
    ) -> dict[str, Metric]:
        truth, told = outcome_names(label), None if prediction is None else outcome_names(prediction)
        self._remember(truth, None)
        classes = sorted(self._seen)
        metrics: dict[str, Metric] = {}
        positive = self._positive(classes)
        if told is not None:
            metrics |= _confusion(truth, told, weights, classes, positive)
        if score is not None and positive is not None:
            whole = np.isfinite(score)
            hits, weights = truth[whole] == positive, weights[whole]
            other = next(name for name in classes if name != positive)
            metrics |= ranking(hits, score[whole], weights, (other, positive))
            metrics |= probability_losses(hits, score[whole], weights)
        return {self._as_told(name): metric for name, metric in metrics.items()}

    def _as_told(self, name: str) -> str:
        """A metric, of a class by how the model spells it."""
        kind, dot, of_class = name.partition(".")
        return f"{kind}{dot}{self._told.get(of_class, of_class)}"

    def _remember(self, names: Values, score: FloatArray | None) -> None:
        """The classes that there are, and of each the rows and the sum of their scores."""
        for name in set(names.tolist()) - {""}:
            sums = self._seen.setdefault(name, [0.0, 0.0])
            if score is not None and len(self._seen) <= 2:
                own = score[(names == name) & np.isfinite(score)]
                sums[0], sums[1] = sums[0] + len(own), sums[1] + float(own.sum())

    def _positive(self, classes: Sequence[str]) -> str | None:
        """Of two classes, the one that is predicted at the higher scores; else the last by name."""
        if len(classes) != 2:
            return None
        known = self._cells.outcomes if self._cells is not None else None
        if isinstance(known, ClassOutcomes) and known.positive in classes:
            return known.positive
        means = {name: total / rows for name, (rows, total) in self._seen.items() if rows}
        return max(classes, key=lambda name: means[name]) if len(means) == 2 else classes[-1]


def _confusion(
    truth: Values, told: Values, weights: FloatArray, classes: Sequence[str], positive: str | None
) -> dict[str, Metric]:
    both = told != ""
    codes = {name: code for code, name in enumerate(classes)}
    y, p = (np.array([codes[name] for name in each[both].tolist()], np.int64) for each in (truth, told))
    counts = ConfusionCounts.of(y, p, weights[both], max(len(classes), 1))
    metrics: dict[str, Metric] = {"accuracy": accuracy(counts)}
    if len(classes) > 1:
        metrics["balanced_accuracy"] = balanced_accuracy(counts, classes)
    if positive is not None:
        metrics |= by_class(counts, classes, codes[positive])
    for name, code in list(codes.items())[:MOST_CLASSES]:
        metrics |= {f"{kind}.{name}": metric for kind, metric in by_class(counts, classes, code).items()}
    return metrics


def _of_numbers(
    label: Values, prediction: Values | None, _score: FloatArray | None, weights: FloatArray
) -> dict[str, Metric]:
    assert prediction is not None
    y, p = (numbers_of(each) for each in (label, prediction))
    both = np.isfinite(y) & np.isfinite(p) & (np.abs(y) < _HUGE) & (np.abs(p) < _HUGE)
    return regression(y[both], p[both], weights[both])


_HUGE = 1e75
"""From here on the fourth power of an error is no number."""


def _missing(values: Values) -> BoolArray:
    missing: BoolArray = outcome_names(values) == ""
    return missing


def _with_estimates(found: WindowPerformance, estimated: Mapping[str, Metric]) -> WindowPerformance:
    """With what scores say where labels say nothing. A refused estimate is told where there is no other word."""
    instead = {
        name: metric
        for name, metric in estimated.items()
        if not isinstance(found.metrics.get(name), Measured)
        and (isinstance(metric, Measured) or found.labels < FEWEST_LABELS)
    }
    return found._replace(metrics={**found.metrics, **instead}, estimated=frozenset(instead))


def _holds_classes(column: ReplayedColumn) -> bool:
    texts = column.planned.is_text and column.read is None
    return column.classes or texts or column.planned.kind == BOOLEAN


def _joined(parts: Sequence[Values | None]) -> Values:
    known = [part for part in parts if part is not None]
    return np.concatenate(known) if known else np.empty(0, object)
