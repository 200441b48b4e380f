"""The gRPC server: OTLP traces, metrics and logs in, and the health service.

An answer waits until the request is durable. What the Collector does with each code was tried: UNAVAILABLE with
RetryInfo is sent again, anything unexpected is dropped for good. So all that goes wrong here is UNAVAILABLE, except for
bytes that can never be read.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from functools import partial
from typing import Any, Final, NamedTuple

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from driftline_processor.decode import DECODERS, Malformed, Signal
from driftline_processor.records import Rejection
from driftline_processor.service.internal_metrics import Telemetry
from driftline_processor.service.request_queue import Intake, QueueClosed, QueueFull, Request
from driftline_processor.service.store import StoreError

logger = logging.getLogger(__name__)

MAX_MESSAGE: Final = 64 << 20
"""Bytes of a request, uncompressed: the default that the OTLP specification recommends."""

RETRY_SECONDS: Final = 1.0
"""When a sender should come again. A delay beyond what its retry allows makes the Collector drop the data at once."""

_SPARE_THREADS: Final = 16
_MAX_WAIT_SECONDS: Final = 60.0
_MAX_MESSAGE_TEXT: Final = 1000


class SignalService(NamedTuple):
    """What differs between the signals."""

    name: str
    response: type[Any]
    rejected: str


SERVICES: Final[Mapping[Signal, SignalService]] = {
    "traces": SignalService(
        "opentelemetry.proto.collector.trace.v1.TraceService",
        ExportTraceServiceResponse,
        "rejected_spans",
    ),
    "metrics": SignalService(
        "opentelemetry.proto.collector.metrics.v1.MetricsService",
        ExportMetricsServiceResponse,
        "rejected_data_points",
    ),
    "logs": SignalService(
        "opentelemetry.proto.collector.logs.v1.LogsService",
        ExportLogsServiceResponse,
        "rejected_log_records",
    ),
}


class BindError(Exception):
    """The address cannot be listened on."""


class Refusal(NamedTuple):
    """An answer other than OK; `retry` when the sender should try again."""

    code: grpc.StatusCode
    message: str
    retry: bool


def _later(message: str) -> Refusal:
    return Refusal(grpc.StatusCode.UNAVAILABLE, message, retry=True)


class Receiver:
    """Listens from the moment it is made, and serves from `start` on: a port that is taken shows at once."""

    def __init__(
        self, address: str, intake: Intake, telemetry: Telemetry, requests: int, clock: Callable[[], int] = time.time_ns
    ) -> None:
        """Binds `address`. `requests`: how many the queue holds. Raises BindError."""
        self._intake, self._telemetry, self._clock = intake, telemetry, clock
        # A thread for each request that waits in the queue or was just taken out, and some to refuse all others; they
        # are made when needed. gRPC's own maximum_concurrent_rpcs refuses without RetryInfo: the Collector would drop.
        self._server = grpc.server(
            ThreadPoolExecutor(2 * requests + _SPARE_THREADS, thread_name_prefix="receive"),
            options=(("grpc.max_receive_message_length", MAX_MESSAGE), ("grpc.so_reuseport", 0)),
        )
        self._health = health.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self._server.add_generic_rpc_handlers([self._handler(signal) for signal in SERVICES])
        try:
            self.port: int = self._server.add_insecure_port(address)
        except RuntimeError:
            self.port = 0
        if not self.port:
            raise BindError(
                f"listen: {address} cannot be listened on: is it in use, or not an address of this machine?"
            )

    def start(self) -> None:
        self._set_health(health_pb2.HealthCheckResponse.SERVING)
        self._server.start()

    def drain(self) -> None:
        """Tells the health service; requests are answered on, with whatever the queue says."""
        self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)

    def stop(self, grace: float) -> None:
        """Ends all calls, the running ones after at most `grace` seconds."""
        self._server.stop(grace).wait()

    def _set_health(self, status: int) -> None:
        for name in ("", *(service.name for service in SERVICES.values())):
            self._health.set(name, status)

    def _handler(self, signal: Signal) -> Any:
        method = grpc.unary_unary_rpc_method_handler(partial(self._export, signal))  # no deserializer: raw bytes
        return grpc.method_handlers_generic_handler(SERVICES[signal].name, {"Export": method})

    def _export(self, signal: Signal, data: bytes, context: Any) -> bytes:
        try:
            answer = self._answer(signal, data, context)
        except Exception:
            logger.exception("A request could not be handled; its sender is told to try again")
            answer = _later("internal error")
        if isinstance(answer, bytes):
            return answer
        self._telemetry.add("refused.requests", 1, signal=signal, code=answer.code.name)
        refuse(context, answer)
        return b""  # not reached: a refusal raises

    def _answer(self, signal: Signal, data: bytes, context: Any) -> "bytes | Refusal":
        received, service = self._clock(), SERVICES[signal]
        try:
            with self._intake.admit(len(data)) as put:
                batch = DECODERS[signal](data)
                if not batch.records:  # nothing to keep
                    self._telemetry.add("rejected.items", sum(items for items, _ in batch.rejections), signal=signal)
                    return _response(service, batch.rejections)
                request = Request(signal, data, received, batch)
                put(request)
        except Malformed as error:
            return Refusal(grpc.StatusCode.INVALID_ARGUMENT, str(error), retry=False)
        except (QueueFull, QueueClosed) as error:
            return _later(str(error))
        return _outcome(service, request.answer, context)


def _outcome(service: SignalService, answer: "Future[tuple[Rejection, ...]]", context: Any) -> "bytes | Refusal":
    left = context.time_remaining()
    try:
        return _response(service, answer.result(_MAX_WAIT_SECONDS if left is None else min(left, _MAX_WAIT_SECONDS)))
    except FutureTimeoutError:
        return _later("not stored in time")
    except StoreError:
        return _later("cannot be stored now")


def _response(service: SignalService, rejections: Sequence[Rejection]) -> bytes:
    response = service.response()
    if rejections:
        setattr(response.partial_success, service.rejected, sum(rejection.items for rejection in rejections))
        said = "; ".join(f"{items} x {reason}" for items, reason in rejections)
        response.partial_success.error_message = said[:_MAX_MESSAGE_TEXT]
    return bytes(response.SerializeToString())


def refuse(context: Any, refusal: Refusal) -> None:
    """Ends the call with a status, by raising.

    The Collector reads the delay from `grpc-status-details-bin`, whose inner code must equal the outer one, Python's
    exporter from the other trailer.
    """
    if refusal.retry:
        delay = duration_pb2.Duration()
        delay.FromNanoseconds(int(RETRY_SECONDS * 1e9))
        info = error_details_pb2.RetryInfo(retry_delay=delay)
        detail = any_pb2.Any()
        detail.Pack(info)
        status = status_pb2.Status(code=refusal.code.value[0], message=refusal.message, details=[detail])
        context.set_trailing_metadata(
            (
                ("grpc-status-details-bin", status.SerializeToString()),
                ("google.rpc.retryinfo-bin", info.SerializeToString()),
            )
        )
    context.abort(refusal.code, refusal.message)
