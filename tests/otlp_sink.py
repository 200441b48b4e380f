"""An OTLP/gRPC backend in the test process: it keeps every request that arrives, decoded."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import grpc
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from driftline import semconv

T = TypeVar("T")
Attributes = dict[str, Any]


class ReceivedSpan(NamedTuple):
    """A span (the protobuf), with its attributes and those of its resource as plain values."""

    resource: Attributes
    span: Any
    attributes: Attributes


class ReceivedPoint(NamedTuple):
    """A data point of a metric (both protobuf), with its attributes and those of its resource as plain values.

    `value` is the number of a sum or gauge, the count of a histogram.
    """

    resource: Attributes
    metric: Any
    point: Any
    attributes: Attributes

    @property
    def value(self) -> float:
        if self.metric.WhichOneof("data") in ("sum", "gauge"):
            kind = self.point.WhichOneof("value")
            return self.point.as_int if kind == "as_int" else self.point.as_double
        return self.point.count

    @property
    def stream(self) -> tuple[Any, ...]:
        """What tells a stream of points from all others, its start time included."""
        resource = tuple(sorted((key, repr(value)) for key, value in self.resource.items()))
        attributes = tuple(sorted((key, repr(value)) for key, value in self.attributes.items()))
        return resource, self.metric.name, attributes, self.point.start_time_unix_nano


class ReceivedLog(NamedTuple):
    """A log record (the protobuf), with its attributes and those of its resource as plain values."""

    resource: Attributes
    record: Any
    attributes: Attributes


class Received:
    """OTLP requests that arrived, decoded: what tests look at."""

    def __init__(self) -> None:
        self._arrived = threading.Condition()
        self._requests: dict[str, list[Any]] = {"traces": [], "metrics": [], "logs": []}

    def take(self, signal: str, request: Any) -> None:
        """A request has arrived."""
        with self._arrived:
            self.keep(signal, request)
            self._arrived.notify_all()

    def keep(self, signal: str, request: Any) -> None:
        """Remembers a request, or what is needed of it."""
        self._requests[signal].append(request)

    def requests(self, signal: str) -> list[Any]:
        """The requests of a signal ("traces", "metrics" or "logs") in the order in which they arrived."""
        with self._arrived:
            return list(self._requests[signal])

    def spans(self) -> list[ReceivedSpan]:
        return [
            ReceivedSpan(plain(each.resource.attributes), span, plain(span.attributes))
            for request in self.requests("traces")
            for each in request.resource_spans
            for scope in each.scope_spans
            for span in scope.spans
        ]

    def logs(self) -> list[ReceivedLog]:
        return [
            ReceivedLog(plain(each.resource.attributes), record, plain(record.attributes))
            for request in self.requests("logs")
            for each in request.resource_logs
            for scope in each.scope_logs
            for record in scope.log_records
        ]

    def points(self, name: str = "") -> list[ReceivedPoint]:
        """Every data point that arrived, or those of one metric."""
        points = (point for request in self.requests("metrics") for point in points_of(request))
        return [point for point in points if name in ("", point.metric.name)]

    def streams(self, name: str) -> list[ReceivedPoint]:
        """The newest data point of each cumulative stream of a metric."""
        newest = {point.stream: point for point in sorted(self.points(name), key=lambda p: p.point.time_unix_nano)}
        return list(newest.values())

    def total(self, name: str, attributes: Mapping[str, Any] | None = None) -> float:
        """Sum over all streams of a metric, cumulative or delta, of the points that have these attributes."""
        wanted = dict(attributes or {})
        cumulative = {point.stream: point for point in self.streams(name) if _temporality(point.metric) == _CUMULATIVE}
        delta = [point for point in self.points(name) if _temporality(point.metric) == _DELTA]
        return sum(p.value for p in (*cumulative.values(), *delta) if wanted.items() <= p.attributes.items())

    def seen_rows(self) -> int:
        """Rows that the row batches stand for, of each batch once."""
        batches = [log.attributes for log in self.logs() if log.record.event_name == semconv.ROWS_EVENT]
        seen = {batch[semconv.RECORD_UID]: batch[semconv.ROWS_SEEN] for batch in batches}
        return sum(seen.values())

    def wait_for(self, condition: Callable[["Received"], T], timeout: float = 30.0) -> T:
        """The first true value of `condition(self)`, looked at whenever something arrives.

        Raises:
            AssertionError: nothing true within `timeout` seconds.

        """
        end = time.monotonic() + timeout
        while not (value := condition(self)):
            with self._arrived:
                if not self._arrived.wait(max(0.0, end - time.monotonic())) and time.monotonic() >= end:
                    arrived = {signal: len(requests) for signal, requests in self._requests.items()}
                    raise AssertionError(f"not within {timeout} s; requests that arrived: {arrived}")
        return value


class OtlpSink(Received):
    """Serves the three OTLP services on a free loopback port. Use it as a context manager.

    `refuse`: a gRPC status code to answer with instead of taking a request; None takes all.
    """

    def __init__(self) -> None:
        super().__init__()
        self.refuse: grpc.StatusCode | None = None
        self.refused = 0
        options = [("grpc.max_receive_message_length", 64 << 20)]
        self._server = grpc.server(ThreadPoolExecutor(4, thread_name_prefix="otlp-sink"), options=options)
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(
            self._servicer("traces", trace_service_pb2.ExportTraceServiceResponse), self._server
        )
        metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(
            self._servicer("metrics", metrics_service_pb2.ExportMetricsServiceResponse), self._server
        )
        logs_service_pb2_grpc.add_LogsServiceServicer_to_server(
            self._servicer("logs", logs_service_pb2.ExportLogsServiceResponse), self._server
        )
        self.port = self._server.add_insecure_port("127.0.0.1:0")

    @property
    def endpoint(self) -> str:
        """For OTEL_EXPORTER_OTLP_ENDPOINT."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "OtlpSink":  # noqa: PYI034  # typing.Self is 3.11's
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(grace=0).wait()

    def _servicer(self, signal: str, response: Callable[[], Any]) -> Any:
        sink = self

        class Servicer:
            def Export(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802  # gRPC's name
                if sink.refuse is not None:
                    sink.refused += 1
                    context.abort(sink.refuse, "refused by the test")
                sink.take(signal, request)
                return response()

        return Servicer()


_DELTA, _CUMULATIVE = 1, 2


def _temporality(metric: Any) -> int:
    return getattr(getattr(metric, metric.WhichOneof("data")), "aggregation_temporality", 0)


def points_of(request: Any) -> Iterator[ReceivedPoint]:
    """The data points of a request."""
    for each in request.resource_metrics:
        resource = plain(each.resource.attributes)
        for scope in each.scope_metrics:
            for metric in scope.metrics:
                for point in getattr(metric, metric.WhichOneof("data")).data_points:
                    yield ReceivedPoint(resource, metric, point, plain(point.attributes))


def plain(attributes: Iterable[KeyValue]) -> Attributes:
    """OTLP attributes as a dictionary of Python values."""
    return {each.key: _value(each.value) for each in attributes}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    if kind == "kvlist_value":
        return plain(value.kvlist_value.values)
    return None if kind is None else getattr(value, kind)
