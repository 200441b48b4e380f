"""What a server has sent is counted once, whatever comes again, by which protocol and from how many processes."""

import gzip
import http.client
from collections.abc import Mapping
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, NumberDataPoint
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from driftline import semconv
from driftline.reference.profile_column import ColumnKey
from driftline.sketch.otlp import key_values
from driftline.tools.doctor.listener import listening
from driftline.tools.doctor.targets import SERVICES, address
from driftline.tools.doctor.traffic import NUMBER, NUMERAL, TEXT, Recorder

DELTA, CUMULATIVE = 1, 2
CHURN = {semconv.MODEL_NAME: "churn", semconv.OPERATION_NAME: "predict"}


def counter(
    name: str, value: int, time: int, *, temporality: int = CUMULATIVE, process: str = "1", **attributes: Any
) -> bytes:
    """A request with one point of a counter; double underscores in names of attributes stand for dots."""
    named = CHURN | {key.replace("__", "."): each for key, each in attributes.items()}
    point = NumberDataPoint(attributes=key_values(named), time_unix_nano=time, start_time_unix_nano=1, as_int=value)
    return _metric(Metric(name=name), process, point, temporality)


def _metric(metric: Metric, process: str, point: NumberDataPoint, temporality: int) -> bytes:
    metric.sum.data_points.append(point)
    metric.sum.aggregation_temporality = temporality
    request = ExportMetricsServiceRequest()
    resource = request.resource_metrics.add()
    resource.resource.attributes.extend(key_values({"service.instance.id": process}))
    resource.scope_metrics.add().metrics.append(metric)
    return bytes(request.SerializeToString())


def durations(count: int, seconds: float) -> bytes:
    """A request with the durations of so many calls."""
    metric = Metric(name=semconv.INFERENCE_DURATION)
    metric.histogram.aggregation_temporality = CUMULATIVE
    metric.histogram.data_points.add(
        attributes=key_values(CHURN), count=count, sum=seconds, time_unix_nano=2, start_time_unix_nano=1
    )
    request = ExportMetricsServiceRequest()
    request.resource_metrics.add().scope_metrics.add().metrics.append(metric)
    return bytes(request.SerializeToString())


def spans(*each: Mapping[str, Any]) -> bytes:
    """A request with spans of the model; their fields beside the attributes."""
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for number, fields in enumerate(each, 1):
        given = {"span_id": bytes([number] * 8), "attributes": key_values(CHURN)} | dict(fields)
        scope.spans.append(Span(trace_id=bytes(16), **given))
    return bytes(request.SerializeToString())


def rows(*requests: bytes) -> float:
    recorder = Recorder()
    for request in requests:
        recorder.take("metrics", request)
    return recorder.traffic().models["churn"].rows.total()


def test_a_cumulative_counter_is_its_newest_point() -> None:
    """Also where an older one comes after it."""
    first, second = (counter(semconv.INFERENCE_ROWS, value, time) for value, time in ((5, 2), (9, 3)))

    assert rows(first, second) == rows(second, first) == 9


def test_deltas_add_up() -> None:
    """Each is of rows of its own."""
    assert rows(*(counter(semconv.INFERENCE_ROWS, value, 2, temporality=DELTA) for value in (5, 9))) == 14


def test_processes_add_up() -> None:
    """Each worker counts for itself."""
    requests = [counter(semconv.INFERENCE_ROWS, 5, 2, process=process) for process in "123"]
    recorder = Recorder()
    for request in requests:
        recorder.take("metrics", request)
    model = recorder.traffic().models["churn"]

    assert model.rows["predict"] == 15
    assert len(model.processes) == 3


def test_a_column_has_the_type_of_most_of_its_values() -> None:
    """One odd value in a column of texts is one odd value; rows out of range are valid ones."""
    recorder = Recorder()
    for name, value, attributes in (
        (semconv.FEATURE_CATEGORY, 9, {"ml__category": "a"}),
        (semconv.FEATURE_TAIL, 1, {"ml__sketch__part": "middle"}),
        (semconv.FEATURE_OBSERVATIONS, 10, {"ml__feature__state": semconv.VALID}),
        (semconv.FEATURE_OBSERVATIONS, 1, {"ml__feature__state": semconv.OUT_OF_RANGE}),
        (semconv.FEATURE_OBSERVATIONS, 2, {"ml__feature__state": semconv.WRONG_TYPE}),
    ):
        recorder.take("metrics", counter(name, value, 2, ml__feature__name="plan", **attributes))
    column = recorder.traffic().models["churn"].columns[ColumnKey("input", "plan")]

    assert column.kind == TEXT
    assert column.values == {TEXT: 9, NUMBER: 1}
    assert column.rows == 12


