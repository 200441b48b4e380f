"""The processor behind gateway.yaml, with mutual TLS, tokens or tenants: what may come is counted, nothing else."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from socket import socket

import pytest

from certificates import Authority
from driftline import semconv
from e2e import otlp_client
from e2e.collectors import gateway
from e2e.processes import BIN, free_ports, running
from otlp_sink import OtlpSink

pytestmark = pytest.mark.e2e

PREDICTION: otlp_client.Values = {semconv.MODEL_NAME: "churn", f"{semconv.INPUT}.age": 37.0}
CONFIG = """\
listen: 127.0.0.1:{port}
receive: {{certificate: server.pem, key: server.key, client_ca: ca.pem, tokens: tokens}}
export: {{endpoint: "http://127.0.0.1:{sink}"}}
telemetry: {{every: 1s}}
"""


def _listens(port: int) -> bool:
    with socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def sink() -> Iterator[OtlpSink]:
    with OtlpSink() as results:
        yield results


def test_a_gateway_with_the_keys_and_one_without(tmp_path: Path, sink: OtlpSink) -> None:
    """By the variables of gateway.yaml."""
    ca = Authority(tmp_path)
    ca.issue("server")
    own = ca.issue("gateway")
    (tmp_path / "tokens").write_text("t0ken\n")
    (port,) = free_ports(1)
    (tmp_path / "processor.yaml").write_text(CONFIG.format(port=port, sink=sink.port))
    command: list[str | Path] = [BIN / "driftline-processor", "--config", "processor.yaml"]
    tls = {
        "OTELCOL_PROCESSOR_CA": str(ca.path),
        "OTELCOL_PROCESSOR_CERT": str(own.certificate),
        "OTELCOL_PROCESSOR_KEY": str(own.key),
    }
    with ExitStack() as stack:
        stack.enter_context(running("processor", command, folder=tmp_path, ready=lambda: _listens(port)))
        for number, header in enumerate(("{authorization: Bearer wr0ng}", "{authorization: Bearer t0ken}")):
            folder = tmp_path / f"gateway-{number}"
            folder.mkdir()
            more = {**tls, "OTELCOL_PROCESSOR_HEADERS": header}
            to = {"backend": sink.endpoint, "processor": f"https://127.0.0.1:{port}"}
            collector = stack.enter_context(gateway(folder, **to, **more))
            with otlp_client.client(collector.port) as client:
                client.send(otlp_client.spans(*[PREDICTION] * (number + 1)))
        sink.wait_for(lambda got: got.total("driftline.processor.refused.requests") == 1)
        sink.wait_for(lambda got: got.total("driftline.processor.rows") == 2)


TENANTS = """\
listen: 127.0.0.1:{port}
window: {{size: 4s, step: 2s, lateness: 1s}}
export: {{endpoint: "http://127.0.0.1:{all}"}}
telemetry: {{every: 1s}}
tenants:
  acme: {{tokens: acme.tokens, export: {{endpoint: "http://127.0.0.1:{acme}"}}}}
  globex: {{tokens: globex.tokens}}
"""


def _rows(got: OtlpSink) -> dict[str, float]:
    points = [p for p in got.points("driftline.processor.rows") if semconv.TENANT_NAME in p.attributes]
    return {p.attributes[semconv.TENANT_NAME]: p.value for p in points}


def _judged(got: OtlpSink) -> set[str]:
    return {p.resource.get(semconv.TENANT_NAME, "") for p in got.points("ml.drift.sample.count")}


def test_two_tenants_behind_one_gateway(tmp_path: Path, sink: OtlpSink) -> None:
    """Of one model name, by the tokens of their servers: kept apart in the queue too, while the processor is away."""
    for name in ("acme", "globex"):
        (tmp_path / f"{name}.tokens").write_text(f"{name}-t0ken\n")
    (port,) = free_ports(1)
    command: list[str | Path] = [BIN / "driftline-processor", "--config", "processor.yaml"]
    with ExitStack() as stack:
        own = stack.enter_context(OtlpSink())
        (tmp_path / "processor.yaml").write_text(TENANTS.format(port=port, all=sink.port, acme=own.port))
        to = {"backend": sink.endpoint, "processor": f"http://127.0.0.1:{port}"}
        collector = stack.enter_context(gateway(tmp_path, overlays=("tenants.yaml",), **to))
        for token, rows in (("acme-t0ken", 3), ("globex-t0ken", 2), ("wr0ng", 1), (None, 1)):
            with otlp_client.client(collector.port, token) as client:
                client.send(otlp_client.spans(*[PREDICTION] * rows))
        stack.enter_context(running("processor", command, folder=tmp_path, ready=lambda: _listens(port)))
        sink.wait_for(lambda got: _rows(got) == {"acme": 3, "globex": 2})
        sink.wait_for(lambda got: got.total("driftline.processor.refused.requests") == 2)
        sink.wait_for(lambda got: _judged(got) == {"globex"})
        own.wait_for(lambda got: _judged(got) == {"acme"})
