"""Sends the log events of a process in the background: bounded, and safe in forks and at exit."""

import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final

from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from driftline import semconv
from driftline.export.exporter_selection import choose_for_rows
from driftline.runtime.hard_exits import finish_before_exit, finish_between_tasks
from driftline.runtime.import_hooks import Patches
from driftline.runtime.lifecycle import register
from driftline.runtime.self_faults import FAULTS
from driftline.runtime.threads import AutoResetEvent, Lock, start_thread
from driftline.settings import Settings

_logger = logging.getLogger("driftline")

MOST_WAITING: Final = 65_536
"""Events that wait at most."""

_REQUEST: Final = 2_000
"""Events of a request."""

_GATHER_SECONDS: Final = 0.2
"""So long the first event waits for others to share its request."""

_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 60.0
_LEAVING_SECONDS: Final = 2.0
"""How long the end of a process may wait for its last events."""

_POLL_SECONDS: Final = 0.002


class EventExporter:
    """A queue and the thread that empties it. The thread and the exporter begin with the first event of a process.

    While events leave, a caller with a full queue waits for room; where they do not, new ones are dropped and counted.
    """

    def __init__(self) -> None:
        self._patches = Patches()
        self._ready = False
        self._reset()

    def _reset(self) -> None:
        self._lock = Lock()
        self._wake, self._hurry = AutoResetEvent(), False
        self._waiting: deque[LogRecord] = deque()
        self._sending, self._request = 0, _REQUEST
        self._running = self._failing = False
        self._exporter: LogRecordExporter | None = None
        self.dropped = 0

    def send(self, events: Iterable[LogRecord]) -> None:
        """Queue events. Never raises."""
        make = self._prepared()
        for event in events:
            self._put(event, make)

    def flush(self, timeout: float) -> bool:
        """Whether all that was queued has been sent, after at most `timeout` seconds."""
        end = time.monotonic() + timeout
        before, self._hurry = self.dropped, True
        self._wake.set()
        while self._waiting or self._sending:
            if time.monotonic() >= end or not self._running:
                return False
            time.sleep(_POLL_SECONDS)
        return self.dropped == before

    def after_fork(self) -> None:
        """What waits is the parent's to send; a child has no thread and no channel."""
        self._reset()

    def at_exit(self) -> None:
        """Send what is left."""
        if not self.flush(_LEAVING_SECONDS) and self._waiting:
            _logger.warning("%d events could not be sent before the process ended", len(self._waiting))

    def _prepared(self) -> Callable[..., Any] | None:
        """The factory of the exporter, chosen once, in the caller's thread: at exit nothing can be imported.

        Nor can a resource be made, whose detectors run in threads.
        """
        if not self._ready:
            self._ready, self._resource = True, Resource.create()
            self._make = choose_for_rows(Settings.read().otlp_endpoint)
            if self._make is None:
                _logger.warning("Events are not exported: OTEL_LOGS_EXPORTER or OTEL_METRICS_EXPORTER sends no OTLP")
            register(self)
            finish = partial(self.flush, _LEAVING_SECONDS)
            self._patches.add("os", "_exit", partial(finish_before_exit, finish=finish))
            self._patches.add("multiprocessing.pool", "worker", partial(finish_between_tasks, finish=finish))
        return self._make

    def _put(self, event: LogRecord, make: Callable[..., Any] | None) -> None:
        while len(self._waiting) >= MOST_WAITING and self._running and not self._failing:
            self._wake.set()
            time.sleep(_POLL_SECONDS)
        if make is None or len(self._waiting) >= MOST_WAITING or not self._start(make):
            self._drop(1)
            return
        self._waiting.append(event)
        self._wake.set()

    def _drop(self, events: int) -> None:
        self.dropped += events
        if events and self.dropped == events:
            _logger.warning("Events are dropped: the backend does not take them. Further ones are only counted")

    def _start(self, make: Callable[..., Any]) -> bool:
        if self._running:
            return True
        with self._lock:
            if not self._running:
                try:
                    start_thread(partial(self._run, make, os.getpid()), "driftline-events")
                except RuntimeError:  # the interpreter is shutting down
                    return False
                self._running = True
        return True

    def _run(self, make: Callable[..., Any], process: int) -> None:
        pause = _FIRST_PAUSE
        while os.getpid() == process:
            self._wake.wait()
            if not self._hurry:
                time.sleep(_GATHER_SECONDS)
            self._hurry = False
            while self._waiting and os.getpid() == process:
                if self._send_some(make):
                    pause, self._failing = _FIRST_PAUSE, False
                    continue
                self._failing = True
                self._wake.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)

    def _send_some(self, make: Callable[..., Any]) -> bool:
        """Send the oldest events; whether they are done with. A backend that took them, and failed all the same, gets
        them twice, with the same ids.
        """
        events = [self._waiting[place] for place in range(min(len(self._waiting), self._request))]
        self._sending = len(events)
        try:
            done = self._export(events, make)
        finally:
            self._sending = 0
        self._request = min(2 * self._request, _REQUEST) if done else self._request
        return done

    def _export(self, events: Sequence[LogRecord], make: Callable[..., Any]) -> bool:
        """One that no exporter can encode is dropped alone."""
        try:
            exporter = self._exporter = self._exporter or make()
        except Exception as error:  # noqa: BLE001  # tried again
            FAULTS.note("export events", error)
            return False
        try:
            done = exporter.export(_readable(events, self._resource)) is LogRecordExportResult.SUCCESS
        except Exception as error:  # noqa: BLE001
            FAULTS.note("export events", error)
            done, self._request = len(events) == 1, 1
            self._drop(int(done))
        for _ in events if done else ():
            self._waiting.popleft()
        return done


def _readable(events: Sequence[LogRecord], resource: Resource) -> list[ReadableLogRecord]:
    scope = InstrumentationScope(semconv.SCOPE, semconv.SCOPE_VERSION)
    return [ReadableLogRecord(event, resource, scope) for event in events]


EVENTS: Final = EventExporter()
"""That of this process."""
