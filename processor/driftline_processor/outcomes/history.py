"""Outcomes of a model by cell of its reference, as they were joined: what concept drift is judged by while it serves.

A label counts in the window that is judged when it is joined, hours or weeks after its prediction: a window of
predictions would be whole only when the last label has come. How outcomes go with scores does not depend on the hour
at which somebody sends them. Rows without labels count by the hour of their prediction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from driftline.reference.outcome_profile import ClassOutcomes, NumberOutcomes, OutcomeProfile
from driftline.rows.table import RowTable
from driftline.sketch.arrays import BoolArray, FloatArray, IntArray
from driftline.sketch.time_units import HOUR
from driftline_processor.monitors.concept.monitor import SPANS, Limits, OutcomeMonitor, Stretch
from driftline_processor.outcomes.labelled_sample import LABEL_TEXT, LABEL_VALUE, pack_parts, unpack_parts
from driftline_processor.outcomes.tables import CHANCE, SCORES, TEXT, VALUE, WEIGHT, joined, names_of
from driftline_processor.performance.label_counts import ClassCounts, NumberCounts
from driftline_processor.records import ColumnKey, ColumnResult, Reference, Window
from driftline_processor.verdicts.verdict import OpenAlarm

MOST_ROWS: Final = 100_000
"""Labelled rows of a model that are remembered, and rows that wait to be counted: of more the newest."""

EARLY: Final = 0.9
"""Share of the labels of a window that must be at most half as old as the stream: a younger one has early labels only,
which are no sample of those to come."""

Counts: TypeAlias = ClassCounts | NumberCounts


class Pane(NamedTuple):
    """Labelled rows that were joined since the window before. first, last: hours of their predictions.

    cell, predicted, label: codes of the reference's, [rows]. errors: standardised, [rows]; whichever the reference has.
    weights: rows that each stands for, [rows]. weighted: whether the chance of a label was known of all.
    """

    first: int
    last: int
    weighted: bool
    weights: FloatArray
    cell: IntArray
    predicted: IntArray
    label: IntArray
    errors: FloatArray


@dataclass(slots=True)
class OutcomeHistory:
    """Of one model. pairs, rows: since the last window. reference: whose cells were counted. begun: hour of the first.

    panes: by the end of their window. hours: rows by cell, by the hour of the prediction.
    """

    pairs: list[RowTable] = field(default_factory=list)
    rows: list[RowTable] = field(default_factory=list)
    reference: str = ""
    begun: int | None = None
    panes: dict[int, Pane] = field(default_factory=dict)
    hours: dict[int, FloatArray] = field(default_factory=dict)
    _monitor: OutcomeMonitor | None = field(default=None, init=False, repr=False, compare=False)

    def add_rows(self, table: RowTable) -> None:
        """Predictions. table: as they wait for outcomes."""
        self.rows = _newest([*self.rows, table])

    def add_pairs(self, table: RowTable) -> None:
        """Predictions with their labels."""
        self.pairs = _newest([*self.pairs, table])

    def judge(
        self,
        reference: Reference | None,
        window: Window,
        alarms: Mapping[ColumnKey, OpenAlarm],
        limits: Limits,
        wait: int,
    ) -> tuple[ColumnResult, ...]:
        """Whether outcomes given predictions have changed, and performance is below that of training.

        Args:
            reference: What the model is compared with; None without any.
            window: The window that is judged: what has been joined since the one before is of it.
            alarms: Those that are open.
            limits: The budget; whether chances of labels are known is known here.
            wait: For how long labels come, nanoseconds: so long rows are counted.

        """
        outcomes = reference.outcomes if reference is not None else None
        if reference is None or outcomes is None:
            self.pairs, self.rows = [], []
            return ()
        if reference.id != self.reference:
            self.reference, self.panes, self.hours, self._monitor = reference.id, {}, {}, None
        self._monitor = self._monitor or OutcomeMonitor.of_reference(reference)
        assert self._monitor is not None
        size = window.end - window.start
        self._count(outcomes, max(window.end, max(self.panes, default=0)))
        self._forget(window.end - SPANS[-1] * size, (window.end - wait) // HOUR)
        shown = {end: pane for end, pane in self.panes.items() if end <= window.end}
        if not shown and not alarms:
            return ()
        weighted = all(pane.weighted for pane in shown.values())
        stretches = self._stretches(outcomes, shown, window.end, size)
        found = self._monitor.judge(stretches, alarms, replace(limits, weighted=weighted))
        return tuple(each for each in found if each.rows or each.column in alarms)

    def _count(self, outcomes: OutcomeProfile, end: int) -> None:
        """What has come since the last window. end: of this one."""
        rows, pairs = joined(self.rows), joined(self.pairs)
        self.rows, self.pairs = [], []
        if len(rows):
            self._count_rows(outcomes, rows)
        if not len(pairs) or self.begun is None:
            return
        age = float(np.quantile(end - pairs.times, EARLY))
        if age > (end - self.begun * HOUR) / 2:
            return
        pane = _pane(outcomes, pairs)
        self.panes[end] = _whole((self.panes[end], pane)) if end in self.panes else pane

    def _count_rows(self, outcomes: OutcomeProfile, rows: RowTable) -> None:
        first = int(rows.times.min()) // HOUR
        self.begun = first if self.begun is None else min(self.begun, first)
        cell, known = _cells(outcomes, rows)
        hour = (rows.times // HOUR)[known]
        for each in np.unique(hour).tolist():
            found = np.bincount(cell[hour == each], minlength=outcomes.cells).astype(np.float64)
            self.hours[each] = self.hours[each] + found if each in self.hours else found

    def _forget(self, panes: int, hours: int) -> None:
        """What ended before, and what there is no room for."""
        kept: dict[int, Pane] = {}
        rows = 0
        for end in sorted(self.panes, reverse=True):
            rows += len(self.panes[end].weights)
            if end > panes and (rows <= MOST_ROWS or not kept):
                kept[end] = self.panes[end]
        self.panes = dict(sorted(kept.items()))
        self.hours = {hour: each for hour, each in self.hours.items() if hour >= hours}

    def _stretches(self, outcomes: OutcomeProfile, panes: Mapping[int, Pane], end: int, size: int) -> Sequence[Stretch]:
        """The window, and longer ones that end with it and begin no earlier than anything was joined."""
        begun = min(panes, default=end) - size
        starts = [end - span * size for span in SPANS]
        kept = [start for place, start in enumerate(starts) if not place or start >= begun]
        return [Stretch(start, end, self._counts(outcomes, panes, start)) for start in kept]

    def _counts(self, outcomes: OutcomeProfile, panes: Mapping[int, Pane], start: int) -> Counts:
        """Of the panes since then, and of all rows of the hours of their predictions."""
        own = [pane for end, pane in panes.items() if end > start]
        if not own:
            return _empty(outcomes)
        whole, rows = _whole(own), np.zeros(outcomes.cells)
        for hour, found in self.hours.items():
            rows += found if whole.first <= hour <= whole.last else 0.0
        if isinstance(outcomes, NumberOutcomes):
            numbers = NumberCounts.empty(outcomes)._replace(rows=rows)
            return numbers.with_labels(whole.errors, whole.weights)
        empty = ClassCounts.empty(outcomes)
        counts = empty.with_labels(whole.cell, whole.predicted, whole.label, whole.weights)
        counts.rows[:, 0] = np.maximum(rows, counts.labels.sum(axis=(1, 2)))
        return counts

    def pack(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "pairs": pack_parts(self.pairs) if self.pairs else [],
            "rows": pack_parts(self.rows) if self.rows else [],
            "reference": self.reference,
            "begun": self.begun,
            "panes": [(end, *pane[:3], *(each.tobytes() for each in pane[3:])) for end, pane in self.panes.items()],
            "hours": [(hour, each.tobytes()) for hour, each in self.hours.items()],
        }

    @classmethod
    def unpack(cls, packed: Mapping[str, Any]) -> "OutcomeHistory":
        """The inverse of `pack`."""
        return cls(
            unpack_parts(packed["pairs"]),
            unpack_parts(packed["rows"]),
            packed["reference"],
            packed["begun"],
            {end: Pane(*plain, *map(_array, arrays, _TYPES)) for end, *plain, arrays in map(_split, packed["panes"])},
            {hour: _array(each, np.float64) for hour, each in packed["hours"]},
        )


_TYPES: Final = (np.float64, np.int64, np.int64, np.int64, np.float64)
"""Of the arrays of a pane."""


def _split(packed: Sequence[Any]) -> tuple[Any, ...]:
    return (*packed[:4], packed[4:])


def _array(body: bytes, dtype: Any) -> Any:
    return np.frombuffer(body, dtype)


def _newest(tables: list[RowTable]) -> list[RowTable]:
    """Without the oldest ones, where all together have too many rows."""
    while len(tables) > 1 and sum(map(len, tables)) > MOST_ROWS:
        tables = tables[1:]
    return tables


def _cells(outcomes: OutcomeProfile, table: RowTable) -> tuple[IntArray, BoolArray]:
    """The cells of the rows that have one, and which these are."""
    by = SCORES if isinstance(outcomes, ClassOutcomes) else VALUE
    values = np.asarray(table.columns[by], np.float64)
    if isinstance(outcomes, ClassOutcomes) and not outcomes.scored:
        values = np.zeros(len(table))
    known = np.isfinite(values)
    return outcomes.cell(values[known]), known


def _pane(outcomes: OutcomeProfile, pairs: RowTable) -> Pane:
    cells, known = _cells(outcomes, pairs)
    weights = np.asarray(pairs.columns[WEIGHT], np.float64)
    predicted, label, errors = (np.zeros(len(pairs), np.int64), np.zeros(len(pairs), np.int64), np.zeros(len(pairs)))
    cell = np.zeros(len(pairs), np.int64)
    cell[known] = cells
    if isinstance(outcomes, ClassOutcomes):
        label = _codes(outcomes, pairs, (LABEL_VALUE, LABEL_TEXT))
        predicted = _codes(outcomes, pairs, (VALUE, TEXT)) if outcomes.predicts else predicted
        known = known & (label >= 0) & (predicted >= 0)
    else:
        told, truth = (np.asarray(pairs.columns[each], np.float64) for each in (VALUE, LABEL_VALUE))
        known = known & np.isfinite(truth)
        errors[known] = outcomes.standardised(told[known], (told - truth)[known])
    chances = pairs.columns.get(CHANCE)
    weighted = chances is not None and bool(np.isfinite(np.asarray(chances, np.float64)).all())
    hours = pairs.times // HOUR
    codes = cell[known], predicted[known], label[known]
    return Pane(int(hours.min()), int(hours.max()), weighted, weights[known], *codes, errors[known])


def _codes(outcomes: ClassOutcomes, table: RowTable, columns: tuple[Any, Any]) -> IntArray:
    """Classes of the reference, -1 for others and where missing, [rows]."""
    codes = {name: code for code, name in enumerate(outcomes.classes)}
    return np.array([codes.get(name, -1) for name in names_of(table, *columns).tolist()], np.int64)


def _empty(outcomes: OutcomeProfile) -> Counts:
    return NumberCounts.empty(outcomes) if isinstance(outcomes, NumberOutcomes) else ClassCounts.empty(outcomes)


def _whole(panes: Sequence[Pane]) -> Pane:
    """All of them together; there is one at least."""
    return Pane(
        min(pane.first for pane in panes),
        max(pane.last for pane in panes),
        all(pane.weighted for pane in panes),
        np.concatenate([pane.weights for pane in panes]),
        np.concatenate([pane.cell for pane in panes]),
        np.concatenate([pane.predicted for pane in panes]),
        np.concatenate([pane.label for pane in panes]),
        np.concatenate([pane.errors for pane in panes]),
    )
