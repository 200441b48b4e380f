"""Trace requests → records: the example rows of spans that no sketch has counted.

Looking at attributes of protobuf objects is what this costs, so each is looked at as few times as possible: the spans
of our own instrumentation are told by one attribute, and a number is read without asking first what it is.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from driftline import semconv
from driftline_processor.decode.sampling import weight
from driftline_processor.decode.streams import MAX_NAME, column_of
from driftline_processor.decode.wire import MAX_TIME, Rejections, Scalar, kept_resource, label, labels, parsed, scalar
from driftline_processor.records import Batch, ColumnKey, ExampleRows, ModelKey

MAX_COLUMNS: Final = 10_000
MAX_ROWS: Final = 100_000

_NAMES_KEPT: Final = 65_536
_INPUT: Final = f"{semconv.INPUT}."
_OUTPUT: Final = f"{semconv.OUTPUT}."

_Resource = tuple[tuple[str, str], ...]


def decode_traces(data: bytes) -> Batch:
    """The records of an ExportTraceServiceRequest; spans that are no model calls, or sketched already, are passed over.

    Raises:
        Malformed: these are not the bytes of one.

    """
    rejections = Rejections()
    records: list[ExampleRows] = []
    request = parsed(ExportTraceServiceRequest, data)
    if semconv.MODEL_NAME.encode() in data:
        sketched = semconv.SKETCHED.encode() in data
        for resource_spans in request.resource_spans:
            resource = kept_resource(labels(resource_spans.resource.attributes))
            for scope_spans in resource_spans.scope_spans:
                records += _calls(scope_spans.spans, resource, sketched, rejections)
    return Batch(tuple(records), rejections.total())


def _calls(spans: Any, resource: _Resource, sketched: bool, rejections: Rejections) -> Iterator[ExampleRows]:
    for span in spans:
        if sketched and _is_sketched(span):
            continue
        columns, others = _attributes(span)
        if semconv.MODEL_NAME not in others:
            continue
        record = _example(span, columns, others, resource)
        if isinstance(record, str):
            rejections.add(record)
        elif record.rows:
            yield record


def _is_sketched(span: Span) -> bool:
    """From the end, where the marks of our own instrumentation stand."""
    for pair in reversed(span.attributes):
        if pair.key == semconv.SKETCHED:
            return bool(pair.value.bool_value)
    return False


def _attributes(span: Span) -> tuple[dict[ColumnKey, tuple[Scalar, ...]], dict[str, Any]]:
    """The values of columns, and all other attributes. Of a key that comes twice, the last one holds."""
    columns: dict[ColumnKey, tuple[Scalar, ...]] = {}
    others: dict[str, Any] = {}
    for pair in span.attributes:
        name, value = pair.key, pair.value
        column = _column(name)
        if column is None:
            others[name] = value
            continue
        number = value.double_value  # 0 where it is something else
        columns[column] = (number,) if number and number == number else _values(value)  # noqa: PLR0124  (no NaN)
    if semconv.VECTOR_NAMES in others and semconv.VECTOR_VALUES in others:
        names, values = _values(others[semconv.VECTOR_NAMES]), _values(others[semconv.VECTOR_VALUES])
        columns |= {ColumnKey(semconv.TARGET_INPUT, str(n)): (v,) for n, v in zip(names, values, strict=False)}
    return columns, others


@lru_cache(_NAMES_KEPT)
def _column(attribute: str) -> ColumnKey | None:
    """The column whose values an attribute holds."""
    if attribute.startswith(_INPUT):
        return ColumnKey(semconv.TARGET_INPUT, attribute[len(_INPUT) :])
    if attribute.startswith(_OUTPUT):
        return column_of(attribute[len(_OUTPUT) :])
    return None


def _example(
    span: Span, columns: Mapping[ColumnKey, tuple[Scalar, ...]], others: Mapping[str, Any], resource: _Resource
) -> ExampleRows | str:
    model = label(others[semconv.MODEL_NAME]) or ""
    key, time = span.trace_id + span.span_id, span.end_time_unix_nano or span.start_time_unix_nano
    if not model or len(model) > MAX_NAME:
        return f"span: {semconv.MODEL_NAME} must have 1 to {MAX_NAME} characters (got {len(model)})"
    if len(span.trace_id) != 16 or len(span.span_id) != 8 or not any(key):
        return "span: must have a trace id of 16 bytes and a span id of 8"
    if not 0 < time <= MAX_TIME:
        return f"span: must have an end time within 1970 to 2262 (got {time})"
    rows = {len(values) for values in columns.values()}
    if len(rows) > 1:
        return f"span: all columns must have equally many rows (got {min(rows)} to {max(rows)})"
    if len(columns) > MAX_COLUMNS or max(rows, default=0) > MAX_ROWS:
        return f"span: must have at most {MAX_COLUMNS} columns and {MAX_ROWS} rows (got {len(columns)}, {max(rows)})"
    version, operation = (_text(others, name) for name in (semconv.MODEL_VERSION, semconv.OPERATION_NAME))
    return ExampleRows(
        key,
        ModelKey(model, version, resource),
        operation,
        time,
        weight(span.trace_state),
        max(rows, default=0),
        columns,
    )


def _text(attributes: Mapping[str, Any], name: str) -> str:
    return (label(attributes[name]) or "") if name in attributes else ""


def _values(value: Any) -> tuple[Scalar, ...]:
    """A scalar is the value of one row, an array those of the first rows."""
    if value.WhichOneof("value") == "array_value":
        return tuple([scalar(item) for item in value.array_value.values])
    return (scalar(value),)
