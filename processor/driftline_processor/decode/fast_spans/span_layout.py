"""The wire layout of a span: which bytes are constant across similar spans, and where their values lie.

A model sends thousands of spans with the same keys in the same order. Parsing one of them by hand gives the position
of every value in all of them: fixed-size fields lie inside runs of constant bytes, varints and strings between the
runs, and the length prefixes around the latter follow from their sizes.
https://protobuf.dev/programming-guides/encoding/
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from driftline import semconv

VARINT, I64, LEN, I32 = 0, 1, 2, 5
_FIXED: Final = {I64: 8, I32: 4}

_LOW_BITS: Final = 0x7F
_MAX_LENGTH_WIDTH: Final = 2
"""Most bytes of a length prefix that varies: fields of variable size, and those around them, have at most 16,383."""

_CONSTANT: Final = frozenset(
    (
        semconv.MODEL_NAME,
        semconv.MODEL_VERSION,
        semconv.MODEL_TYPE,
        semconv.SYSTEM_NAME,
        semconv.OPERATION_NAME,
        semconv.TASK,
        semconv.FEATURE_COUNT,
        semconv.VECTOR_NAMES,
        semconv.SKETCHED,
    )
)
"""Attributes with the same value in all spans of a layout, as they give the others their meaning; others may vary."""

SPAN_KEY: Final = {(Span.TRACE_ID_FIELD_NUMBER, LEN): 16, (Span.SPAN_ID_FIELD_NUMBER, LEN): 8}
"""The fields that identify a span, and their sizes in bytes."""

START_TIME: Final = (Span.START_TIME_UNIX_NANO_FIELD_NUMBER, I64)
END_TIME: Final = (Span.END_TIME_UNIX_NANO_FIELD_NUMBER, I64)

_ID_FIELDS: Final = {*SPAN_KEY, (Span.PARENT_SPAN_ID_FIELD_NUMBER, LEN)}
_TRACE_STATE: Final = (Span.TRACE_STATE_FIELD_NUMBER, LEN)
_ATTRIBUTES: Final = (Span.ATTRIBUTES_FIELD_NUMBER, LEN)
_PAIR: Final = [(KeyValue.KEY_FIELD_NUMBER, LEN), (KeyValue.VALUE_FIELD_NUMBER, LEN)]
_ARRAY: Final = (AnyValue.ARRAY_VALUE_FIELD_NUMBER, LEN)
_ITEM: Final = (ArrayValue.VALUES_FIELD_NUMBER, LEN)
_DOUBLE: Final = (AnyValue.DOUBLE_VALUE_FIELD_NUMBER, I64)
_FLAG: Final = (AnyValue.BOOL_VALUE_FIELD_NUMBER, VARINT)
_INTEGER: Final = (AnyValue.INT_VALUE_FIELD_NUMBER, VARINT)
_TEXT: Final = (AnyValue.STRING_VALUE_FIELD_NUMBER, LEN)


class UnsupportedLayout(Exception):  # noqa: N818  (a property of the span)
    """The span has parts that the fast path does not read."""


class WireField(NamedTuple):
    """A field of a message: number and wire type, offset of its length prefix, and bounds of its content."""

    kind: tuple[int, int]
    length: int
    start: int
    stop: int


class ValueSlot(NamedTuple):
    """Where a value is: `double` and `flag` by offset in the sample, `integer` and `text` by index of variable field.

    `nothing` is an empty value.
    """

    kind: str
    at: int = 0


class VariableField(NamedTuple):
    """An integer or text, whose size differs between spans, in the sample. width: bytes of a text's length prefix."""

    kind: str
    start: int
    stop: int
    width: int


class FixedField(NamedTuple):
    """A field of fixed size whose value differs between spans: `double`, `time`, `flag` or `bytes`."""

    kind: str
    start: int
    stop: int


class LengthPrefix(NamedTuple):
    """A length prefix at `at`, with value `size` in the sample; contains variable fields `first` to `last`."""

    at: int
    size: int
    first: int
    last: int


@dataclass(slots=True)
class SpanLayout:
    """The layout of a sample span and all similar ones. Offsets are into the sample.

    fields: offsets of the span's fixed-size fields, by number and wire type. values: slots of each attribute that may
    vary, by key. state: slot of the trace state.
    """

    sample: bytes
    fixed: list[FixedField] = field(default_factory=list)
    variable: list[VariableField] = field(default_factory=list)
    lengths: list[LengthPrefix] = field(default_factory=list)
    fields: dict[tuple[int, int], int] = field(default_factory=dict)
    values: dict[str, list[ValueSlot]] = field(default_factory=dict)
    state: ValueSlot | None = None

    def runs(self) -> Iterator[slice]:
        """The byte ranges of constant size, before, between and after the variable fields."""
        bounds = [0, *(bound for each in self.variable for bound in (each.start, each.stop)), len(self.sample)]
        return (slice(start, stop) for start, stop in list(pairwise(bounds))[::2])


