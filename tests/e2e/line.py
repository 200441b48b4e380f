"""The parts of the line as a user starts them: the profile, the processor and the server."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from e2e import customers
from e2e.processes import BIN, ROOT, Process, answers_http, clean_environment, free_ports, running, serves_grpc

MODEL, VERSION = "churn", "7"

# The defaults are minutes; what is tested does not depend on the scale.
PROCESSOR_YAML = """\
listen: 127.0.0.1:{port}
references: {references}
window: {{size: 6s, step: 2s, lateness: 4s}}
export: {{endpoint: "http://127.0.0.1:{export}"}}
telemetry: {{every: 1s}}
"""


class Trained(NamedTuple):
    """A model, and the folder with the reference of what it was trained on."""

    model: Path
    references: Path


def train_and_profile(folder: Path) -> Trained:
    """Train, and run `driftline profile` on the training data."""
    model, log = customers.train(folder)
    references = folder / "references"
    references.mkdir()
    columns = ["--timestamp", "time", "--label", "label", "--prediction", "predicted"]
    output = ["-o", str(references / f"{MODEL}.reference.json")]
    command = [str(BIN / "driftline"), "profile", str(log), "--model", MODEL, "--version", VERSION, *columns, *output]
    done = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return Trained(model, references)


@contextlib.contextmanager
def processor(folder: Path, references: Path, *, port: int, export: int) -> Iterator[Process]:
    """driftline-processor on a port, sending its results to another; its state is kept in `folder`."""
    config = folder / "processor.yaml"
    config.write_text(PROCESSOR_YAML.format(port=port, references=references, export=export))
    command: list[str | Path] = [BIN / "driftline-processor", "--config", config]
    with running("processor", command, folder=folder, ready=lambda: serves_grpc(port)) as process:
        yield process


@contextlib.contextmanager
def server(folder: Path, model: Path, *, endpoint: str, resource: str = "", **more: str) -> Iterator[int]:
    """serve.py under `opentelemetry-instrument`; gives its port.

    resource: OTEL_RESOURCE_ATTRIBUTES. more: further variables.
    """
    port = free_ports(1)[0]
    env = {
        "MODEL": str(model),
        "PORT": str(port),
        "OTEL_SERVICE_NAME": "shop",
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
        "OTEL_METRIC_EXPORT_INTERVAL": "1000",
        "DRIFTLINE_MODEL_NAME": MODEL,
        "DRIFTLINE_MODEL_VERSION": VERSION,
        "DRIFTLINE_EXPORT_INTERVAL": "500",
        "OTEL_RESOURCE_ATTRIBUTES": resource,
        **more,
    }
    command: list[str | Path] = [BIN / "opentelemetry-instrument", sys.executable, ROOT / "tests" / "e2e" / "serve.py"]
    health = f"http://127.0.0.1:{port}/health"
    with running("server", command, folder=folder, ready=lambda: answers_http(health), env=env):
        yield port
