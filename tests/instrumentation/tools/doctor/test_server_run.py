"""A server is started, listened to and ended, with everything that it has started."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from driftline.tools.doctor.listener import Ports
from driftline.tools.doctor.server_run import instrumented, redirected
from e2e.processes import BIN, Process, clean_environment, free_ports, wait_until

PORTS = Ports(1111, 2222)
GRPC, HTTP = "http://127.0.0.1:1111", "http://127.0.0.1:2222"

SERVE = """
import os, subprocess, sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
import numpy as np
from sklearn.linear_model import LogisticRegression
X = np.random.default_rng(1).normal(size=(100, 3))
model = LogisticRegression().fit(X, X[:, 0] > 0)
children = [
    subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(300)"], start_new_session=new)
    for new in (False, True)
]
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        model.predict(X[:5])
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_): pass
server = HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
print("pids", os.getpid(), *(child.pid for child in children), flush=True)
server.serve_forever()
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "serve.py").write_text(SERVE)
    return tmp_path


def pids(output: str) -> list[int]:
    """Of the server and its children, which it prints."""
    line = next((line for line in output.splitlines() if line.startswith("pids ")), "")
    return [int(word) for word in line.split()[1:]]


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def doctor(*arguments: str, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BIN / "driftline"), "doctor", *arguments],
        cwd=folder,
        env=clean_environment() | {"OTEL_SERVICE_NAME": "api"} | env,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("protocol", "sampler", "spans"),
    [("grpc", "always_on", 5), ("http/protobuf", "always_off", 0)],
    ids=["grpc", "http, sampled"],
)
def test_a_server_is_diagnosed(app: Path, protocol: str, sampler: str, spans: int) -> None:
    """By either protocol: each call, row and span is told, and no process is left, in whatever session it is."""
    (port,) = free_ports(1)
    result = doctor(
        "--json",
        "--request",
        f"http://127.0.0.1:{port}/",
        "--",
        sys.executable,
        "serve.py",
        str(port),
        folder=app,
        OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9",
        OTEL_TRACES_SAMPLER=sampler,
    )
    document: dict[str, Any] = json.loads(result.stdout)
    told = {each["check"]: each["message"] for each in document["findings"]}
    kinds = "LogisticRegression, scikit_learn" if spans else "no spans"

    assert result.returncode == (0 if spans else 1), result.stdout + result.stderr
    assert told["model"].startswith(f"LogisticRegression ({kinds}): 5 calls, 25 rows, ")
    assert ("a span for each of 5 calls" if spans else "a sampler dropped 5") in told["spans"]
    assert len(pids(result.stderr)) == 3
    assert all(map(is_gone, pids(result.stderr)))


@pytest.mark.e2e
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_ends_everything(app: Path, number: signal.Signals) -> None:
    """Ctrl-C, or SIGTERM: the findings so far are told, and no process is left."""
    (port,) = free_ports(1)
    command = [BIN / "driftline", "doctor", "--", sys.executable, "serve.py", str(port)]
    process = Process("doctor", command, app / "doctor.log", {"OTEL_SERVICE_NAME": "api"}, app)
    found = wait_until(lambda: pids(process.output()), "the server has started", 60)
    os.kill(process.pid, number)
    wait_until(lambda: not process.running, "the doctor has ended", 30)

    assert all(map(is_gone, found))
    assert process.output().rstrip().endswith("found.")


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, {"OTEL_EXPORTER_OTLP_ENDPOINT": GRPC}),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, {"OTEL_EXPORTER_OTLP_ENDPOINT": HTTP}),
        (
            {
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://x/v1/traces",
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            },
            {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{HTTP}/v1/traces", "OTEL_EXPORTER_OTLP_ENDPOINT": HTTP},
        ),
        (
            {"OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "http/protobuf", "DRIFTLINE_OTLP_ENDPOINT": "http://p:4318"},
            {
                "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": f"{HTTP}/v1/metrics",
                "DRIFTLINE_OTLP_ENDPOINT": HTTP,
                "OTEL_EXPORTER_OTLP_ENDPOINT": GRPC,
            },
        ),
        (
            {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://x", "DRIFTLINE_OTLP_ENDPOINT": "https://p"},
            {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": GRPC, "DRIFTLINE_OTLP_ENDPOINT": GRPC},
        ),
    ],
)
def test_every_endpoint_is_the_doctors(variables: dict[str, str], expected: dict[str, str]) -> None:
    """By the protocol that is set for it; none is added, as it might turn on what is off."""
    found = redirected(variables, PORTS)

    assert expected.items() <= found.items()
    assert {name for name in found if name.endswith("_ENDPOINT")} == expected.keys() | {"OTEL_EXPORTER_OTLP_ENDPOINT"}


def test_keys_of_a_backend_stay_here() -> None:
    """And nothing that it needs to be reached; other variables pass."""
    secret = {"OTEL_EXPORTER_OTLP_HEADERS": "x-key=1", "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE": "c.pem"}
    found = redirected(secret | {"MODEL": "m"}, PORTS)

    assert not secret.keys() & found.keys()
    assert found["MODEL"] == "m"


def test_the_command_is_instrumented_once() -> None:
    """A user may write it himself."""
    own = ["/x/opentelemetry-instrument", "python", "serve.py"]

    assert instrumented(own, "") == own
    assert instrumented(["python", "serve.py"], "") == [str(BIN / "opentelemetry-instrument"), "python", "serve.py"]
