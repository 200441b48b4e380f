"""The background pipeline of a process: from queued predictions to sketches at the backend.

A forked child creates its own pipeline: the parent's threads, locks and channels do not work there, and the parent
sends its own counts.
"""

import logging
import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Final

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from driftline import semconv
from driftline.capture.buffer_pool import BufferPool
from driftline.capture.copies import Captures, release
from driftline.capture.queue import PredictionQueue
from driftline.export.aggregator import Aggregator, Packet
from driftline.export.durations import Durations
from driftline.export.edge_cases import EdgeCaseCounter
from driftline.export.exporter_selection import ExporterFactory, is_delta
from driftline.export.reference_pairs import References
from driftline.export.row_batches import RowBatches
from driftline.export.row_exporter import LogExporterFactory
from driftline.export.sketch_exporter import SketchExporter
from driftline.records import Prediction
from driftline.runtime.self_faults import FAULTS
from driftline.runtime.threads import AutoResetEvent, Lock, start_thread
from driftline.settings import Settings

_logger = logging.getLogger("driftline")

_ABORT_SECONDS: Final = 0.5
"""How long an aborted export may still take."""


class Pipeline:
    """Aggregates in one thread and exports in another, so that an unreachable backend does not delay aggregation.

    Threads start with the first prediction, because helper processes instrument themselves too. make_exporter: None
    disables aggregation. on_export: called before each export. meter_provider: gets the durations; None: they leave
    beside the sketches, at the same interval, or with the application's metrics where sketches go elsewhere or nowhere.
    make_log_exporter: None sends no row batches.
    """

    def __init__(
        self,
        settings: Settings,
        make_exporter: ExporterFactory | None,
        resource: Callable[[], Resource],
        on_export: Callable[[], None],
        meter_provider: metrics.MeterProvider | None = None,
        *,
        make_log_exporter: LogExporterFactory | None = None,
    ) -> None:
        # Everything queued counts against one limit; pooled buffers of batches leave a quarter of it to single rows.
        self._pool = BufferPool(settings.buffer_bytes * 3 // 4)
        self.captures = Captures(self._pool)
        self._interval = settings.export_interval / 1000
        self._elsewhere = settings.otlp_endpoint is not None
        self._resource = resource
        self._on_export = on_export
        self._wake = AutoResetEvent()
        self.queue = PredictionQueue(settings.buffer_bytes, self._on_wake)
        delta = is_delta()
        self._aggregator = Aggregator(settings, delta=delta, edge_cases=EdgeCaseCounter(settings, self.meter))
        self._aggregating = Lock()
        self._lost_rows = 0
        self._exporter = None if make_exporter is None else self._sketch_exporter(make_exporter, delta=delta)
        self._rows: RowBatches | None = None
        if make_log_exporter is not None and settings.rows:
            self._rows = RowBatches(settings, self.references, make_log_exporter, resource)
        self._making = Lock()
        self._provider: MeterProvider | None = None
        self._meter_provider = meter_provider
        self._durations: Durations | None = None
        self._start = Lock()
        self._started = self._closed = False
        self._exports = _ExportRequests()

    def _sketch_exporter(self, make: ExporterFactory, *, delta: bool) -> SketchExporter:
        return SketchExporter(make, self._packets, delta=delta)

    @property
    def references(self) -> References:
        """What training profiles say of inputs."""
        return self._aggregator.references

    @property
    def counts(self) -> bool:
        """Whether rows are aggregated, or only their durations recorded."""
        return self._exporter is not None

    def drain(self) -> None:
        """Aggregate everything in the queue."""
        with self._aggregating:
            predictions = self.queue.take()
            try:
                self._count(predictions)
            except Exception as error:  # noqa: BLE001  # whatever the values, later predictions are counted
                FAULTS.note("aggregate", error)
            finally:
                for each in predictions:
                    _release(each)

    def _count(self, predictions: list[Prediction]) -> None:
        for each in predictions:
            self._record_duration(each)
            if each.lost:
                self._lost_rows += each.rows
        if self._exporter is not None and predictions:
            self._aggregator.add(predictions)
        if self._rows is not None and predictions:
            self._rows.add(predictions)

    def _record_duration(self, prediction: Prediction) -> None:
        try:
            if self._durations is None:
                self._durations = Durations(self.meter())
            self._durations.record(prediction)
        except Exception as error:  # noqa: BLE001  # its rows are still counted
            FAULTS.note("duration", error)

    def _packets(self) -> Iterator[Packet]:
        self.drain()
        with self._aggregating:
            packets = list(self._aggregator.packets())
        for points, acknowledge in packets:
            yield points, partial(self._acknowledge, acknowledge)

    def _acknowledge(self, acknowledge: Callable[[], None]) -> None:
        with self._aggregating:
            acknowledge()

    def flush(self, timeout: float) -> bool:
        """Aggregate and send everything queued; False if that fails or takes longer than `timeout` seconds."""
        return not self._started or self._exports.take(timeout)

    def close(self, timeout: float) -> bool:
        """Flush, then stop. Takes about `timeout` seconds at most, even if the backend is unreachable."""
        with self._start:
            if self._closed:
                return True
            self._closed = True
            started, self._started = self._started, True
            self.queue.close()
        if not started:
            return True
        self.drain()  # needs no timeout: aggregation never blocks
        sent = self._exports.take(timeout, last=True)
        self._wake.set()
        if self._exporter is not None and not sent:
            self._exporter.shutdown(timeout_millis=_ABORT_SECONDS * 1000)
        if self._rows is not None:
            self._rows.shutdown()
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
            except RuntimeError:  # the interpreter is shutting down: `close` does the work itself
                self._exports.run_inline(partial(self._export, requested=True))

    def _aggregate_forever(self) -> None:
        while not self._closed:
            self._wake.wait()
            self.drain()

    def _export_forever(self) -> None:
        last = False
        while not last:
            last = self._exports.wait(self._interval)
            self._exports.done(sent=self._export(requested=self._exports.requested))
        self._exports.end()

    def _export(self, *, requested: bool) -> bool:
        """Whether everything was sent. requested: somebody waits for it."""
        try:
            self._on_export()
            self.drain()  # before the SDK observes the dropped rows
            sent = self._export_sketches()
            self._pool.trim()
            return self._export_rows(requested=requested, reachable=sent) and sent
        except Exception as error:  # noqa: BLE001  # the next export retries
            FAULTS.note("export", error)
            return False

    def _export_sketches(self) -> bool:
        if self._exporter is None:
            return True
        self._private_provider(self._exporter).force_flush()
        return self._exporter.succeeded

    def _export_rows(self, *, requested: bool, reachable: bool) -> bool:
        """After the sketches, and only where those arrived: an unreachable backend is waited for once."""
        if self._rows is None:
            return True
        with self._aggregating:
            self._rows.end_interval()
        return self._rows.send(requested=requested) if reachable else True

    def meter(self) -> metrics.Meter:
        """What the metrics of calls are made with."""
        provider = self._meter_provider
        if provider is None and self._exporter is not None and not self._elsewhere:
            provider = self._private_provider(self._exporter)
        return metrics.get_meter(semconv.SCOPE, semconv.SCOPE_VERSION, meter_provider=provider)

    def _private_provider(self, exporter: SketchExporter) -> MeterProvider:
        with self._making:
            if self._provider is None:
                self._provider = self._make_provider(exporter)
            return self._provider

    def _make_provider(self, exporter: SketchExporter) -> MeterProvider:
        # An infinite interval: the reader starts no thread, which would be restarted in forked children.
        reader = PeriodicExportingMetricReader(exporter, export_interval_millis=math.inf)
        provider = MeterProvider([reader], resource=self._resource(), shutdown_on_exit=False)
        meter = provider.get_meter(semconv.SCOPE, semconv.SCOPE_VERSION)
        terms = {term.name: term.meaning for term in semconv.TERMS}
        # The SDK exports nothing unless an instrument yields data.
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
        yield Observation(self._aggregator.dropped_columns)

    def _observe_faults(self, _: CallbackOptions) -> Iterable[Observation]:
        for (stage, error), count in FAULTS.counts().items():
            yield Observation(count, {semconv.FAULT_STAGE: stage, semconv.ERROR_TYPE: error})


def _release(prediction: Prediction) -> None:
    for each in (prediction.inputs, prediction.outputs):
        if each is not None:
            release(each)


class _ExportRequests:
    """Lets other threads request an export and wait for one that began after their request."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._asked = AutoResetEvent()
        self._waiting: list[AutoResetEvent] = []
        self._served: list[AutoResetEvent] = []
        self._last = self._ended = False
        self._sent = True
        self._inline: Callable[[], bool] | None = None

    def take(self, timeout: float, *, last: bool = False) -> bool:
        """Request an export; whether it succeeded within `timeout` seconds. last: there are none after it."""
        if self._inline is not None:
            return self._inline()
        done = AutoResetEvent()
        with self._lock:
            if self._ended:
                return self._sent
            self._last = self._last or last
            self._waiting.append(done)
        self._asked.set()
        return done.wait(timeout) and self._sent

    def run_inline(self, work: Callable[[], bool]) -> None:
        """Without a thread: run exports in the requesting thread."""
        self._inline = work

    def wait(self, interval: float) -> bool:
        """Wait for a request, or `interval` seconds; whether the next export is the last."""
        self._asked.wait(interval)
        with self._lock:
            self._served, self._waiting = self._waiting, []
            return self._last

    @property
    def requested(self) -> bool:
        """Whether somebody waits for the current export."""
        return bool(self._served)

    def done(self, *, sent: bool) -> None:
        self._sent = sent
        for each in self._served:
            each.set()

    def end(self) -> None:
        """There are no more exports: nobody waits for one."""
        with self._lock:
            self._ended = True
        for each in self._waiting:
            each.set()
