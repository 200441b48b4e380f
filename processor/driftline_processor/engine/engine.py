"""The engine: records in, judged windows out, without clock, thread, socket or file.

Results depend only on the records, their times of receipt and the order of both, so that a restart that replays them
continues where it stopped. Event time decides the window; `now` only decides when no more rows are expected.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from heapq import nlargest
from itertools import chain, groupby, islice
from operator import attrgetter
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from driftline.sketch.arrays import IntArray
from driftline.sketch.time_units import DAY
from driftline_processor.engine.alarm_traces import name_calls
from driftline_processor.engine.alarms import follow
from driftline_processor.engine.comparisons import Comparisons
from driftline_processor.engine.engine_settings import EngineSettings
from driftline_processor.engine.incidents import follow_incident
from driftline_processor.engine.ingest_report import IngestReport, IngestReportBuilder, describe_model
from driftline_processor.engine.match_tracker import MatchTracker
from driftline_processor.engine.matching import Columns, Matching, ModelMatch, match_columns, resolve_names
from driftline_processor.engine.model_shares import ModelShares
from driftline_processor.engine.model_state import IngestResult, IngestStatus, ModelState, ModelStatus
from driftline_processor.engine.point_runs import ingest_points
from driftline_processor.engine.received_batches import ReceivedBatches
from driftline_processor.engine.segments import Segments
from driftline_processor.engine.snapshot import dump, load
from driftline_processor.engine.stream_deltas import Point
from driftline_processor.engine.suspects import finder, of_collapses
from driftline_processor.engine.turns import Turns, cost
from driftline_processor.monitors.clocks.monitor import ClockMonitor, TimedWindow
from driftline_processor.monitors.drift.comparison import Comparison
from driftline_processor.monitors.drift.history.trailing_windows import StreamWindow, is_timed
from driftline_processor.monitors.drift.results import describe_window
from driftline_processor.monitors.duplicates import monitor as duplicates
from driftline_processor.monitors.outputs import monitor as outputs
from driftline_processor.records import (
    ColumnKey,
    ColumnResult,
    ColumnSummary,
    ExampleRows,
    InputRecord,
    ModelKey,
    ModelRows,
    Reference,
    ReferencePart,
    SaidOutcomes,
    Window,
    WindowResult,
)
from driftline_processor.verdicts.verdict import OpenAlarm

logger = logging.getLogger(__name__)

MAX_MODELS: Final = 10_000
"""Models, by name, version and resource. More come from names that change with every process."""

RELEASE_AFTER: Final = DAY
"""A model silent for this long frees its panes and streams: its processes are gone."""

EVICT_AFTER: Final = 7 * DAY
"""A model silent for this long is evicted when there are too many."""


class JudgedWindow(NamedTuple):
    """A window, what it held, by the names of the reference, and how it was judged.

    columns: as so many rows as differ. hashed: rows by hash, by the digest of their columns. duration: nanoseconds from
    its first pane with rows to the end of the last. hours: in what proportion its rows came in each hour, by its start.
    """

    comparison: Comparison
    columns: Columns
    hashed: Mapping[str, ColumnSummary]
    duration: int
    hours: Mapping[int, float]
    result: WindowResult


OutcomeJudge: TypeAlias = Callable[
    [ModelKey, Window, Reference | None, Mapping[ColumnKey, OpenAlarm]], tuple[ColumnResult, ...]
]
"""What outcomes say of a model in a window, beside what it is compared with and the alarms that are open."""


class Engine:
    """The state of all models. Not thread-safe."""

    def __init__(
        self,
        settings: EngineSettings,
        on_judged: Callable[[JudgedWindow], None] | None = None,
        outcomes: OutcomeJudge | None = None,
    ) -> None:
        """on_judged: called with each window that was compared with a reference. outcomes: judges those of a window."""
        self._settings, self._on_judged, self._outcomes = settings, on_judged, outcomes
        self._models: dict[ModelKey, ModelState] = {}
        self._evicted: set[ModelKey] = set()
        self._shares = ModelShares(self._models, settings.columns)
        self._matches = MatchTracker(settings.size)
        self._comparisons = Comparisons(settings, self._matches)
        self._turns = Turns()
        self.cost = 0.0
        """What the windows have cost that were judged so far, in columns."""
        self._new_batches: list[ModelRows] = []
        self._segments = Segments(settings)
        self.caught_up = True
        """Whether `advance` has judged all windows that were complete: of some nothing is told."""

    def observe(self, records: Sequence[InputRecord], received: int) -> IngestReport:
        """Counts each record once, in the pane of its event time.

        Args:
            records: The records of one request; parts of references and outcomes go elsewhere.
            received: When the request was received, Unix nanoseconds.

        """
        report = IngestReportBuilder(self._settings.lateness, self._settings.retention, received)
        self._shares.begin()
        self._make_room(received)
        counted = [record for record in records if not isinstance(record, (ReferencePart, SaidOutcomes))]
        for key, group in groupby(counted, attrgetter("model")):
            self._observe_model(key, list(group), received, report)
        self._shares.settle()
        return report.build()

    def observe_sketched(self, spans: Sequence[ExampleRows], received: int) -> None:
        """Keeps examples of the calls of known models, that sketches have counted. received: Unix nanoseconds."""
        for each in spans:
            model = self._models.get(each.model)
            if model is not None:
                ahead = each.times > received + self._settings.lateness
                model.add_examples(each, np.where(ahead, received, each.times))

    def put_reference(self, reference: Reference) -> None:
        """Adds or replaces a reference; windows of the model it names are compared with it from now on."""
        self.drop_reference(reference.id)
        self._matches.put(reference)

    def drop_reference(self, identity: str) -> None:
        """Removes a reference; no window is compared with it any more."""
        self._matches.drop(identity)
        self._comparisons.drop(identity)

    def advance(self, now: int, most: int | None = None) -> list[WindowResult]:
        """Judges the windows that are complete, by event time or because a model was silent for lateness and a step.

        Args:
            now: Unix nanoseconds.
            most: Windows judged in this call, those of services in turns; the others follow in the next one.

        Returns:
            The results, oldest first of each model.

        """
        complete = self._complete(now) if most is None else islice(self._complete_in_turns(now), most)
        judged = [self._judge_safely(model, window) for model, window in complete]
        results = [result for result in judged if result is not None]
        self.caught_up = most is None or len(judged) < most
        if results:
            self._matches.note_windows(max(result.window.end for result in results), self._models)
        return results

    def repeat_alarms(self, now: int) -> list[WindowResult]:
        """Repeats the open alarms of models without rows, once a step; nothing is judged, but alarms may end.

        Args:
            now: Unix nanoseconds.

        """
        at = now // self._settings.step * self._settings.step
        resting = [each for each in self._models.values() if each.idle and each.alarms and at > each.newest_result]
        serving = [model.key for model in self._models.values() if not model.idle] if resting else []
        return [model.repeat(at, serving) for model in resting]

    def notices(self) -> list[str]:
        """New notices about references for the operator; each is returned once."""
        return self._matches.notices()

    def matching(self) -> Matching:
        """How every model fits its reference, and which references none of them uses."""
        return self._matches.matching(self._models)

    def statuses(self, most: int) -> tuple[ModelStatus, ...]:
        """How the models do that sent something last, `most` of them."""
        return tuple(model.status for model in nlargest(most, self._models.values(), key=attrgetter("received")))

    def dumps(self) -> Iterator[tuple[ModelKey, bytes]]:
        """The state of the models changed since they were dumped last, one by one: rows may be counted in between.

        Those that heard nothing for longest come first: they will have changed least when the last is dumped.
        """
        for model in sorted(self._models.values(), key=attrgetter("received")):
            if model.changed and self._models.get(model.key) is model:
                body = dump(model)
                model.changed = False
                yield model.key, body

    def snapshot(self) -> dict[ModelKey, bytes | None]:
        """The state of the models changed since they were dumped last; None for an evicted one."""
        states: dict[ModelKey, bytes | None] = {**dict.fromkeys(self._evicted), **dict(self.dumps())}
        self._evicted.clear()
        return states

    def resume(self, now: int) -> None:
        """Ends a replay: all models count as received `now`, as their senders may still have to reconnect."""
        for model in self._models.values():
            model.resume(now)

    def clock_set_forward(self, by: int) -> None:
        """The clock that `now` is read from was set forward by so many nanoseconds: no model was silent for so long."""
        for model in self._models.values() if by else ():
            model.clock_set_forward(by)

    def restore(self, states: Iterable[bytes], now: int) -> None:
        """Restores models from snapshots. They count as received `now`, as after `resume`.

        Raises:
            UnknownForm: A snapshot was written by another version.

        """
        for body in states:
            settings = self._settings
            model = load(body, settings.size, settings.step, settings.lateness, settings.retention)
            model.resume(now)
            if model.idle:
                model.rest = replace(model.rest, last=now)  # what an earlier run may have repeated
            self._models[model.key] = model
            self._shares.restored(model)
            self._turns.added(model)
        self._matches.models_changed()

    @property
    def newest(self) -> int:
        """The newest event time of all models; 0 without any."""
        return max((model.panes.newest for model in self._models.values()), default=0)

    def rows(self) -> Mapping[ModelKey, float]:
        """Rows counted per model since the store was created."""
        return {key: model.rows for key, model in self._models.items()}

    def batches(self) -> Mapping[ModelKey, ReceivedBatches]:
        """The row batches of each model since the store was created."""
        return {key: model.batches for key, model in self._models.items() if model.batches.runs}

    def _complete(self, now: int) -> Iterator[tuple[ModelState, Window]]:
        """The windows to judge, by model."""
        for model in list(self._models.values()):
            for window in self._complete_of(model, now):
                yield model, window

    def _complete_in_turns(self, now: int) -> Iterator[tuple[ModelState, Window]]:
        """One after the other, of the service whose turn it is."""
        self._turns.begin(now)
        while (model := self._turns.next()) is not None:
            window = next(self._complete_of(model, now), None)
            if window is not None:
                self._turns.had(model)
                yield model, window

    def _complete_of(self, model: ModelState, now: int) -> Iterator[Window]:
        silence = now - model.received
        yield from model.windows(now, idle=silence > self._settings.lateness + self._settings.step)
        if silence > RELEASE_AFTER:
            model.release()

    def _observe_model(
        self,
        key: ModelKey,
        records: Sequence[ExampleRows | ModelRows | Point],
        received: int,
        report: IngestReportBuilder,
    ) -> None:
        """Counts records of one model that come together; those of spans first."""
        model = self._model(records[0], report)
        if model is None:
            items = sum(len(record.keys) if isinstance(record, ExampleRows) else 1 for record in records)
            report.reject(self._shares.reason(key, self._most_models), items)
            return
        self._shares.widen(model)
        spans = [record for record in records if isinstance(record, ExampleRows)]
        batches = [record for record in records if isinstance(record, ModelRows)]
        points = [record for record in records if not isinstance(record, (ExampleRows, ModelRows))]
        of_spans = (
            model.ingest_spans(record, self._event_times(record, model, received, report), received) for record in spans
        )
        of_points = ingest_points(model, points, self._times_of_points(points, model, received, report), received)
        of_batches = (self._ingest_batch(model, record) for record in batches)
        for result in chain(chain.from_iterable(of_spans), of_points, of_batches):
            report.add(key, result, model.panes.newest)

    def _ingest_batch(self, model: ModelState, record: ModelRows) -> IngestResult:
        result = model.ingest_batch(record.batch)
        if result.status is IngestStatus.COUNTED:
            self._new_batches.append(record)
        return result

    def take_batches(self) -> list[ModelRows]:
        """The row batches that have come since the last call, without those that had come before."""
        taken, self._new_batches = self._new_batches, []
        return taken

    @property
    def _most_models(self) -> int:
        return min(MAX_MODELS, self._settings.models)

    def _model(self, record: Point | ExampleRows | ModelRows, report: IngestReportBuilder) -> ModelState | None:
        key = record.model
        model = self._models.get(key)
        if model is not None:
            return model
        if not self._shares.has_place(key, self._most_models):
            time = int(record.times.min()) if isinstance(record, ExampleRows) else record.time
            other = self._shares.makes_way(key, time, self._most_models)
            if other is None:
                return None
            report.made_way(other, self._models[other].rows)
            self._evict(other)
        settings = self._settings
        times = (settings.size, settings.step, settings.lateness, settings.retention)
        model = self._models[key] = ModelState.new(key, *times)
        self._shares.added(key)
        self._turns.added(model)
        self._evicted.discard(key)
        self._matches.models_changed()
        return model

    def _make_room(self, received: int) -> None:
        """Evicts long-silent models when there are too many."""
        if len(self._models) < self._most_models:
            return
        for key in [key for key, model in self._models.items() if received - model.panes.newest > EVICT_AFTER]:
            self._evict(key)

    def _evict(self, key: ModelKey) -> None:
        model = self._models.pop(key)
        self._shares.removed(model)
        self._turns.removed(model)
        self._comparisons.evict(key)
        self._segments.evict(key)
        self._matches.evict(key)
        self._evicted.add(key)

    def _times_of_points(
        self, points: Sequence[Point], model: ModelState, received: int, report: IngestReportBuilder
    ) -> Iterable[int]:
        """The time of each point, before it is counted."""
        times = [point.time for point in points]
        if max(times, default=0) <= received + self._settings.lateness:
            return times
        return (self._event_time(point, model, received, report) for point in points)

    def _event_time(self, record: Point, model: ModelState, received: int, report: IngestReportBuilder) -> int:
        """The record's own time; if the sender's clock is ahead of ours its time of receipt, or of the newest row."""
        if record.time <= received + self._settings.lateness:
            return record.time
        report.clock_ahead(record.model, record.time - received)
        return max(received, model.panes.newest)

    def _event_times(
        self, spans: ExampleRows, model: ModelState, received: int, report: IngestReportBuilder
    ) -> IntArray:
        ahead = spans.times > received + self._settings.lateness
        if not ahead.any():
            return spans.times
        report.clock_ahead(spans.model, int(spans.times.max()) - received)
        return np.where(ahead, max(received, model.panes.newest), spans.times)

    def _judge_safely(self, model: ModelState, window: Window) -> WindowResult | None:
        """The result of a window, if it is news; a fault of ours costs this window only."""
        self.cost += cost(model)
        try:
            result = model.tell(self._judge(model, window))
            model.judged(window)
        except Exception:
            logger.exception("%s: failed to judge the window ending at %d", describe_model(model.key), window.end)
            return None
        return result

    def _judge(self, model: ModelState, window: Window) -> WindowResult:
        comparison = self._comparisons.of(model, window)
        known = comparison.reference.columns if comparison else ()
        rows, held, hours = model.panes.contents(window, model.expected(known))
        columns, hashed = duplicates.split(held)
        match, columns = self._match(model, comparison, columns, rows)
        stream, duration = model.stream(window, hours), model.panes.covered(window)
        found = duplicates.Found()
        if comparison is not None:
            limits, alarm = self._settings.of_duplicates, stream.alarms.get(duplicates.DUPLICATES)
            found = duplicates.find(duplicates.Held(hashed, columns), comparison.reference, window, limits, alarm)
        distinct = duplicates.as_distinct(columns, found)
        if comparison is None:
            results = describe_window(columns)
        else:
            results = comparison.window(distinct, self._settings.budget, duration, stream)
            results = duplicates.explained(results, columns, found)
            results = self._of_clocks(comparison, results, columns, stream)
        collapsed = outputs.judge(model.outputs, window, distinct, self._settings.of_outputs, stream.alarms)
        results = outputs.joined(results, collapsed, stream.alarms)
        if self._outcomes is not None:
            reference = comparison.reference if comparison else None
            results = (*results, *self._outcomes(model.key, window, reference, stream.alarms))
        result = WindowResult(
            model=model.key,
            window=window,
            rows=rows,
            reference=comparison.reference.id if comparison else None,
            provisional=comparison.reference.provisional if comparison else False,
            columns=results,
            unmatched=match.unmatched,
            overtaken=window.end <= model.rest.last,
            revision=model.checkpoints.judged.get(window.end, 0),
        )
        if comparison is not None:
            judged = self._segments.judge(model, window, comparison.reference, result.columns, found.design_effect)
            result = replace(result, columns=(*result.columns, *judged.columns), segments=judged.series)
        model.alarms, result = follow(model.alarms, result, self._settings.tolerance, model.panes.traces(window))
        whole = self._matches.whole(comparison.reference) if comparison else None
        find = finder(model.examples, window, whole, columns, match.numbered)
        result = name_calls(result, of_collapses(find, result, model.examples))
        model.incident, result = follow_incident(model.incident, result)
        model.note(result.alarms)
        if self._on_judged is not None and comparison is not None and not model.is_replay(window):
            self._on_judged(JudgedWindow(comparison, distinct, hashed, duration, hours, result))
        return result

    def _of_clocks(
        self, comparison: Comparison, results: tuple[ColumnResult, ...], columns: Columns, stream: StreamWindow
    ) -> tuple[ColumnResult, ...]:
        """The results of a window with the verdicts on inputs that tell the time, where the rows have one."""
        clocks = comparison.reference.clocks
        if not clocks or not is_timed(stream.window):
            return results
        rows = max(column.summary.rows for column in comparison.reference.columns.values())
        limits = self._settings.of_clocks(len(clocks))
        timed = TimedWindow(stream.window, stream.hours, stream.alarms)
        return ClockMonitor(clocks, rows).judged(results, columns, timed, limits)

    def _match(
        self, model: ModelState, comparison: Comparison | None, columns: Columns, rows: float
    ) -> tuple[ModelMatch, Columns]:
        """How the columns of a window fit what it is compared with, and the columns by the names of that."""
        if comparison is None:
            match = ModelMatch(model.key)
            self._matches.note_without(match, columns, self._models)
            return match, columns
        reference = self._matches.whole(comparison.reference)
        resolved = resolve_names(reference, columns, rows)
        columns = resolved.columns
        match = match_columns(model.key, reference, resolved, counts_pairs=model.counts_pairs)
        if reference.provisional:
            self._matches.note_without(match, columns, self._models)
        else:
            self._matches.note(match, reference)
        return match, columns
