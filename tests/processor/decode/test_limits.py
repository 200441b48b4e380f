"""Limits on requests: each refusal names thing, rule and value, and nothing else of the request is lost."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from driftline import semconv
from driftline.sketch import Histogram, hashed
from driftline_processor.decode import Malformed, OtlpSignal, TooLarge, decode_request, wire_limits
from driftline_processor.decode.fast_spans.span_batches import MIN_SPANS
from driftline_processor.decode.wire_limits import tagged
from driftline_processor.limits import LIMITS, Limits
from driftline_processor.records import Batch, ExampleRows, RowsPoint
from otlp_requests import (
    SERVICE,
    counter,
    metrics_request,
    number,
    of_model,
    pairs,
    sketch,
    sketch_point,
    span,
    trace_request,
)

NOTHING: dict[str, Any] = {}
REQUESTS: dict[OtlpSignal, Any] = {
    "traces": ExportTraceServiceRequest,
    "metrics": ExportMetricsServiceRequest,
    "logs": ExportLogsServiceRequest,
}
THINGS = {"traces": "span", "metrics": "data point", "logs": "log record"}
LONG = "n" * 9_000


def item(signal: str, number_: int = 1, resource: Any = SERVICE, more: Any = NOTHING) -> Any:
    """A request with one item that can be used: a span, a counter's point, a log record."""
    if signal == "traces":
        return trace_request(span({**of_model(), "ml.input.a": 1.0, **more}, number_), resource=resource)
    if signal == "metrics":
        point = number({**of_model(), **more}, number_, 5, 9)
        return metrics_request(counter(semconv.INFERENCE_ROWS, [point]), resource=resource)
    record = LogRecord(time_unix_nano=9, attributes=pairs({**of_model(), **more}))
    held = ResourceLogs(resource=Resource(attributes=pairs(resource)), scope_logs=[ScopeLogs(log_records=[record])])
    return ExportLogsServiceRequest(resource_logs=[held])


def merged(*requests: Any) -> bytes:
    return b"".join(each if isinstance(each, bytes) else each.SerializeToString() for each in requests)


def items(signal: OtlpSignal, body: bytes) -> int:
    """Items of a request that can still be used: all of them but those that break a rule."""
    request = REQUESTS[signal].FromString(body)
    if signal == "traces":
        return sum(len(scope.spans) for held in request.resource_spans for scope in held.scope_spans)
    if signal == "logs":
        return sum(len(scope.log_records) for held in request.resource_logs for scope in held.scope_logs)
    scopes = [scope for held in request.resource_metrics for scope in held.scope_metrics]
    return sum(len(getattr(each, each.WhichOneof("data")).data_points) for scope in scopes for each in scope.metrics)


def with_nested(signal: OtlpSignal) -> bytes:
    """An item with an attribute that is nested deeper than protobuf parses."""
    value = b"\x0a\x01x"
    for _ in range(120):
        value = field(5, field(1, value))
    attribute = field(1, b"deep") + field(2, value)
    request = item(signal)
    if signal == "traces":
        held = request.resource_spans[0].scope_spans[0].spans[0].SerializeToString() + field(9, attribute)
    elif signal == "logs":
        held = request.resource_logs[0].scope_logs[0].log_records[0].SerializeToString() + field(6, attribute)
    else:
        metric = request.resource_metrics[0].scope_metrics[0].metrics[0]
        point = metric.sum.data_points[0].SerializeToString() + field(7, attribute)
        del metric.sum.data_points[:]
        held = field(1, metric.name.encode()) + field(7, metric.sum.SerializeToString() + field(1, point))
    return field(1, field(2, field(2, held)))


def field(number_: int, content: bytes) -> bytes:
    return tagged(number_, content)


def long_scope(signal: OtlpSignal) -> Any:
    request = item(signal)
    if signal == "traces":
        request.resource_spans[0].scope_spans[0].scope.name = LONG
    elif signal == "metrics":
        request.resource_metrics[0].scope_metrics[0].scope.name = LONG
    else:
        request.resource_logs[0].scope_logs[0].scope.name = LONG
    return request


def wide(buckets: int) -> Any:
    point = sketch_point(of_model(feature__name="a"), Histogram.of([1.0], 5, 160), 5, 9)
    point.positive.bucket_counts.extend([0] * buckets)
    return metrics_request(sketch(semconv.FEATURE_VALUE, [point]))


