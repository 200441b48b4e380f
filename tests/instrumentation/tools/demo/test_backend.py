from collections.abc import Sequence

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from driftline.tools.demo.backend import LogEvent, MetricReading, listen, read_metrics


def test_gauges_and_counters_arrive_with_their_attributes() -> None:
    """What the SDK's own exporter sends over gRPC is what the function is given; histograms are left out."""
    arrived: list[MetricReading] = []

    def on_metrics(readings: Sequence[MetricReading]) -> None:
        arrived.extend(readings)

    with listen(on_metrics, lambda _: None) as port:
        exporter = OTLPMetricExporter(f"http://127.0.0.1:{port}")
        provider = MeterProvider([PeriodicExportingMetricReader(exporter, export_interval_millis=1e9)])
        meter = provider.get_meter("test")
        meter.create_gauge("distance").set(0.25, {"column": "age", "provisional": True, "rank": 3, "list": [1, 2]})
        meter.create_counter("rows").add(7)
        meter.create_histogram("duration").record(1.0)
        provider.shutdown()

    assert {(reading.metric, reading.value) for reading in arrived} == {("distance", 0.25), ("rows", 7.0)}
    gauge = next(reading for reading in arrived if reading.metric == "distance")
    assert gauge.attributes == {"column": "age", "provisional": True, "rank": 3}
    assert gauge.time > 1_600_000_000_000_000_000


def test_traces_and_logs_are_accepted(caplog: pytest.LogCaptureFixture) -> None:
    """Their exporters are content: they log nothing. Of log records the events are handed on, with their attributes."""
    received: list[LogEvent] = []
    with listen(lambda _: None, received.extend) as port:
        endpoint = f"http://127.0.0.1:{port}"
        tracing = TracerProvider()
        tracing.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint)))
        tracing.get_tracer("test").start_span("predict").end()
        tracing.shutdown()
        logging = LoggerProvider()
        logging.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(endpoint)))
        logging.get_logger("test").emit(LogRecord(body="no event"))
        logging.get_logger("test").emit(LogRecord(timestamp=10**18, event_name="opened", attributes={"column": "age"}))
        logging.shutdown()

    assert not caplog.records
    assert received == [LogEvent("opened", {"column": "age"}, 10**18)]


def test_an_empty_request_has_no_readings() -> None:
    """Nothing in, nothing out."""
    assert list(read_metrics(ExportMetricsServiceRequest())) == []
