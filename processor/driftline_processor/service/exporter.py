"""Exports batches on a thread of its own, so that a slow or unreachable backend never blocks the worker."""

import logging
import sys
from collections import deque
from collections.abc import Callable
from threading import Condition, Thread
from time import monotonic
from typing import Final, Generic, NamedTuple, TypeVar

from opentelemetry.sdk._logs.export import LogRecordExportResult
from opentelemetry.sdk.metrics.export import MetricExportResult

from driftline_processor.service.alarm_log import WarningLimiter
from driftline_processor.service.export_requests import SdkExporter
from driftline_processor.service.internal_metrics import InternalMetrics

logger = logging.getLogger(__name__)

_BACKOFF: Final = (1.0, 30.0)
_UNPROVEN_SECONDS: Final = 2.0
"""Longest wait at shutdown for an endpoint that has not been tried yet."""

_MAX_FAST_FAILURES: Final = 3
"""Attempts for a batch that fails fast: the SDK has already retried whatever can be retried until its timeout."""

EXPIRED: Final = "expired"
QUEUE_FULL: Final = "queue full"
REJECTED: Final = "rejected"
SHUTDOWN: Final = "shutdown"

_SUCCESS: Final = (MetricExportResult.SUCCESS, LogRecordExportResult.SUCCESS)

T = TypeVar("T")


class _Queued(NamedTuple, Generic[T]):
    """A batch, the bytes that it takes, and when it was submitted."""

    data: T
    size: int
    submitted: float


class ExportHealth(NamedTuple):
    """Of one signal. failing: None before the first attempt. waiting, exported, dropped: batches, since the start."""

    what: str
    failing: bool | None
    waiting: int
    exported: int
    dropped: int


class Exporter(Generic[T]):
    """A queue that exports batches of one signal in order, with retries, bounded by number, bytes and age.

    Batches that expire, and the oldest ones when the queue is full, are dropped, and counted by reason.
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
        size: int = sys.maxsize,
        memory: Callable[[T], int] = lambda _: 0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Creates the queue; `start` starts its thread.

        Args:
            what: What the batches hold, for log messages.
            sink: The SDK exporter that sends them.
            metrics: Where exported and dropped batches are counted.
            limit: Batches that may be queued.
            retry_for: Seconds after its submission until a batch expires that the backend does not take.
            timeout: Seconds that one `sink.export` takes at most.
            size: Bytes that may be queued; an empty queue takes a batch of any size.
            memory: About how many bytes a batch takes.
            clock: Seconds, monotonic.

        """
        self._what, self._sink, self._metrics, self._clock = what, sink, metrics, clock
        self._limit, self._size, self._memory = limit, size, memory
        self._retry_for, self._fast = retry_for, timeout / 4
        self._waiting: deque[_Queued[T]] = deque()
        self._bytes = 0
        self._limiter = WarningLimiter()
        self._changed = Condition()
        self._busy = self._closing = False
        self._failing: bool | None = None  # unknown before the first attempt
        self._exported = self._dropped = 0
        self._thread = Thread(target=self._run, name=f"export {what}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, data: T) -> None:
        """Queues a batch; never blocks."""
        queued = _Queued(data, self._memory(data), self._clock())
        with self._changed:
            self._drop_expired()
            while self._waiting and self._is_full(queued.size):
                self._drop(self._popped(), QUEUE_FULL)
            self._waiting.append(queued)
            self._bytes += queued.size
            self._changed.notify_all()

    def _is_full(self, more: int) -> bool:
        return len(self._waiting) >= self._limit or self._bytes + more > self._size

    def _drop_expired(self) -> None:
        """Drops what a failing backend has not taken in time; the newest batch is tried in any case."""
        while self._failing and len(self._waiting) > 1 and self._is_expired(self._waiting[0]):
            self._drop(self._popped(), EXPIRED)

    def _is_expired(self, queued: _Queued[T]) -> bool:
        return self._clock() - queued.submitted >= self._retry_for

    def _popped(self) -> _Queued[T]:
        queued = self._waiting.popleft()
        self._bytes -= queued.size
        return queued

    def _drop(self, queued: _Queued[T], reason: str) -> None:
        self._dropped += 1
        self._metrics.add("dropped.sets", 1, reason=reason)
        age = self._clock() - queued.submitted
        waiting = f"{len(self._waiting)} of at most {self._limit}, {self._bytes} of at most {self._size} bytes"
        self._limiter.warn([f"Dropped {self._what} {age:.0f} s old: {reason} (waiting: {waiting})"])

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
        while (queued := self._next()) is not None:
            reason = self._deliver(queued)
            with self._changed:
                if reason:
                    self._drop(queued, reason)
                else:
                    self._exported += 1
                    self._metrics.add("exported.sets", 1)
                self._busy = False
                self._changed.notify_all()

    def _next(self) -> _Queued[T] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            self._drop_expired()
            if not self._waiting:
                return None
            self._busy = True
            return self._popped()

    def _deliver(self, queued: _Queued[T]) -> str:
        """Sends a batch until it is taken; else why it is given up."""
        fast_failures, pause = 0, _BACKOFF[0]
        while True:
            started = self._clock()
            if self._send(queued.data):
                self._report(failing=False)
                return ""
            self._report(failing=True)
            fast_failures += self._clock() - started < self._fast
            if fast_failures >= _MAX_FAST_FAILURES:
                return REJECTED
            if self._is_expired(queued):
                return EXPIRED
            if self._closed_within(pause):
                return SHUTDOWN
            pause = min(2 * pause, _BACKOFF[1])

    def _send(self, data: T) -> bool:
        try:
            return self._sink.export(data) in _SUCCESS
        except Exception as error:
            if self._closing:  # the channel was closed under it
                logger.warning("Export of %s ended by the shutdown (%s)", self._what, error)
            else:
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