def span_layout(span: bytes) -> SpanLayout:
    """The layout of a well-formed span. Raises Unlike."""
    layout = SpanLayout(span)
    for part in _fields(span, 0, len(span)):
        if part.kind[1] in _FIXED or part.kind in _ID_FIELDS:
            layout.fields[part.kind] = _add_fixed(layout, part, "time" if part.kind[1] == I64 else "bytes")
        elif part.kind == _TRACE_STATE:
            layout.state = _add_variable(layout, "text", part)
        elif part.kind == _ATTRIBUTES:
            _read_attribute(layout, part)
    return layout


def _read_attribute(layout: SpanLayout, pair: WireField) -> None:
    held = sorted(_fields(layout.sample, pair.start, pair.stop))  # the Collector writes the value first
    if [part.kind for part in held] != _PAIR:
        raise UnsupportedLayout
    name, value = held
    key = layout.sample[name.start : name.stop].decode()
    if key in layout.values:
        raise UnsupportedLayout
    if key not in _CONSTANT:
        before = len(layout.variable)
        layout.values[key] = _read_value(layout, value)
        _add_length(layout, pair, before)


def _read_value(layout: SpanLayout, value: WireField) -> list[ValueSlot]:
    """The values in an AnyValue: one, or those of an array."""
    held, before = list(_fields(layout.sample, value.start, value.stop)), len(layout.variable)
    if not held:
        return [ValueSlot("nothing")]
    if len(held) > 1:
        raise UnsupportedLayout
    (only,) = held
    slots = _read_array(layout, only) if only.kind == _ARRAY else [_read_scalar(layout, only)]
    _add_length(layout, value, before)
    return slots


def _read_array(layout: SpanLayout, array: WireField) -> list[ValueSlot]:
    slots: list[ValueSlot] = []
    before = len(layout.variable)
    for item in _fields(layout.sample, array.start, array.stop):
        if item.kind != _ITEM:
            raise UnsupportedLayout
        found = _read_value(layout, item)
        if len(found) != 1:
            raise UnsupportedLayout
        slots += found
    _add_length(layout, array, before)
    return slots


def _read_scalar(layout: SpanLayout, scalar: WireField) -> ValueSlot:
    if scalar.kind == _DOUBLE:
        return ValueSlot("double", _add_fixed(layout, scalar, "double"))
    if scalar.kind == _FLAG and scalar.stop - scalar.start == 1:
        return ValueSlot("flag", _add_fixed(layout, scalar, "flag"))
    if scalar.kind == _INTEGER:
        return _add_variable(layout, "integer", scalar)
    if scalar.kind == _TEXT:
        return _add_variable(layout, "text", scalar)
    raise UnsupportedLayout


def _add_fixed(layout: SpanLayout, part: WireField, kind: str) -> int:
    if part.stop > part.start:
        layout.fixed.append(FixedField(kind, part.start, part.stop))
    return part.start


def _add_variable(layout: SpanLayout, kind: str, part: WireField) -> ValueSlot:
    layout.variable.append(VariableField(kind, part.start, part.stop, part.start - part.length))
    if kind == "text":
        _add_length(layout, part, len(layout.variable) - 1)
    return ValueSlot(kind, len(layout.variable) - 1)


def _add_length(layout: SpanLayout, part: WireField, before: int) -> None:
    """Adds a length prefix if variable fields have been added inside it since `before`."""
    if len(layout.variable) > before:
        if part.start - part.length > _MAX_LENGTH_WIDTH:
            raise UnsupportedLayout
        layout.fixed.append(FixedField("bytes", part.length, part.start))
        layout.lengths.append(LengthPrefix(part.length, part.stop - part.start, before, len(layout.variable)))


def _fields(data: bytes, at: int, stop: int) -> Iterator[WireField]:
    """The fields of a well-formed message. Raises Unlike where there is a group."""
    while at < stop:
        tag, at = _varint(data, at)
        number, wire, length = tag >> 3, tag & 7, at
        if wire == LEN:
            size, at = _varint(data, at)
        elif wire == VARINT:
            size = _varint(data, at)[1] - at
        elif wire in _FIXED:
            size = _FIXED[wire]
        else:
            raise UnsupportedLayout
        yield WireField((number, wire), length, at, at + size)
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & _LOW_BITS) << shift
        if byte <= _LOW_BITS:
            return value, at
        shift += 7
