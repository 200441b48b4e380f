"""The layout of a span on the wire: which bytes all spans of one kind share, and where in it their values lie.

A model's spans come by the thousand, each with the same keys in the same order. One of them, walked by hand, tells
where the numbers are in all of them; numbers of fixed size are holes in runs of constant bytes, integers and texts
stand between the runs, and the lengths of what encloses these follow from theirs.
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

_LOW: Final = 0x7F
_WIDEST: Final = 2
"""Bytes of a length that may vary: what varies in size, and what encloses it, has 16,383 bytes at most."""

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
"""Attributes that spans of one layout agree in: they say what the others mean. All others may vary."""

KEY: Final = {(Span.TRACE_ID_FIELD_NUMBER, LEN): 16, (Span.SPAN_ID_FIELD_NUMBER, LEN): 8}
"""The fields that tell a span from all others, and their sizes."""

START: Final = (Span.START_TIME_UNIX_NANO_FIELD_NUMBER, I64)
END: Final = (Span.END_TIME_UNIX_NANO_FIELD_NUMBER, I64)

_IDS: Final = {*KEY, (Span.PARENT_SPAN_ID_FIELD_NUMBER, LEN)}
_STATE: Final = (Span.TRACE_STATE_FIELD_NUMBER, LEN)
_ATTRIBUTES: Final = (Span.ATTRIBUTES_FIELD_NUMBER, LEN)
_PAIR: Final = [(KeyValue.KEY_FIELD_NUMBER, LEN), (KeyValue.VALUE_FIELD_NUMBER, LEN)]
_ARRAY: Final = (AnyValue.ARRAY_VALUE_FIELD_NUMBER, LEN)
_ITEM: Final = (ArrayValue.VALUES_FIELD_NUMBER, LEN)
_DOUBLE: Final = (AnyValue.DOUBLE_VALUE_FIELD_NUMBER, I64)
_FLAG: Final = (AnyValue.BOOL_VALUE_FIELD_NUMBER, VARINT)
_INTEGER: Final = (AnyValue.INT_VALUE_FIELD_NUMBER, VARINT)
_TEXT: Final = (AnyValue.STRING_VALUE_FIELD_NUMBER, LEN)


class Unlike(Exception):  # noqa: N818  (a property of the span)
    """No other span is known to be like this one: it has parts that this module does not read."""


class Field(NamedTuple):
    """A field of a message: its number and wire type, where its length (if it has one) and its content stand."""

    kind: tuple[int, int]
    length: int
    start: int
    stop: int


class Place(NamedTuple):
    """Where a value is: `double` and `flag` at an offset of the sample; `integer` and `text`, the how manieth of them.

    `nothing` is nowhere.
    """

    kind: str
    at: int = 0


class Varying(NamedTuple):
    """An integer or a text, whose size differs between spans, in the sample. width: bytes of the length of a text."""

    kind: str
    start: int
    stop: int
    width: int


class Hole(NamedTuple):
    """Bytes of the sample of which there are as many in each span, that differ: `double`, `time`, `flag` or `bytes`."""

    kind: str
    start: int
    stop: int


class Length(NamedTuple):
    """The length, at `at`, of something that has `size` in the sample: in it vary those from `first` to `last`."""

    at: int
    size: int
    first: int
    last: int


@dataclass(slots=True)
class Layout:
    """What a sample span tells of all that are like it. Offsets are into the sample.

    fields: of fixed size, by number and wire type. values: of each attribute that may vary, by key. state: the trace
    state.
    """

    sample: bytes
    holes: list[Hole] = field(default_factory=list)
    varying: list[Varying] = field(default_factory=list)
    lengths: list[Length] = field(default_factory=list)
    fields: dict[tuple[int, int], int] = field(default_factory=dict)
    values: dict[str, list[Place]] = field(default_factory=dict)
    state: Place | None = None

    def runs(self) -> Iterator[slice]:
        """The stretches of constant size, before, between and after what varies."""
        bounds = [0, *(bound for each in self.varying for bound in (each.start, each.stop)), len(self.sample)]
        return (slice(start, stop) for start, stop in list(pairwise(bounds))[::2])


def layout_of(span: bytes) -> Layout:
    """The layout of a well-formed span. Raises Unlike."""
    layout = Layout(span)
    for part in _fields(span, 0, len(span)):
        if part.kind[1] in _FIXED or part.kind in _IDS:
            layout.fields[part.kind] = _hole(layout, part, "time" if part.kind[1] == I64 else "bytes")
        elif part.kind == _STATE:
            layout.state = _vary(layout, "text", part)
        elif part.kind == _ATTRIBUTES:
            _read_attribute(layout, part)
    return layout


def _read_attribute(layout: Layout, pair: Field) -> None:
    held = sorted(_fields(layout.sample, pair.start, pair.stop))  # the Collector writes the value first
    if [part.kind for part in held] != _PAIR:
        raise Unlike
    name, value = held
    key = layout.sample[name.start : name.stop].decode()
    if key in layout.values:
        raise Unlike
    if key not in _CONSTANT:
        before = len(layout.varying)
        layout.values[key] = _read_value(layout, value)
        _enclose(layout, pair, before)


def _read_value(layout: Layout, value: Field) -> list[Place]:
    """The values in an AnyValue: one, or those of an array."""
    held, before = list(_fields(layout.sample, value.start, value.stop)), len(layout.varying)
    if not held:
        return [Place("nothing")]
    if len(held) > 1:
        raise Unlike
    (only,) = held
    places = _read_array(layout, only) if only.kind == _ARRAY else [_read_scalar(layout, only)]
    _enclose(layout, value, before)
    return places


def _read_array(layout: Layout, array: Field) -> list[Place]:
    places: list[Place] = []
    before = len(layout.varying)
    for item in _fields(layout.sample, array.start, array.stop):
        if item.kind != _ITEM:
            raise Unlike
        found = _read_value(layout, item)
        if len(found) != 1:
            raise Unlike
        places += found
    _enclose(layout, array, before)
    return places


def _read_scalar(layout: Layout, scalar: Field) -> Place:
    if scalar.kind == _DOUBLE:
        return Place("double", _hole(layout, scalar, "double"))
    if scalar.kind == _FLAG and scalar.stop - scalar.start == 1:
        return Place("flag", _hole(layout, scalar, "flag"))
    if scalar.kind == _INTEGER:
        return _vary(layout, "integer", scalar)
    if scalar.kind == _TEXT:
        return _vary(layout, "text", scalar)
    raise Unlike


def _hole(layout: Layout, part: Field, kind: str) -> int:
    if part.stop > part.start:
        layout.holes.append(Hole(kind, part.start, part.stop))
    return part.start


def _vary(layout: Layout, kind: str, part: Field) -> Place:
    layout.varying.append(Varying(kind, part.start, part.stop, part.start - part.length))
    if kind == "text":
        _enclose(layout, part, len(layout.varying) - 1)
    return Place(kind, len(layout.varying) - 1)


def _enclose(layout: Layout, part: Field, before: int) -> None:
    """Notes a length that varies, as what stands in it does since `before`."""
    if len(layout.varying) > before:
        if part.start - part.length > _WIDEST:
            raise Unlike
        layout.holes.append(Hole("bytes", part.length, part.start))
        layout.lengths.append(Length(part.length, part.stop - part.start, before, len(layout.varying)))


def _fields(data: bytes, at: int, stop: int) -> Iterator[Field]:
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
            raise Unlike
        yield Field((number, wire), length, at, at + size)
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & _LOW) << shift
        if byte <= _LOW:
            return value, at
        shift += 7
