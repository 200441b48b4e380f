"""The one thread that stores and counts: what is queued goes to the journal, then to the engine, then is answered."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Final

from driftline_processor.decode import DECODERS, Malformed
from driftline_processor.engine.engine import Engine, Observed
from driftline_processor.records import Batch, ModelKey, ReferencePart, Rejection, WindowResult
from driftline_processor.service.alarm_log import Quietly
from driftline_processor.service.internal_metrics import Telemetry
from driftline_processor.service.reference_registry import Library
from driftline_processor.service.request_queue import Intake, Request
from driftline_processor.service.store import Entry, Store, StoreError

logger = logging.getLogger(__name__)

FAULT: Final = "internal error: logged by the processor"

WINDOWS_AT_ONCE: Final = 50
"""Windows judged before the requests that wait have their turn: a second or two, and a sender waits ten."""


LAST_EVENTS_SECONDS: Final = 2.0
"""How long the end waits for alarm events to leave. The journal has those that do not, for the next start."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between ticks and between snapshots; bytes of journal that bring a snapshot forward."""

    tick: float
    snapshot: float
    journal: int


class Worker:
    """Owns store and engine while it runs; everybody else reaches them through the queue."""

    def __init__(
        self,
        *,
        intake: Intake,
        store: Store,
        engine: Engine,
        library: Library,
        telemetry: Telemetry,
        publish: Callable[[Sequence[WindowResult]], None],
        settled: Callable[[float], bool],
        pace: Pace,
        clock: Callable[[], int],
    ) -> None:
        """clock: Unix nanoseconds. publish: what to do with results; must not block.

        settled: whether all alarm events that were published have left or been given up, within so many seconds. Until
        then the journal is kept: after a crash it gives them again.
        """
        self._intake, self._store, self._engine, self._library = intake, store, engine, library
        self._telemetry, self._publish, self._settled, self._pace, self._clock = (
            telemetry,
            publish,
            settled,
            pace,
            clock,
        )
        self._journal = 0
        self._next_tick = self._next_snapshot = 0.0
        self._rows: dict[str, float] = {}
        self._unsaved: dict[ModelKey, bytes | None] = {}
        self._storing = True
        self._alarming = False  # an event was published since the last snapshot
        self._quietly = Quietly()
        telemetry.observe("rows", lambda: self._rows)

    def recover(self) -> int:
        """Goes on where the last run stopped: restores the snapshots, replays the journal.

        Returns:
            How many requests were replayed.

        Raises:
            StoreError: the state in the store is not one that this version can read.

        """
        self._library.open()
        try:
            self._engine.restore(self._store.snapshots(), self._clock())
        except Exception as error:
            raise StoreError(f"store: the state in it cannot be read ({error})") from error
        replayed = 0
        for entry in self._store.journal():
            try:
                batch = DECODERS[entry.signal](entry.body)
            except Malformed:
                logger.warning("A request of the journal cannot be read any more: %d bytes", len(entry.body))
                continue
            self._count(Request(entry.signal, entry.body, entry.received, batch))
            self._journal += len(entry.body)
            replayed += 1
        self._rows = self._counted_rows()
        return replayed

    def run(self) -> None:
        """Works until the queue is closed and empty, then saves the state."""
        self._next_snapshot = monotonic() + self._pace.snapshot
        while not self._intake.drained:
            requests = self._intake.take(max(self._next_tick - monotonic(), 0.0))
            if requests:
                self._answer(requests)
            if monotonic() >= self._next_tick:
                self._tick()
        self._tick()
        if self._settled(LAST_EVENTS_SECONDS):
            self._save()

    def _answer(self, requests: list[Request]) -> None:
        """Every sender gets an answer, whatever goes wrong: without one it would wait until its timeout."""
        try:
            self._commit(requests)
        except StoreError as error:
            self._stored(False, str(error))
            self._fail(requests, error)
        except Exception as error:
            logger.exception("%d requests could not be counted; their senders are told to try again", len(requests))
            self._fail(requests, error)

    def _commit(self, requests: list[Request]) -> None:
        """Group commit: one transaction for all that waited, then the answers."""
        points = self._library.new([part for request in requests for part in _parts(request.batch)])
        self._store.append([Entry(r.received, r.signal, r.body) for r in requests], points)
        self._stored(True)
        self._journal += sum(len(request.body) for request in requests)
        for request in requests:
            request.answer.set_result(self._count(request))
        self._rows = self._counted_rows()

    @staticmethod
    def _fail(requests: list[Request], error: Exception) -> None:
        for request in requests:
            if not request.answer.done():
                request.answer.set_exception(error)

    def _count(self, request: Request) -> tuple[Rejection, ...]:
        """To the engine, and what of it could not be used. A fault costs this request, and comes up once."""
        batch = request.batch
        try:
            self._library.add(_parts(batch))
            observed = self._engine.observe(batch.records, request.received)
        except Exception:
            logger.exception("A request could not be counted (%s, %d bytes)", request.signal, len(request.body))
            return (*batch.rejections, Rejection(len(batch.records), FAULT))
        self._tell(request, observed)
        return (*batch.rejections, *observed.rejections)

    def _tell(self, request: Request, observed: Observed) -> None:
        rejections = (*request.batch.rejections, *observed.rejections)
        self._quietly.warn([*observed.notices, *(reason for _, reason in rejections)])
        self._telemetry.add("accepted.items", observed.counted, signal=request.signal)
        self._telemetry.add("duplicate.items", observed.duplicates, signal=request.signal)
        self._telemetry.add("rejected.items", sum(items for items, _ in rejections), signal=request.signal)
        for model, rows in observed.late.items():
            self._telemetry.late(model, rows)

    def _tick(self) -> None:
        self._next_tick = monotonic() + self._pace.tick
        try:
            self._library.refresh()
            results = self._engine.advance(self._clock(), WINDOWS_AT_ONCE)
            for notice in self._engine.notices():
                logger.warning("%s", notice)
        except Exception:
            logger.exception("The windows could not be judged")
            results = []
        if results:
            self._publish(results)
            self._alarming |= any(result.alarms for result in results)
        if len(results) == WINDOWS_AT_ONCE:
            self._next_tick = monotonic()  # there are more
        if self._is_time_to_save():
            self._save()

    def _is_time_to_save(self) -> bool:
        """Never between an alarm event and its delivery, at once after it: a crash neither loses nor repeats it."""
        if self._journal >= self._pace.journal:
            return True
        return self._settled(0.0) and (self._alarming or monotonic() >= self._next_snapshot)

    def _save(self) -> None:
        self._next_snapshot = monotonic() + self._pace.snapshot
        self._unsaved |= self._engine.snapshot()  # only what has changed since the last time
        try:
            self._store.save(self._unsaved)
        except StoreError as error:
            self._stored(False, str(error))
        else:
            self._journal, self._unsaved, self._alarming = 0, {}, False

    def _counted_rows(self) -> dict[str, float]:
        rows: dict[str, float] = {}
        for model, count in self._engine.rows().items():
            rows[model.name] = rows.get(model.name, 0.0) + count
        return rows

    def _stored(self, well: bool, reason: str = "") -> None:
        if self._storing and not well:
            logger.error("%s: senders are told to try again", reason)
        elif well and not self._storing:
            logger.info("The store works again")
        self._storing = well


def _parts(batch: Batch) -> list[ReferencePart]:
    return [record for record in batch.records if isinstance(record, ReferencePart)]
