"""Trace requests → records: the example rows of spans that no sketch has counted."""

from collections.abc import Iterator, Mapping
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
        for resource_spans in request.resource_spans:
            resource = kept_resource(labels(resource_spans.resource.attributes))
            for scope_spans in resource_spans.scope_spans:
                records += _calls(scope_spans.spans, resource, rejections)
    return Batch(tuple(records), rejections.total())


def _calls(spans: Any, resource: _Resource, rejections: Rejections) -> Iterator[ExampleRows]:
    for span in spans:
        attributes = {pair.key: pair.value for pair in span.attributes}
        name = attributes.get(semconv.MODEL_NAME)
        if name is None or _is_true(attributes.get(semconv.SKETCHED)):
            continue
        record = _example(span, attributes, resource)
        if isinstance(record, str):
            rejections.add(record)
        elif record.rows:
            yield record


def _is_true(value: Any) -> bool:
    return value is not None and bool(value.bool_value)


def _example(span: Span, attributes: Mapping[str, Any], resource: _Resource) -> ExampleRows | str:
    model = label(attributes[semconv.MODEL_NAME]) or ""
    key, time = span.trace_id + span.span_id, span.end_time_unix_nano or span.start_time_unix_nano
    if not model or len(model) > MAX_NAME:
        return f"span: {semconv.MODEL_NAME} must have 1 to {MAX_NAME} characters (got {len(model)})"
    if len(span.trace_id) != 16 or len(span.span_id) != 8 or not any(key):
        return "span: must have a trace id of 16 bytes and a span id of 8"
    if not 0 < time <= MAX_TIME:
        return f"span: must have an end time within 1970 to 2262 (got {time})"
    columns = _columns(attributes)
    rows = {len(values) for values in columns.values()}
    if len(rows) > 1:
        return f"span: all columns must have equally many rows (got {min(rows)} to {max(rows)})"
    if len(columns) > MAX_COLUMNS or max(rows, default=0) > MAX_ROWS:
        return f"span: must have at most {MAX_COLUMNS} columns and {MAX_ROWS} rows (got {len(columns)}, {max(rows)})"
    version, operation = (_text(attributes, name) for name in (semconv.MODEL_VERSION, semconv.OPERATION_NAME))
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


def _columns(attributes: Mapping[str, Any]) -> dict[ColumnKey, tuple[Scalar, ...]]:
    columns = {}
    for name, value in attributes.items():
        if name.startswith(_INPUT):
            columns[ColumnKey(semconv.TARGET_INPUT, name[len(_INPUT) :])] = _values(value)
        elif name.startswith(_OUTPUT):
            columns[column_of(name[len(_OUTPUT) :])] = _values(value)
    if semconv.VECTOR_NAMES in attributes and semconv.VECTOR_VALUES in attributes:
        names, values = _values(attributes[semconv.VECTOR_NAMES]), _values(attributes[semconv.VECTOR_VALUES])
        columns |= {ColumnKey(semconv.TARGET_INPUT, str(n)): (v,) for n, v in zip(names, values, strict=False)}
    return columns


def _values(value: Any) -> tuple[Scalar, ...]:
    """A scalar is the value of one row, an array those of the first rows."""
    if value.WhichOneof("value") == "array_value":
        return tuple([scalar(item) for item in value.array_value.values])
    return (scalar(value),)
