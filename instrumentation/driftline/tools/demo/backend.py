"""The demo's backend: an OTLP/gRPC server in this process that passes on metrics and events."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import grpc
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, NumberDataPoint

from driftline.sketch.otlp import scalar

MAX_MESSAGE: Final = 64 * 1024 * 1024

_SERVICE: Final = "opentelemetry.proto.collector.{0}.v1.{1}Service"
_ACCEPTED: Final = b""  # an empty Export*ServiceResponse, of any signal


class MetricReading(NamedTuple):
    """One data point of a gauge or counter; its time is in nanoseconds since the epoch."""

    metric: str
    attributes: Mapping[str, str | float | bool]
    value: float
    time: int


class LogEvent(NamedTuple):
    """A log record with an event name; its time is in nanoseconds since the epoch."""

    name: str
    attributes: Mapping[str, str | float | bool]
    time: int


@contextmanager
def listen(
    on_metrics: Callable[[Sequence[MetricReading]], None], on_events: Callable[[Sequence[LogEvent]], None]
) -> Iterator[int]:
    """Receive OTLP on a free loopback port, the value of `with`; the callbacks run in the server's threads.

    Traces are accepted and ignored.
    """

    def export_metrics(request: bytes, _context: Any) -> bytes:
        on_metrics(tuple(read_metrics(ExportMetricsServiceRequest.FromString(request))))
        return _ACCEPTED

    def export_logs(request: bytes, _context: Any) -> bytes:
        on_events(tuple(read_events(ExportLogsServiceRequest.FromString(request))))
        return _ACCEPTED

    def export_traces(_request: bytes, _context: Any) -> bytes:
        return _ACCEPTED

    server = grpc.server(
        ThreadPoolExecutor(max_workers=4, thread_name_prefix="backend"),
        options=[("grpc.max_receive_message_length", MAX_MESSAGE), ("grpc.so_reuseport", 0)],
    )
    for signal, handle in {"trace": export_traces, "logs": export_logs, "metrics": export_metrics}.items():
        service = _SERVICE.format(signal, signal.capitalize())
        methods = {"Export": grpc.unary_unary_rpc_method_handler(handle)}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, methods),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(grace=1.0).wait()


def read_metrics(request: ExportMetricsServiceRequest) -> Iterator[MetricReading]:
    """The gauges and counters of a request, without its histograms."""
    for resource in request.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                for point in _points(metric):
                    value = point.as_double if point.HasField("as_double") else float(point.as_int)
                    yield MetricReading(metric.name, read_attributes(point.attributes), value, point.time_unix_nano)


def read_events(request: ExportLogsServiceRequest) -> Iterator[LogEvent]:
    """The events of a request, without its other log records."""
    for resource in request.resource_logs:
        for scope in resource.scope_logs:
            for record in scope.log_records:
                if record.event_name:
                    yield LogEvent(record.event_name, read_attributes(record.attributes), record.time_unix_nano)


def read_attributes(attributes: Iterable[KeyValue]) -> dict[str, str | float | bool]:
    """Scalar attributes by name; arrays and maps are dropped."""
    known = ((each.key, scalar(each.value)) for each in attributes)
    return {key: value for key, value in known if value is not None}


def _points(metric: Metric) -> Iterable[NumberDataPoint]:
    yield from metric.gauge.data_points
    yield from metric.sum.data_points
