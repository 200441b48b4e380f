"""Sends results on a thread of its own: a backend that is slow or away never holds up the counting."""

import logging
from collections import deque
from collections.abc import Callable
from threading import Condition, Thread
from time import monotonic
from typing import Final, Generic, Protocol, TypeVar

from opentelemetry.sdk._logs.export import LogRecordExportResult
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData

from driftline_processor.service.internal_metrics import Telemetry

logger = logging.getLogger(__name__)

_BACKOFF: Final = (1.0, 30.0)
_UNKNOWN_SECONDS: Final = 2.0
"""How long the end waits for an endpoint that has never been tried."""

_REFUSALS: Final = 3
"""How often a set is sent that is refused at once: the SDK has retried what can be retried until its timeout."""


_TAKEN: Final = (MetricExportResult.SUCCESS, LogRecordExportResult.SUCCESS)

T_contra = TypeVar("T_contra", contravariant=True)
T = TypeVar("T")


class Sink(Protocol[T_contra]):
    """What an exporter of the SDK is here."""

    def export(self, data: T_contra, /) -> MetricExportResult | LogRecordExportResult: ...

    def shutdown(self) -> None: ...


class Exporter(Generic[T]):
    """Delivers sets of one signal in order. If they wait too long, or are too many, the oldest is dropped and counted.

    `what` they are is for the log.
    """

    def __init__(
        self,
        what: str,
        sink: Sink[T],
        telemetry: Telemetry,
        *,
        limit: int,
        retry_for: float,
        timeout: float,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """limit: sets that wait at most; retry_for, timeout: seconds, the latter what `sink` takes at most."""
        self._what, self._sink, self._telemetry, self._clock = what, sink, telemetry, clock
        self._limit, self._retry_for, self._at_once = limit, retry_for, timeout / 4
        self._waiting: deque[T] = deque()
        self._changed = Condition()
        self._busy = self._closing = False
        self._failing: bool | None = None  # not known before the first attempt
        self._thread = Thread(target=self._run, name=f"export {what.lower()}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, data: T) -> None:
        """Queues one set; never blocks."""
        with self._changed:
            if len(self._waiting) >= self._limit:
                self._waiting.popleft()
                self._telemetry.add("dropped.sets", 1)
            self._waiting.append(data)
            self._changed.notify_all()

    def flush(self, timeout: float) -> bool:
        """Waits until all is delivered or given up. False after `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._busy, timeout)

    def stop(self, timeout: float) -> None:
        """Delivers what waits, for at most `timeout` seconds; not at all to an endpoint that did not answer last."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        patience = {None: min(timeout, _UNKNOWN_SECONDS), False: timeout, True: 0.0}
        self.flush(patience[self._failing])
        self._sink.shutdown()  # ends the SDK's own retries
        self._thread.join(timeout)

    def _run(self) -> None:
        while (data := self._next()) is not None:
            delivered = self._deliver(data)
            self._telemetry.add("exported.sets" if delivered else "dropped.sets", 1)
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _next(self) -> T | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            if not self._waiting:
                return None
            self._busy = True
            return self._waiting.popleft()

    def _deliver(self, data: T) -> bool:
        began, refusals, pause = self._clock(), 0, _BACKOFF[0]
        while True:
            started = self._clock()
            if self._send(data):
                self._told(failing=False)
                return True
            self._told(failing=True)
            refusals += self._clock() - started < self._at_once
            given_up = refusals >= _REFUSALS or self._clock() - began >= self._retry_for
            if given_up or self._closed_within(pause):
                return False
            pause = min(2 * pause, _BACKOFF[1])

    def _send(self, data: T) -> bool:
        try:
            return self._sink.export(data) in _TAKEN
        except Exception:
            logger.exception("%s could not be sent", self._what)
            return False

    def _closed_within(self, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._closing, seconds)

    def _told(self, *, failing: bool) -> None:
        if failing and not self._failing:
            logger.warning("%s do not get out: they wait, and are sent again", self._what)
        elif self._failing and not failing:
            logger.info("%s get out again", self._what)
        self._failing = failing


class Handover(MetricExporter):
    """What the SDK's reader of our own counters sends to: the queue of the results, so that one line leads outside."""

    def __init__(self) -> None:
        super().__init__()
        self._submit: Callable[[MetricsData], None] | None = None

    def connect(self, submit: Callable[[MetricsData], None]) -> None:
        """Where to from now on: the exporter counts too, so it comes after the reader."""
        self._submit = submit

    def export(
        self,
        metrics_data: MetricsData,
        timeout_millis: float = 0,  # noqa: ARG002  (nothing waits here, nor below)
        **_: object,
    ) -> MetricExportResult:
        if self._submit is None:
            return MetricExportResult.FAILURE
        self._submit(metrics_data)
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 0) -> bool:  # noqa: ARG002
        return True

    def shutdown(self, timeout_millis: float = 0, **_: object) -> None:
        """The queue has an owner of its own."""
