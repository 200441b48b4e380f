"""The segments of all models: rows that waited for their window, coded, and judged by the monitor of their model."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftline.rows.batch import WeightedRows
from driftline.rows.table import CODE, INPUT, LABEL, OUTPUT, RowColumn, RowTable
from driftline.segments.columns import SegmentColumn
from driftline.segments.flags import status
from driftline.segments.lattice import Codes
from driftline.segments.training import SegmentTraining
from driftline.semconv import CONFIDENCE, PREDICTION, SCORE, TARGET_INPUT, TARGET_SEGMENT
from driftline.sketch.arrays import FloatArray, IntArray
from driftline.sketch.values import aligned
from driftline_processor.engine.engine_settings import EngineSettings
from driftline_processor.engine.model_state import ModelState
from driftline_processor.monitors.drift.history.trailing_windows import is_timed
from driftline_processor.monitors.segments.monitor import SegmentMonitor, Update
from driftline_processor.monitors.segments.results import results
from driftline_processor.monitors.segments.spans import BUDGET, Pace
from driftline_processor.records import ColumnKey, ColumnResult, ModelKey, Reference, Window
from driftline_processor.verdicts.verdict import State

RELEARN: Final = 64
"""Windows with rows after a restart, in which alarms that were open are kept until they are found again."""


@dataclass(slots=True)
class _Watched:
    """reference, columns: what the monitor was made for. windows: with rows, since then."""

    reference: str
    columns: frozenset[str]
    monitor: SegmentMonitor
    windows: int = 0


class Segments:
    """A monitor for each model that sends rows, and whose reference has counts of segments."""

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._watched: dict[ModelKey, _Watched] = {}

    def evict(self, model: ModelKey) -> None:
        """Forgets a model."""
        self._watched.pop(model, None)

    def judge(
        self, model: ModelState, window: Window, reference: Reference, columns: Iterable[ColumnResult], effect: float
    ) -> tuple[ColumnResult, ...]:
        """The findings after a window. columns: how those of the reference were judged. effect: of rows that repeat."""
        rows = model.waiting.take(window.end, reference.id)
        training = reference.segments
        if training is None:
            return ()
        watched = self._of(model.key, training, reference, window, rows)
        if watched is None:
            return ()
        update = self._observe(watched, rows, reference, _alarmed(model, columns), effect)
        found = tuple(results(watched.monitor.training, update, window, self._settings.step))
        return (*found, *_kept(model, watched, {each.column for each in found}))

    def _of(
        self, key: ModelKey, training: SegmentTraining, reference: Reference, window: Window, rows: WeightedRows | None
    ) -> _Watched | None:
        watched = self._watched.get(key)
        if watched is not None and watched.reference != reference.id:
            watched = None
        if rows is None:
            return watched
        names = _names(rows.table) & {column.name for column in training.columns}
        if watched is None or not watched.columns <= names:
            served = training.only(names)
            if served is None:
                return None
            watched = self._watched[key] = _Watched(
                reference.id, frozenset(names), self._monitor(served, reference, window)
            )
        return watched

    def _monitor(self, training: SegmentTraining, reference: Reference, window: Window) -> SegmentMonitor:
        settings = self._settings
        chunk = 0.0
        if reference.has_timestamps and is_timed(window):
            chunk = float((reference.ends - reference.starts).mean()) * 1e9 / settings.step
        pace = Pace(settings.per / settings.step, BUDGET * settings.false_alarms, chunk)
        return SegmentMonitor(training, pace, min_rows=settings.segment_rows, most_told=settings.segment_series)

    def _observe(
        self, watched: _Watched, rows: WeightedRows | None, reference: Reference, alarmed: frozenset[str], effect: float
    ) -> Update:
        monitor = watched.monitor
        columns = len(monitor.training.columns)
        if rows is None or not len(rows.table):
            return monitor.observe(np.zeros((0, columns), np.uint8), np.zeros(0, np.int64))
        watched.windows += 1
        codes = np.stack([_codes(rows.table, column, reference) for column in monitor.training.columns], axis=1)
        return monitor.observe(codes, _status(rows.table, monitor.training), rows.weights, alarmed, effect=effect)


def _names(table: RowTable) -> set[str]:
    return {column.name for column in table.columns if column.role in {INPUT, CODE}}


def _alarmed(model: ModelState, columns: Iterable[ColumnResult]) -> frozenset[str]:
    """Inputs whose own alarm is open, or opens with this window."""
    moved = {each.column for each in columns if each.verdict is not None and each.verdict.state is State.ALARM}
    return frozenset(key.name for key in (*model.alarms, *moved) if key.target == TARGET_INPUT)


def _kept(model: ModelState, watched: _Watched, found: set[ColumnKey]) -> Iterator[ColumnResult]:
    """Alarms from before a restart, as they were, until the monitor knows enough again."""
    if watched.windows > RELEARN:
        return
    for key, alarm in model.alarms.items():
        if key.target == TARGET_SEGMENT and key not in found:
            yield ColumnResult(key, 0.0, 0.0, 0.0, {}, {}, {}, alarm.reported)


def _codes(table: RowTable, column: SegmentColumn, reference: Reference) -> Codes:
    values = table.columns.get(RowColumn(INPUT, column.name))
    if values is not None:
        return column.codes(np.asarray(values))
    bins, known = table.columns[RowColumn(CODE, column.name)], reference.columns[ColumnKey(TARGET_INPUT, column.name)]
    return column.codes_of_bins(_bytes(bins), known.edges if known.kind == "numeric" else None)


def _bytes(bins: NDArray[Any]) -> NDArray[np.uint8]:
    """Codes as they were sent; of rows that came without any, that of a missing value."""
    numbers = aligned(bins)
    return np.where(np.isnan(numbers), 255.0, numbers).astype(np.uint8)


def _status(table: RowTable, training: SegmentTraining) -> IntArray:
    columns = table.columns
    label = next((values for column, values in columns.items() if column.role == LABEL), None)
    return status(training.flags, len(table), _confidence(table), label, columns.get(RowColumn(OUTPUT, PREDICTION)))


def _confidence(table: RowTable) -> FloatArray | None:
    """As it was sent, else that of a probability."""
    told = table.columns.get(RowColumn(OUTPUT, CONFIDENCE))
    if told is not None:
        return np.asarray(aligned(np.asarray(told)), np.float64)
    score = table.columns.get(RowColumn(OUTPUT, SCORE))
    if score is None:
        return None
    p = np.asarray(aligned(np.asarray(score)), np.float64)
    known = p[np.isfinite(p)]
    if not len(known) or known.min() < 0.0 or known.max() > 1.0:
        return None
    return np.maximum(p, 1.0 - p)
