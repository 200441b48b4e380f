"""Where results leave: an exporter of metrics and one of events for each destination, and whose results go to which."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

from opentelemetry.sdk.metrics.export import MetricsData

from driftline.sketch.time_units import SECOND
from driftline_processor.config import ExportConfig
from driftline_processor.encode.events import encode_events
from driftline_processor.encode.gauges import encode_gauges, sets
from driftline_processor.encode.performance import encode_performance
from driftline_processor.records import MeasuredPerformance, WindowResult
from driftline_processor.service.export_requests import SdkExporter, logs_memory, metrics_memory
from driftline_processor.service.exporter import Exporter, ExportHealth
from driftline_processor.service.internal_metrics import InternalMetrics
from driftline_processor.service.otlp_exporters import log_exporter, metric_exporter

T = TypeVar("T")


class Outlet:
    """One destination. `start` and `stop` once each."""

    def __init__(self, export: ExportConfig, metrics: InternalMetrics) -> None:
        self.results = _exporter("results", metric_exporter(export), metrics_memory, metrics, export)
        self.events = _exporter("alarm events", log_exporter(export), logs_memory, metrics, export)

    def publish(self, results: Sequence[WindowResult]) -> None:
        """Queues what there is to say of these windows; never blocks."""
        for part in sets(results):
            for data in encode_gauges(part):
                self.results.submit(data)
        for records in encode_events(results):
            self.events.submit(records)


class Outlets:
    """The outlets of all tenants. Those who go by the same settings share one."""

    def __init__(self, exports: Mapping[str, ExportConfig], metrics: InternalMetrics) -> None:
        """exports: by tenant; that of "" takes the internal metrics, too."""
        self._all: list[Outlet] = []
        self._of: dict[str, Outlet] = {}
        for tenant, export in exports.items():
            same = [self._of[other] for other in self._of if exports[other] == export]
            self._of[tenant] = same[0] if same else Outlet(export, metrics)
            self._all += [] if same else [self._of[tenant]]

    def start(self) -> None:
        for outlet in self._all:
            outlet.results.start()
            outlet.events.start()

    def publish(self, results: Sequence[WindowResult]) -> None:
        """Queues the results of each tenant where they go."""
        for outlet in self._all:
            its = [result for result in results if self._of[result.model.tenant] is outlet]
            if its:
                outlet.publish(its)

    def publish_performance(self, found: Sequence[MeasuredPerformance]) -> None:
        """Queues how right models are, where the results of their tenants go."""
        for each in found:
            for data in encode_performance([each]):
                self._of[each.model.tenant].results.submit(data)

    def submit_internal(self, data: MetricsData) -> None:
        """Queues internal metrics."""
        self._of[""].results.submit(data)

    def unflushed(self, timeout: float) -> Collection[str]:
        """The tenants of whose events not all are exported or dropped, within so many seconds for each destination."""
        waiting = [outlet for outlet in self._all if not outlet.events.flush(timeout)]
        return {tenant for tenant, outlet in self._of.items() if outlet in waiting}

    def health(self, tenant: str) -> tuple[ExportHealth, ...]:
        """Of the destination of a tenant, for any thread."""
        outlet = self._of[tenant]
        return outlet.results.health, outlet.events.health

    def stop(self, timeout: float) -> None:
        """As `Exporter.stop`, of all."""
        for outlet in self._all:
            outlet.events.stop(timeout)
            outlet.results.stop(timeout)


def _exporter(
    what: str, sink: SdkExporter[T], memory: Callable[[T], int], metrics: InternalMetrics, export: ExportConfig
) -> Exporter[T]:
    retry_for, timeout = export.retry_for / SECOND, export.timeout / SECOND
    return Exporter(
        what,
        sink,
        metrics,
        limit=export.queue,
        size=export.bytes,
        memory=memory,
        retry_for=retry_for,
        timeout=timeout,
    )
