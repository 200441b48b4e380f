"""Asks an endpoint whether it takes OTLP, by an empty export request: nothing is stored of it."""

import http.client
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, NamedTuple

from driftline.tools.doctor.credentials import Certificates
from driftline.tools.doctor.environment import Endpoint
from driftline.tools.doctor.targets import SERVICES, Target

SECONDS: Final = 3.0
"""How long an endpoint may take to answer."""

_DEFAULT_PORT: Final = {"grpc": 4317, "http/protobuf": 4318}
_OTHER: Final = {"grpc": "http/protobuf", "http/protobuf": "grpc"}


class Answer(NamedTuple):
    """What answered: `ok`, `refused` with a status, or `silent`: nothing that speaks the protocol."""

    kind: str
    detail: str = ""


def probe(
    target: Target,
    headers: Mapping[str, str],
    certificates: Certificates,
    seconds: float = SECONDS,
) -> Endpoint:
    """Ask an endpoint by its protocol, and where that fails, by the other one."""
    found = Endpoint(target.sends, target.variable, target.url, target.protocol, "unreachable")
    host, _ = target.address
    if target.protocol not in _OTHER or not _connects(host, _port(target), seconds):
        return found

    def ask(protocol: str) -> Answer:
        by = _ask_grpc if protocol == "grpc" else _ask_http
        try:
            return by(target, headers, certificates, seconds)
        except OSError as error:  # of the certificates' files
            return Answer("silent", str(error))
        except ValueError:  # its message would show the headers
            return Answer("refused", "a header that cannot be sent")

    answer = ask(target.protocol)
    other = answer.kind != "ok" and ask(_OTHER[target.protocol]).kind == "ok"
    return found._replace(answer=answer.kind, detail=answer.detail, other=other)


def _port(target: Target) -> int:
    _, port = target.address
    if port is not None:
        return port
    if target.protocol == "http/protobuf":
        return 443 if target.secure else 80
    return _DEFAULT_PORT["grpc"] if "://" not in target.url else 443 if target.secure else 80


def _connects(host: str, port: int, seconds: float) -> bool:
    with suppress(OSError), socket.create_connection((host, port), timeout=seconds):
        return True
    return False


def _ask_grpc(target: Target, headers: Mapping[str, str], certificates: Certificates, seconds: float) -> Answer:
    import grpc

    address = f"{target.address[0]}:{_port(target)}"
    options = (("grpc.enable_http_proxy", 0),)
    channel = (
        grpc.secure_channel(address, certificates.channel_credentials(), options)
        if target.secure
        else grpc.insecure_channel(address, options)
    )
    with channel:
        export = channel.unary_unary(f"/{SERVICES[target.signal]}/Export")
        metadata = tuple((name.lower(), value) for name, value in headers.items())
        try:
            export(b"", timeout=seconds, metadata=metadata)
        except grpc.RpcError as error:
            code = error.code()
            silent = code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
            return Answer("silent" if silent else "refused", code.name)
    return Answer("ok")


def _ask_http(target: Target, headers: Mapping[str, str], certificates: Certificates, seconds: float) -> Answer:
    connection = _connection(target, certificates, seconds)
    path = target.path if target.protocol == "http/protobuf" else f"/v1/{target.signal}"
    try:
        connection.request("POST", path, b"", {"Content-Type": "application/x-protobuf", **headers})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return Answer("silent", type(error).__name__)
    finally:
        connection.close()
    return Answer("ok") if status < http.client.MULTIPLE_CHOICES else Answer("refused", f"HTTP status {status}")


def _connection(target: Target, certificates: Certificates, seconds: float) -> http.client.HTTPConnection:
    host, _ = target.address
    if not target.secure:
        return http.client.HTTPConnection(host, _port(target), timeout=seconds)
    context = ssl.create_default_context(cafile=certificates.authority or None)
    if certificates.client:
        context.load_cert_chain(certificates.client, certificates.key or None)
    return http.client.HTTPSConnection(host, _port(target), timeout=seconds, context=context)
