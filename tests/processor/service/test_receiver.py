"""The gRPC door: what each kind of request is answered, and how a sender is told to come again."""

import gzip
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from threading import Semaphore
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from driftline import semconv
from driftline_processor.decode import Malformed, requests
from driftline_processor.limits import LIMITS
from driftline_processor.records import Batch, Rejection
from driftline_processor.service import receiver as receiver_module
from driftline_processor.service.compression import inflated
from driftline_processor.service.internal_metrics import InternalMetrics
from driftline_processor.service.receiver import SERVICES, BindError, Receiver
from driftline_processor.service.request_queue import DECODED_AT_ONCE, QueueClosed, QueueFull, Request, RequestQueue
from driftline_processor.service.store import StoreError, UnstorableError
from otlp_requests import counter, metrics_request, number, of_model, span, trace_request

ROWS = metrics_request(counter(semconv.INFERENCE_ROWS, [number(of_model(), 3, 5, 9)])).SerializeToString()
SPAN = trace_request(span({**of_model(), "ml.input.a": 1.0})).SerializeToString()
UNUSABLE = metrics_request(counter(semconv.INFERENCE_ROWS, [number(of_model(), -3, 5, 9)])).SerializeToString()
WAIT = 20.0


class Client:
    """Sends raw bytes to a receiver, as a Collector does."""

    def __init__(self, port: int) -> None:
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")

    def send(self, signal: Any, body: bytes, timeout: float = WAIT, **options: Any) -> bytes:
        answer: bytes = self.call(signal)(body, timeout=timeout, **options)
        return answer

    def call(self, signal: Any) -> Any:
        return self.channel.unary_unary(f"/{SERVICES[signal].name}/Export")

    def health(self, service: str = "") -> int:
        stub = health_pb2_grpc.HealthStub(self.channel)
        return stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=WAIT).status  # type: ignore[no-any-return]


@contextmanager
def receiving(queue: RequestQueue, **options: Any) -> Iterator[tuple[Receiver, Client]]:
    receiver = Receiver("127.0.0.1:0", queue, InternalMetrics(NoOpMeterProvider()), requests=4, **options)
    receiver.start()
    client = Client(receiver.port)
    try:
        yield receiver, client
    finally:
        client.channel.close()
        receiver.stop(0)


@contextmanager
def answering(queue: RequestQueue, answer: Callable[[Request], None]) -> Iterator[list[Request]]:
    """Takes what is queued, as the worker does."""
    taken: list[Request] = []

    def work() -> None:
        while not queue.drained:
            for request in queue.take(WAIT):
                taken.append(request)
                answer(request)

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(work)
        try:
            yield taken
        finally:
            queue.close()
            working.result(WAIT)


def nothing_rejected(request: Request) -> None:
    request.answer.set_result(())


@pytest.fixture
def queue() -> RequestQueue:
    return RequestQueue(10, 1 << 20)


def refusal(client: Client, signal: Any, body: bytes, timeout: float = WAIT) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as caught:
        client.send(signal, body, timeout)
    return caught.value


def retry_seconds(error: Any) -> set[float]:
    """The delays in both trailers; checks that the inner code is the outer one, else a Collector drops the data."""
    trailers = dict(error.trailing_metadata())
    if "grpc-status-details-bin" not in trailers:
        return set()
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    assert status.code == error.code().value[0]
    inner = error_details_pb2.RetryInfo()
    assert status.details[0].Unpack(inner)
    outer = error_details_pb2.RetryInfo.FromString(trailers["google.rpc.retryinfo-bin"])
    return {info.retry_delay.ToNanoseconds() / 1e9 for info in (inner, outer)}


@pytest.mark.parametrize(
    ("signal", "body", "response"),
    [
        ("metrics", ROWS, ExportMetricsServiceResponse),
        ("traces", SPAN, ExportTraceServiceResponse),
        ("logs", ExportLogsServiceRequest().SerializeToString(), ExportLogsServiceResponse),
        ("metrics", b"", ExportMetricsServiceResponse),
    ],
)
@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_accepted(queue: RequestQueue, signal: Any, body: bytes, response: Any, compression: grpc.Compression) -> None:
    """All three signals are accepted, compressed or not, and the answer has no partial success in it."""
    with receiving(queue) as (_, client), answering(queue, nothing_rejected) as taken:
        answer = client.send(signal, body, compression=compression)

    assert not response.FromString(answer).HasField("partial_success")
    assert [request.body for request in taken] == ([body] if signal != "logs" and body else [])


