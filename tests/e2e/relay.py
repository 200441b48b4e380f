"""What stands between the Collector and the processor in a test: it writes down what passes, and changes nothing."""

from typing import Any

import grpc
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import MetricsServiceStub
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

from otlp_sink import OtlpSink


class Relay(OtlpSink):
    """A sink that passes each request on to a loopback port, and keeps it once it was accepted there."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._channel = grpc.insecure_channel(
            f"127.0.0.1:{port}", options=[("grpc.max_reconnect_backoff_ms", 200), ("grpc.min_reconnect_backoff_ms", 50)]
        )
        self._onward: dict[str, Any] = {
            "traces": TraceServiceStub(self._channel),  # type: ignore[no-untyped-call]
            "metrics": MetricsServiceStub(self._channel),  # type: ignore[no-untyped-call]
            "logs": LogsServiceStub(self._channel),  # type: ignore[no-untyped-call]
        }

    def __enter__(self) -> "Relay":  # noqa: PYI034  # typing.Self is 3.11's
        super().__enter__()
        return self

    def __exit__(self, *details: object) -> None:
        super().__exit__(*details)
        self._channel.close()

    def _take(self, signal: str, request: Any, context: grpc.ServicerContext) -> None:
        try:
            self._onward[signal].Export(request, timeout=context.time_remaining())
        except grpc.RpcError as refusal:
            context.set_trailing_metadata(refusal.trailing_metadata())
            context.abort(refusal.code(), refusal.details())
        super()._take(signal, request, context)
