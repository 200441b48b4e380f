"""The processor's internal metrics: what it received, refused, queued and exported."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from threading import Lock
from typing import Any, Final, NamedTuple, TypeAlias

from opentelemetry.metrics import CallbackOptions, MeterProvider, NoOpMeterProvider, Observation
from opentelemetry.sdk.metrics import MeterProvider as SdkMeterProvider
from opentelemetry.sdk.metrics.export import (
    MetricExporter,
    MetricExportResult,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource

from driftline import semconv
from driftline.sketch.time_units import SECOND
from driftline_processor import __version__
from driftline_processor.config import TelemetryConfig
from driftline_processor.records import ModelKey

METRIC_PREFIX: Final = f"{semconv.SCOPE}.processor"

_MILLISECONDS: Final = 1_000


class InternalMetric(NamedTuple):
    """An internal metric; `kind` is the method of Meter that creates it, without "create_"."""

    name: str
    kind: str
    unit: str
    attributes: str
    description: str


INTERNAL_METRICS: Final = (
    InternalMetric(
        "rows",
        "observable_counter",
        "{row}",
        f"{semconv.MODEL_NAME}, {semconv.TENANT_NAME}",
        "Rows of calls since the store was created: twice the rows that `predict` and `predict_proba` both received",
    ),
    InternalMetric(
        "batch.rows",
        "observable_counter",
        "{row}",
        f"{semconv.MODEL_NAME}, {semconv.TENANT_NAME}",
        "Rows in row batches, a sample of all rows",
    ),
    InternalMetric(
        "batch.seen.rows",
        "observable_counter",
        "{row}",
        f"{semconv.MODEL_NAME}, {semconv.TENANT_NAME}",
        "Rows that those are a sample of",
    ),
    InternalMetric(
        "outcomes",
        "observable_gauge",
        "{outcome}",
        f"{semconv.OUTCOME_STATE}, {semconv.TENANT_NAME}",
        "Outcomes received since the store was created, by what became of them",
    ),
    InternalMetric(
        "waiting.rows", "observable_gauge", "{row}", semconv.TENANT_NAME, "Rows that outcomes are joined with"
    ),
    InternalMetric(
        "waiting.size", "observable_gauge", "By", semconv.TENANT_NAME, "Bytes in the store of what waits to be joined"
    ),
    InternalMetric(
        "evicted.rows",
        "observable_counter",
        "{row}",
        semconv.TENANT_NAME,
        "Rows given up because of `outcomes.bytes`, before `outcomes.wait` was over",
    ),
    InternalMetric(
        "outcome.delay",
        "observable_gauge",
        "s",
        f"quantile, {semconv.TENANT_NAME}",
        "Within so long half, and nine of ten, of the joined outcomes came true; to a power of two",
    ),
    InternalMetric(
        "accepted.items",
        "counter",
        "{item}",
        "signal",
        "Data points, spans, row batches and outcomes stored and counted",
    ),
    InternalMetric(
        "rejected.items",
        "counter",
        "{item}",
        "signal",
        "Data points, spans, row batches and outcomes rejected as unusable",
    ),
    InternalMetric(
        "duplicate.items", "counter", "{item}", "signal", "Data points, spans and row batches received more than once"
    ),
    InternalMetric(
        "late.rows", "counter", "{row}", semconv.MODEL_NAME, "Rows that arrived after their window was judged"
    ),
    InternalMetric("refused.requests", "counter", "{request}", "signal, code", "Requests answered with an error"),
    InternalMetric("queue.requests", "observable_gauge", "{request}", "", "Requests waiting to be stored"),
    InternalMetric("queue.size", "observable_gauge", "By", "", "Size of the requests waiting to be stored"),
    InternalMetric(
        "unused.references",
        "observable_gauge",
        "{reference}",
        "",
        "References that no model is compared with: the log names them",
    ),
    InternalMetric(
        "exported.sets", "counter", "{set}", "", "Batches exported: results, alarm events and internal metrics"
    ),
    InternalMetric(
        "dropped.sets", "counter", "{set}", "reason", "Batches dropped: rejected, expired, queue full or shutdown"
    ),
)
"""Every internal metric; names follow `driftline.processor.`."""


Observed: TypeAlias = Mapping[tuple[str, ...], float]


class InternalMetrics:
    """The instruments behind INTERNAL_METRICS. Safe from any thread; never blocks."""

    def __init__(self, provider: MeterProvider) -> None:
        meter = provider.get_meter(METRIC_PREFIX, semconv.SCOPE_VERSION)
        self._lock = Lock()
        self._totals: Counter[tuple[str, str]] = Counter()
        self._read: dict[str, Callable[[], Observed]] = {}
        self._instruments = {metric.name: self._create(meter, metric) for metric in INTERNAL_METRICS}

    def add(self, name: str, amount: float, tenant: str = "", **attributes: str) -> None:
        """Adds to the counter with this name in INTERNAL_METRICS, which is of a tenant if it is anybody's."""
        if amount:
            self._add(name, amount, tenant, attributes)

    def add_late_rows(self, model: ModelKey, rows: float) -> None:
        """Adds to `late.rows`, whose attribute is no Python name."""
        if rows:
            self._add("late.rows", rows, model.tenant, {semconv.MODEL_NAME: model.name})

    def totals(self, tenant: str = "") -> Mapping[str, float]:
        """What has been added to each counter since the start, of this tenant."""
        with self._lock:
            return {name: total for (owner, name), total in self._totals.items() if owner == tenant}

    def _add(self, name: str, amount: float, tenant: str, attributes: Mapping[str, str]) -> None:
        whose = {semconv.TENANT_NAME: tenant} if tenant else {}
        self._instruments[name].add(amount, {**attributes, **whose})
        with self._lock:
            self._totals[tenant, name] += amount  # type: ignore[assignment]  # a Counter also holds floats

    def observe(self, name: str, read: Callable[[], Observed]) -> None:
        """Registers the callback of an observable metric: its values by those of its attributes, without empty ones."""
        self._read[name] = read

    def _create(self, meter: Any, metric: InternalMetric) -> Any:
        create = getattr(meter, f"create_{metric.kind}")
        name = f"{METRIC_PREFIX}.{metric.name}"
        if not metric.kind.startswith("observable"):
            return create(name, unit=metric.unit, description=metric.description)
        return create(name, [self._callback(metric)], unit=metric.unit, description=metric.description)

    def _callback(self, metric: InternalMetric) -> Callable[[CallbackOptions], Iterator[Observation]]:
        def observations(_: CallbackOptions) -> Iterator[Observation]:
            read = self._read.get(metric.name)
            for key, value in (read() if read else {}).items():
                names = zip(metric.attributes.split(", "), key, strict=False)
                yield Observation(value, {name: text for name, text in names if text})

        return observations


