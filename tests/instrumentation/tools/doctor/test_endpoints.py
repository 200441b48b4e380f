"""Endpoints: where telemetry goes by the environment, what answers there, and what is said of it."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest

from driftline.tools.doctor.credentials import certificates_of
from driftline.tools.doctor.endpoint_checks import endpoints
from driftline.tools.doctor.endpoint_probe import probe
from driftline.tools.doctor.environment import Endpoint, Environment
from driftline.tools.doctor.finding import Finding, Severity
from driftline.tools.doctor.listener import Ports, listening
from driftline.tools.doctor.targets import targets
from otlp_sink import OtlpSink

SECONDS = 2.0


@pytest.fixture
def ports() -> Iterator[Ports]:
    """A receiver of OTLP by both protocols."""
    with listening(lambda signal, body: None) as found:
        yield found


def judged(**variables: str) -> list[Finding]:
    """What is said of the endpoints of an environment, asked for real."""
    found = tuple(probe(target, {}, certificates_of(variables), SECONDS) for target in targets(variables))
    return list(endpoints(Environment(variables=variables, endpoints=found)))


def of(url: str, protocol: str) -> dict[str, str]:
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol}


@contextmanager
def free_port() -> Iterator[int]:
    """Nobody listens there inside the block."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_an_endpoint_that_answers_is_fine(ports: Ports, protocol: str) -> None:
    """One finding for everything that is sent there."""
    (finding,) = judged(**of(ports.endpoint(protocol), protocol))

    assert finding.severity is Severity.OK
    assert finding.message.startswith("traces, metrics, sketches to")


@pytest.mark.parametrize(("protocol", "other"), [("grpc", "http/protobuf"), ("http/protobuf", "grpc")])
def test_swapped_protocols_are_named(ports: Ports, protocol: str, other: str) -> None:
    """Whatever the port: the endpoint answers the other one."""
    (finding,) = judged(**of(ports.endpoint(other), protocol))

    assert finding.severity is Severity.PROBLEM
    assert f"by {protocol}" in finding.message
    assert f"answers {other}" in finding.message
    assert finding.remedy == f"set OTEL_EXPORTER_OTLP_PROTOCOL={other}"


@pytest.mark.parametrize(
    ("url", "protocol", "remedy"),
    [
        (
            "http://c:4318",
            "grpc",
            "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, or OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4317",
        ),
        (
            "http://c:4317",
            "http/protobuf",
            "OTEL_EXPORTER_OTLP_PROTOCOL=grpc, or OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318",
        ),
    ],
)
def test_swapped_ports_are_named_though_nothing_answers(url: str, protocol: str, remedy: str) -> None:
    """4317 is gRPC's, 4318 is HTTP's."""
    endpoint = Endpoint("traces", "OTEL_EXPORTER_OTLP_ENDPOINT", url, protocol, "unreachable")
    (finding,) = endpoints(Environment(endpoints=(endpoint,)))

    assert finding.severity is Severity.PROBLEM
    assert finding.remedy == f"set {remedy}"


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_an_endpoint_where_nobody_listens_is_a_problem(protocol: str) -> None:
    """The remedy is the Collector, or the right address."""
    with free_port() as port:
        (finding,) = judged(**of(f"http://127.0.0.1:{port}", protocol))

    assert finding.severity is Severity.PROBLEM
    assert "nothing listens there" in finding.message
    assert "start the Collector" in finding.remedy


def test_each_endpoint_is_judged_by_its_own_variables(ports: Ports) -> None:
    """Spans, metrics and sketches may go to three places, by two protocols."""
    findings = judged(
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{ports.endpoint('http/protobuf')}/v1/traces",
        OTEL_EXPORTER_OTLP_TRACES_PROTOCOL="http/protobuf",
        OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=ports.endpoint("grpc"),
        DRIFTLINE_OTLP_ENDPOINT=ports.endpoint("http/protobuf"),
    )

    assert [finding.severity for finding in findings] == [Severity.OK, Severity.OK, Severity.PROBLEM]
    assert "sketches are sent by grpc" in findings[2].message


def test_what_is_not_exported_is_not_asked() -> None:
    """Neither spans nor metrics: no endpoint at all."""
    assert targets({"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}) == []


def test_a_path_is_missing(ports: Ports) -> None:
    """The endpoint of one signal is used as it is."""
    (finding,) = judged(
        OTEL_METRICS_EXPORTER="none",
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=ports.endpoint("http/protobuf"),
        OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
    )

    assert finding.severity is Severity.PROBLEM
    assert finding.remedy.endswith(f"{ports.endpoint('http/protobuf')}/v1/traces")


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_an_endpoint_needs_a_scheme(ports: Ports, protocol: str) -> None:
    """`host:port` is TLS for gRPC, and nothing for HTTP."""
    url = ports.endpoint(protocol).removeprefix("http://")
    (finding,) = judged(**of(url, protocol))

    assert finding.severity is Severity.PROBLEM
    assert finding.remedy == f"set OTEL_EXPORTER_OTLP_ENDPOINT=http://{url}"


def test_a_protocol_that_does_not_exist_is_named(ports: Ports) -> None:
    """`http` alone is a common one."""
    (finding,) = judged(**of(ports.endpoint("http/protobuf"), "http"))

    assert finding.severity is Severity.PROBLEM
    assert "OTEL_EXPORTER_OTLP_PROTOCOL=http" in finding.message
    assert "http/protobuf" in finding.remedy


def test_a_key_is_missing(otlp_sink: OtlpSink) -> None:
    """A backend that refuses is reachable: what it says is told."""
    otlp_sink.refuse = grpc.StatusCode.UNAUTHENTICATED
    (finding,) = judged(**of(otlp_sink.endpoint, "grpc"))

    assert finding.severity is Severity.PROBLEM
    assert "UNAUTHENTICATED" in finding.message
    assert "OTEL_EXPORTER_OTLP_HEADERS" in finding.remedy


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_tls_where_there_is_none_is_told(ports: Ports, protocol: str) -> None:
    """Or an authority that is not known here."""
    (finding,) = judged(**of(ports.endpoint(protocol).replace("http://", "https://"), protocol))

    assert finding.severity is Severity.PROBLEM
    assert "http:// if it has no TLS" in finding.remedy


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_a_certificate_that_is_not_there_is_told(ports: Ports, protocol: str) -> None:
    """The SDK would fail to start."""
    url = ports.endpoint(protocol).replace("http://", "https://")
    (finding,) = judged(**of(url, protocol), OTEL_EXPORTER_OTLP_CERTIFICATE="gone.pem")

    assert "No such file" in finding.message


def test_another_server_is_told_from_otlp(tmp_path: Path) -> None:
    """A web server answers, but takes no OTLP."""
    from http.server import HTTPServer, SimpleHTTPRequestHandler
    from threading import Thread

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Quiet)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        (finding,) = judged(**of(f"http://127.0.0.1:{server.server_port}", "http/protobuf"))
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

    assert finding.severity is Severity.PROBLEM
    assert "no OTLP there (HTTP status 501)" in finding.message
