"""Where a server sends its telemetry, by OpenTelemetry's and Driftline's environment variables."""

from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import urlsplit

PROTOCOLS: Final = ("grpc", "http/protobuf")
DEFAULT_URLS: Final = {"grpc": "http://localhost:4317", "http/protobuf": "http://localhost:4318"}
SERVICES: Final = {
    "traces": "opentelemetry.proto.collector.trace.v1.TraceService",
    "metrics": "opentelemetry.proto.collector.metrics.v1.MetricsService",
    "logs": "opentelemetry.proto.collector.logs.v1.LogsService",
}
"""OTLP's gRPC services by signal; the paths of OTLP/HTTP are `/v1/<signal>`."""

GENERAL_ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
GENERAL_PROTOCOL: Final = "OTEL_EXPORTER_OTLP_PROTOCOL"
SKETCH_ENDPOINT: Final = "DRIFTLINE_OTLP_ENDPOINT"


class Target(NamedTuple):
    """An endpoint that is sent to.

    Attributes:
        sends: `traces`, `metrics` or `sketches`; several are separated by commas.
        signal: of OTLP, of the first of them.
        variable: that names the endpoint, "" for the default.
        url: as configured.
        protocol: `grpc`, `http/protobuf`, or what else the variable says.
        path: of OTLP/HTTP requests.

    """

    sends: str
    signal: str
    variable: str
    url: str
    protocol: str
    path: str

    @property
    def address(self) -> tuple[str, int | None]:
        """Host and port; no port if none is named."""
        return address(self.url)

    @property
    def secure(self) -> bool:
        return urlsplit(self.url).scheme == "https"


def address(url: str) -> tuple[str, int | None]:
    """Host and port of a URL, also of one without a scheme."""
    parts = urlsplit(url if "://" in url else f"//{url}")
    try:
        return parts.hostname or "", parts.port
    except ValueError:  # a port that is no number
        return parts.hostname or "", None


def targets(variables: Mapping[str, str]) -> list[Target]:
    """The endpoints of spans, metrics and sketches; those that differ in nothing are one."""
    found: dict[tuple[str, str, str], Target] = {}
    for target in _each(variables):
        known = found.get((target.variable, target.url, target.protocol))
        sends = target.sends if known is None else f"{known.sends}, {target.sends}"
        found[target.variable, target.url, target.protocol] = (known or target)._replace(sends=sends)
    return list(found.values())


def _each(variables: Mapping[str, str]) -> list[Target]:
    found = [_of_signal(variables, signal, signal) for signal in ("traces", "metrics") if _pushes(variables, signal)]
    if sketches := variables.get(SKETCH_ENDPOINT, "").strip():
        protocol = _protocol(variables, "metrics")
        path = urlsplit(sketches).path.rstrip("/")
        path = path if path.endswith("/v1/metrics") else f"{path}/v1/metrics"
        found.append(Target("sketches", "metrics", SKETCH_ENDPOINT, sketches, protocol, path))
    elif _pushes(variables, "metrics"):
        found.append(_of_signal(variables, "metrics", "sketches"))
    return found


def exporter_names(variables: Mapping[str, str], signal: str) -> list[str]:
    """The exporters of a signal that the environment asks for; `otlp` by default."""
    names = variables.get(f"OTEL_{signal.upper()}_EXPORTER", "").split(",")
    return [name.strip() for name in names if name.strip()] or ["otlp"]


def _pushes(variables: Mapping[str, str], signal: str) -> bool:
    return any(name.startswith("otlp") for name in exporter_names(variables, signal))


def _of_signal(variables: Mapping[str, str], signal: str, sends: str) -> Target:
    protocol = _protocol(variables, signal)
    own = f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT"
    if url := variables.get(own, "").strip():
        return Target(sends, signal, own, url, protocol, urlsplit(url).path or "/")
    if url := variables.get(GENERAL_ENDPOINT, "").strip():
        path = f"{urlsplit(url).path.rstrip('/')}/v1/{signal}"
        return Target(sends, signal, GENERAL_ENDPOINT, url, protocol, path)
    return Target(sends, signal, "", DEFAULT_URLS.get(protocol, DEFAULT_URLS["grpc"]), protocol, f"/v1/{signal}")


def _protocol(variables: Mapping[str, str], signal: str) -> str:
    """The distribution's default is gRPC."""
    named = next((name[len("otlp_proto_") :] for name in exporter_names(variables, signal) if "_proto_" in name), "")
    if named:
        return "http/protobuf" if named == "http" else named
    own = variables.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL", "").strip()
    return own or variables.get(GENERAL_PROTOCOL, "").strip() or "grpc"
