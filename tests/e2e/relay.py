"""What stands between the Collector and the processor in a test: it writes down what passes, and changes nothing."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import grpc
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otlp_sink import Received


class Signal(NamedTuple):
    """A signal: its service, and the type of its requests."""

    name: str
    service: str
    request: Any


SIGNALS = (
    Signal("traces", "opentelemetry.proto.collector.trace.v1.TraceService", ExportTraceServiceRequest),
    Signal("metrics", "opentelemetry.proto.collector.metrics.v1.MetricsService", ExportMetricsServiceRequest),
    Signal("logs", "opentelemetry.proto.collector.logs.v1.LogsService", ExportLogsServiceRequest),
)


class Relay(Received):
    """Passes the bytes of each request on to a loopback port, and the answer back; keeps what was accepted there."""

    def __init__(self, port: int) -> None:
        super().__init__()
        # Else a processor that was away is looked for again only after a while that grows.
        options = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 200)]
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=options)
        self._server = grpc.server(ThreadPoolExecutor(4, thread_name_prefix="relay"))
        for signal in SIGNALS:
            handler = grpc.method_handlers_generic_handler(signal.service, {"Export": self._handler(signal)})
            self._server.add_generic_rpc_handlers((handler,))
        self._port = self._server.add_insecure_port("127.0.0.1:0")

    @property
    def endpoint(self) -> str:
        """For OTELCOL_PROCESSOR_ENDPOINT."""
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> "Relay":  # noqa: PYI034  # typing.Self is 3.11's
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(grace=0).wait()
        self._channel.close()

    def _handler(self, signal: Signal) -> Any:
        onward = self._channel.unary_unary(f"/{signal.service}/Export")

        def export(request: bytes, context: grpc.ServicerContext) -> Any:
            try:
                answer = onward(request, timeout=context.time_remaining())
            except grpc.RpcError as refusal:
                context.set_trailing_metadata(refusal.trailing_metadata())
                context.abort(refusal.code(), refusal.details())
            self.take(signal.name, signal.request.FromString(request))
            return answer

        return grpc.unary_unary_rpc_method_handler(export)
