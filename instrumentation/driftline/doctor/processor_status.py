"""Asks a running processor for its status."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from driftline.semconv import STATUS_METHOD, STATUS_SERVICE

SECONDS: Final = 5.0


class ProcessorAnswer(NamedTuple):
    """What a processor answered: its status, or the gRPC code of why there is none."""

    address: str
    status: Mapping[str, Any] | None = None
    code: str = ""


def ask(address: str, seconds: float = SECONDS) -> ProcessorAnswer:
    """The status of the processor at `host:port`."""
    import grpc
    from google.protobuf import json_format, struct_pb2

    target = address.partition("://")[2] or address
    with grpc.insecure_channel(target, (("grpc.enable_http_proxy", 0),)) as channel:
        get = channel.unary_unary(f"/{STATUS_SERVICE}/{STATUS_METHOD}")
        try:
            body = get(b"", timeout=seconds)
        except grpc.RpcError as error:
            return ProcessorAnswer(address, code=error.code().name)
    return ProcessorAnswer(address, json_format.MessageToDict(struct_pb2.Struct.FromString(body)))