@pytest.mark.parametrize(
    ("text", "kind"), [("12", NUMERAL), ("1.5e3", NUMERAL), ("true", NUMERAL), ("a", TEXT), ("", TEXT)]
)
def test_a_text_may_stand_for_a_number(text: str, kind: str) -> None:
    """As the processor reads it, where the reference has numbers."""
    recorder = Recorder()
    recorder.take("metrics", counter(semconv.FEATURE_CATEGORY, 3, 2, ml__feature__name="plan", ml__category=text))
    column = recorder.traffic().models["churn"].columns[ColumnKey("input", "plan")]

    assert column.values == {kind: 3}
    assert column.kind == TEXT


def test_calls_come_from_durations_and_spans_from_traces() -> None:
    """A sampler takes spans away, no durations."""
    recorder = Recorder()
    recorder.take("metrics", durations(4, 0.5))
    request = spans({"kind": Span.SPAN_KIND_INTERNAL, "parent_span_id": b"\1" * 8}, {})
    recorder.take("traces", request)
    recorder.take("traces", request)  # sent again
    model = recorder.traffic().models["churn"]

    assert model.calls == {"predict": 4}
    assert model.seconds == 0.5
    assert (model.spans, model.children) == (2, 1)


def test_progress_is_what_is_new() -> None:
    """Metrics that come again every second are no progress."""
    recorder = Recorder()
    steps = [recorder.progress]
    for signal, request in (
        ("metrics", counter(semconv.INFERENCE_ROWS, 5, 2)),
        ("metrics", counter(semconv.INFERENCE_ROWS, 5, 3)),
        ("traces", spans({})),
        ("traces", spans({})),
    ):
        recorder.take(signal, request)
        steps.append(recorder.progress)

    assert steps == [0, 5, 5, 6, 6]


@pytest.mark.parametrize("signal", ["metrics", "traces"])
def test_what_is_no_otlp_is_ignored(signal: str) -> None:
    """Any bytes: nothing is counted, nothing raised."""
    recorder = Recorder()
    recorder.take(signal, b"\xff\xff\xff")

    assert recorder.traffic().models == {}
    assert recorder.traffic().requests["unreadable"] == 1


@pytest.mark.parametrize("encoding", ["", "gzip"])
@pytest.mark.parametrize("signal", ["metrics", "traces", "logs"])
def test_http_is_received(signal: str, encoding: str) -> None:
    """Each signal at its path, compressed or not; another path is not found, and bad gzip is a bad request."""
    received: list[tuple[str, bytes]] = []
    with listening(lambda *each: received.append(each)) as ports:
        connection = http.client.HTTPConnection(*address(ports.endpoint("http/protobuf")))  # type: ignore[arg-type]
        statuses = []
        for path, body in ((signal, b"abc"), ("other", b"abc")):
            sent = gzip.compress(body) if encoding else body
            connection.request("POST", f"/v1/{path}", sent, {"Content-Encoding": encoding} if encoding else {})
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
        connection.request("POST", f"/v1/{signal}", b"no gzip", {"Content-Encoding": "gzip"})
        statuses.append(connection.getresponse().status)
        connection.close()

    assert statuses == [200, 404, 400]
    assert received == [(signal, b"abc")]


def test_grpc_is_received() -> None:
    """The three services of OTLP."""
    received: list[tuple[str, bytes]] = []
    with (
        listening(lambda *each: received.append(each)) as ports,
        grpc.insecure_channel(ports.endpoint("grpc").removeprefix("http://")) as channel,
    ):
        answers = [channel.unary_unary(f"/{service}/Export")(b"abc") for service in SERVICES.values()]

    assert answers == [b"", b"", b""]
    assert received == [("traces", b"abc"), ("metrics", b"abc"), ("logs", b"abc")]
