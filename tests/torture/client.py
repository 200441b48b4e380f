"""A sender by gRPC: one request and its answer, or a request until it is taken, as a good sender does."""

import time
from typing import Any, Final, NamedTuple

import grpc
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from driftline_processor.service.receiver import SERVICES
from torture.otlp_stream import Message

_AGAIN_SECONDS: Final = 0.05
_RETRYABLE: Final = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.ABORTED,
}


class Answer(NamedTuple):
    """retry_after: seconds, of RetryInfo. rejected, message: of partial_success, or the message of a refusal."""

    code: grpc.StatusCode
    retry_after: float | None = None
    rejected: int = 0
    message: str = ""

    @property
    def taken(self) -> bool:
        return self.code is grpc.StatusCode.OK


class Client:
    """A channel to a loopback port; threads may share it. Use it as a context manager."""

    def __init__(self, port: int, metadata: tuple[tuple[str, str], ...] = ()) -> None:
        # Else a receiver that was away is looked for again only after a while that grows.
        options = [
            *(("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 100)),
            ("grpc.max_send_message_length", -1),
        ]
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=options)
        self._metadata = metadata
        self._export = {
            signal: self._channel.unary_unary(f"/{service.name}/Export") for signal, service in SERVICES.items()
        }

    def __enter__(self) -> "Client":  # noqa: PYI034  # typing.Self is 3.11's
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()

    def send(self, message: Message, timeout: float = 15.0) -> Answer:
        """The answer to one request."""
        service = SERVICES[message.signal]
        try:
            body = self._export[message.signal](message.body, timeout=timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            return Answer(error.code(), _retry_after(error), message=error.details() or "")
        partial = service.response.FromString(body).partial_success
        return Answer(grpc.StatusCode.OK, None, getattr(partial, service.rejected), partial.error_message)

    def deliver(self, message: Message, within: float = 120.0) -> Answer:
        """The answer when it is taken, refused for good, or not taken within so many seconds."""
        end = time.monotonic() + within
        while True:
            answer = self.send(message, timeout=5.0)
            again = answer.code in _RETRYABLE or answer.retry_after is not None
            if not again or time.monotonic() > end:
                return answer
            time.sleep(_AGAIN_SECONDS)

    def future(self, message: Message, timeout: float = 30.0) -> Any:
        """A future of the bytes of the answer."""
        return self._export[message.signal].future(message.body, timeout=timeout, metadata=self._metadata)

    @property
    def serving(self) -> bool:
        """What the health service says."""
        try:
            answer = health_pb2_grpc.HealthStub(self._channel).Check(health_pb2.HealthCheckRequest(), timeout=3)
        except grpc.RpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def _retry_after(error: Any) -> float | None:
    for key, data in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for detail in status_pb2.Status.FromString(data).details:
                info = error_details_pb2.RetryInfo()
                if detail.Unpack(info):
                    return float(info.retry_delay.ToTimedelta().total_seconds())
    return None
