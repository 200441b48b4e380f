"""Asks a running processor for its status."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from driftline.semconv import STATUS_METHOD, STATUS_SERVICE
from driftline.tools.doctor.credentials import Certificates

SECONDS: Final = 5.0


class ProcessorAnswer(NamedTuple):
    """What a processor answered: its status, or the gRPC code of why there is none."""

    address: str
    status: Mapping[str, Any] | None = None
    code: str = ""


class Credentials(NamedTuple):
    """What the processor is shown. secure: TLS, where the address does not say."""

    certificates: Certificates = Certificates()
    headers: Mapping[str, str] = {}
    secure: bool = False


_NOTHING: Final = Credentials()


def ask(address: str, seconds: float = SECONDS, shown: Credentials = _NOTHING) -> ProcessorAnswer:
    """The status of the processor at `host:port`, by TLS at `https://host:port`."""
    import grpc
    from google.protobuf import json_format, struct_pb2

    scheme, _, target = address.rpartition("://")
    options = (("grpc.enable_http_proxy", 0),)
    try:
        secure = scheme == "https" or (not scheme and shown.secure)
        credentials = shown.certificates.channel_credentials() if secure else None
    except OSError as error:
        return ProcessorAnswer(address, code=f"{error.filename}: {error.strerror}")
    with (
        grpc.insecure_channel(target, options)
        if credentials is None
        else grpc.secure_channel(target, credentials, options)
    ) as channel:
        get = channel.unary_unary(f"/{STATUS_SERVICE}/{STATUS_METHOD}")
        try:
            body = get(b"", timeout=seconds, metadata=[(name.lower(), text) for name, text in shown.headers.items()])
        except grpc.RpcError as error:
            return ProcessorAnswer(address, code=error.code().name)
        except ValueError:  # its message would show the headers
            return ProcessorAnswer(address, code="a header that cannot be sent")
    return ProcessorAnswer(address, json_format.MessageToDict(struct_pb2.Struct.FromString(body)))
