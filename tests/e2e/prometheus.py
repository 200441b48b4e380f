"""A real Prometheus with its defaults, or with the shipped prometheus.yml, that takes OTLP."""

import contextlib
import json
import os
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.processes import ROOT, Process, answers_http, free_ports, running


class Prometheus:
    """A running one; `url` is for OTLP over HTTP."""

    def __init__(self, process: Process, port: int) -> None:
        self.process = process
        self._url = f"http://127.0.0.1:{port}"
        self.url = f"{self._url}/api/v1/otlp"

    def samples(self, selector: str) -> list[tuple[dict[str, str], list[float]]]:
        """Labels and all values of each series of the last hour, the earliest first."""
        url = f"{self._url}/api/v1/query?{urllib.parse.urlencode({'query': f'{selector}[1h]'})}"
        with urllib.request.urlopen(url, timeout=10) as response:
            answer = json.load(response)["data"]
        return [(each["metric"], [float(value) for _, value in each["values"]]) for each in answer["result"]]

    def refused(self) -> dict[str, float]:
        """How many OTLP requests it has answered with each status but 200."""
        with urllib.request.urlopen(f"{self._url}/metrics", timeout=10) as answer:
            lines = [line for line in answer.read().decode().splitlines() if '"/api/v1/otlp/v1/metrics"' in line]
        counts = (line.rsplit(" ", 1) for line in lines if line.startswith("prometheus_http_requests_total{"))
        return {labels: float(count) for labels, count in counts if 'code="200"' not in labels and float(count)}


@contextlib.contextmanager
def prometheus(folder: Path, config: Path | None = None) -> Iterator[Prometheus]:
    """One that keeps its data in `folder`; config: what is to be used for an empty prometheus.yml."""
    port = free_ports(1)[0]
    file = config or folder / "prometheus.yml"
    file.touch()
    command: list[str | Path] = [
        find_prometheus(),
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-otlp-receiver",
    ]
    ready = f"http://127.0.0.1:{port}/-/ready"
    with running("prometheus", command, folder=folder, ready=lambda: answers_http(ready)) as process:
        yield Prometheus(process, port)


def find_prometheus() -> Path:
    """The one that `make prometheus` left; without one the test is skipped, in CI it fails."""
    return _find("prometheus")


def find_promtool() -> Path:
    """Beside it."""
    return _find("promtool")


def _find(name: str) -> Path:
    binary = ROOT / ".prometheus" / name
    if not binary.exists():
        message = "no Prometheus: `make prometheus` builds one"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return binary
