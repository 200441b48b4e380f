"""Wraps the exporter that sends: adds the sketches to the SDK's metrics, and acknowledges what arrived."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from opentelemetry.sdk.metrics import Histogram, ObservableCounter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Metric,
    MetricExporter,
    MetricExportResult,
    MetricsData,
    ResourceMetrics,
    ScopeMetrics,
)

from driftline.export.aggregator import Packet
from driftline.export.data_points import MetricPoint, metrics
from driftline.export.exporter_selection import ExporterFactory
from driftline.runtime.gil_yield import GilYield
from driftline.runtime.self_faults import FAULTS

_MOST_POINTS: Final = 1000
"""Points per request: at about 700 bytes each, well under the 4 MiB default limit of gRPC servers."""


class SketchExporter(MetricExporter):
    """Sends the points that `packets` yields with the SDK's own; `packets` yields again what did not arrive.

    The inner exporter is created at the first export: gRPC channels do not survive a fork, so each process needs one.
    """

    def __init__(self, make: ExporterFactory, packets: Callable[[], Iterable[Packet]], *, delta: bool) -> None:
        self._temporality = AggregationTemporality.DELTA if delta else AggregationTemporality.CUMULATIVE
        super().__init__(preferred_temporality=dict.fromkeys((ObservableCounter, Histogram), self._temporality))
        self._make = make
        self._packets = packets
        self._gil_yield = GilYield()
        self._inner: MetricExporter | None = None
        self.succeeded = True

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **_: Any) -> MetricExportResult:
        """Send in requests of bounded size and acknowledge each that arrived. `succeeded`: whether all did."""
        try:
            self.succeeded = self._send_all(metrics_data, timeout_millis)
        except Exception as error:  # noqa: BLE001  # the next export sends everything again
            FAULTS.note("export", error)
            self.succeeded = False
        return MetricExportResult.SUCCESS if self.succeeded else MetricExportResult.FAILURE

    def _send_all(self, collected: MetricsData, timeout_millis: float) -> bool:
        if self._inner is None:
            self._inner = self._make()
        own = collected.resource_metrics[0].scope_metrics[0].metrics
        for points, acknowledgements in _requests(self._packets()):
            data = self._with_points(collected, own, points)
            own = []  # once: a delta that comes twice counts twice
            if self._inner.export(data, timeout_millis=timeout_millis) is not MetricExportResult.SUCCESS:
                return False
            for acknowledge in acknowledgements:
                acknowledge()
        return True

    def _with_points(self, collected: MetricsData, own: Sequence[Metric], points: list[MetricPoint]) -> MetricsData:
        """Merge the points into one scope: encoders keep one entry per scope."""
        resource = collected.resource_metrics[0]
        scope = resource.scope_metrics[0]
        ours = metrics(points, self._temporality, self._gil_yield)
        merged = ScopeMetrics(scope.scope, [*own, *ours], scope.schema_url)
        return MetricsData([ResourceMetrics(resource.resource, [merged], resource.schema_url)])

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return self._inner is None or self._inner.force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **_: Any) -> None:
        """Shut down; also ends the retries of an export running in another thread."""
        if self._inner is not None:
            self._inner.shutdown(timeout_millis=timeout_millis)


def _requests(packets: Iterable[Packet]) -> Iterator[tuple[list[MetricPoint], list[Callable[[], None]]]]:
    """Group packets into requests of about _MOST_POINTS points; at least one request, even if empty."""
    points: list[MetricPoint] = []
    acknowledgements: list[Callable[[], None]] = []
    for some, acknowledge in packets:
        points += some
        acknowledgements.append(acknowledge)
        if len(points) >= _MOST_POINTS:
            yield points, acknowledgements
            points, acknowledgements = [], []
    yield points, acknowledgements
