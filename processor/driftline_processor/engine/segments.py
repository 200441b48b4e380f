"""The segments of all models: rows that waited for their window, coded, and judged by the monitor of their model."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftline.rows.batch import WeightedRows
from driftline.rows.table import CODE, INPUT, LABEL, OUTPUT, RowColumn, RowTable
from driftline.segments.columns import SegmentColumn
from driftline.segments.flags import status
from driftline.segments.lattice import Codes
from driftline.segments.training import Flags, SegmentTraining
from driftline.semconv import CONFIDENCE, PREDICTION, SCORE, TARGET_INPUT, TARGET_OUTPUT, TARGET_SEGMENT
from driftline.sketch.arrays import FloatArray, IntArray
from driftline.sketch.values import aligned
from driftline_processor.engine.engine_settings import EngineSettings
from driftline_processor.engine.model_state import ModelState
from driftline_processor.engine.watched_segments import WatchedSegments
from driftline_processor.monitors.drift.history.trailing_windows import is_timed
from driftline_processor.monitors.segments.declared_counts import DeclaredCounts, declared_segments
from driftline_processor.monitors.segments.monitor import Memory, SegmentMonitor, Update
from driftline_processor.monitors.segments.results import results
from driftline_processor.monitors.segments.series import bounded, of_findings
from driftline_processor.monitors.segments.spans import BUDGET, Pace
from driftline_processor.records import ColumnKey, ColumnResult, ModelKey, Reference, SegmentResult, Window
from driftline_processor.verdicts.verdict import State

_OF_CONFIDENCE: Final = {ColumnKey(TARGET_OUTPUT, CONFIDENCE), ColumnKey(TARGET_OUTPUT, SCORE)}

RELEARN: Final = 64
"""Windows with rows of a monitor that knows nothing, in which open alarms are kept until they are found again."""


@dataclass(slots=True)
class _Declared:
    """reference: what the counts were made for."""

    reference: str
    counts: DeclaredCounts


class JudgedSegments(NamedTuple):
    """columns: findings, as results that open alarms. series: of declared segments and of findings."""

    columns: tuple[ColumnResult, ...]
    series: tuple[SegmentResult, ...]


class Segments:
    """A monitor for each model that sends rows, and whose reference has counts of segments."""

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._declared: dict[ModelKey, _Declared] = {}

    def evict(self, model: ModelKey) -> None:
        """Forgets a model."""
        self._declared.pop(model, None)

    def judge(
        self, model: ModelState, window: Window, reference: Reference, columns: Iterable[ColumnResult], effect: float
    ) -> JudgedSegments:
        """The findings after a window. columns: how those of the reference were judged. effect: of rows that repeat."""
        rows = model.waiting.take(window.end, reference.id)
        found = tuple(self._findings(model, window, reference, rows, _alarmed(model, columns), effect=effect))
        settings = self._settings.segments
        told = [*self._count(model.key, window, reference, rows), *of_findings(found)]
        return JudgedSegments(found, bounded(told, settings.series, settings.min_rows))

    def _findings(
        self,
        model: ModelState,
        window: Window,
        reference: Reference,
        rows: WeightedRows | None,
        alarmed: frozenset[ColumnKey],
        *,
        effect: float,
    ) -> Iterator[ColumnResult]:
        training = reference.segments
        if training is None:
            return
        watched = model.segments = self._watched(model, training, reference, window, rows)
        found: set[ColumnKey] = set()
        if watched is not None and watched.monitor is not None:
            update = self._observe(watched, watched.monitor, rows, reference, alarmed, effect=effect)
            told = tuple(results(watched.monitor.training, update, window, self._settings.step))
            found = {each.column for each in told}
            yield from told
        if watched is None or watched.monitor is None or watched.windows <= RELEARN:
            yield from _kept(model, found)

    def _watched(
        self,
        model: ModelState,
        training: SegmentTraining,
        reference: Reference,
        window: Window,
        rows: WeightedRows | None,
    ) -> WatchedSegments | None:
        watched = model.segments
        if watched is not None and watched.reference != reference.id:
            watched = None
        if rows is None:
            return watched
        names = frozenset(column.name for column in training.columns if _is_served(rows.table, column, reference))
        if watched is None or not watched.columns <= names:
            watched = WatchedSegments(reference.id, names)
        if watched.monitor is None:
            served = training.only(watched.columns)
            watched.monitor = None if served is None else self._monitor(served, reference, window, watched.memory)
            watched.memory = None
        return watched

    def _monitor(
        self, training: SegmentTraining, reference: Reference, window: Window, memory: Memory | None
    ) -> SegmentMonitor:
        settings, told = self._settings, self._settings.segments
        chunk = 0.0
        if reference.has_timestamps and is_timed(window):
            chunk = float((reference.ends - reference.starts).mean()) * 1e9 / settings.step
        pace = Pace(settings.per / settings.step, BUDGET * settings.false_alarms, chunk)
        monitor = SegmentMonitor(training, pace, min_rows=told.min_rows, most_told=told.most)
        if memory is not None:
            monitor.go_on(memory)
        return monitor

    @staticmethod
    def _observe(
        watched: WatchedSegments,
        monitor: SegmentMonitor,
        rows: WeightedRows | None,
        reference: Reference,
        alarmed: frozenset[ColumnKey],
        *,
        effect: float,
    ) -> Update:
        columns = monitor.training.columns
        if rows is None or not len(rows.table):
            return monitor.observe(np.zeros((0, len(columns)), np.uint8), np.zeros(0, np.int64))
        watched.windows += 1
        codes = np.stack([_codes(rows.table, column, reference) for column in columns], axis=1)
        found = _status(rows.table, monitor.training.flags)
        inputs = [key.name for key in alarmed if key.target == TARGET_INPUT]
        unsure = not alarmed.isdisjoint(_OF_CONFIDENCE)
        return monitor.observe(codes, found, rows.weights, inputs, effect=effect, unsure=unsure)

    def _count(
        self, key: ModelKey, window: Window, reference: Reference, rows: WeightedRows | None
    ) -> Iterator[SegmentResult]:
        """What is told of the segments of a model that somebody declared."""
        counts = self._counts(key, reference)
        if not counts.segments:
            return
        table = RowTable.empty() if rows is None else rows.table
        columns = {each.column.name: each.column for each in counts.segments}
        served = {name: each for name, each in columns.items() if _is_served(table, each, reference)}
        codes = {name: _codes(table, each, reference) for name, each in served.items()}
        flags = Flags() if reference.segments is None else reference.segments.flags
        weights = np.zeros(0) if rows is None else rows.weights
        sure = flags.low_below is not None and _confidence(table) is not None
        counts.add(window.end, codes, _status(table, flags), weights, sure=sure)
        yield from counts.results(window.end)

    def _counts(self, key: ModelKey, reference: Reference) -> DeclaredCounts:
        declared = self._declared.get(key)
        if declared is None or declared.reference != reference.id:
            training, settings = reference.segments, self._settings
            texts = dict.fromkeys(
                (*(() if training is None else training.declared), *settings.segments.of_model(key.name))
            )
            segments = declared_segments(tuple(texts), training)
            counts = DeclaredCounts(segments, training, settings.size)
            declared = self._declared[key] = _Declared(reference.id, counts)
        return declared.counts


def _is_served(table: RowTable, column: SegmentColumn, reference: Reference) -> bool:
    """Whether rows tell of a column; codes cannot tell of a condition."""
    if all(RowColumn(INPUT, name) in table.columns for name in column.sources):
        return True
    known = ColumnKey(TARGET_INPUT, column.name) in reference.columns
    return column.condition is None and known and RowColumn(CODE, column.name) in table.columns


def _alarmed(model: ModelState, columns: Iterable[ColumnResult]) -> frozenset[ColumnKey]:
    """Columns whose own alarm is open, or opens with this window."""
    moved = {each.column for each in columns if each.verdict is not None and each.verdict.state is State.ALARM}
    return frozenset((*model.alarms, *moved))


def _kept(model: ModelState, found: Collection[ColumnKey]) -> Iterator[ColumnResult]:
    """Alarms from before a restart, as they were, until the monitor knows enough again."""
    for key, alarm in model.alarms.items():
        if key.target == TARGET_SEGMENT and key not in found:
            yield ColumnResult(key, 0.0, 0.0, 0.0, {}, {}, {}, alarm.reported)


def _codes(table: RowTable, column: SegmentColumn, reference: Reference) -> Codes:
    if column.condition is not None:
        values = {name: np.asarray(table.columns[RowColumn(INPUT, name)]) for name in column.sources}
        return column.codes_of_condition(values, len(table))
    own = table.columns.get(RowColumn(INPUT, column.name))
    if own is not None:
        return column.codes(np.asarray(own))
    bins, known = table.columns[RowColumn(CODE, column.name)], reference.columns[ColumnKey(TARGET_INPUT, column.name)]
    return column.codes_of_bins(_bytes(bins), known.edges if known.kind == "numeric" else None)


def _bytes(bins: NDArray[Any]) -> NDArray[np.uint8]:
    """Codes as they were sent; of rows that came without any, that of a missing value."""
    numbers = aligned(bins)
    return np.where(np.isnan(numbers), 255.0, numbers).astype(np.uint8)


def _status(table: RowTable, flags: Flags) -> IntArray:
    columns = table.columns
    label = next((values for column, values in columns.items() if column.role == LABEL), None)
    return status(flags, len(table), _confidence(table), label, columns.get(RowColumn(OUTPUT, PREDICTION)))


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