EVERY: tuple[OtlpSignal, ...] = ("traces", "metrics", "logs")
SMALL = replace(LIMITS, item=8_000, attributes=6_000, buckets=5_000, name=40, value=200, fields=150)
NAME = "x" * 41
CASES: list[tuple[Any, Any, str]] = [
    *((each, item(each, more={"junk": LONG}), f"{THINGS[each]}: must have at most 8000 bytes (got ") for each in EVERY),
    *(
        (each, item(each, resource={**SERVICE, "junk": LONG}), "resource: must have at most 6000 bytes (got 90")
        for each in EVERY
    ),
    *((each, long_scope(each), "scope: must have at most 6000 bytes (got 90") for each in EVERY),
    *((each, with_nested(each), f"{THINGS[each]}: cannot be read") for each in EVERY),
    *(
        (
            each,
            item(each, more={f"attribute {n}": n for n in range(200)} | {"": "n" * 600 if each == "metrics" else ""}),
            f"{THINGS[each]}: must have at most 150 attributes, exemplars and other fields (got more)",
        )
        for each in EVERY
    ),
    (
        "metrics",
        item("metrics", more={"junk": "n" * 7_000}),
        "data point: must have at most 6000 bytes of attributes (got 7",
    ),
    ("metrics", wide(5_000), "data point: must have at most 5000 buckets (got 5001)"),
    *(
        (
            each,
            item(each, resource={**SERVICE, "service.name": NAME}),
            "resource: service.name must have at most 40 characters (got 41)",
        )
        for each in ("traces", "metrics")
    ),
    (
        "traces",
        item("traces", more={"ml.model.name": NAME}),
        "span: ml.model.name must have 1 to 40 characters (got 41)",
    ),
    (
        "metrics",
        item("metrics", more={"ml.model.name": NAME}),
        "ml.inference.rows: ml.model.name must have at most 40 characters (got 41)",
    ),
    *(
        (signal, item(signal, more={key: NAME}), f"{thing}: {key} must have at most 40 characters (got 41)")
        for signal, thing in (("traces", "span"), ("metrics", "ml.inference.rows"))
        for key in ("ml.model.version", "ml.operation.name")
    ),
    (
        "traces",
        item("traces", more={f"ml.input.{NAME}": 1.0}),
        "span: must have columns with names of at most 40 characters (got 41)",
    ),
    (
        "traces",
        item("traces", more={"ml.vector.names": [NAME], "ml.vector.values": [1.0]}),
        "span: must have columns with names of at most 40 characters (got 41)",
    ),
    (
        "traces",
        item("traces", more={"ml.input.a": "n" * 201}),
        "span: must have texts of at most 200 characters (got 201)",
    ),
    (
        "metrics",
        metrics_request(
            counter(semconv.FEATURE_CATEGORY, [number(of_model(feature__name=NAME, category="a"), 1, 5, 9)])
        ),
        "ml.feature.category: ml.feature.name must have at most 40 characters (got 41)",
    ),
    (
        "metrics",
        metrics_request(
            counter(semconv.FEATURE_CATEGORY, [number(of_model(feature__name="a", category=NAME), 1, 5, 9)])
        ),
        "ml.feature.category: ml.category must have at most 40 characters (got 41)",
    ),
]


@pytest.mark.parametrize(("signal", "bad", "reason"), CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_a_refusal_names_thing_rule_and_value_and_costs_nothing_else(signal: OtlpSignal, bad: Any, reason: str) -> None:
    """Between two items that can be used, one that exceeds a limit is left out and counted, alone."""
    data = merged(item(signal, 1), bad, item(signal, 2))
    body, batch = decode_request(signal, data, SMALL)

    ((count, found),) = batch.rejections
    assert count == 1
    assert found.startswith(reason)
    assert usable(batch) == (2 if signal != "logs" else 0)
    assert items(signal, body) in (2, 3)  # 3: a rule of what is in it keeps an item in the journal
    again = decode_request(signal, body, SMALL)
    assert usable(again.batch) == usable(batch)


def usable(batch: Batch) -> int:
    return sum(len(record.keys) if isinstance(record, ExampleRows) else 1 for record in batch.records)


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ({"items": 2}, "request: must have at most 2 items (got more)"),
        ({"groups": 5}, "request: must have at most 5 resources, scopes and metrics (got more)"),
        ({"request": 100}, "request: must have at most 100 bytes uncompressed (got "),
    ],
    ids=["items", "groups", "request"],
)
@pytest.mark.parametrize("signal", EVERY)
def test_a_request_that_is_too_large_as_a_whole(signal: OtlpSignal, limit: dict[str, int], reason: str) -> None:
    """It is refused for good, with the rule that it breaks."""
    data = merged(*(item(signal, n) for n in (1, 2, 3)))
    with pytest.raises(TooLarge) as caught:
        decode_request(signal, data, replace(LIMITS, **limit))

    assert str(caught.value).startswith(reason)


