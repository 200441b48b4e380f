"""From predictions to sketches at the backend, off the caller's thread, in one process.

A forked child makes a pipeline of its own: threads, locks and channels of the parent do not work there, and its counts
are the parent's to send.
"""

import logging
import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Final

from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from driftline import semconv
from driftline.capture.buffer_pool import BufferPool
from driftline.capture.copies import Captures, release
from driftline.capture.queue import PredictionQueue
from driftline.export.aggregator import Aggregator, Packet
from driftline.export.exporter_selection import ExporterFactory, is_delta
from driftline.export.sketch_exporter import SketchExporter
from driftline.records import Prediction
from driftline.runtime.lifecycle import finish_multiprocessing_child
from driftline.runtime.self_faults import FAULTS
from driftline.runtime.threads import AutoResetEvent, Lock, start_thread
from driftline.settings import Settings

_logger = logging.getLogger("driftline")

_ABORT_SECONDS: Final = 0.5
"""What an export that is told to give up may still take."""


class Pipeline:
    """Aggregates in one thread and exports in another, so that an unreachable backend does not hold up counting.

    Nothing is started before the first prediction: helper processes instrument themselves too.
    make_exporter: None aggregates nothing. on_prediction: told of each prediction, in the background. on_export: called
    before each export.
    """

    def __init__(
        self,
        settings: Settings,
        make_exporter: ExporterFactory | None,
        resource: Callable[[], Resource],
        on_prediction: Callable[[Prediction], None],
        on_export: Callable[[], None],
    ) -> None:
        # All that waits counts against one bound, batches in pooled buffers too; single rows always find some room.
        self._pool = BufferPool(settings.buffer_bytes * 3 // 4)
        self.captures = Captures(self._pool)
        self._interval = settings.export_interval / 1000
        self._resource = resource
        self._on_prediction = on_prediction
        self._on_export = on_export
        self._wake = AutoResetEvent()
        self.queue = PredictionQueue(settings.buffer_bytes, self._on_wake)
        delta = is_delta()
        self._aggregate = Aggregator(settings, delta=delta)
        self._aggregating = Lock()
        self._lost_rows = 0
        self._exporter = None if make_exporter is None else self._sketch_exporter(make_exporter, delta=delta)
        self._provider: MeterProvider | None = None
        self._start = Lock()
        self._started = self._closed = False
        self._turns = _ExportTurns()

    def _sketch_exporter(self, make: ExporterFactory, *, delta: bool) -> SketchExporter:
        return SketchExporter(make, self._packets, delta=delta)

    @property
    def counts(self) -> bool:
        """Whether rows are counted, and not only told of."""
        return self._exporter is not None

    def drain(self) -> None:
        """Count what waits in the buffer."""
        with self._aggregating:
            predictions = self.queue.take()
            try:
                self._count(predictions)
            except Exception as error:  # noqa: BLE001  # whatever a column held, the next ones are counted
                FAULTS.note("aggregate", error)
            finally:
                for each in predictions:
                    _release(each)

    def _count(self, predictions: list[Prediction]) -> None:
        for each in predictions:
            self._tell(each)
            if each.lost:
                self._lost_rows += each.rows
        if self._exporter is not None and predictions:
            self._aggregate.add(predictions)

    def _tell(self, prediction: Prediction) -> None:
        try:
            self._on_prediction(prediction)
        except Exception as error:  # noqa: BLE001  # its rows are counted nevertheless
            FAULTS.note("duration", error)

    def _packets(self) -> Iterator[Packet]:
        self.drain()
        with self._aggregating:
            packets = list(self._aggregate.packets())
        for points, acknowledge in packets:
            yield points, partial(self._acknowledge, acknowledge)

    def _acknowledge(self, acknowledge: Callable[[], None]) -> None:
        with self._aggregating:
            acknowledge()

    def flush(self, timeout: float) -> bool:
        """Count and send all that was handed over; False if that failed or takes more than `timeout` seconds."""
        return not self._started or self._turns.take(timeout)

    def close(self, timeout: float) -> bool:
        """Flush, then stop. Sending takes about `timeout` seconds at most, even where the backend cannot be reached."""
        with self._start:
            if self._closed:
                return True
            self._closed = True
            started, self._started = self._started, True
            self.queue.close()
        if not started:
            return True
        self.drain()  # counting is not waiting: it ends by itself
        sent = self._turns.take(timeout, last=True)
        self._wake.set()
        if self._exporter is not None and not sent:
            self._exporter.shutdown(timeout_millis=_ABORT_SECONDS * 1000)
        if self._provider is not None:
            self._provider.shutdown(timeout_millis=_ABORT_SECONDS * 1000)
        return sent

    def _on_wake(self) -> None:
        if self._started:
            self._wake.set()
        else:
            self._begin()

    def _begin(self) -> None:
        with self._start:
            if self._started:
                return
            self._started = True
            try:
                start_thread(self._export_forever, "driftline-export")
                start_thread(self._aggregate_forever, "driftline-aggregate")
                finish_multiprocessing_child()
            except RuntimeError:  # the interpreter shuts down: `close` does the work itself
                self._turns.run_inline(self._export)

    def _aggregate_forever(self) -> None:
        while not self._closed:
            self._wake.wait()
            self.drain()

    def _export_forever(self) -> None:
        last = False
        while not last:
            last = self._turns.wait(self._interval)
            self._turns.done(sent=self._export())

    def _export(self) -> bool:
        try:
            self._on_export()
            self.drain()  # before the SDK asks what was dropped
            if self._exporter is None:
                return True
            if self._provider is None:
                self._provider = self._private_provider(self._exporter)
            self._provider.force_flush()
            self._pool.trim()
        except Exception as error:  # noqa: BLE001  # the next export tries again
            FAULTS.note("export", error)
            return False
        return self._exporter.succeeded

    def _private_provider(self, exporter: SketchExporter) -> MeterProvider:
        # An endless interval: the reader has no thread of its own, which would come alive again in forked children.
        reader = PeriodicExportingMetricReader(exporter, export_interval_millis=math.inf)
        provider = MeterProvider([reader], resource=self._resource(), shutdown_on_exit=False)
        meter = provider.get_meter(semconv.SCOPE)
        terms = {term.name: term.meaning for term in semconv.TERMS}
        # Without an instrument that yields something, the SDK exports nothing.
        meter.create_observable_counter(
            semconv.DROPPED_ROWS, [self._observe_rows], "{row}", terms[semconv.DROPPED_ROWS]
        )
        meter.create_observable_gauge(
            semconv.DROPPED_COLUMNS, [self._observe_columns], "{column}", terms[semconv.DROPPED_COLUMNS]
        )
        meter.create_observable_counter(semconv.FAULTS, [self._observe_faults], "{fault}", terms[semconv.FAULTS])
        return provider

    def _observe_rows(self, _: CallbackOptions) -> Iterable[Observation]:
        yield Observation(self._lost_rows + self.queue.dropped_rows)

    def _observe_columns(self, _: CallbackOptions) -> Iterable[Observation]:
        yield Observation(self._aggregate.dropped_columns)

    def _observe_faults(self, _: CallbackOptions) -> Iterable[Observation]:
        for (stage, error), count in FAULTS.counts().items():
            yield Observation(count, {semconv.FAULT_STAGE: stage, semconv.ERROR_TYPE: error})


def _release(prediction: Prediction) -> None:
    for each in (prediction.inputs, prediction.outputs):
        if each is not None:
            release(each)


class _ExportTurns:
    """Turns of the exporting thread: others ask for one and wait until one that began afterwards is done."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._asked = AutoResetEvent()
        self._waiting: list[AutoResetEvent] = []
        self._served: list[AutoResetEvent] = []
        self._last = False
        self._sent = True
        self._inline: Callable[[], bool] | None = None

    def take(self, timeout: float, *, last: bool = False) -> bool:
        """Ask for a turn; whether it succeeded within `timeout` seconds. last: there is none after it."""
        if self._inline is not None:
            return self._inline()
        done = AutoResetEvent()
        with self._lock:
            self._last = self._last or last
            self._waiting.append(done)
        self._asked.set()
        return done.wait(timeout) and self._sent

    def run_inline(self, work: Callable[[], bool]) -> None:
        """There is no thread: whoever asks does the work."""
        self._inline = work

    def wait(self, interval: float) -> bool:
        """Until somebody asks, or `interval` seconds; whether this is the last turn."""
        self._asked.wait(interval)
        with self._lock:
            self._served, self._waiting = self._waiting, []
            return self._last

    def done(self, *, sent: bool) -> None:
        self._sent = sent
        for each in self._served:
            each.set()
