"""A trace request parsed down to its spans, which stay serialized.

The messages have the field numbers of ExportTraceServiceRequest, with `bytes` in place of Span, so that protobuf itself
splits a request into spans and validates everything around them.
https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto
"""

from typing import Any, Final

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.resource.v1 import resource_pb2

_PACKAGE: Final = "driftline.processor"


def _field(name: str, number: int, kind: str, *, repeated: bool = False) -> FieldDescriptorProto:
    """kind: `bytes`, `string`, or the full name of a message."""
    scalar = {"bytes": FieldDescriptorProto.TYPE_BYTES, "string": FieldDescriptorProto.TYPE_STRING}.get(kind)
    return FieldDescriptorProto(
        name=name,
        number=number,
        label=FieldDescriptorProto.LABEL_REPEATED if repeated else FieldDescriptorProto.LABEL_OPTIONAL,
        type=scalar or FieldDescriptorProto.TYPE_MESSAGE,
        type_name=None if scalar else f".{kind}",
    )


_MESSAGES: Final = {
    "ScopeSpans": [
        _field("scope", 1, common_pb2.InstrumentationScope.DESCRIPTOR.full_name),
        _field("spans", 2, "bytes", repeated=True),
        _field("schema_url", 3, "string"),
    ],
    "ResourceSpans": [
        _field("resource", 1, resource_pb2.Resource.DESCRIPTOR.full_name),
        _field("scope_spans", 2, f"{_PACKAGE}.ScopeSpans", repeated=True),
        _field("schema_url", 3, "string"),
    ],
    "ExportTraceServiceRequest": [_field("resource_spans", 1, f"{_PACKAGE}.ResourceSpans", repeated=True)],
}


def _request_class() -> type[Any]:
    file = FileDescriptorProto(
        name="driftline/processor/envelope.proto",
        package=_PACKAGE,
        syntax="proto3",
        dependency=[common_pb2.DESCRIPTOR.name, resource_pb2.DESCRIPTOR.name],
        message_type=[DescriptorProto(name=name, field=fields) for name, fields in _MESSAGES.items()],
    )
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    request = pool.FindMessageTypeByName(f"{_PACKAGE}.ExportTraceServiceRequest")
    envelope: type[Any] = message_factory.GetMessageClass(request)
    return envelope


TraceRequestEnvelope: Final = _request_class()
"""`resource_spans[].scope_spans[].spans[]` are bytes."""