class InternalMetricExporter(MetricExporter):
    """Hands internal metrics to the export queue of the results, so that there is one connection to the backend."""

    def __init__(self) -> None:
        super().__init__()
        self._submit: Callable[[MetricsData], None] | None = None

    def connect(self, submit: Callable[[MetricsData], None]) -> None:
        """Sets the queue; it counts with these metrics itself, so it is created after this exporter."""
        self._submit = submit

    def export(
        self,
        metrics_data: MetricsData,
        timeout_millis: float = 0,  # noqa: ARG002  (neither this nor the queue blocks)
        **_: object,
    ) -> MetricExportResult:
        if self._submit is None:
            return MetricExportResult.FAILURE
        self._submit(metrics_data)
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 0) -> bool:  # noqa: ARG002
        return True

    def shutdown(self, timeout_millis: float = 0, **_: object) -> None:
        """Does nothing: the service owns the queue."""


def internal_meter_provider(config: TelemetryConfig, exporter: InternalMetricExporter) -> MeterProvider:
    """The provider of the internal metrics: periodic, or a no-op where they are disabled."""
    if not config.enabled:
        return NoOpMeterProvider()
    reader = PeriodicExportingMetricReader(exporter, config.every / SECOND * _MILLISECONDS)
    name = os.environ.get("OTEL_SERVICE_NAME") or "driftline-processor"
    resource = Resource.create({SERVICE_NAME: name, SERVICE_VERSION: __version__})
    return SdkMeterProvider([reader], resource=resource, shutdown_on_exit=False)
