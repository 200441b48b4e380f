"""Everything put together: sinks start first, sources stop first."""

import logging
import os
import time
from collections.abc import Callable, Sequence
from threading import Thread
from typing import Final, TypeVar

from opentelemetry.metrics import MeterProvider, NoOpMeterProvider
from opentelemetry.sdk.metrics import MeterProvider as SdkMeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource

from driftline.sketch.time_units import SECOND
from driftline_processor import __version__
from driftline_processor.config import Config, warnings
from driftline_processor.encode.alarm_events import encode_events
from driftline_processor.encode.gauges import encode
from driftline_processor.engine.engine import Engine, EngineSettings
from driftline_processor.records import WindowResult
from driftline_processor.service.alarm_log import Announcer
from driftline_processor.service.exporter import Exporter, Handover, Sink
from driftline_processor.service.internal_metrics import Telemetry
from driftline_processor.service.otlp_exporters import log_exporter, metric_exporter
from driftline_processor.service.receiver import Receiver
from driftline_processor.service.reference_registry import Library
from driftline_processor.service.request_queue import Intake
from driftline_processor.service.store import Store
from driftline_processor.service.worker import Pace, Worker

logger = logging.getLogger(__name__)

_MAX_TICK_SECONDS: Final = 1.0
_GRACE_SECONDS: Final = 1.0
_MILLISECONDS: Final = 1_000

T = TypeVar("T")


class Service:
    """The processor. `start` and `stop` once each; what fails in between is told, and nothing crashes."""

    def __init__(self, config: Config, clock: Callable[[], int] = time.time_ns) -> None:
        """Binds the port and opens the store. Raises BindError or StoreError; nothing is left open then."""
        self._config = config
        handover = Handover()
        self._provider = _own_provider(config, handover)
        telemetry = Telemetry(self._provider)
        self._intake = Intake(config.queue.requests, config.queue.bytes)
        self._receiver = Receiver(config.listen, self._intake, telemetry, config.queue.requests, clock)
        try:
            self._store = Store(config.store)
        except BaseException:
            self._receiver.stop(0)
            raise
        self._results = _exporter("Results", metric_exporter(config.export), telemetry, config)
        self._events = _exporter("Alarm events", log_exporter(config.export), telemetry, config)
        handover.connect(self._results.submit)
        self._announcer = Announcer()
        engine = Engine(EngineSettings.of(config))
        self._worker = Worker(
            intake=self._intake,
            store=self._store,
            engine=engine,
            library=Library(config.references, self._store, engine),
            telemetry=telemetry,
            publish=self._publish,
            settled=self._events.flush,
            pace=_pace(config),
            clock=clock,
        )
        self._working = Thread(target=self._worker.run, name="work", daemon=True)
        telemetry.observe("queue.requests", lambda: {"": len(self._intake)})
        telemetry.observe("queue.size", lambda: {"": self._intake.bytes})

    @property
    def port(self) -> int:
        return self._receiver.port

    def start(self) -> None:
        """Goes on where the last run stopped, then takes requests."""
        for warning in warnings(self._config):
            logger.warning("%s", warning)
        self._results.start()
        self._events.start()
        replayed = self._worker.recover()
        if replayed:
            logger.info("Replayed %d requests of the journal", replayed)
        self._working.start()
        self._receiver.start()
        host = self._config.listen.rpartition(":")[0]
        export = self._config.export
        logger.info("Listening on %s:%d, results go to %s (%s)", host, self.port, export.endpoint, export.protocol)

    def stop(self) -> None:
        """Takes no more, finishes what has been queued, saves the state, and lets the last results leave."""
        logger.info("Shutting down")
        seconds = self._config.shutdown / SECOND
        self._intake.close()
        self._receiver.drain()
        if self._working.ident is not None:
            self._working.join(seconds)
        self._receiver.stop(_GRACE_SECONDS)
        if isinstance(self._provider, SdkMeterProvider):
            self._provider.shutdown()  # hands the last counts to the exporter
        self._events.stop(seconds)
        self._results.stop(seconds)
        if self._working.is_alive():
            logger.error("The queue could not be finished in time; the journal has what was acknowledged")
        else:
            self._store.close()

    def _publish(self, results: Sequence[WindowResult]) -> None:
        self._announcer.announce(results)
        for data in encode(results):
            self._results.submit(data)
        for records in encode_events(results):
            self._events.submit(records)


def _exporter(what: str, sink: Sink[T], telemetry: Telemetry, config: Config) -> Exporter[T]:
    export = config.export
    retry_for, timeout = export.retry_for / SECOND, export.timeout / SECOND
    return Exporter(what, sink, telemetry, limit=export.queue, retry_for=retry_for, timeout=timeout)


def _pace(config: Config) -> Pace:
    tick = min(config.window.step / SECOND / 4, _MAX_TICK_SECONDS)
    return Pace(tick, config.snapshot.every / SECOND, config.snapshot.journal)


def _own_provider(config: Config, handover: Handover) -> MeterProvider:
    """For the processor's own counters, which leave by the exporter of the results."""
    if not config.telemetry.enabled:
        return NoOpMeterProvider()
    reader = PeriodicExportingMetricReader(handover, config.telemetry.every / SECOND * _MILLISECONDS)
    name = os.environ.get("OTEL_SERVICE_NAME") or "driftline-processor"
    resource = Resource.create({SERVICE_NAME: name, SERVICE_VERSION: __version__})
    return SdkMeterProvider([reader], resource=resource, shutdown_on_exit=False)
