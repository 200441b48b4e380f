"""Sends results on a thread of its own: a backend that is slow or away never holds up the counting."""

import logging
from collections import deque
from collections.abc import Callable
from threading import Condition, Thread
from time import monotonic
from typing import Final

from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData

from driftline_processor.telemetry import Telemetry

logger = logging.getLogger(__name__)

_BACKOFF: Final = (1.0, 30.0)
_REFUSALS: Final = 3
"""How often a set is sent that is refused at once: the SDK has retried what can be retried until its timeout."""


class Exporter:
    """Delivers in order. Of results that wait too long, or are too many, the oldest are dropped and counted."""

    def __init__(
        self,
        sink: MetricExporter,
        telemetry: Telemetry,
        *,
        limit: int,
        retry_for: float,
        timeout: float,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """limit: result sets that wait at most; retry_for, timeout: seconds, the latter what `sink` takes at most."""
        self._sink, self._telemetry, self._clock = sink, telemetry, clock
        self._limit, self._retry_for, self._at_once = limit, retry_for, timeout / 4
        self._waiting: deque[MetricsData] = deque()
        self._changed = Condition()
        self._busy = self._closing = self._failing = False
        self._thread = Thread(target=self._run, name="export", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, data: MetricsData) -> None:
        """Queues one result set; never blocks."""
        with self._changed:
            if len(self._waiting) >= self._limit:
                self._waiting.popleft()
                self._telemetry.add("dropped.results", 1)
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
        if not self._failing:
            self.flush(timeout)
        self._sink.shutdown()  # ends the SDK's own retries
        self._thread.join(timeout)

    def _run(self) -> None:
        while (data := self._next()) is not None:
            delivered = self._deliver(data)
            self._telemetry.add("exported.results" if delivered else "dropped.results", 1)
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _next(self) -> MetricsData | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            if not self._waiting:
                return None
            self._busy = True
            return self._waiting.popleft()

    def _deliver(self, data: MetricsData) -> bool:
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

    def _send(self, data: MetricsData) -> bool:
        try:
            return self._sink.export(data) is MetricExportResult.SUCCESS
        except Exception:
            logger.exception("Results could not be sent")
            return False

    def _closed_within(self, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._closing, seconds)

    def _told(self, *, failing: bool) -> None:
        if failing and not self._failing:
            logger.warning("Results do not get out: they wait, and are sent again")
        elif self._failing and not failing:
            logger.info("Results get out again")
        self._failing = failing
