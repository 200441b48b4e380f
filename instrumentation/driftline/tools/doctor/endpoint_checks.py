"""Checks of endpoints: reachable, by the protocol that is set."""

from collections.abc import Callable, Iterator
from typing import Final

from driftline.tools.doctor.environment import Endpoint, Environment
from driftline.tools.doctor.finding import Finding, listed, ok, problem
from driftline.tools.doctor.targets import GENERAL_ENDPOINT, GENERAL_PROTOCOL, PROTOCOLS, address

_PORTS: Final = {"grpc": 4317, "http/protobuf": 4318}
_OTHER: Final = {"grpc": "http/protobuf", "http/protobuf": "grpc"}


def endpoints(environment: Environment) -> Iterator[Finding]:
    """One finding an endpoint."""
    for endpoint in environment.endpoints:
        yield _finding(endpoint, environment)


def _finding(endpoint: Endpoint, environment: Environment) -> Finding:
    for judge in (_protocol, _scheme, _swapped, _path, _unreachable, _answer):
        if found := judge(endpoint, environment):
            return found
    return ok("endpoint", f"{endpoint.sends} to {endpoint.url} by {endpoint.protocol}: answered")


def _protocol(endpoint: Endpoint, environment: Environment) -> Finding | None:
    if endpoint.protocol in PROTOCOLS:
        return None
    variable = _protocol_variable(endpoint, environment)
    return problem(
        "endpoint",
        f"{variable}={endpoint.protocol} is no protocol of the SDK",
        f"set {variable} to one of {listed(PROTOCOLS)}",
    )


def _scheme(endpoint: Endpoint, environment: Environment) -> Finding | None:
    """Without a scheme OTLP/HTTP fails, and gRPC takes it for TLS."""
    if endpoint.url.startswith(("http://", "https://")):
        return None
    if endpoint.protocol == "grpc" and environment.text("OTEL_EXPORTER_OTLP_INSECURE").lower() == "true":
        return None
    reading = "gRPC takes it for TLS" if endpoint.protocol == "grpc" else "OTLP/HTTP cannot use it"
    return problem(
        "endpoint",
        f"{endpoint.variable}={endpoint.url} has no http:// or https://: {reading}",
        f"set {endpoint.variable}=http://{endpoint.url}",
    )


def _swapped(endpoint: Endpoint, environment: Environment) -> Finding | None:
    """The port of the other protocol."""
    other = _OTHER[endpoint.protocol]
    _, port = address(endpoint.url)
    if endpoint.answer == "ok" or not (endpoint.other or port == _PORTS[other]):
        return None
    seen = f"answers {other}" if endpoint.other else f"is by convention the port of {other}"
    url = endpoint.url.replace(f":{port}", f":{_PORTS[endpoint.protocol]}")
    instead = "" if port != _PORTS[other] else f", or {endpoint.variable or GENERAL_ENDPOINT}={url}"
    return problem(
        "endpoint",
        f"{endpoint.sends} are sent by {endpoint.protocol} to {endpoint.url}, which {seen}",
        f"set {_protocol_variable(endpoint, environment)}={other}{instead}",
    )


def _path(endpoint: Endpoint, environment: Environment) -> Finding | None:
    """The endpoint of one signal is used as it is by OTLP/HTTP: it needs the path."""
    del environment
    own = endpoint.variable.endswith(("_TRACES_ENDPOINT", "_METRICS_ENDPOINT"))
    signal = "traces" if "TRACES" in endpoint.variable else "metrics"
    if endpoint.protocol != "http/protobuf" or not own or endpoint.answer == "ok" or f"/v1/{signal}" in endpoint.url:
        return None
    whole = f"{endpoint.url.rstrip('/')}/v1/{signal}"
    return problem(
        "endpoint", f"{endpoint.variable} is used without adding /v1/{signal}", f"set {endpoint.variable}={whole}"
    )


def _unreachable(endpoint: Endpoint, environment: Environment) -> Finding | None:
    del environment
    if endpoint.answer != "unreachable":
        return None
    where = endpoint.variable or f"the default, as {GENERAL_ENDPOINT} is not set"
    return problem(
        "endpoint",
        f"{endpoint.sends} to {endpoint.url} by {endpoint.protocol}: nothing listens there ({where})",
        f"start the Collector, or set {endpoint.variable or GENERAL_ENDPOINT} to where it is",
    )


def _answer(endpoint: Endpoint, environment: Environment) -> Finding | None:
    del environment
    if endpoint.answer == "ok":
        return None
    if "UNAUTH" in endpoint.detail or endpoint.detail.endswith((" 401", " 403")) or "PERMISSION" in endpoint.detail:
        remedy = "set OTEL_EXPORTER_OTLP_HEADERS to the key of your backend"
    elif endpoint.url.startswith("https://"):
        remedy = "http:// if it has no TLS; OTEL_EXPORTER_OTLP_CERTIFICATE if its authority is your own"
    else:
        remedy = "point it at an OTLP receiver, such as that of the Collector"
    return problem(
        "endpoint",
        f"{endpoint.sends} to {endpoint.url} by {endpoint.protocol}: no OTLP there ({endpoint.detail or 'no answer'})",
        remedy,
    )


def _protocol_variable(endpoint: Endpoint, environment: Environment) -> str:
    """The variable that decides the protocol of an endpoint."""
    signal = "TRACES" if endpoint.sends.startswith("traces") else "METRICS"
    own = f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL"
    return own if environment.text(own) else GENERAL_PROTOCOL


CHECKS: Final[tuple[Callable[[Environment], Iterator[Finding]], ...]] = (endpoints,)
