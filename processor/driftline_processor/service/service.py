"""The composition of the service. Consumers start before producers, and producers stop first."""

import logging
import sys
from collections.abc import Callable, Sequence
from threading import Thread
from typing import Final

from opentelemetry.sdk.metrics import MeterProvider as SdkMeterProvider

from driftline.semconv import STATUS_METHOD, STATUS_SERVICE
from driftline.sketch.time_units import SECOND
from driftline_processor.config import Config, config_warnings, exposed, masked_url
from driftline_processor.engine.engine_settings import EngineSettings
from driftline_processor.engine.tenant_engines import TenantEngines
from driftline_processor.outcomes.join import JoinLimits
from driftline_processor.records import WindowResult
from driftline_processor.service.alarm_log import AlarmLog
from driftline_processor.service.internal_metrics import (
    InternalMetricExporter,
    InternalMetrics,
    internal_meter_provider,
)
from driftline_processor.service.outcome_joins import OutcomeJoins
from driftline_processor.service.outlets import Outlets
from driftline_processor.service.receiver import Receiver
from driftline_processor.service.reference_registry import ReferenceRegistries, ReferenceRegistry
from driftline_processor.service.request_queue import RequestQueue
from driftline_processor.service.sender_access import SenderAccess
from driftline_processor.service.status import Status, encode_status, status_document
from driftline_processor.service.steady_clock import SteadyClock
from driftline_processor.service.store import Store, StoreError
from driftline_processor.service.web_server import WebServer, local
from driftline_processor.service.worker import Worker, WorkerSettings
from driftline_processor.web.app import Site
from driftline_processor.web.board import Board

logger = logging.getLogger(__name__)

_MAX_TICK_SECONDS: Final = 1.0
_GRACE_SECONDS: Final = 1.0
_SWITCH_SECONDS: Final = 0.001
"""How long a thread keeps others from running: an answer passes through several, while another request is decoded."""


