"""What an endpoint is shown: files for TLS and headers, as the exporters take them from OpenTelemetry's variables."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

_PREFIX: Final = "OTEL_EXPORTER_OTLP_"


class Certificates(NamedTuple):
    """Files of OpenTelemetry's variables: of the authority, and the client's key and certificate; "" for none."""

    authority: str = ""
    key: str = ""
    client: str = ""

    def channel_credentials(self) -> Any:
        """Of gRPC. Raises OSError."""
        import grpc

        return grpc.ssl_channel_credentials(*(Path(file).read_bytes() if file else None for file in self))


def certificates_of(variables: Mapping[str, str]) -> Certificates:
    """The files that the exporters use."""
    names = ("CERTIFICATE", "CLIENT_KEY", "CLIENT_CERTIFICATE")
    return Certificates(*(variables.get(f"{_PREFIX}{name}", "").strip() for name in names))


def headers_of(variables: Mapping[str, str]) -> Mapping[str, str]:
    """The headers that the exporters send; an API key or token among them is never shown."""
    from opentelemetry.util.re import parse_env_headers

    return dict(parse_env_headers(variables.get(f"{_PREFIX}HEADERS", ""), liberal=True))
