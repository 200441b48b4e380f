"""OTLP's metrics request, with what is only looked up or decoded in bulk left as bytes.

A message and its bytes look the same on the wire, so a message of OTLP's may be declared as `bytes`: attributes,
buckets and exemplars are then copied as they are, where protobuf would build an object for each of them.
https://protobuf.dev/programming-guides/proto3/#updating
"""

from collections.abc import Iterator, Mapping
from operator import methodcaller
from typing import Any, Final, NamedTuple

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from driftline_processor.limits import Limits

_Field = FieldDescriptorProto
_PACKAGE: Final = "driftline.raw"


class _F(NamedTuple):
    """A field: its number, and a type of protobuf's or a message of ours. oneof: only the last one sent holds."""

    number: int
    kind: int | str
    repeated: bool = False
    oneof: bool = False
    default: str = ""


_DATA: Final = {
    name: _F(number, kind, oneof=True)
    for name, number, kind in (
        ("gauge", 5, "Unread"),
        ("sum", 7, "Sum"),
        ("histogram", 9, "Unread"),
        ("exponential_histogram", 10, "ExponentialHistogram"),
        ("summary", 11, "Unread"),
    )
}
_TIMES: Final = {
    "start_time_unix_nano": _F(2, _Field.TYPE_FIXED64),
    "time_unix_nano": _F(3, _Field.TYPE_FIXED64),
}
_TEMPORALITY: Final = {"aggregation_temporality": _F(2, _Field.TYPE_INT32)}

_MESSAGES: Final[Mapping[str, Mapping[str, _F]]] = {
    "Request": {"resource_metrics": _F(1, "ResourceMetrics", repeated=True)},
    "ResourceMetrics": {
        "resource": _F(1, _Field.TYPE_BYTES),
        "scope_metrics": _F(2, "ScopeMetrics", repeated=True),
    },
    "ScopeMetrics": {"scope": _F(1, _Field.TYPE_BYTES), "metrics": _F(2, "Metric", repeated=True)},
    "Metric": {"name": _F(1, _Field.TYPE_BYTES), **_DATA},
    "Unread": {"data_points": _F(1, _Field.TYPE_BYTES, repeated=True)},
    "Sum": {
        "data_points": _F(1, "NumberDataPoint", repeated=True),
        **_TEMPORALITY,
        "is_monotonic": _F(3, _Field.TYPE_BOOL),
    },
    "NumberDataPoint": {
        **_TIMES,
        "as_double": _F(4, _Field.TYPE_DOUBLE, oneof=True),
        "exemplars": _F(5, _Field.TYPE_BYTES, repeated=True),
        "as_int": _F(6, _Field.TYPE_SFIXED64, oneof=True),
        "attributes": _F(7, _Field.TYPE_BYTES, repeated=True),
        "flags": _F(8, _Field.TYPE_UINT32),
    },
    "ExponentialHistogram": {"data_points": _F(1, "ExponentialHistogramDataPoint", repeated=True), **_TEMPORALITY},
    "ExponentialHistogramDataPoint": {
        "attributes": _F(1, _Field.TYPE_BYTES, repeated=True),
        **_TIMES,
        "count": _F(4, _Field.TYPE_FIXED64),
        "scale": _F(6, _Field.TYPE_SINT32),
        "zero_count": _F(7, _Field.TYPE_FIXED64),
        "positive": _F(8, _Field.TYPE_BYTES),
        "negative": _F(9, _Field.TYPE_BYTES),
        "flags": _F(10, _Field.TYPE_UINT32),
        "exemplars": _F(11, _Field.TYPE_BYTES, repeated=True),
        "min": _F(12, _Field.TYPE_DOUBLE, default="nan"),
        "max": _F(13, _Field.TYPE_DOUBLE, default="nan"),
    },
}


def _declared(messages: Mapping[str, Mapping[str, _F]]) -> FileDescriptorProto:
    file = FileDescriptorProto(name="driftline/raw_metrics.proto", package=_PACKAGE, syntax="proto2")
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        if any(field.oneof for field in fields.values()):
            message.oneof_decl.add(name="held")
        for field_name, field in fields.items():
            message.field.append(_field(field_name, field))
    return file


def _field(name: str, field: _F) -> FieldDescriptorProto:
    made = FieldDescriptorProto(
        name=name,
        number=field.number,
        label=_Field.LABEL_REPEATED if field.repeated else _Field.LABEL_OPTIONAL,
        type=_Field.TYPE_MESSAGE if isinstance(field.kind, str) else field.kind,
    )
    if isinstance(field.kind, str):
        made.type_name = f".{_PACKAGE}.{field.kind}"
    if field.default:
        made.default_value = field.default
    if field.oneof:
        made.oneof_index = 0
    return made


def _message_class(name: str) -> Any:
    pool = DescriptorPool()
    pool.Add(_declared(_MESSAGES))
    return GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))


RawMetricsRequest: Final = _message_class("Request")
"""An ExportMetricsServiceRequest. Its fields have OTLP's names; a metric's data is the oneof `held`, as is a counter's
value; the minimum and maximum of a histogram are NaN where they were not sent."""

_SMALL: Final = 4_096
"""Bytes of a data point that cannot break a limit of points."""


def is_usual(request: Any, size: int, limits: Limits) -> bool:
    """Whether a raw request of so many bytes is so small in everything that none of its parts can exceed a limit."""
    metrics = items = inside = 0
    for sizes in _point_sizes(request):
        metrics, items = metrics + 1, items + len(sizes)
        if max(sizes, default=0) > _SMALL:
            return False
        inside += sum(sizes)
    return (
        items <= limits.items
        and 2 * metrics + sum(1 + len(each.scope_metrics) for each in request.resource_metrics) <= limits.groups
        and size <= limits.request
        and size - inside <= limits.attributes  # of which the lengths of points are a part
    )


def _point_sizes(request: Any) -> Iterator[list[int]]:
    """The bytes of each point, by metric."""
    for resource_metrics in request.resource_metrics:
        for scope_metrics in resource_metrics.scope_metrics:
            for metric in scope_metrics.metrics:
                data = metric.WhichOneof("held")
                points = getattr(metric, data).data_points if data else ()
                yield list(map(len if data in _UNREAD else _BYTE_SIZE, points))


_BYTE_SIZE: Final = methodcaller("ByteSize")
_UNREAD: Final = frozenset(name for name, field in _DATA.items() if field.kind == "Unread")
