"""The replay: record batches in, judged windows out."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from driftline.profiling.arrow_types import numbers
from driftline.semconv import TARGET_INPUT
from driftline.sketch.arrays import IntArray
from driftline_processor.engine.engine import Engine
from driftline_processor.engine.engine_settings import EngineSettings
from driftline_processor.records import ColumnKey, ColumnResult, InputRecord, ModelKey, Reference, Window, WindowResult
from driftline_processor.replay.choices import Choices
from driftline_processor.replay.column_mapping import ReplayedColumn
from driftline_processor.replay.errors import ReplayError
from driftline_processor.replay.labelled_rows import LabelledRows, WindowPerformance
from driftline_processor.replay.outcome_cells import PROBABILITY
from driftline_processor.replay.row_batches import RowBatches
from driftline_processor.replay.sketcher import Sketcher
from driftline_processor.replay.timeline import NO_TIME, Timeline
from driftline_processor.verdicts.verdict import OpenAlarm


class TimedRows(NamedTuple):
    """Rows with their event times, [rows]."""

    times: IntArray
    values: Mapping[ColumnKey, NDArray[Any]]


@dataclass(slots=True)
class Replay:
    """A replay of one model's rows through an engine of its own.

    choices: other settings that every window is judged at, too, if any. probability: the column with the chance that a
    row gets a label. rows: read so far; of these, timeless: without
    a valid timestamp, late: after their window was judged. newest: the newest event time.
    """

    reference: Reference
    settings: EngineSettings
    timeline: Timeline
    columns: Sequence[ReplayedColumn]
    choices: Choices | None = None
    probability: str | None = None
    rows: int = 0
    timeless: int = 0
    late: int = 0
    newest: int = 0
    _engine: Engine = field(init=False)
    _sketcher: Sketcher = field(init=False)
    _labelled: LabelledRows = field(init=False)
    _row_batches: RowBatches | None = field(init=False)

    def __post_init__(self) -> None:
        model = ModelKey(self.reference.name, self.reference.version)
        self._labelled = LabelledRows(self.columns, self.settings, self.reference)
        on_judged = None if self.choices is None else self.choices.add
        self._engine = Engine(self.settings, on_judged, self._judge_outcomes)
        self._engine.put_reference(self.reference)
        columns = self.reference.columns.values()
        pairs = {column.key.name: column.pair for column in columns if column.pair is not None}
        known = frozenset(key.name for key in self.reference.columns if key.target == TARGET_INPUT)
        self._row_batches = None if self.reference.segments is None else RowBatches(model)
        self._sketcher = Sketcher(model, self.columns, pairs, known)

    def run(self, batches: Iterable[Any], on_rows: Callable[[int], None]) -> Iterator[WindowResult]:
        """Replays record batches.

        Args:
            batches: Record batches, in order.
            on_rows: Called with the number of rows of each batch.

        Yields:
            The judged windows, as they become complete.

        Raises:
            ReplayError: No row has a valid timestamp, or the engine rejects rows.

        """
        for batch in batches:
            block = self._timed_rows(batch)
            for part in self._steps(block.times):
                times = block.times[part]
                values = {key: column[part] for key, column in block.values.items()}
                records: list[InputRecord] = list(self._sketcher.records(values, times))
                if self._row_batches is not None:
                    records.append(self._row_batches.of(values, times))
                if self._observe(records, int(times.max())):
                    self._labelled.add(values, int(times.max()))
                yield from self._engine.advance(self.newest)
            on_rows(batch.num_rows)
        if self.timeless == self.rows:
            raise ReplayError(f"timestamp: must be within 1970 to 2262 (got {self.rows:,} rows, none within)")
        yield from self._engine.advance(self.newest + self.settings.lateness + self.settings.step + 1)

    def _judge_outcomes(
        self, _model: ModelKey, window: Window, reference: Reference | None, alarms: Mapping[ColumnKey, OpenAlarm]
    ) -> tuple[ColumnResult, ...]:
        return self._labelled.judge(window, alarms) if reference is not None else ()

    def performance(self, result: WindowResult) -> WindowPerformance | None:
        """How right the model was in the newest window; None without labels."""
        return self._labelled.measure(result.window) if self._labelled.usable else None

    def _timed_rows(self, batch: Any) -> TimedRows:
        times = self.timeline.times(batch, self.rows)
        self.rows += batch.num_rows
        known = times != NO_TIME
        if not known.all():
            self.timeless += int(np.count_nonzero(~known))
            times, batch = times[known], batch.filter(pa.array(known))
        values = {column.key: column.values(batch) for column in self.columns}
        if self.probability is not None:
            values[PROBABILITY] = numbers(batch.column(self.probability))
        return TimedRows(times, values)

    def _steps(self, times: IntArray) -> Iterator[Any]:
        """The rows of each step, oldest step first."""
        step = (times - 1) // self.settings.step
        order = None if (np.diff(step) >= 0).all() else np.argsort(step, kind="stable")
        bounds = np.flatnonzero(np.diff(step if order is None else step[order])) + 1
        for first, last in zip([0, *bounds.tolist()], [*bounds.tolist(), len(times)], strict=True):
            if last > first:
                yield slice(first, last) if order is None else order[first:last]

    def _observe(self, records: Sequence[InputRecord], time: int) -> bool:
        """Whether they came in time."""
        self.newest = max(self.newest, time)
        report = self._engine.observe(records, self.newest)
        self.late += round(sum(report.late.values()))
        if report.rejections and not report.late:  # rows of one step are late together
            raise ReplayError(f"rows rejected: {report.rejections[0].reason}")
        return not report.late


def rebatch(batches: Iterable[Any], rows: int) -> Iterator[Any]:
    """The same rows in batches of `rows` each, so that results do not depend on how a file stores them."""
    held: list[Any] = []
    waiting = 0
    for batch in batches:
        at = 0
        while at < batch.num_rows:
            part = batch.slice(at, rows - waiting)
            held.append(part)
            at, waiting = at + part.num_rows, waiting + part.num_rows
            if waiting == rows:
                yield _concatenate(held)
                held, waiting = [], 0
    if held:
        yield _concatenate(held)


def _concatenate(parts: list[Any]) -> Any:
    return pa.Table.from_batches(parts).combine_chunks().to_batches()[0] if len(parts) > 1 else parts[0]
