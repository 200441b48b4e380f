"""Deadlines hold whatever a backend does: one that refuses, one that never answers, one that is not there."""

import contextlib
import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import pytest

from driftline import semconv
from otlp_sink import OtlpSink

pytestmark = pytest.mark.e2e

BIN = Path(sys.executable).parent
MODEL = """
import numpy as np
from sklearn.linear_model import LogisticRegression
X = np.random.default_rng(1).normal(size=(1000, 3))
model = LogisticRegression().fit(X, X[:, 0] > 0)
"""
# More spans than the SDK sends at once: it tries each batch for up to ten seconds.
CALLS = 1200


class Unavailable(http.server.BaseHTTPRequestHandler):
    """Answers 503 to everything."""

    def do_POST(self) -> None:  # http.server's name
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextlib.contextmanager
def absent() -> Iterator[int]:
    """A port on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@contextlib.contextmanager
def silent() -> Iterator[int]:
    """Takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as hole:
        yield hole.getsockname()[1]


@contextlib.contextmanager
def refusing_grpc() -> Iterator[int]:
    """Refuses every request, and may be asked again."""
    with OtlpSink() as sink:
        sink.refuse = grpc.StatusCode.UNAVAILABLE
        yield sink.port


@contextlib.contextmanager
def refusing_http() -> Iterator[int]:
    """As refusing_grpc."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Unavailable) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


BACKENDS = {
    "grpc, absent": ("grpc", absent),
    "grpc, silent": ("grpc", silent),
    "grpc, refusing": ("grpc", refusing_grpc),
    "http, absent": ("http/protobuf", absent),
    "http, silent": ("http/protobuf", silent),
    "http, refusing": ("http/protobuf", refusing_http),
}
FLUSH = f"""{MODEL}
import os, time, driftline
for _ in range({CALLS}): model.predict(X[:1])
for _ in range(2):
    start = time.monotonic()
    assert not driftline.flush(timeout=1)
    assert time.monotonic() - start < 1.5, time.monotonic() - start
from driftline.runtime import lifecycle
start = time.monotonic()
lifecycle._at_exit()
assert time.monotonic() - start < 3, time.monotonic() - start
os.kill(os.getpid(), 9)  # what the SDK does at exit takes its own time
"""
GEVENT = f"""from gevent import monkey; monkey.patch_all()
{MODEL}
import os, time, gevent, driftline
model.predict(X)
ticks = 0
def tick():
    global ticks
    while True:
        gevent.sleep(0.01)
        ticks += 1
gevent.spawn(tick)
start = time.monotonic()
assert driftline.flush(timeout=1) is (os.environ["ANSWERS"] == "yes")
assert time.monotonic() - start < 1.5, time.monotonic() - start
assert ticks > 10 or os.environ["ANSWERS"] == "yes", ticks
os._exit(0)
"""
SERVER = f"""{MODEL}
from fastapi import FastAPI
app = FastAPI()
@app.get("/predict")
def predict() -> int:
    return sum(int(model.predict(X[:1])[0]) for _ in range({CALLS}))
"""


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_flush(tmp_path: Path, backend: str) -> None:
    """`driftline.flush(timeout=1)` returns False within 1.5 s, and our part of an exit takes less than 3."""
    protocol, serve = BACKENDS[backend]
    (tmp_path / "program.py").write_text(FLUSH)
    command: list[str | Path] = [BIN / "opentelemetry-instrument", sys.executable, tmp_path / "program.py"]
    with serve() as port:
        env = environment(protocol, port)
        done = subprocess.run(command, check=False, env=env, capture_output=True, text=True, timeout=120)

    assert done.returncode == -signal.SIGKILL, done.stderr


def test_a_flush_under_gevent(tmp_path: Path, otlp_sink: OtlpSink) -> None:
    """Other greenlets go on while it waits for a silent backend; one that answers gets rows and spans."""
    (tmp_path / "program.py").write_text(GEVENT)
    command: list[str | Path] = [BIN / "opentelemetry-instrument", sys.executable, tmp_path / "program.py"]
    with silent() as port:
        for endpoint, answers in ((port, "no"), (otlp_sink.port, "yes")):
            env = {**environment("grpc", endpoint), "ANSWERS": answers}
            done = subprocess.run(command, check=False, env=env, capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, done.stderr

    assert otlp_sink.total(semconv.INFERENCE_ROWS) == 1000
    assert [span.span.name for span in otlp_sink.spans()] == ["predict LogisticRegression"]


@pytest.mark.parametrize("backend", ["grpc, absent", "grpc, silent", "http, silent"])
def test_uvicorn_stops(tmp_path: Path, backend: str) -> None:
    """Within 3 s of SIGTERM, with more spans waiting than one request takes."""
    protocol, serve = BACKENDS[backend]
    (tmp_path / "app.py").write_text(SERVER)
    with serve() as port, _uvicorn(tmp_path, environment(protocol, port)) as (process, url):
        assert httpx.get(f"{url}/predict", timeout=60).status_code == httpx.codes.OK
        start = time.monotonic()
        process.terminate()
        process.wait(30)

    assert time.monotonic() - start < 3


@contextlib.contextmanager
def _uvicorn(folder: Path, env: dict[str, str]) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    with socket.socket() as listening, (folder / "log").open("wb") as log:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        fd = listening.fileno()
        command = [BIN / "opentelemetry-instrument", sys.executable, "-m", "uvicorn", "app:app", "--fd", str(fd)]
        with subprocess.Popen(command, env=env, cwd=folder, pass_fds=[fd], stdout=log, stderr=log) as process:
            try:
                yield process, f"http://127.0.0.1:{listening.getsockname()[1]}"
            finally:
                process.kill()


def environment(protocol: str, port: int) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "DRIFTLINE_"))},
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "PYTHONWARNINGS": "ignore",
    }