def test_answer_waits_until_it_is_durable(queue: RequestQueue) -> None:
    """A sender gets no answer before the request is stored and counted."""
    with receiving(queue) as (_, client):
        answer = client.call("metrics").future(ROWS, timeout=WAIT)
        (request,) = queue.take(WAIT)
        assert not answer.done()
        request.answer.set_result(())

        assert ExportMetricsServiceResponse.FromString(answer.result()) == ExportMetricsServiceResponse()


def test_time_of_receipt(queue: RequestQueue) -> None:
    """A request is stamped with the clock when it comes in, and carries its decoded batch."""
    with receiving(queue, clock=lambda: 77) as (_, client), answering(queue, nothing_rejected) as taken:
        client.send("metrics", ROWS)

    assert [(request.received, len(request.batch.records)) for request in taken] == [(77, 1)]


def test_rejections_are_a_partial_success(queue: RequestQueue) -> None:
    """What the engine or the decoder cannot use is counted and told, and not sent again."""

    def late(request: Request) -> None:
        request.answer.set_result((Rejection(2, "late by an hour"), Rejection(1, "clock ahead")))

    with receiving(queue) as (_, client), answering(queue, late):
        answer = ExportMetricsServiceResponse.FromString(client.send("metrics", ROWS)).partial_success

    assert (answer.rejected_data_points, answer.error_message) == (3, "2 x late by an hour; 1 x clock ahead")


def test_request_without_anything_usable_is_not_queued(queue: RequestQueue) -> None:
    """What holds no record is answered at once: there is nothing to store."""
    with receiving(queue) as (_, client):
        answer = ExportMetricsServiceResponse.FromString(client.send("metrics", UNUSABLE)).partial_success

    assert (len(queue), answer.rejected_data_points) == (0, 1)
    assert "must count from 0 to 2**53 rows (got -3.0)" in answer.error_message


@pytest.mark.parametrize("signal", ["metrics", "traces", "logs"])
def test_malformed(queue: RequestQueue, signal: Any) -> None:
    """Bytes that can never be read are refused for good."""
    with receiving(queue) as (_, client):
        error = refusal(client, signal, b"\xff\xff")

    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert retry_seconds(error) == set()


def test_full_queue() -> None:
    """A full queue tells the sender when to come again, in both trailers."""
    queue = RequestQueue(1, 1 << 20)
    queued(queue, ROWS)
    with receiving(queue) as (_, client):
        error = refusal(client, "metrics", ROWS)

    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert retry_seconds(error) == {1.0}
    assert error.details() == f"queue is full (1 requests, {len(ROWS)} bytes)"


def test_draining(queue: RequestQueue) -> None:
    """While the processor shuts down senders are told to come again, and health says so."""
    with receiving(queue) as (receiver, client):
        assert client.health() == client.health(SERVICES["traces"].name) == health_pb2.HealthCheckResponse.SERVING
        queue.close()
        receiver.drain()
        error = refusal(client, "traces", SPAN)

        assert (error.code(), error.details()) == (grpc.StatusCode.UNAVAILABLE, "shutting down")
        assert retry_seconds(error) == {1.0}
        assert client.health() == health_pb2.HealthCheckResponse.NOT_SERVING


def test_before_it_starts(queue: RequestQueue) -> None:
    """An open port that has nothing to serve yet says so to health checks, and to senders when to come again."""
    receiver = Receiver("127.0.0.1:0", queue, InternalMetrics(NoOpMeterProvider()), requests=4)
    receiver.listen()
    client = Client(receiver.port)
    try:
        assert client.health() == client.health(SERVICES["metrics"].name) == health_pb2.HealthCheckResponse.NOT_SERVING
        error = refusal(client, "metrics", b"")
        assert error.code() is grpc.StatusCode.UNAVAILABLE
        assert retry_seconds(error)
        receiver.start()
        assert client.health() == health_pb2.HealthCheckResponse.SERVING
        assert client.send("metrics", b"") == b""
    finally:
        client.channel.close()
        receiver.stop(0)


