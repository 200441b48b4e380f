"""Exports batches on a thread of its own, so that a slow or unreachable backend never blocks the worker."""

import logging
from collections import deque
from collections.abc import Callable
from threading import Condition, Thread
from time import monotonic
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

from opentelemetry.sdk._logs.export import LogRecordExportResult
from opentelemetry.sdk.metrics.export import MetricExportResult

from driftline_processor.service.internal_metrics import InternalMetrics

logger = logging.getLogger(__name__)

_BACKOFF: Final = (1.0, 30.0)
_UNPROVEN_SECONDS: Final = 2.0
"""Longest wait at shutdown for an endpoint that has not been tried yet."""

_MAX_FAST_FAILURES: Final = 3
"""Attempts for a batch that fails fast: the SDK has already retried whatever can be retried until its timeout."""

_SUCCESS: Final = (MetricExportResult.SUCCESS, LogRecordExportResult.SUCCESS)

T_contra = TypeVar("T_contra", contravariant=True)
T = TypeVar("T")


class SdkExporter(Protocol[T_contra]):
    """The part of the SDK's metric and log record exporters that is used here."""

    def export(self, data: T_contra, /) -> MetricExportResult | LogRecordExportResult: ...

    def shutdown(self) -> None: ...


class ExportHealth(NamedTuple):
    """Of one signal. failing: None before the first attempt. waiting, exported, dropped: batches, since the start."""

    what: str
    failing: bool | None
    waiting: int
    exported: int
    dropped: int


class Exporter(Generic[T]):
    """A bounded queue that exports batches of one signal in order, with retries.

    Batches that expire, and the oldest ones when the queue is full, are dropped and counted.
    """

    def __init__(
        self,
        what: str,
        sink: SdkExporter[T],
        metrics: InternalMetrics,
        *,
        limit: int,
        retry_for: float,
        timeout: float,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Creates the queue; `start` starts its thread.

        Args:
            what: What the batches hold, for log messages.
            sink: The SDK exporter that sends them.
            metrics: Where exported and dropped batches are counted.
            limit: Batches that may be queued.
            retry_for: Seconds after which a batch expires.
            timeout: Seconds that one `sink.export` takes at most.
            clock: Seconds, monotonic.

        """
        self._what, self._sink, self._metrics, self._clock = what, sink, metrics, clock
        self._limit, self._retry_for, self._fast = limit, retry_for, timeout / 4
        self._waiting: deque[T] = deque()
        self._changed = Condition()
        self._busy = self._closing = False
        self._failing: bool | None = None  # unknown before the first attempt
        self._exported = self._dropped = 0
        self._thread = Thread(target=self._run, name=f"export {what}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, data: T) -> None:
        """Queues a batch; never blocks."""
        with self._changed:
            if len(self._waiting) >= self._limit:
                self._waiting.popleft()
                self._dropped += 1
                self._metrics.add("dropped.sets", 1)
            self._waiting.append(data)
            self._changed.notify_all()

    def flush(self, timeout: float) -> bool:
        """Waits until every batch is exported or dropped. False after `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._busy, timeout)

    @property
    def health(self) -> ExportHealth:
        """How it does; for any thread."""
        with self._changed:
            waiting = len(self._waiting) + self._busy
            return ExportHealth(self._what, self._failing, waiting, self._exported, self._dropped)

    def stop(self, timeout: float) -> None:
        """Exports what is queued for at most `timeout` seconds; drops it at once if the last export failed."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        patience = {None: min(timeout, _UNPROVEN_SECONDS), False: timeout, True: 0.0}
        self.flush(patience[self._failing])
        self._sink.shutdown()  # ends the SDK's own retries
        self._thread.join(timeout)

    def _run(self) -> None:
        while (data := self._next()) is not None:
            delivered = self._deliver(data)
            self._metrics.add("exported.sets" if delivered else "dropped.sets", 1)
            with self._changed:
                self._exported += delivered
                self._dropped += not delivered
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
        began, fast_failures, pause = self._clock(), 0, _BACKOFF[0]
        while True:
            started = self._clock()
            if self._send(data):
                self._report(failing=False)
                return True
            self._report(failing=True)
            fast_failures += self._clock() - started < self._fast
            expired = fast_failures >= _MAX_FAST_FAILURES or self._clock() - began >= self._retry_for
            if expired or self._closed_within(pause):
                return False
            pause = min(2 * pause, _BACKOFF[1])

    def _send(self, data: T) -> bool:
        try:
            return self._sink.export(data) in _SUCCESS
        except Exception:
            logger.exception("Export of %s raised", self._what)
            return False

    def _closed_within(self, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._closing, seconds)

    def _report(self, *, failing: bool) -> None:
        if failing and not self._failing:
            logger.warning("Export failing, %s queued for retry", self._what)
        elif self._failing and not failing:
            logger.info("Export recovered, sending queued %s", self._what)
        self._failing = failing
