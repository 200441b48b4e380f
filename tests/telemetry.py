"""What an instrumented test process sends, kept in memory and read as a backend would read it."""

from typing import Any

from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import Sampler

import driftline
from driftline import semconv
from driftline.rows.otlp import SentBatch, read_batch
from otlp_sink import Received


class MemoryMetricExporter(MetricExporter):
    """Keeps what it is given, encoded. `failing`: keeps nothing and says so."""

    def __init__(self, received: Received) -> None:
        super().__init__()
        self.received = received
        self.failing = False
        self.attempts = 0

    def export(self, metrics_data: Any, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        self.attempts += 1
        if self.failing:
            return MetricExportResult.FAILURE
        self.received.take("metrics", encode_metrics(metrics_data))
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        pass


class MemorySpanExporter(SpanExporter):
    def __init__(self, received: Received) -> None:
        self.received = received

    def export(self, spans: Any) -> SpanExportResult:
        self.received.take("traces", encode_spans(spans))
        return SpanExportResult.SUCCESS


class MemoryLogExporter(LogRecordExporter):
    """As `MemoryMetricExporter`, of log records. `losing`: says that it failed, but keeps them."""

    def __init__(self, received: Received) -> None:
        self.received = received
        self.failing = self.losing = False
        self.attempts = 0

    def export(self, batch: Any) -> LogRecordExportResult:
        self.attempts += 1
        if self.failing:
            return LogRecordExportResult.FAILURE
        self.received.take("logs", encode_logs(batch))
        return LogRecordExportResult.FAILURE if self.losing else LogRecordExportResult.SUCCESS

    def force_flush(self, timeout_millis: int = 10_000) -> bool:
        return True

    def shutdown(self) -> None:
        pass


class Telemetry(Received):
    """An instrumented process: `driftline.instrument` with providers of its own."""

    def __init__(self, sampler: Sampler | None = None, **options: Any) -> None:
        super().__init__()
        resource = Resource({"service.name": "test"})
        self.tracer_provider = TracerProvider(sampler, resource, shutdown_on_exit=False)
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(MemorySpanExporter(self)))
        reader = PeriodicExportingMetricReader(MemoryMetricExporter(self), export_interval_millis=3_600_000)
        self.meter_provider = MeterProvider([reader], resource, shutdown_on_exit=False)
        self.sketches = MemoryMetricExporter(self)
        self.row_exporter = MemoryLogExporter(self)
        driftline.instrument(
            tracer_provider=self.tracer_provider,
            meter_provider=self.meter_provider,
            metric_exporter=self.sketches,
            log_exporter=self.row_exporter,
            **{"export_interval": 3_600_000} | options,
        )

    def flush(self) -> "Telemetry":
        """Everything recorded so far is here."""
        assert driftline.flush(timeout=30)
        return self

    def row_batches(self) -> list[SentBatch]:
        """The row batches that arrived, each once."""
        found = [read_batch(log.record) for log in self.logs() if log.record.event_name == semconv.ROWS_EVENT]
        return list({each.batch.uid: each for each in found}.values())

    def close(self) -> None:
        driftline.uninstrument()
        self.tracer_provider.shutdown()
        self.meter_provider.shutdown()
