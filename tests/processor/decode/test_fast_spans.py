"""Spans that are read together say exactly what each says when it is read alone."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from driftline import semconv
from driftline_processor.decode import Malformed, decode_traces
from driftline_processor.decode.fast_spans.span_batches import MIN_SPANS, read_batches
from driftline_processor.decode.otlp_values import kept_resource, labels
from driftline_processor.decode.spans import read_sketched_span, read_span
from driftline_processor.records import ColumnKey, ExampleRows
from otlp_requests import of_model, pairs, span, trace_request

SPANS = 2 * MIN_SPANS


def told(records: Sequence[Any]) -> list[Any]:
    """What records say, span by span; a missing number is None."""
    return sorted(one for record in records for one in _each(record))


def _each(record: ExampleRows) -> list[Any]:
    columns = {key: [_plain(value) for value in values] for key, values in record.columns.items()}
    return [
        (
            key,
            record.model,
            record.operation,
            int(record.times[i]),
            float(record.weights[i]),
            sorted((column, repr(values[rows])) for column, values in columns.items()),
        )
        for i, key in enumerate(record.keys)
        for rows in [slice(i * record.rows, (i + 1) * record.rows)]
    ]


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    return None if np.isnan(value) else float(value)


def alone(data: bytes) -> tuple[list[Any], int] | None:
    """What the spans of a request say, and how many break a rule: parsed by protobuf, read one by one."""
    try:
        request = ExportTraceServiceRequest.FromString(data)
    except DecodeError:
        return None
    found = [
        read_span(each.SerializeToString(), kept_resource(labels(held.resource.attributes)))
        for held in request.resource_spans
        for scope in held.scope_spans
        for each in scope.spans
    ]
    return told([r for r in found if isinstance(r, ExampleRows) and r.rows]), sum(isinstance(r, str) for r in found)


def together(data: bytes) -> tuple[list[Any], int] | None:
    try:
        batch = decode_traces(data)
    except Malformed:
        return None
    return told(batch.records), sum(items for items, _ in batch.rejections)


def shares(spans: Sequence[Span]) -> tuple[int, int]:
    """How many spans were read together, and how many were left."""
    records, left = read_batches([each.SerializeToString() for each in spans], ())
    return sum(len(record.keys) for record in records), len(left)


NUMBERS = st.floats()
INTEGERS = st.integers(-(2**63), 2**63 - 1)
TEXTS = st.text(max_size=5)
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "number": NUMBERS,
    "integer": INTEGERS,
    "small": st.integers(0, 300),
    "text": TEXTS,
    "flag": st.booleans(),
    "nothing": st.none(),
}
KEYS = st.sampled_from(
    [
        *("ml.input.a", "ml.input.b", "ml.input.ä.c", "ml.output.prediction", "ml.output.label", "user"),
        *("ml.batch.input.a", "ml.batch.input.d", "ml.batch.output.prediction"),
    ]
)
ODD = st.one_of(*SCALARS.values(), st.lists(NUMBERS, max_size=3), st.text("é", min_size=60, max_size=90))


@st.composite
def alike(draw: st.DrawFn) -> list[Span]:
    """Spans with the same keys in the same order, of one type each; with one row or some."""
    kinds = draw(st.dictionaries(KEYS, st.sampled_from([*SCALARS]), min_size=1))
    rows, state = draw(st.sampled_from([0, 0, 1, 3])), draw(st.sampled_from(["", "ot=th:8", "other=x"]))
    kinds["ml.input.x"] = "number"  # one column at least
    values = {key: SCALARS[kind] if not rows else _some(SCALARS[kind], rows) for key, kind in kinds.items()}
    more = {"model__version": "2"} if draw(st.booleans()) else {}
    return [
        span({**of_model(**more), **{key: draw(value) for key, value in values.items()}}, n, 1_000 + n, state)
        for n in range(1, SPANS + 1)
    ]


def _some(values: st.SearchStrategy[Any], rows: int) -> st.SearchStrategy[list[Any]]:
    return st.lists(values, min_size=rows, max_size=rows)


@st.composite
def mixed(draw: st.DrawFn) -> list[Span]:
    """Spans of two layouts, and in some of them something odd."""
    spans = [*draw(alike()), *draw(alike())]
    for _ in range(draw(st.integers(0, 6))):
        changed = draw(st.sampled_from(spans))
        changed.attributes.extend(pairs({draw(KEYS): draw(ODD)}))
    for _ in range(draw(st.integers(0, 3))):
        changed = draw(st.sampled_from(spans))
        setattr(changed, *draw(st.sampled_from(BROKEN)))
    return draw(st.permutations(spans))


BROKEN = [
    ("span_id", b""),
    ("span_id", bytes(8)),
    ("trace_id", bytes(16)),
    ("trace_state", "ot=th:c"),
    ("end_time_unix_nano", 0),
    ("end_time_unix_nano", 2**63),
    ("name", "another"),
    ("parent_span_id", bytes(8)),
    ("flags", 0x101),
]


@settings(max_examples=150, deadline=None)
@given(spans=mixed())
def test_spans_say_the_same_read_together_or_alone(spans: list[Span]) -> None:
    """Every record and every rejection, whatever the spans have in common."""
    data = trace_request(*spans).SerializeToString()

    assert together(data) == alone(data)


@settings(max_examples=50, deadline=None)
@given(spans=alike())
def test_spans_with_the_same_keys_and_types_are_read_together(spans: list[Span]) -> None:
    """Texts and integers of any size, missing values, arrays and trace states: none is left for protobuf."""
    assert shares(spans)[1] == 0


def test_spans_as_the_collector_writes_them_are_read_together() -> None:
    """It writes the value of an attribute before its key, and a parent of no bytes."""
    spans = [
        span({}, n).SerializeToString()
        + b'"\0'
        + b"".join(map(_backwards, pairs({**of_model(), "ml.input.a": "x" * n})))
        for n in range(SPANS)
    ]
    records, left = read_batches(spans, ())

    assert left == []
    assert [list(record.columns.values()) for record in records] == [[["x" * n for n in range(SPANS)]]]


def _backwards(pair: KeyValue) -> bytes:
    body = KeyValue(value=pair.value).SerializeToString() + KeyValue(key=pair.key).SerializeToString()
    return b"J" + bytes([len(body)]) + body


@pytest.mark.parametrize("mark", [True, False])
def test_spans_that_are_sketched_are_passed_over_together(mark: bool) -> None:
    """Neither counted nor left; a mark that says no counts."""
    spans = [span({**of_model(), "ml.input.a": 1.5, semconv.SKETCHED: mark}, n) for n in range(1, SPANS)]

    assert shares(spans) == (0 if mark else SPANS - 1, 0)


def test_a_vector_is_read_together() -> None:
    """Past the cap on attributes, names and values stand in two arrays: each name is a column."""
    vector = {semconv.VECTOR_NAMES: ["a", "b"]}
    spans = [span({**of_model(), **vector, semconv.VECTOR_VALUES: [float(n), 0.5]}, n) for n in range(1, SPANS)]
    (record,), left = read_batches([each.SerializeToString() for each in spans], ())

    assert left == []
    assert {column.name: values.tolist() for column, values in record.columns.items()} == {
        "a": [float(n) for n in range(1, SPANS)],
        "b": [0.5] * (SPANS - 1),
    }


@settings(max_examples=500, deadline=None)
@given(data=st.data())
def test_damaged_requests_say_the_same(data: st.DataObject) -> None:
    """Bytes changed, cut out or put in, in spans that are otherwise alike."""
    values = {"ml.input.a": 1.5, "ml.input.b": "ä", "ml.input.n": 300, "ml.input.v": [1.0, None], "ml.input.f": True}
    spans = [span({**of_model(), **values}, number, trace_state="ot=th:8") for number in range(1, MIN_SPANS + 3)]
    body = bytearray(trace_request(*spans).SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body)))
        body[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))

    assert together(bytes(body)) == alone(bytes(body))


def test_sketched_spans_are_read_together_apart_from_the_others() -> None:
    """As the ones that are counted: with the values that reading one by one gives."""
    spans = [
        span({**of_model(), "ml.input.a": 1.5 * n, "ml.input.b": "x" * (n % 5), semconv.SKETCHED: n % 2 == 0}, n + 1)
        for n in range(4 * SPANS)
    ]
    serialized = [each.SerializeToString() for each in spans]
    sketched: list[ExampleRows] = []
    records, left = read_batches(serialized, (), sketched)

    assert left == []
    for found, first in ((records, 1), (sketched, 0)):
        values = [value for record in found for value in record.columns[ColumnKey("input", "a")]]
        assert values == [1.5 * n for n in range(first, 4 * SPANS, 2)]
    one = read_sketched_span(serialized[2], ())
    assert one is not None
    assert one.columns[ColumnKey("input", "b")] == ("xx",)
    assert read_sketched_span(serialized[1], ()) is None