class Service:
    """The processor. Call `start` and `stop` once each; failures in between are logged, and nothing crashes."""

    def __init__(
        self, config: Config, clock: Callable[[], int] | None = None, give_up: Callable[[], None] = lambda: None
    ) -> None:
        """Binds the port and opens the store.

        Args:
            config: The configuration.
            clock: Unix nanoseconds; None: the machine's, without its steps.
            give_up: Called from another thread when only a new start helps; `failure` says why. Then call `stop`.

        Raises:
            BindError: The port cannot be bound.
            AccessError: A certificate, key or file of tokens cannot be used.
            StoreError: The store cannot be opened; the port is released.

        """
        self._config, self._give_up = config, give_up
        self.failure = ""
        self._steady = SteadyClock()
        clock = clock or self._steady
        metric_sink = InternalMetricExporter()
        self._provider = internal_meter_provider(config.telemetry, metric_sink)
        metrics = InternalMetrics(self._provider)
        self._queue = RequestQueue(config.queue.requests, config.queue.bytes)
        self._receiver = Receiver(
            config.listen,
            self._queue,
            metrics,
            config.queue.requests,
            clock,
            access=config.receive,
            limits=config.limits.table,
            tenants=config.tenants,
        )
        try:
            self._store = Store(config.store)
        except BaseException:
            self._receiver.stop(0)
            raise
        self._outlets = Outlets({name: config.export_of(name) for name in ("", *config.tenants)}, metrics)
        metric_sink.connect(self._outlets.submit_internal)
        self._alarm_log, self._board = AlarmLog(), Board(config.history.size)
        settings = EngineSettings.of(config)
        budget = settings.of_outcomes(weighted=False)
        joins = OutcomeJoins(("", *config.tenants), _join_limits(config), budget, self._store)
        self._engines = engines = TenantEngines.of(config.tenants, settings, joins.judge)
        self._worker = Worker(
            queue=self._queue,
            store=self._store,
            engines=engines,
            registries=_registries(config, self._store, engines),
            joins=joins,
            metrics=metrics,
            publish=self._publish,
            publish_performance=self._outlets.publish_performance,
            unflushed=self._outlets.unflushed,
            storage_changed=self._receiver.set_serving,
            taken_over=self._fail,
            settings=_worker_settings(config),
            clock=clock,
            set_forward=self._steady.set_forward,
            board=self._board,
        )
        self._working = Thread(target=self._worker.run, name="work", daemon=True)
        self._metrics, self._clock = metrics, clock
        self._web = WebServer(config, self._site(clock))
        self._receiver.serve(STATUS_SERVICE, STATUS_METHOD, lambda tenant: encode_status(self.status(tenant)))
        metrics.observe("queue.requests", lambda: {(): len(self._queue)})
        metrics.observe("queue.size", lambda: {(): self._queue.bytes})

    @property
    def port(self) -> int:
        """The port that requests are received on."""
        return self._receiver.port

    @property
    def web_port(self) -> int:
        """The port of the status page; 0 where there is none."""
        return self._web.port

    def _site(self, clock: Callable[[], int]) -> Site:
        return Site(
            board=self._board,
            status=lambda tenant: status_document(self.status(tenant)),
            clock=clock,
            tenant_of=SenderAccess(self._config.receive, self._config.tenants).reader,
            size=self._config.window.size,
            step=self._config.window.step,
            trace_url=self._config.http.trace_url,
            local=local(self._config),
        )

    def status(self, tenant: str = "") -> Status:
        """How the processor does, as far as it is a tenant's business; from any thread."""
        return Status(
            now=self._clock(),
            config=self._config,
            export=self._config.export_of(tenant),
            models=self._worker.models(tenant),
            matching=self._worker.matching(tenant),
            totals=self._metrics.totals(tenant),
            queue=(len(self._queue), self._queue.bytes),
            storage_ok=self._worker.storage_ok,
            exports=self._outlets.health(tenant),
        )

    def start(self) -> None:
        """Opens the port, recovers the state of the last run, then accepts requests. Raises StoreError."""
        sys.setswitchinterval(_SWITCH_SECONDS)
        for warning in (*filter(None, [exposed(self._config)]), *config_warnings(self._config)):
            logger.warning("%s", warning)
        self._outlets.start()
        self._receiver.listen()
        replayed = self._worker.recover()
        self._steady.not_before(self._engines.newest - self._config.window.lateness)
        if replayed:
            logger.info("Replayed %d requests from the journal", replayed)
        self._working.start()
        self._receiver.start()
        self._web.start()
        host = self._config.listen.rpartition(":")[0]
        export = self._config.export
        logger.info(
            "Listening on %s:%d, exporting to %s (%s)", host, self.port, masked_url(export.endpoint), export.protocol
        )

    def stop(self) -> None:
        """Stops accepting requests, drains the queue, saves the state and exports the last results."""
        logger.info("Shutting down")
        self._web.stop()
        seconds = self._config.shutdown / SECOND
        self._queue.close()
        self._receiver.drain()
        if self._working.ident is not None:
            self._working.join(seconds)
        self._receiver.stop(_GRACE_SECONDS)
        if isinstance(self._provider, SdkMeterProvider):
            self._provider.shutdown()  # submits the last internal metrics
        self._outlets.stop(seconds)
        if self._working.is_alive():
            logger.error("Queue not drained in time; acknowledged requests are in the journal")
        else:
            self._store.close()

    def _fail(self, error: StoreError) -> None:
        if not self.failure:
            self.failure = str(error)
            self._give_up()

    def _publish(self, results: Sequence[WindowResult]) -> None:
        self._alarm_log.log(results)
        self._board.publish(results)
        self._outlets.publish(results)


def _registries(config: Config, store: Store, engines: TenantEngines) -> ReferenceRegistries:
    trusted, room = config.receive.references_from, config.limits.table.references
    return ReferenceRegistries(
        {
            name: ReferenceRegistry(config.references_of(name), store, engines[name], trusted, room, tenant=name)
            for name in ("", *config.tenants)
        }
    )


def _join_limits(config: Config) -> JoinLimits:
    outcomes = config.outcomes
    return JoinLimits(outcomes.wait, outcomes.bytes, outcomes.window)


def _worker_settings(config: Config) -> WorkerSettings:
    tick = min(config.window.step / SECOND / 4, _MAX_TICK_SECONDS)
    return WorkerSettings(tick, config.snapshot.every / SECOND, config.snapshot.journal)
