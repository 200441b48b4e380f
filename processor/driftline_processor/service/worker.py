"""The worker thread: each queued request is journalled, counted by the engine and answered; then windows are judged."""

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic, thread_time
from typing import Final, NamedTuple

from driftline_processor.decode import Malformed, decode_request
from driftline_processor.engine.ingest_report import IngestReport
from driftline_processor.engine.matching import Matching
from driftline_processor.engine.model_state import ModelStatus
from driftline_processor.engine.snapshot import UnknownForm
from driftline_processor.engine.tenant_engines import TenantEngines
from driftline_processor.limits import UNBOUNDED
from driftline_processor.outcomes.join import SavedJoin
from driftline_processor.records import Batch, MeasuredPerformance, ModelKey, ReferencePart, Rejection, WindowResult
from driftline_processor.service.alarm_log import WarningLimiter
from driftline_processor.service.internal_metrics import InternalMetrics
from driftline_processor.service.outcome_joins import OutcomeJoins
from driftline_processor.service.reference_registry import ReferenceRegistries
from driftline_processor.service.request_queue import Request, RequestQueue
from driftline_processor.service.store import (
    Damaged,
    JournalEntry,
    StepChanges,
    Store,
    StoreError,
    TakenOverError,
    UnstorableError,
)
from driftline_processor.web.board import Board

logger = logging.getLogger(__name__)

INTERNAL_ERROR: Final = "internal error: logged by the processor"

WINDOWS_PER_TICK: Final = 50
"""Most windows judged before waiting requests get their turn."""

SLICE_SECONDS: Final = 0.1
"""Nor is another window begun after so long."""

REPLAY_SECONDS: Final = 4.0
"""Of the processor's time that a restart may have to spend on the journal: beyond, snapshots are saved early."""

JOIN_SECONDS: Final = 2.0
"""Between two joins."""

_JOINING_SHARE: Final = 0.2
"""Of the time between them that joins may take at most."""

_SAVING_SHARE: Final = 0.2
"""Of the time of work between them that early snapshots may take at most."""

MOST_MODELS: Final = 100
"""Models in a status."""

FLUSH_EVENTS_SECONDS: Final = 2.0
"""Longest wait at shutdown for alarm events to be exported. The others stay in the journal for the next start."""


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """tick, snapshot: seconds between them. journal: bytes of journal that trigger an early snapshot.

    judging: seconds after which no further window is begun, and no further model dumped, while requests wait.
    """

    tick: float
    snapshot: float
    journal: int
    judging: float = SLICE_SECONDS


class _Journal(NamedTuple):
    """What the journal holds of a tenant. seconds: of CPU that it takes to replay it."""

    bytes: int = 0
    seconds: float = 0.0


