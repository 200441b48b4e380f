"""The processes of the demo: the commands that a user would type, on free ports."""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from contextlib import AbstractContextManager
from importlib.resources import as_file, files
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from driftline.tools.demo.processes import ProcessError, Processes, free_ports
from driftline.tools.demo.training import LABEL, PREDICTION, SCORE, TIMESTAMP

MODEL: Final = "progression"
START_SECONDS: Final = 60.0
WINDOW_SECONDS: Final = 10

PROCESSOR_YAML: Final = """\
listen: 127.0.0.1:{listen}
references: references
store: sqlite:///driftline.db
window: {{size: {window}s, step: 2s, lateness: 2s}}   # for a demo of minutes; the defaults are 5m, 1m and 1m
export: {{endpoint: "http://127.0.0.1:{export}"}}
telemetry: {{every: 1s}}
"""

_LOOPBACK: Final = "127.0.0.1,localhost"
_NO_VARIABLES: Final[Mapping[str, str]] = MappingProxyType({})


class CollectorError(Exception):
    """OTELCOL does not name a program."""


class Addresses(NamedTuple):
    """Ports on the loopback interface.

    from_server and from_processor belong to the Collector; without one, to the processor and the backend.
    """

    server: int
    processor: int
    from_server: int
    from_processor: int
    backend: int

    @classmethod
    def free(cls, backend: int, collector: bool) -> "Addresses":
        server, processor, from_server, from_processor = free_ports(4)
        if collector:
            return cls(server, processor, from_server, from_processor, backend)
        return cls(server, processor, processor, backend, backend)


def find_collector() -> Path | None:
    """The Collector: $OTELCOL, else `.collector/otelcol` here (`make collector`), else one on the PATH, else None.

    One on the PATH that does not accept `gateway.yaml`, such as an old one, is skipped.
    """
    named = os.environ.get("OTELCOL")
    if named:
        found = shutil.which(named)
        if found is None:
            raise CollectorError(f"OTELCOL must name the program of an OpenTelemetry Collector (got {named})")
        return Path(found).resolve()
    built = shutil.which(str(Path(".collector", "otelcol").resolve()))
    if built is not None:
        return Path(built)
    on_path = (Path(found) for found in map(shutil.which, ("otelcol-contrib", "otelcol")) if found)
    return next(filter(_accepts_config, on_path), None)


def make_reference(processes: Processes, log_file: Path) -> None:
    """`driftline profile` the training log into the folder `references` beside it."""
    references = log_file.parent / "references"
    references.mkdir()
    columns = ("--timestamp", TIMESTAMP, "--label", LABEL, "--prediction", PREDICTION, "--score", SCORE)
    output = ("-o", str(references / f"{MODEL}.reference.json"))
    command = (_script("driftline"), "profile", str(log_file), "--model", MODEL, *columns, *output)
    processes.run("profile", command, environment(), START_SECONDS)


def start_processor(processes: Processes, folder: Path, addresses: Addresses, settings: str = "") -> None:
    """settings: more lines of its configuration."""
    config = folder / "processor.yaml"
    config.write_text(
        PROCESSOR_YAML.format(listen=addresses.processor, export=addresses.from_processor, window=WINDOW_SECONDS)
        + settings
    )
    command = (sys.executable, "-m", "driftline_processor", "--config", str(config))
    processes.start("processor", command, environment()).wait_for_port(addresses.processor, START_SECONDS)


def start_collector(processes: Processes, collector: Path, addresses: Addresses) -> None:
    with _gateway_yaml() as config:
        process = processes.start(
            "collector", (str(collector), f"--config={config}"), _collector_environment(addresses)
        )
        process.wait_for_port(addresses.from_server, START_SECONDS)
        process.wait_for_port(addresses.from_processor, START_SECONDS)


def start_server(
    processes: Processes,
    model_file: Path,
    addresses: Addresses,
    app: str,
    variables: Mapping[str, str] = _NO_VARIABLES,
) -> None:
    """app: its module and variable. variables: more of its environment."""
    env = environment(
        MODEL=str(model_file),
        OTEL_SERVICE_NAME="clinic",
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{addresses.from_server}",
        OTEL_EXPORTER_OTLP_PROTOCOL="grpc",
        OTEL_METRIC_EXPORT_INTERVAL="5000",
        DRIFTLINE_MODEL_NAME=MODEL,
        DRIFTLINE_REFERENCE=str(model_file.with_name("references")),
        DRIFTLINE_EXPORT_INTERVAL="1000",
        **{"OTEL_LOGS_EXPORTER": "none", **variables},
    )
    uvicorn = (sys.executable, "-m", "uvicorn", app, "--port", str(addresses.server))
    command = (_script("opentelemetry-instrument"), *uvicorn, "--no-access-log")
    processes.start("server", command, env).wait_for_port(addresses.server, START_SECONDS)


def environment(**variables: str) -> Mapping[str, str]:
    """Environment variables without the settings of OpenTelemetry and Driftline, and without a proxy for loopback."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("OTEL_", "OTELCOL_", "DRIFTLINE_"))}
    return {**kept, "NO_PROXY": _LOOPBACK, "no_proxy": _LOOPBACK, "PYTHONUNBUFFERED": "1", **variables}


def _gateway_yaml() -> AbstractContextManager[Path]:
    """The one of collector-config/, to which the one beside this file is a link."""
    return as_file(files("driftline.tools.demo") / "gateway.yaml")


def _collector_environment(addresses: Addresses) -> Mapping[str, str]:
    """Its queue lies in the folder that it runs in."""
    http, health, metrics, *_ = (port for port in free_ports(3 + len(addresses)) if port not in addresses)
    return environment(
        OTELCOL_GRPC_LISTEN=f"127.0.0.1:{addresses.from_server}",
        OTELCOL_HTTP_LISTEN=f"127.0.0.1:{http}",
        OTELCOL_RESULTS_LISTEN=f"127.0.0.1:{addresses.from_processor}",
        OTELCOL_HEALTH_LISTEN=f"127.0.0.1:{health}",
        OTELCOL_METRICS_PORT=str(metrics),
        OTELCOL_PROCESSOR_ENDPOINT=f"http://127.0.0.1:{addresses.processor}",
        OTELCOL_BACKEND_ENDPOINT=f"http://127.0.0.1:{addresses.backend}",
    )


def _accepts_config(collector: Path) -> bool:
    with _gateway_yaml() as config:
        command = (str(collector), "validate", f"--config={config}")
        env = _collector_environment(Addresses(1, 2, 3, 4, 5))
        return subprocess.run(command, env=env, capture_output=True, check=False).returncode == 0  # noqa: S603  ours


def _script(name: str) -> str:
    """A command installed with this Python, else one on the PATH."""
    found = shutil.which(name, path=sysconfig.get_path("scripts")) or shutil.which(name)
    if found is None:
        raise ProcessError(f"{name} is not installed beside {sys.executable}")
    return found