def test_store_that_fails(queue: RequestQueue) -> None:
    """What could not be stored is not lost: it is to be sent again."""
    with receiving(queue) as (_, client), answering(queue, lambda r: r.answer.set_exception(StoreError("disk full"))):
        error = refusal(client, "metrics", ROWS)

    assert (error.code(), error.details()) == (grpc.StatusCode.UNAVAILABLE, "store unavailable")
    assert retry_seconds(error) == {1.0}


def test_what_can_never_be_stored(queue: RequestQueue) -> None:
    """It is refused for good, and the sender is told what is wrong with it."""
    error = UnstorableError("reference 'r' cannot be stored: too long")
    with receiving(queue) as (_, client), answering(queue, lambda r: r.answer.set_exception(error)):
        refused = refusal(client, "metrics", ROWS)

    assert (refused.code(), refused.details()) == (grpc.StatusCode.INVALID_ARGUMENT, str(error))
    assert retry_seconds(refused) == set()


def test_fault_of_ours(queue: RequestQueue, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A fault is logged and the request sent again; an exception that gets out would lose it for good."""

    def broken(*_: object) -> Batch:
        raise ZeroDivisionError

    monkeypatch.setattr(requests, "decode_usual_metrics", broken)
    with receiving(queue) as (_, client):
        error = refusal(client, "metrics", ROWS)

    assert (error.code(), error.details()) == (grpc.StatusCode.UNAVAILABLE, "internal error")
    assert retry_seconds(error) == {1.0}
    assert "ZeroDivisionError" in caplog.text


def test_answer_that_takes_too_long(queue: RequestQueue) -> None:
    """A sender that cannot wait gives up; the one that waits with us is told to come again."""
    waiting: Future[tuple[Rejection, ...]] = Future()

    class Context:
        @staticmethod
        def time_remaining() -> float:
            return 0.01

    outcome = receiver_module._await_result(SERVICES["metrics"], waiting, Context())

    assert outcome == receiver_module.Refusal(grpc.StatusCode.UNAVAILABLE, "not stored in time", retry=True)


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate, None])
def test_request_larger_than_its_limit(queue: RequestQueue, compression: Any) -> None:
    """It is refused for good, compressed or not, and the answer says how large it may be."""
    with (
        receiving(queue, limits=replace(LIMITS, request=1 << 20)) as (_, client),
        pytest.raises(grpc.RpcError) as caught,
    ):
        client.send("metrics", bytes(2 << 20), compression=compression)

    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "1048576" in caught.value.details()
    assert retry_seconds(caught.value) == set()


def test_many_compressed_requests_at_once_are_inflated_a_few_at_a_time(
    queue: RequestQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kilobyte each, and a megabyte once inflated: those that wait for their turn are kept as they came."""
    inflating, most = [0], [0]

    def counted(data: bytes, limit: int) -> bytes:
        inflating[0] += 1
        most[0] = max(most[0], inflating[0])
        try:
            return inflated(data, limit)
        finally:
            inflating[0] -= 1

    monkeypatch.setattr(receiver_module, "inflated", counted)
    bomb = ROWS + b"\x7a\x80\x80\x40" + bytes(1 << 20)
    with receiving(queue) as (_, client), answering(queue, nothing_rejected):
        calls = [client.call("metrics").future(bomb, timeout=WAIT, compression=grpc.Compression.Gzip) for _ in range(8)]
        assert {call.code() for call in calls} <= {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE}

    assert 1 <= most[0] <= DECODED_AT_ONCE


@pytest.mark.parametrize("damaged", [b"\x1f\x8b\x08 no gzip", gzip.compress(ROWS)[:-9], gzip.compress(ROWS) + b"x"])
def test_damaged_compression(damaged: bytes) -> None:
    """What says it is compressed and is not, ends too early, or goes on after its end."""
    with pytest.raises(Malformed, match="gzip or deflate"):
        inflated(damaged, 1 << 20)


def test_compressed_health_check(queue: RequestQueue) -> None:
    """A client that compresses all its messages may ask for the health too."""
    name = "opentelemetry.proto.collector.metrics.v1.MetricsService"
    with receiving(queue) as (_, client):
        ask = client.channel.unary_unary("/grpc.health.v1.Health/Check")
        request = gzip.compress(health_pb2.HealthCheckRequest(service=name).SerializeToString())
        answer = ask(request, timeout=WAIT)

    assert health_pb2.HealthCheckResponse.FromString(answer).status == health_pb2.HealthCheckResponse.SERVING


def test_large_request(queue: RequestQueue) -> None:
    """A request of many megabytes is taken: gRPC's own limit is four."""
    big = metrics_request(
        counter(semconv.INFERENCE_ROWS, [number(of_model(feature__name="x" * 1000), 1, 5, 9)] * 6_000)
    ).SerializeToString()
    with receiving(queue) as (_, client), answering(queue, nothing_rejected) as taken:
        client.send("metrics", big)

    assert len(big) > 5 << 20
    assert [len(request.body) for request in taken] == [len(big)]


def test_taken_port(queue: RequestQueue) -> None:
    """A port that is taken is named when the processor starts."""
    with receiving(queue) as (receiver, _):
        address = f"127.0.0.1:{receiver.port}"
        with pytest.raises(BindError, match=rf"^listen: cannot bind {address}"):
            Receiver(address, queue, InternalMetrics(NoOpMeterProvider()), requests=1)


def queued(queue: RequestQueue, body: bytes) -> None:
    with queue.admit(len(body)) as put:
        put(Request("metrics", body, 1, Batch()))


def test_queue_is_bounded_in_bytes() -> None:
    """The bytes that wait are bounded too; a single request may be larger than the bound."""
    queue = RequestQueue(10, 100)
    queued(queue, bytes(200))

    with pytest.raises(QueueFull, match=r"queue is full \(1 requests, 200 bytes\)"):
        queued(queue, b"x")
    assert (len(queue.take(0)), len(queue), queue.bytes) == (1, 0, 0)
    queued(queue, bytes(60))
    queued(queue, bytes(40))
    with pytest.raises(QueueFull):
        queued(queue, b"x")


def test_what_is_being_decoded_counts() -> None:
    """Room is taken before a request is decoded, and given back when nothing comes of it."""
    queue = RequestQueue(1, 100)
    with queue.admit(10), pytest.raises(QueueFull):
        queued(queue, b"x")
    with suppress(Malformed), queue.admit(10):
        raise Malformed

    assert (len(queue), queue.bytes) == (0, 0)


def test_closed_queue_can_be_emptied() -> None:
    """A closed queue admits nothing, and gives out what it has admitted."""
    queue = RequestQueue(10, 100)
    with queue.admit(1) as put:
        queue.close()
        with pytest.raises(QueueClosed):
            queued(queue, b"x")
        assert not queue.drained
        put(Request("metrics", b"x", 1, Batch()))
    assert len(queue.take(WAIT)) == 1
    assert queue.drained
    assert queue.take(WAIT) == []


def test_overload_is_refused_at_once() -> None:
    """With many more senders than the queue holds, each is answered: stored, or told at once to come again."""
    queue, ended = RequestQueue(2, 1 << 20), Semaphore(0)
    with receiving(queue) as (_, client):
        calls = [client.call("metrics").future(ROWS, timeout=WAIT) for _ in range(40)]
        for call in calls:
            call.add_done_callback(lambda _: ended.release())
        assert all(ended.acquire(timeout=WAIT) for _ in range(38))
        refused = [call for call in calls if call.done()]
        with answering(queue, nothing_rejected):
            stored = [call.result() for call in calls if call not in refused]

    assert {call.code() for call in refused} == {grpc.StatusCode.UNAVAILABLE}
    assert len(stored) == 2
