"""The gRPC server: receives OTLP traces, metrics and logs, and answers health checks and questions for the status.

A request is answered once it is durable. The Collector retries UNAVAILABLE with RetryInfo and drops the data on any
unexpected code (measured), so every failure here is UNAVAILABLE, except for what can never be taken.
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

from driftline_processor.config import ReceiveConfig, TenantConfig
from driftline_processor.decode import Malformed, OtlpSignal, TooLarge, decode_request
from driftline_processor.limits import LIMITS, Limits
from driftline_processor.records import Rejection
from driftline_processor.service.compression import Inflating, inflated
from driftline_processor.service.internal_metrics import InternalMetrics
from driftline_processor.service.request_queue import QueueClosed, QueueFull, Request, RequestQueue
from driftline_processor.service.sender import sender_of
from driftline_processor.service.sender_access import SenderAccess, server_credentials
from driftline_processor.service.store import StoreError, UnstorableError

logger = logging.getLogger(__name__)

RETRY_SECONDS: Final = 1.0
"""Retry delay sent to senders. The Collector drops the data at once if the delay exceeds its own retry limit."""

_SPARE_THREADS: Final = 16
_MAX_WAIT_SECONDS: Final = 60.0
_MAX_MESSAGE_TEXT: Final = 1000


class SignalService(NamedTuple):
    """What differs between the OTLP services; `rejected` is the response's field for the number of rejected items."""

    name: str
    response: type[Any]
    rejected: str


