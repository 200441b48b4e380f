"""One span → its rows, through protobuf. Works for every span and defines the result that the fast path must give."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from driftline import semconv
from driftline.reference.format import output_key
from driftline.sketch.values import LONGEST_NAME
from driftline_processor.decode.otlp_values import MAX_TIME, label, parsed, scalar, short_text
from driftline_processor.decode.sampling import sampling_weight
from driftline_processor.limits import LIMITS, Limits
from driftline_processor.records import ColumnKey, ExampleRows, ModelKey, Scalar

MAX_SPAN_COLUMNS: Final = 10_000
MAX_SPAN_ROWS: Final = 100_000

_NAMES_KEPT: Final = 65_536
_LONG_NAME: Final = 256  # not worth keeping
_MODEL_NAME: Final = semconv.MODEL_NAME.encode()
_SKETCHED: Final = semconv.SKETCHED.encode()
_INPUTS: Final = ((f"{semconv.INPUT}.", False), (f"{semconv.BATCH_INPUT}.", True))
_OUTPUTS: Final = ((f"{semconv.OUTPUT}.", False), (f"{semconv.BATCH_OUTPUT}.", True))

_NAMED: Final = {semconv.MODEL_NAME: 1, semconv.MODEL_VERSION: 0, semconv.OPERATION_NAME: 0}  # least characters

ResourceKey: TypeAlias = tuple[tuple[str, str], ...]


def read_span(data: bytes, resource: ResourceKey, limits: Limits = LIMITS) -> ExampleRows | str | None:
    """The rows of a span, or the rule it breaks; None if it is no model call, or sketched already. Raises Malformed."""
    span = parsed(Span, data)
    if _MODEL_NAME not in data or (_SKETCHED in data and _is_sketched(span)):
        return None
    return _rows(span, resource, limits)


def read_sketched_span(data: bytes, resource: ResourceKey, limits: Limits = LIMITS) -> ExampleRows | None:
    """The rows that a span shows of a call that a sketch has counted; None if it is none, or breaks a rule."""
    if _MODEL_NAME not in data or _SKETCHED not in data:
        return None
    span = parsed(Span, data)
    found = _rows(span, resource, limits) if _is_sketched(span) else None
    return found if isinstance(found, ExampleRows) and found.rows else None


def _rows(span: Span, resource: ResourceKey, limits: Limits) -> ExampleRows | str | None:
    columns, others = _attributes(span)
    if semconv.MODEL_NAME not in others:
        return None
    longest = max((len(text) for values in columns.values() for text in values if isinstance(text, str)), default=0)
    if wrong := _length_error(columns, longest, others, limits):
        return f"span: {wrong}"
    if longest > LONGEST_NAME:
        columns = {column: tuple(map(short_text, values)) for column, values in columns.items()}
    return _example(span, columns, others, resource)


def _length_error(columns: Iterable[ColumnKey], longest: int, others: Mapping[str, Any], limits: Limits) -> str | None:
    if longest > limits.value:
        return f"must have texts of at most {limits.value} characters (got {longest})"
    if (name := max((len(column.name) for column in columns), default=0)) > limits.name:
        return f"must have columns with names of at most {limits.name} characters (got {name})"
    for key, least in _NAMED.items():
        length = len(label(others[key]) or "") if key in others else least
        if not least <= length <= limits.name:
            bounds = f"{least} to {limits.name}" if least else f"at most {limits.name}"
            return f"{key} must have {bounds} characters (got {length})"
    return None


class ColumnAttribute(NamedTuple):
    """An attribute that holds values of a column. batch: of the rows of a batch, instead of the first row only."""

    column: ColumnKey
    batch: bool


def column_of_attribute(attribute: str) -> ColumnAttribute | None:
    """The column whose values an attribute holds, if any."""
    return _kept_column(attribute) if len(attribute) <= _LONG_NAME else _column(attribute)


def _column(attribute: str) -> ColumnAttribute | None:
    for prefix, batch in _INPUTS:
        if attribute.startswith(prefix):
            return ColumnAttribute(ColumnKey(semconv.TARGET_INPUT, attribute[len(prefix) :]), batch)
    for prefix, batch in _OUTPUTS:
        if attribute.startswith(prefix):
            return ColumnAttribute(output_key(attribute[len(prefix) :]), batch)
    return None


_kept_column: Final = lru_cache(_NAMES_KEPT)(_column)


def vector_columns(data: bytes) -> list[ColumnKey]:
    """The columns of a span whose values are packed into one array."""
    names = [pair.value for pair in parsed(Span, data).attributes if pair.key == semconv.VECTOR_NAMES]
    return _inputs(names[-1]) if names else []


def _inputs(names: Any) -> list[ColumnKey]:
    return [ColumnKey(semconv.TARGET_INPUT, str(name)) for name in _values(names)] if names is not None else []


def _is_sketched(span: Span) -> bool:
    """Whether the span is marked as sketched; searched from the end, where our instrumentation puts the mark."""
    for pair in reversed(span.attributes):
        if pair.key == semconv.SKETCHED:
            return bool(pair.value.bool_value)
    return False


def _attributes(span: Span) -> tuple[dict[ColumnKey, tuple[Scalar, ...]], dict[str, Any]]:
    """The values of columns, and all other attributes. The last of repeated keys wins.

    The rows of a batch are taken instead of its first row, which is among them.
    """
    first: dict[ColumnKey, tuple[Scalar, ...]] = {}
    batch: dict[ColumnKey, tuple[Scalar, ...]] = {}
    others: dict[str, Any] = {}
    for pair in span.attributes:
        name, value = pair.key, pair.value
        held = column_of_attribute(name)
        if held is None:
            others[name] = value
            continue
        number = value.double_value  # 0 where it is something else
        rows = (number,) if number and number == number else _values(value)  # noqa: PLR0124  (no NaN)
        (batch if held.batch else first)[held.column] = rows
    columns = batch or first
    if semconv.VECTOR_VALUES in others:
        values = _values(others[semconv.VECTOR_VALUES])
        inputs = _inputs(others.get(semconv.VECTOR_NAMES))
        columns |= {column: (value,) for column, value in zip(inputs, values, strict=False)}
    return columns, others


def _example(
    span: Span, columns: Mapping[ColumnKey, tuple[Scalar, ...]], others: Mapping[str, Any], resource: ResourceKey
) -> ExampleRows | str:
    model = label(others[semconv.MODEL_NAME]) or ""
    key, time = span.trace_id + span.span_id, span.end_time_unix_nano or span.start_time_unix_nano
    if len(span.trace_id) != 16 or len(span.span_id) != 8 or not any(key):
        return "span: must have a trace id of 16 bytes and a span id of 8"
    if not 0 < time <= MAX_TIME:
        return f"span: must have an end time within 1970 to 2262 (got {time})"
    rows = {len(values) for values in columns.values()}
    if len(rows) > 1:
        return f"span: all columns must have equally many rows (got {min(rows)} to {max(rows)})"
    if len(columns) > MAX_SPAN_COLUMNS or max(rows, default=0) > MAX_SPAN_ROWS:
        bounds = f"{MAX_SPAN_COLUMNS} columns and {MAX_SPAN_ROWS} rows"
        return f"span: must have at most {bounds} (got {len(columns)}, {max(rows)})"
    version, operation = (_text(others, name) for name in (semconv.MODEL_VERSION, semconv.OPERATION_NAME))
    return ExampleRows(
        ModelKey(model, version, resource),
        operation,
        (key,),
        np.array([time]),
        np.array([sampling_weight(span.trace_state)]),
        max(rows, default=0),
        columns,
    )


def _text(attributes: Mapping[str, Any], name: str) -> str:
    return (label(attributes[name]) or "") if name in attributes else ""


def _values(value: Any) -> tuple[Scalar, ...]:
    """The values in an attribute: a scalar is one row, an array several."""
    if value.WhichOneof("value") == "array_value":
        return tuple([scalar(item) for item in value.array_value.values])
    return (scalar(value),)
