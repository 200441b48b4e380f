"""The real Collector, run with the files of collector-config/ on free ports."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from e2e.processes import ROOT, Process, answers_http, find_collector, free_ports, running

CONFIG = ROOT / "collector-config"


@dataclass(frozen=True)
class Collector:
    """A running Collector: `port` takes OTLP/gRPC, `results_port` the processor's results (gateway only)."""

    process: Process
    port: int
    results_port: int

    @property
    def endpoint(self) -> str:
        """For OTEL_EXPORTER_OTLP_ENDPOINT."""
        return f"http://127.0.0.1:{self.port}"


@contextlib.contextmanager
def gateway(
    folder: Path,
    *,
    backend: str,
    processor: str,
    overlays: tuple[str, ...] = (),
    results_port: int | None = None,
    queue_bytes: int = 1 << 30,
    **more: str,
) -> Iterator[Collector]:
    """gateway.yaml with overlays; its queue is kept in `folder`, so that a second one goes on where the first ended.

    more: further variables, such as OTELCOL_METRICS_EXPORTER.
    """
    env = {
        "OTELCOL_BACKEND_ENDPOINT": backend,
        "OTELCOL_PROCESSOR_ENDPOINT": processor,
        "OTELCOL_QUEUE_BYTES": str(queue_bytes),
        **more,
    }
    with _collector(folder, ("gateway.yaml", *overlays), env, results_port) as collector:
        yield collector


@contextlib.contextmanager
def agent(folder: Path, *, next_hop: str) -> Iterator[Collector]:
    """agent.yaml."""
    with _collector(folder, ("agent.yaml",), {"OTELCOL_NEXT_ENDPOINT": next_hop}, None) as collector:
        yield collector


@contextlib.contextmanager
def _collector(
    folder: Path, files: tuple[str, ...], env: dict[str, str], results_port: int | None
) -> Iterator[Collector]:
    grpc_port, http_port, health_port, metrics_port, free_port = free_ports(5)
    results_port = results_port or free_port
    listen = {
        "OTELCOL_GRPC_LISTEN": f"127.0.0.1:{grpc_port}",
        "OTELCOL_HTTP_LISTEN": f"127.0.0.1:{http_port}",
        "OTELCOL_RESULTS_LISTEN": f"127.0.0.1:{results_port}",
        "OTELCOL_HEALTH_LISTEN": f"127.0.0.1:{health_port}",
        "OTELCOL_METRICS_PORT": str(metrics_port),
    }
    command: list[str | Path] = [find_collector(), *(f"--config={CONFIG / file}" for file in files)]
    health = f"http://127.0.0.1:{health_port}"
    with running("collector", command, folder=folder, ready=lambda: answers_http(health), env=listen | env) as process:
        yield Collector(process, grpc_port, results_port)
