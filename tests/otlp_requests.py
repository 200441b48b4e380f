"""OTLP requests for tests, built in protobuf as any sender would."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Metric,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from driftline import semconv
from driftline.outcomes.event import Outcome, outcome_attributes
from driftline.rows.batch import RowBatch
from driftline.rows.body import encode_table
from driftline.rows.otlp import batch_attributes
from driftline.sketch import Histogram

CUMULATIVE: Final = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
DELTA: Final = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA

SERVICE: Final[Mapping[str, Any]] = {"service.name": "shop", "service.instance.id": "one"}


def any_value(value: object) -> AnyValue:
    """A Python value as an AnyValue; None is one that holds nothing."""
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, str):
        return AnyValue(string_value=value)
    if isinstance(value, Sequence):
        return AnyValue(array_value=ArrayValue(values=map(any_value, value)))
    return AnyValue()


def pairs(attributes: Mapping[str, object]) -> list[KeyValue]:
    return [KeyValue(key=key, value=any_value(value)) for key, value in attributes.items()]


def of_model(model: str = "churn", **more: object) -> dict[str, object]:
    """The attributes of a model's data points and spans; `more` has names with `__` for dots, after the prefix."""
    named = {f"{semconv.PREFIX}.{key.replace('__', '.')}": value for key, value in more.items()}
    return {semconv.MODEL_NAME: model, semconv.OPERATION_NAME: "predict", **named}


def number(attributes: Mapping[str, object], value: float, start: int, time: int) -> NumberDataPoint:
    point = NumberDataPoint(attributes=pairs(attributes), start_time_unix_nano=start, time_unix_nano=time)
    if isinstance(value, int):
        point.as_int = value
    else:
        point.as_double = value
    return point


def counter(name: str, points: Sequence[NumberDataPoint], temporality: Any = CUMULATIVE) -> Metric:
    return Metric(name=name, sum=Sum(data_points=points, aggregation_temporality=temporality, is_monotonic=True))


def gauge(name: str, points: Sequence[NumberDataPoint]) -> Metric:
    return Metric(name=name, gauge=Gauge(data_points=points))


def sketch_point(
    attributes: Mapping[str, object], histogram: Histogram, start: int, time: int
) -> ExponentialHistogramDataPoint:
    point = ExponentialHistogramDataPoint(
        attributes=pairs(attributes),
        start_time_unix_nano=start,
        time_unix_nano=time,
        count=histogram.count,
        scale=histogram.scale,
        zero_count=histogram.zero,
        min=histogram.minimum,
        max=histogram.maximum,
    )
    for buckets, filled in ((point.positive, histogram.positive), (point.negative, histogram.negative)):
        buckets.offset, counts = filled.dense()
        buckets.bucket_counts.extend(counts)
    return point


def sketch(name: str, points: Sequence[ExponentialHistogramDataPoint], temporality: Any = CUMULATIVE) -> Metric:
    data = ExponentialHistogram(data_points=points, aggregation_temporality=temporality)
    return Metric(name=name, exponential_histogram=data)


def metrics_request(
    *metrics: Metric, resource: Mapping[str, object] = SERVICE, scope: str = semconv.SCOPE
) -> ExportMetricsServiceRequest:
    scope_metrics = ScopeMetrics(scope=InstrumentationScope(name=scope), metrics=metrics)
    held = ResourceMetrics(resource=Resource(attributes=pairs(resource)), scope_metrics=[scope_metrics])
    return ExportMetricsServiceRequest(resource_metrics=[held])


def span(attributes: Mapping[str, object], number: int = 1, time: int = 1_000, trace_state: str = "") -> Span:
    return Span(
        trace_id=bytes(15) + b"\x01",
        span_id=number.to_bytes(8, "big"),
        name="predict churn",
        start_time_unix_nano=time - 1,
        end_time_unix_nano=time,
        trace_state=trace_state,
        attributes=pairs(attributes),
    )


def trace_request(*spans: Span, resource: Mapping[str, object] = SERVICE) -> ExportTraceServiceRequest:
    held = ResourceSpans(resource=Resource(attributes=pairs(resource)), scope_spans=[ScopeSpans(spans=spans)])
    return ExportTraceServiceRequest(resource_spans=[held])


def batch_record(batch: RowBatch, identity: Mapping[str, object] | None = None) -> LogRecord:
    """A row batch as a log record."""
    attributes = batch_attributes(batch, of_model() if identity is None else identity)
    body = AnyValue(bytes_value=encode_table(batch.table))
    return LogRecord(event_name=semconv.ROWS_EVENT, attributes=pairs(attributes), body=body)


def logs_request(*records: LogRecord, resource: Mapping[str, Any] = SERVICE) -> ExportLogsServiceRequest:
    scopes = [ScopeLogs(log_records=records)]
    return ExportLogsServiceRequest(
        resource_logs=[ResourceLogs(resource=Resource(attributes=pairs(resource)), scope_logs=scopes)]
    )


def outcome_record(outcome: Outcome, **given: Any) -> LogRecord:
    """An outcome as a log record."""
    times = {"time_unix_nano": outcome.time, "observed_time_unix_nano": outcome.observed}
    attributes = pairs(outcome_attributes(outcome))
    return LogRecord(event_name=semconv.OUTCOME_EVENT, attributes=attributes, **{**times, **given})