def test_empty_messages_are_counted_before_they_are_parsed() -> None:
    """Twenty bytes of ten empty resources, scopes or points would take kilobytes once parsed."""
    for data in (b"\x0a\x00" * 20, b"\x0a\x28" + b"\x12\x00" * 20):
        with pytest.raises(TooLarge):
            decode_request("metrics", data, replace(LIMITS, groups=10))


def test_junk_takes_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fields that nobody knows, beside the items or in them, are walked over up to a bound."""
    monkeypatch.setattr(wire_limits, "_MOST_STEPS", 1_000)
    for junk in (bytes(9_000), tagged(1, bytes(9_000)), tagged(1, tagged(2, bytes(9_000)))):
        for signal in EVERY:
            with pytest.raises(TooLarge, match="at most 1000 fields"):
                decode_request(signal, junk, LIMITS)


def test_a_long_text_goes_by_the_name_that_sketches_give_it() -> None:
    """Whether its span is read alone or with others, and whatever its length: of a kilobyte, 16 bytes are kept."""
    text = "ä" * 1_000
    spans = [span({**of_model(), "ml.input.a": text[n:]}, n + 1) for n in range(MIN_SPANS + 1)]
    for some in (spans, spans[:1]):
        _, batch = decode_request("traces", trace_request(*some).SerializeToString(), LIMITS)
        ((values,),) = [record.columns.values() for record in batch.records]  # type: ignore[union-attr]  # spans
        assert list(values) == [hashed(text[n:]) for n in range(len(some))]


def test_a_text_that_is_too_long_costs_its_own_span_among_many_of_its_kind() -> None:
    """The others are read together, as if it were not there."""
    spans = [span({**of_model(), "ml.input.a": "x" * (300 if n == 7 else 3)}, n + 1) for n in range(3 * MIN_SPANS)]
    _, batch = decode_request("traces", trace_request(*spans).SerializeToString(), SMALL)

    assert usable(batch) == 3 * MIN_SPANS - 1
    assert batch.rejections == ((1, "span: must have texts of at most 200 characters (got 300)"),)


@pytest.mark.parametrize("signal", EVERY)
def test_a_long_request_is_parsed_in_pieces(signal: OtlpSignal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with the resource, scope and metric of its items: the records are those of the whole."""
    data = merged(*(item(signal, n, resource={**SERVICE, "k": n % 3}) for n in range(1, 40)))
    whole = decode_request(signal, data, LIMITS)
    monkeypatch.setattr(wire_limits, "PIECE", 500)
    split = decode_request(signal, data, LIMITS)

    assert len(wire_limits.within_limits(signal, data, LIMITS).runs) > 2
    assert REQUESTS[signal].FromString(split.body) is not None
    assert items(signal, split.body) == items(signal, data) == 39
    assert shown(split.batch) == shown(whole.batch)
    assert split.batch.rejections == ()


def shown(batch: Batch) -> list[Any]:
    """What a batch says, item by item."""
    found: list[Any] = []
    for record in batch.records:
        if isinstance(record, ExampleRows):
            found += [(key, values[i]) for values in record.columns.values() for i, key in enumerate(record.keys)]
        else:
            assert isinstance(record, RowsPoint)
            found.append((record.stream, record.count))
    return found


def test_a_request_within_its_limits_is_kept_as_it_came() -> None:
    """A digest of its bytes stays true, and nothing is copied."""
    data = merged(item("metrics"), item("metrics", 2))

    assert decode_request("metrics", data, LIMITS).body is data


@pytest.mark.parametrize("signal", EVERY)
def test_nothing_that_can_be_read(signal: OtlpSignal) -> None:
    """A request of which no item can be read is refused as a whole, as one that is no message."""
    for data in (with_nested(signal), b"\xff\xff\xff", b"\x0a\x05\x12"):
        with pytest.raises(Malformed):
            decode_request(signal, data, LIMITS)


@pytest.mark.parametrize("signal", EVERY)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_damaged_requests(signal: OtlpSignal, data: st.DataObject) -> None:
    """Bytes changed, cut out or put in give records with exact counts of the others, Malformed or TooLarge."""
    body = bytearray(merged(*(item(signal, n) for n in range(1, 6))))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body)))
        body[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    try:
        kept, batch = decode_request(signal, bytes(body), Limits(groups=12, items=8))
    except (Malformed, TooLarge):
        return
    again = decode_request(signal, kept, LIMITS)
    assert [type(record) for record in again.batch.records] == [type(record) for record in batch.records]
