"""Who a sender is: whose requests share what one sender may have."""

from functools import lru_cache
from typing import Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from driftline import semconv
from driftline_processor.decode.otlp_values import labels
from driftline_processor.decode.wire_limits import fields
from driftline_processor.service.compression import beginning
from driftline_processor.service.fair_shares import Sender

_HEAD: Final = 4_096
"""Bytes of a request in which its first resource is looked for."""

_KEPT: Final = 1_024


def sender_of(data: bytes, owner: str) -> Sender:
    """Whose a request is, and the service that its first resource names.

    Args:
        data: The request as it was sent, compressed or not.
        owner: The tenant, over whatever connection; where there is none, what gRPC calls the other end of this one.

    """
    return owner, service_of(_first_resource(beginning(data, _HEAD)))


def _first_resource(head: bytes) -> bytes:
    """The bytes of the first resource; none where there is none, or it does not end within these bytes."""
    try:
        at, stop = next((at, end) for number, _, at, end in fields(head, 0, _FAR) if number == 1)
        start, end = next((at, end) for number, _, at, end in fields(head, at, stop) if number == 1)
    except (IndexError, StopIteration):
        return b""
    return head[start:end] if end <= len(head) else b""


_FAR: Final = 1 << 62


@lru_cache(_KEPT)
def service_of(resource: bytes) -> str:
    """`service.namespace/service.name` of a serialized resource, or what there is of it."""
    try:
        found = labels(Resource.FromString(resource).attributes)
    except DecodeError:
        return ""
    names = (found.get(key, "")[:_LONGEST] for key in (semconv.SERVICE_NAMESPACE, semconv.SERVICE_NAME))
    return "/".join(filter(None, names))


_LONGEST: Final = 128