SERVICES: Final[Mapping[OtlpSignal, SignalService]] = {
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
    """The address cannot be bound."""


class Refusal(NamedTuple):
    """An answer other than OK; `retry` if the sender should retry."""

    code: grpc.StatusCode
    message: str
    retry: bool


def _unavailable(message: str) -> Refusal:
    return Refusal(grpc.StatusCode.UNAVAILABLE, message, retry=True)


_STARTING: Final = _unavailable("starting: the requests of the last run are being counted")


class Receiver:
    """Binds its port when created, so that a port in use is reported at once, and serves from `start` on."""

    def __init__(
        self,
        address: str,
        queue: RequestQueue,
        metrics: InternalMetrics,
        requests: int,
        clock: Callable[[], int] = time.time_ns,
        *,
        access: ReceiveConfig | None = None,
        limits: Limits = LIMITS,
        tenants: Mapping[str, TenantConfig] | None = None,
    ) -> None:
        """Binds the address.

        Args:
            address: `host:port`; port 0 takes any free one.
            queue: Where decoded requests go.
            metrics: Where refused requests and rejected items are counted.
            requests: Capacity of the queue.
            clock: Unix nanoseconds.
            access: Who may send; None: anybody who reaches the address.
            limits: What requests may hold.
            tenants: Who else may send, by name.

        Raises:
            BindError: The address is in use, or not one of this machine.
            AccessError: A certificate, key or file of tokens cannot be used.

        """
        self._queue, self._metrics, self._clock, self._limits = queue, metrics, clock, limits
        access = access or ReceiveConfig()
        self._access, credentials = SenderAccess(access, tenants or {}), server_credentials(access)
        # A thread for each request queued or just dequeued, and some to refuse the others; created on demand. gRPC's
        # own maximum_concurrent_rpcs refuses without RetryInfo, and the Collector would drop the data.
        self._server = grpc.server(
            ThreadPoolExecutor(2 * requests + _SPARE_THREADS, thread_name_prefix="receive"),
            options=(
                ("grpc.max_receive_message_length", limits.request),
                ("grpc.per_message_decompression", 0),  # what gRPC inflates waits for a thread without any bound
                ("grpc.so_reuseport", 0),
            ),
            interceptors=(Inflating(),),
        )
        self._listening = self._started = self._draining = False
        self._health = health.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self._server.add_generic_rpc_handlers([self._handler(signal) for signal in SERVICES])
        try:
            self.port: int = (
                self._server.add_insecure_port(address)
                if credentials is None
                else self._server.add_secure_port(address, credentials)
            )
        except RuntimeError:
            self.port = 0
        if not self.port:
            raise BindError(f"listen: cannot bind {address}: in use, or not an address of this machine")

    def serve(self, service: str, method: str, answer: Callable[[str], bytes]) -> None:
        """Adds a service whose method takes any message and is answered by bytes for the tenant who asks.

        Call it before `start`.
        """

        def handle(_request: bytes, context: Any) -> bytes:
            tenant = self._access.tenant(context)
            if tenant is None:
                self._metrics.add("refused.requests", 1, code=grpc.StatusCode.UNAUTHENTICATED.name)
                refuse(context, self._stranger())
            return answer(str(tenant))

        handler = grpc.unary_unary_rpc_method_handler(handle)
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: handler}),))

    def listen(self) -> None:
        """Opens the port before there is anything to serve: health checks are told so, and requests to come again."""
        self.set_serving(False)
        self._server.start()
        self._listening = True

    def start(self) -> None:
        """Serves, from now on."""
        self._started = True
        self.set_serving(True)
        if not self._listening:
            self._server.start()

    def set_serving(self, serving: bool) -> None:
        """Tells health checks whether requests are accepted now; they are answered in any case."""
        if not self._draining:
            status = health_pb2.HealthCheckResponse
            self._set_health(status.SERVING if serving else status.NOT_SERVING)

    def drain(self) -> None:
        """Reports NOT_SERVING from now on; requests are still answered, as the queue decides."""
        self.set_serving(False)
        self._draining = True

    def stop(self, grace: float) -> None:
        """Stops the server; running calls have `grace` seconds to end."""
        self._server.stop(grace).wait()

    def _stranger(self) -> Refusal:
        return Refusal(grpc.StatusCode.UNAUTHENTICATED, self._access.needed, retry=False)

    def _set_health(self, status: int) -> None:
        for name in ("", *(service.name for service in SERVICES.values())):
            self._health.set(name, status)

    def _handler(self, signal: OtlpSignal) -> Any:
        method = grpc.unary_unary_rpc_method_handler(partial(self._export, signal))  # no deserializer: raw bytes
        return grpc.method_handlers_generic_handler(SERVICES[signal].name, {"Export": method})

    def _export(self, signal: OtlpSignal, data: bytes, context: Any) -> bytes:
        answer: bytes | Refusal
        try:
            tenant = self._access.tenant(context)
            if tenant is None:
                answer = self._stranger()
            else:
                answer = self._answer(signal, data, context, tenant) if self._started else _STARTING
        except Exception:
            logger.exception("Failed to handle a request, sender will retry")
            answer = _unavailable("internal error")
        if isinstance(answer, bytes):
            return answer
        self._metrics.add("refused.requests", 1, signal=signal, code=answer.code.name)
        refuse(context, answer)
        return b""  # unreachable: `refuse` raises

    def _answer(self, signal: OtlpSignal, data: bytes, context: Any, tenant: str) -> "bytes | Refusal":
        received, service, sender = self._clock(), SERVICES[signal], sender_of(data, tenant or context.peer())
        try:
            with self._queue.admit(len(data), sender) as put:
                if not context.is_active():
                    return _unavailable("the sender no longer waits")
                begin = time.thread_time()
                inflated_data = inflated(data, self._limits.request)
                body, batch = decode_request(signal, inflated_data, self._limits, tenant)
                seconds = time.thread_time() - begin
                if not batch.records:  # nothing to keep
                    rejected = sum(items for items, _ in batch.rejections)
                    self._metrics.add("rejected.items", rejected, tenant, signal=signal)
                    return _response(service, batch.rejections)
                request = Request(signal, body, received, batch, tenant, sender, seconds=seconds)
                put(request)
        except Malformed as error:
            return Refusal(grpc.StatusCode.INVALID_ARGUMENT, str(error), retry=False)
        except TooLarge as error:
            return Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, str(error), retry=False)
        except (QueueFull, QueueClosed) as error:
            return _unavailable(str(error))
        return _await_result(service, request.answer, context)


def _await_result(service: SignalService, answer: "Future[tuple[Rejection, ...]]", context: Any) -> "bytes | Refusal":
    left = context.time_remaining()
    try:
        return _response(service, answer.result(_MAX_WAIT_SECONDS if left is None else min(left, _MAX_WAIT_SECONDS)))
    except FutureTimeoutError:
        return _unavailable("not stored in time")
    except UnstorableError as error:
        return Refusal(grpc.StatusCode.INVALID_ARGUMENT, str(error), retry=False)
    except QueueFull as error:
        return _unavailable(str(error))
    except StoreError:
        return _unavailable("store unavailable")


def _response(service: SignalService, rejections: Sequence[Rejection]) -> bytes:
    response = service.response()
    if rejections:
        setattr(response.partial_success, service.rejected, sum(rejection.items for rejection in rejections))
        reasons = "; ".join(f"{items} x {reason}" for items, reason in rejections)
        response.partial_success.error_message = reasons[:_MAX_MESSAGE_TEXT]
    return bytes(response.SerializeToString())


def refuse(context: Any, refusal: Refusal) -> None:
    """Aborts the call with a status, by raising.

    The Collector reads the retry delay from `grpc-status-details-bin`, whose code must equal the call's; Python's
    exporter reads it from `google.rpc.retryinfo-bin`.
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
