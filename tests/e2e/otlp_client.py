"""Synthetic OTLP: small requests made by hand, and a client that sends them over gRPC."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from typing import Any

import grpc
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import MetricsServiceStub
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

Values = Mapping[str, str | float]

_identities = count(1)
_START, _TIME = 1_700_000_000_000_000_000, 1_700_000_060_000_000_000


class Client:
    """Sends requests to an OTLP/gRPC receiver on a loopback port, and waits for the answer to each."""

    def __init__(self, channel: grpc.Channel, token: str | None = None) -> None:
        self._metadata = () if token is None else (("authorization", f"Bearer {token}"),)
        self._stubs: dict[type, Any] = {
            ExportTraceServiceRequest: TraceServiceStub(channel),  # type: ignore[no-untyped-call]
            ExportMetricsServiceRequest: MetricsServiceStub(channel),  # type: ignore[no-untyped-call]
            ExportLogsServiceRequest: LogsServiceStub(channel),  # type: ignore[no-untyped-call]
        }

    def send(self, *requests: Any) -> None:
        for request in requests:
            self._stubs[type(request)].Export(request, timeout=10, metadata=self._metadata)


@contextmanager
def client(port: int, token: str | None = None) -> Iterator[Client]:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Client(channel, token)


def spans(*each_attributes: Values) -> ExportTraceServiceRequest:
    """A request with one span for each set of attributes."""
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for values in each_attributes:
        identity = next(_identities)
        span = Span(name="predict churn", start_time_unix_nano=_START, end_time_unix_nano=_TIME)
        span.trace_id, span.span_id = identity.to_bytes(16, "big"), identity.to_bytes(8, "big")
        span.attributes.extend(_pairs(values))
        scope.spans.append(span)
    return request


def counters(*names: str, resource: Values | None = None, time: int = _TIME) -> ExportMetricsServiceRequest:
    """A request with one cumulative counter of 1 for each name."""
    point = {"asInt": "1", "startTimeUnixNano": str(_START), "timeUnixNano": str(time)}
    total = {"aggregationTemporality": 2, "isMonotonic": True, "dataPoints": [point]}
    metrics = [{"name": name, "sum": total} for name in names]
    request = ExportMetricsServiceRequest()
    ParseDict({"resourceMetrics": [{"resource": {}, "scopeMetrics": [{"metrics": metrics}]}]}, request)
    request.resource_metrics[0].resource.attributes.extend(_pairs(resource or {}))
    return request


def events(*names: str) -> ExportLogsServiceRequest:
    """A request with one log record for each event name; the empty name is a plain log line."""
    records = [{"eventName": name, "timeUnixNano": str(_TIME), "body": {"stringValue": "hello"}} for name in names]
    request = ExportLogsServiceRequest()
    ParseDict({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}, request)
    return request


def row_bodies(*bodies: bytes) -> ExportLogsServiceRequest:
    """A request with one row batch for each body."""
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add().scope_logs.add()
    for body in bodies:
        scope.log_records.add(event_name="ml.rows", time_unix_nano=_TIME, body=AnyValue(bytes_value=body))
    return request


def _pairs(values: Values) -> list[KeyValue]:
    return [KeyValue(key=key, value=_any(value)) for key, value in values.items()]


def _any(value: str | float) -> AnyValue:
    return AnyValue(string_value=value) if isinstance(value, str) else AnyValue(double_value=value)