class Worker:
    """Journals, counts, answers, judges and saves, on one thread. It owns the store and the engine while it runs."""

    def __init__(
        self,
        *,
        queue: RequestQueue,
        store: Store,
        engines: TenantEngines,
        registries: ReferenceRegistries,
        joins: OutcomeJoins,
        metrics: InternalMetrics,
        publish: Callable[[Sequence[WindowResult]], None],
        publish_performance: Callable[[Sequence[MeasuredPerformance]], None],
        unflushed: Callable[[float], Collection[str]],
        storage_changed: Callable[[bool], None],
        taken_over: Callable[[TakenOverError], None],
        settings: WorkerSettings,
        clock: Callable[[], int],
        set_forward: Callable[[], int] = lambda: 0,
        board: Board | None = None,
    ) -> None:
        """Connects the worker; `run` does the work.

        Args:
            queue: Where requests come from.
            store: The journal and the snapshots.
            engines: The state of all models, by tenant.
            registries: The references, by tenant.
            joins: Predictions and what became of them, by tenant.
            metrics: Where accepted, rejected, duplicate and late items are counted.
            publish: Receives results; must not block.
            publish_performance: Receives how right models are; likewise.
            unflushed: Tenants of whose published alarm events not all are exported or dropped, within so many seconds.
                Until then their journal is kept, so that a crash repeats the events.
            storage_changed: Told whether the store accepts requests, when that changes.
            taken_over: Told at every tick that another processor has worked on the store since.
            settings: Intervals and limits.
            clock: Unix nanoseconds.
            set_forward: By how many nanoseconds the clock was set forward since the last call.
            board: What the status page shows, whose histories are stored with the snapshots.

        """
        self._queue, self._store, self._engines, self._registries = queue, store, engines, registries
        self._metrics, self._publish, self._unflushed = metrics, publish, unflushed
        self._joins, self._publish_performance, self._next_join = joins, publish_performance, 0.0
        self._join_seconds = 0.0
        self._storage_changed, self._taken_over, self._board = storage_changed, taken_over, board
        self._settings, self._clock, self._set_forward = settings, clock, set_forward
        self._journal: dict[str, _Journal] = {}
        self._replay_seconds = REPLAY_SECONDS
        self._next_tick = self._next_snapshot = self._next_survey = 0.0
        self._rows: dict[tuple[str, ...], float] = {}
        self._batch_rows: dict[tuple[str, ...], float] = {}
        self._batch_seen_rows: dict[tuple[str, ...], float] = {}
        self._outcomes: Mapping[str, Mapping[tuple[str, ...], float]] = defaultdict(dict)
        self._unsaved: dict[ModelKey, bytes | None] = {}
        self._dumps: Iterator[tuple[ModelKey, bytes]] | None = None  # of the snapshot that is being made
        self._dump_seconds = 0.0
        self._absent: set[str] = set()  # tenants in the store that are not configured
        self._storage_ok = True
        self._events_unsaved: set[str] = set()  # tenants of events published since their last snapshots
        self._held: Collection[str] = ()  # tenants who are left out of the snapshot that is being made
        self._limiter = WarningLimiter()
        self._matching: Mapping[str, Matching] = {}
        self._models: Mapping[str, tuple[ModelStatus, ...]] = {}
        metrics.observe("rows", lambda: self._rows)
        metrics.observe("batch.rows", lambda: self._batch_rows)
        metrics.observe("batch.seen.rows", lambda: self._batch_seen_rows)
        metrics.observe("outcomes", lambda: self._outcomes["states"])
        metrics.observe("waiting.rows", lambda: self._outcomes["rows"])
        metrics.observe("waiting.size", lambda: self._outcomes["size"])
        metrics.observe("evicted.rows", lambda: self._outcomes["evicted"])
        metrics.observe("outcome.delay", lambda: self._outcomes["delays"])
        metrics.observe("unused.references", lambda: {(): sum(len(each.unused) for each in self._matching.values())})

    def matching(self, tenant: str) -> Matching:
        """How models and references of a tenant match, as of the last tick; for any thread."""
        return self._matching.get(tenant, Matching())

    def models(self, tenant: str) -> tuple[ModelStatus, ...]:
        """How the models of a tenant do that sent something last, as of the last tick; for any thread."""
        return self._models.get(tenant, ())

    @property
    def storage_ok(self) -> bool:
        """Whether the last write to the store succeeded; for any thread."""
        return self._storage_ok

    def recover(self) -> int:
        """Restores the snapshots and replays the journal.

        Returns:
            The number of requests replayed.

        Raises:
            StoreError: This version cannot read the state in the store.

        """
        self._registries.open()
        self._joins.open()
        if self._board is not None:
            self._board.restore(self._store.steps())
        self._joined(list)
        self._restore()
        replayed = 0
        for entry in self._store.journal():
            begin = thread_time()
            batch = self._decoded(entry)
            if batch is None or isinstance(entry, Damaged) or self._is_absent(entry.tenant):
                continue
            self._count(Request(entry.signal, entry.body, entry.received, batch, entry.tenant))
            self._journalled(entry.tenant, len(entry.body), thread_time() - begin)
            replayed += 1
        self._engines.resume(self._clock())
        self._count_rows()
        return replayed

    def _restore(self) -> None:
        """A model whose state is damaged begins anew; one of another version is an error: that version can read it."""
        for snapshot in self._store.snapshots():
            if isinstance(snapshot, Damaged):
                self._set_aside(snapshot)
                continue
            if self._is_absent(snapshot.tenant):
                continue
            try:
                self._engines.restore(snapshot.tenant, [snapshot.body], self._clock())
            except UnknownForm as error:
                raise StoreError(f"store {self._store.name}: {error}") from error
            except Exception:  # noqa: BLE001  # bytes of before there were checksums may raise anything
                self._set_aside(Damaged.state(snapshot.model, snapshot.body))

    def _is_absent(self, tenant: str) -> bool:
        """Whether it is not configured any more: what the store has of it waits there for its return."""
        if tenant in self._engines:
            return False
        if tenant not in self._absent:
            logger.warning("tenant %s: in the store, and not in the configuration: left as it is", tenant)
            self._absent.add(tenant)
        return True

    def _decoded(self, entry: JournalEntry | Damaged) -> Batch | None:
        if not isinstance(entry, Damaged):
            with suppress(Malformed):
                return decode_request(entry.signal, entry.body, UNBOUNDED, entry.tenant).batch
            entry = Damaged("a request in the journal", entry.body)
        self._set_aside(entry)
        return None

    def _set_aside(self, damaged: Damaged) -> None:
        try:
            where = f"set aside in {self._store.set_aside(damaged)}"
        except OSError as error:
            where = f"could not be set aside ({error})"
        logger.error("store %s: damaged: %s; %d bytes %s", self._store.name, damaged.what, len(damaged.body), where)

    def run(self) -> None:
        """Works until the queue is closed and drained, then saves the state."""
        self._next_snapshot = monotonic() + self._settings.snapshot
        while not self._queue.drained:
            requests = self._queue.take(max(self._next_tick - monotonic(), 0.0))
            if requests:
                self._answer(requests)
            if monotonic() >= self._next_tick:
                self._tick()
        self._next_survey, self._dumps = 0.0, None
        self._tick()
        self._save(self._unflushed(FLUSH_EVENTS_SECONDS))

    def _answer(self, requests: list[Request]) -> None:
        """Answers every request, even on failure: an unanswered sender would wait for its timeout."""
        try:
            self._store_and_count(requests)
        except StoreError as error:
            self._note_storage(False, str(error))
            self._fail(requests, error)
        except Exception as error:
            logger.exception("Failed to process %d requests, senders will retry", len(requests))
            self._fail(requests, error)

    def _store_and_count(self, requests: list[Request]) -> None:
        """Group commit: one transaction for all queued requests, then the answers.

        By halves, where the store cannot hold one of them: that one is refused alone.
        """
        points = self._registries.new_points([(request.tenant, _parts(request.batch)) for request in requests])
        try:
            self._store.append([JournalEntry(r.received, r.signal, r.body, r.tenant) for r in requests], points)
        except UnstorableError as error:
            self._note_storage(True)  # the store works
            half = len(requests) // 2
            if not half:
                self._fail(requests, error)
                return
            self._store_and_count(requests[:half])
            self._store_and_count(requests[half:])
            return
        self._note_storage(True)
        for request in requests:
            started = thread_time()
            request.answer.set_result(self._count(request))
            took = thread_time() - started
            self._queue.charge(request.sender, took)
            self._journalled(request.tenant, len(request.body), request.seconds + took)

    def _journalled(self, tenant: str, size: int, seconds: float) -> None:
        """Counts a request in the journal, and what it takes to replay it."""
        held = self._journal.get(tenant, _Journal())
        self._journal[tenant] = _Journal(held.bytes + size, held.seconds + seconds)

    @staticmethod
    def _fail(requests: list[Request], error: Exception) -> None:
        for request in requests:
            if not request.answer.done():
                request.answer.set_exception(error)

    def _count(self, request: Request) -> tuple[Rejection, ...]:
        """Passes a request to the engine; returns what was rejected. A fault costs this request only."""
        batch = request.batch
        try:
            refused = self._registries.add(request.tenant, _parts(batch))
            report = self._engines.observe(request.tenant, batch, request.received)
            rows = self._engines.take_batches(request.tenant)
            said = self._joins.add(request.tenant, batch, rows, request.received)
        except Exception:
            logger.exception("Failed to count a request (%s, %d bytes)", request.signal, len(request.body))
            return (*batch.rejections, Rejection(len(batch.records), INTERNAL_ERROR))
        rejections = (*batch.rejections, *refused, *report.rejections)
        self._report(request, report, rejections)
        self._metrics.add("accepted.items", said, request.tenant, signal=request.signal)
        return rejections

    def _report(self, request: Request, report: IngestReport, rejections: Sequence[Rejection]) -> None:
        by = f" (sent by {' '.join(filter(None, request.sender))})" if any(request.sender) else ""
        self._limiter.warn([*report.notices, *(f"{reason}{by}" for _, reason in rejections)])
        self._metrics.add("accepted.items", report.counted, request.tenant, signal=request.signal)
        self._metrics.add("duplicate.items", report.duplicates, request.tenant, signal=request.signal)
        rejected = sum(items for items, _ in rejections)
        self._metrics.add("rejected.items", rejected, request.tenant, signal=request.signal)
        for model, rows in report.late.items():
            self._metrics.add_late_rows(model, rows)

    def _tick(self) -> None:
        """No window is judged while a snapshot is being made: no alarm event may lie between a model and its commit."""
        self._next_tick = monotonic() + self._settings.tick
        if self._dumps is None:
            self._judge_and_publish()
        if self._joins.busy or (monotonic() >= self._next_join and self._joins.due):
            self._join(self._settings.judging)
        self._hold()
        if self._dumps is not None or self._is_time_to_save():
            self._save_some()

    def _judge_and_publish(self) -> None:
        judged = self._guarded("judge windows", self._judge)
        results = [*judged, *self._guarded("repeat alarms", lambda: self._engines.repeat_alarms(self._clock()))]
        if results:
            self._publish(results)
            self._events_unsaved |= {each.model.tenant for each in results if each.alarms or each.incidents}

    def _join(self, seconds: float) -> None:
        """What has come, until a slice of time is used up: the rest comes in the next tick, which is now."""
        begin = monotonic()
        self._joined(lambda: self._joins.advance(self._clock(), seconds))
        self._join_seconds += monotonic() - begin
        if self._joins.busy:
            self._next_tick = monotonic()
            return
        self._next_join = monotonic() + max(JOIN_SECONDS, self._join_seconds / _JOINING_SHARE)
        self._join_seconds = 0.0

    def _joined(self, work: Callable[[], list[MeasuredPerformance]]) -> None:
        joins = self._joins
        try:
            found = work()
            if not joins.busy:
                self._outcomes = {
                    "states": joins.states(),
                    "rows": joins.waiting_rows(),
                    "size": joins.waiting_bytes(),
                    "evicted": joins.evicted_rows(),
                    "delays": joins.delays(),
                }
        except Exception:
            logger.exception("Failed to join outcomes")
        else:
            if found:
                self._publish_performance(found)

    def _hold(self) -> None:
        """Nobody sends while health checks fail: a lost connection is noticed, and begun anew, without a request."""
        try:
            if self._store.hold():
                self._note_storage(True)
        except StoreError as error:
            self._note_storage(False, str(error))
            if isinstance(error, TakenOverError):
                self._taken_over(error)

    def _judge(self) -> list[WindowResult]:
        due = monotonic() >= self._next_survey
        if due:
            self._next_survey = monotonic() + self._settings.tick
            self._registries.refresh()
            self._engines.clock_set_forward(self._set_forward())
        results = self._judge_some()
        if due:
            self._survey()
        return results

    def _judge_some(self) -> list[WindowResult]:
        """One by one, until a slice of time is used up: the others come in the next tick, which is now."""
        results: list[WindowResult] = []
        begin, now = monotonic(), self._clock()
        while True:
            results += self._engines.advance(now, 1)
            if self._engines.caught_up:
                break
            if len(results) >= WINDOWS_PER_TICK or monotonic() - begin >= self._settings.judging:
                self._next_tick = monotonic()
                break
        return results

    def _survey(self) -> None:
        """What takes longer with every model, and is told once a tick, not with every slice."""
        self._matching, self._models = self._engines.matching(), self._engines.statuses(MOST_MODELS)
        self._count_rows()
        for notice in self._engines.notices():
            logger.warning("%s", notice)

    @staticmethod
    def _guarded(what: str, work: Callable[[], list[WindowResult]]) -> list[WindowResult]:
        """The results; none where a fault of ours is logged."""
        try:
            return work()
        except Exception:
            logger.exception("Failed to %s", what)
            return []

    def _is_time_to_save(self) -> bool:
        """Never between an alarm event and its export, at once after it: a crash neither loses nor repeats it.

        Tenants whose backend does not take their events are left out, as long as there is room in the journal.
        """
        journal = self._journal.values()
        self._held = ()
        if sum(each.bytes for each in journal) >= self._settings.journal or self._replay_share() >= 2:
            return True
        self._held = self._unflushed(0.0)
        if all(tenant in self._held for tenant in self._engines.tenants):
            return False
        due = self._replay_share() >= 1 or monotonic() >= self._next_snapshot
        return due or not self._events_unsaved.issubset(self._held)

    def _replay_share(self) -> float:
        """Of the time that a restart may take, what the journal of the tenants takes who can be saved."""
        seconds = sum(each.seconds for tenant, each in self._journal.items() if tenant not in self._held)
        return seconds / self._replay_seconds

    def _save_some(self) -> None:
        """Dumps models until a slice of time is used up: the others come in the next tick, which is now."""
        begin, used = monotonic(), thread_time()
        self._dumps = self._dumps or self._engines.dumps(self._held)
        for model, body in self._dumps:
            self._unsaved[model] = body
            if monotonic() - begin >= self._settings.judging:
                self._next_tick = monotonic()
                self._dump_seconds += thread_time() - used
                return
        self._dump_seconds += thread_time() - used
        self._save(self._held)

    def _save(self, held: Collection[str] = ()) -> None:
        """Saves what was dumped, and what has changed since: the snapshots stand for all requests in the journal.

        held: tenants of whom nothing is saved, and all requests stay there.
        """
        begin = thread_time()
        self._dumps = None
        self._unsaved |= self._engines.snapshot(held)
        self._joined(lambda: self._joins.finish(self._clock()))
        left = {*self._absent, *held}
        joins = self._changes_of_joins(left)
        try:
            self._store.save(self._unsaved, left, joins, self._changes_of_history())
        except StoreError as error:
            self._note_storage(False, str(error))
        else:
            self._note_storage(True)  # nobody may send while health checks fail
            self._joins.committed(joins)
            if self._board is not None:
                self._board.saved()
            self._unsaved, self._events_unsaved = {}, self._events_unsaved.intersection(held)
            self._journal = {tenant: each for tenant, each in self._journal.items() if tenant in held}
            took = self._dump_seconds + thread_time() - begin
            self._replay_seconds = max(REPLAY_SECONDS, took / _SAVING_SHARE)
        self._next_snapshot, self._dump_seconds = monotonic() + self._settings.snapshot, 0.0

    def _changes_of_history(self) -> dict[ModelKey, StepChanges]:
        """A fault of ours costs timelines only."""
        if self._board is None:
            return {}
        try:
            return {model: StepChanges(*each) for model, each in self._board.changes().items()}
        except Exception:
            logger.exception("Failed to save the histories of models")
            return {}

    def _changes_of_joins(self, left: Collection[str]) -> dict[str, SavedJoin]:
        """But of tenants of whom nothing is saved. A fault of ours costs the outcomes since the last save."""
        try:
            return self._joins.changes(left)
        except Exception:
            logger.exception("Failed to save outcomes")
            return {}

    def _count_rows(self) -> None:
        batches = self._engines.batches()
        self._rows = _by_name(self._engines.rows())
        self._batch_rows = _by_name({key: each.sampled for key, each in batches.items()})
        self._batch_seen_rows = _by_name({key: each.seen for key, each in batches.items()})

    def _note_storage(self, ok: bool, reason: str = "") -> None:
        """Logs when the store fails and when it recovers, once each."""
        if self._storage_ok and not ok:
            logger.error("%s; refusing requests until the store recovers", reason)
        elif ok and not self._storage_ok:
            logger.info("Store recovered")
        if self._storage_ok != ok:
            self._storage_ok = ok
            self._storage_changed(ok)


def _parts(batch: Batch) -> list[ReferencePart]:
    return [record for record in batch.records if isinstance(record, ReferencePart)]


def _by_name(counts: Mapping[ModelKey, float]) -> dict[tuple[str, ...], float]:
    """The sum over all versions and resources of a model of a tenant."""
    summed: dict[tuple[str, ...], float] = {}
    for model, count in counts.items():
        key = model.name, model.tenant
        summed[key] = summed.get(key, 0.0) + count
    return summed
