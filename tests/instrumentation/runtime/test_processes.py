"""Real processes under `opentelemetry-instrument`: every row arrives exactly once, however a process ends."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from driftline import semconv
from otlp_sink import OtlpSink, Received

pytestmark = pytest.mark.e2e

BIN = Path(sys.executable).parent
MODEL = """
import numpy as np
from sklearn.linear_model import LogisticRegression
X = np.random.default_rng(1).normal(size=(1000, 3))
model = LogisticRegression().fit(X, X[:, 0] > 0)
"""
SERVER = (
    MODEL
    + """
from fastapi import FastAPI
app = FastAPI()
@app.get("/predict")
def predict(rows: int = 1) -> int:
    return int(model.predict(X[:rows]).sum())
"""
)


@pytest.fixture(params=["cumulative", "delta"])
def temporality(request: pytest.FixtureRequest) -> str:
    return request.param


def environment(sink: OtlpSink, **more: str) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "DRIFTLINE_"))},
        "OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint,
        "OTEL_SERVICE_NAME": "server",
        "DRIFTLINE_EXPORT_INTERVAL": "300",
        "PYTHONWARNINGS": "ignore",
        **more,
    }


def run(sink: OtlpSink, tmp_path: Path, program: str, expected: int = 0, **more: str) -> str:
    """Run a program under `opentelemetry-instrument` to its end; what it wrote to stderr."""
    script = tmp_path / "program.py"
    script.write_text(program)
    command = [BIN / "opentelemetry-instrument", sys.executable, script]
    done = subprocess.run(
        command, check=False, env=environment(sink, **more), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == expected, done.stderr
    return done.stderr


def rows(received: Received) -> float:
    return received.total(semconv.INFERENCE_ROWS)


def valid_rows(received: Received, feature: str) -> float:
    attributes = {semconv.FEATURE_NAME: feature, semconv.FEATURE_STATE: semconv.VALID}
    return received.total(semconv.FEATURE_OBSERVATIONS, attributes)


def test_a_program_that_just_ends(otlp_sink: OtlpSink, tmp_path: Path, temporality: str) -> None:
    """The last rows are sent at exit: rows, sketches, durations and spans are all there."""
    program = MODEL + "for row in X[:50]: model.predict(row[None])\nmodel.predict_proba(X)\n"
    errors = run(otlp_sink, tmp_path, program, OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=temporality)

    assert errors == ""
    assert rows(otlp_sink) == valid_rows(otlp_sink, "x0") == otlp_sink.seen_rows() == 1050
    assert otlp_sink.total(semconv.INFERENCE_DURATION) == 51
    assert len(otlp_sink.spans()) == 51


def test_nothing_heavy_is_loaded_before_the_program_does(otlp_sink: OtlpSink, tmp_path: Path) -> None:
    """Instrumented but not using a model, a process loads neither scikit-learn nor numpy, and starts no thread."""
    program = """
import sys, threading
assert "driftline.frameworks.sklearn" in sys.modules
assert not {"numpy", "sklearn", "joblib"} & sys.modules.keys()
assert not [each for each in threading.enumerate() if "driftline" in each.name]
"""
    run(otlp_sink, tmp_path, program)


def test_rows_of_handlers_at_exit(otlp_sink: OtlpSink, tmp_path: Path) -> None:
    """What a program predicts in its own handler at exit counts too."""
    program = MODEL + "import atexit\natexit.register(lambda: model.predict(X[:5]))\nmodel.predict(X[:3])\n"
    run(otlp_sink, tmp_path, program)

    assert rows(otlp_sink) == otlp_sink.seen_rows() == 8


def test_first_rows_of_all_in_a_handler_at_exit(otlp_sink: OtlpSink, tmp_path: Path) -> None:
    """Even when no thread can be started any more."""
    run(otlp_sink, tmp_path, MODEL + "import atexit\natexit.register(lambda: model.predict(X[:5]))\n")

    assert rows(otlp_sink) == otlp_sink.seen_rows() == 5


def test_an_unhandled_exception(otlp_sink: OtlpSink, tmp_path: Path) -> None:
    """A program that fails sends what it had."""
    run(otlp_sink, tmp_path, MODEL + "model.predict(X)\nraise SystemExit(3)\n", expected=3)

    assert rows(otlp_sink) == 1000


def test_forked_children_count_their_own_rows(otlp_sink: OtlpSink, tmp_path: Path, temporality: str) -> None:
    """Rows that waited at the fork are the parent's; each child starts from nothing."""
    program = (
        MODEL
        + """
import os, sys, driftline
model.predict(X[:10])
driftline.flush()
model.predict(X[:7])
children = []
for extra in range(2):
    pid = os.fork()
    if not pid:
        for row in X[:1000]: model.predict(row[None])
        model.predict(X[:extra])if extra else None
        sys.exit(0)
    children.append(pid)
for pid in children:
    assert os.waitpid(pid, 0)[1] == 0
"""
    )
    run(otlp_sink, tmp_path, program, OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=temporality)

    assert rows(otlp_sink) == valid_rows(otlp_sink, "x1") == 2018


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_children_of_multiprocessing(otlp_sink: OtlpSink, tmp_path: Path, method: str) -> None:
    """Children that end without handlers at exit send their rows."""
    (tmp_path / "served.py").write_text(MODEL + "def work(n): return float(model.predict(X[:n]).sum())\n")
    program = f"""
import multiprocessing, served
if __name__ == "__main__":
    served.work(1)
    children = [multiprocessing.get_context({method!r}).Process(target=served.work, args=(100,)) for _ in range(2)]
    for child in children: child.start()
    for child in children: child.join()
"""
    run(otlp_sink, tmp_path, program)

    assert rows(otlp_sink) == 201


def test_joblibs_workers_count_for_the_call_that_made_them(otlp_sink: OtlpSink, tmp_path: Path) -> None:
    """Loky's workers instrument themselves; inside a call they stay quiet."""
    program = """
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.multioutput import MultiOutputClassifier
X = np.random.default_rng(1).normal(size=(33, 3))
model = MultiOutputClassifier(LogisticRegression(), n_jobs=2).fit(X, X[:, :2] > 0)
model.predict(X)
"""
    run(otlp_sink, tmp_path, program)

    assert rows(otlp_sink) == 33
    assert len(otlp_sink.spans()) == 1


def test_a_backend_that_is_down_does_not_hold_up_the_exit(tmp_path: Path) -> None:
    """The process ends within a few seconds of its work, as it would have ended without us but for the bound."""
    with OtlpSink() as gone:
        pass
    program = MODEL + "import time, atexit\nmodel.predict(X)\nstart = time.monotonic()\n"
    program += "from driftline.runtime import lifecycle\n"
    program += "lifecycle._at_exit()\nassert time.monotonic() - start < 4, time.monotonic() - start\n"
    run(gone, tmp_path, program, OTEL_TRACES_EXPORTER="none", OTEL_METRICS_EXPORTER="otlp", OTEL_LOGS_EXPORTER="none")


def test_the_sdk_can_be_disabled(otlp_sink: OtlpSink, tmp_path: Path) -> None:
    """OTEL_SDK_DISABLED switches us off: not even a method is wrapped."""
    program = MODEL + "assert not hasattr(LogisticRegression.predict, '__wrapped__')\nmodel.predict(X)\n"
    run(otlp_sink, tmp_path, program, OTEL_SDK_DISABLED="true")

    assert rows(otlp_sink) == 0


def test_sketches_can_go_elsewhere(otlp_sink: OtlpSink, tmp_path: Path) -> None:
    """DRIFTLINE_OTLP_ENDPOINT takes sketches to another backend; spans and durations stay where they went."""
    with OtlpSink() as processor:
        run(otlp_sink, tmp_path, MODEL + "model.predict(X)\n", DRIFTLINE_OTLP_ENDPOINT=processor.endpoint)

        assert rows(processor) == 1000
    assert rows(otlp_sink) == 0
    assert len(otlp_sink.spans()) == otlp_sink.total(semconv.INFERENCE_DURATION) == 1


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(sink: OtlpSink, tmp_path: Path, *command: str) -> Iterator[str]:
    """A server under `opentelemetry-instrument`, stopped by SIGTERM; its URL."""
    (tmp_path / "app.py").write_text(SERVER)
    port = free_port()
    log = tmp_path / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [BIN / "opentelemetry-instrument", *(part.format(port=port) for part in command)],
            env=environment(sink),
            cwd=tmp_path,
            stdout=out,
            stderr=out,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: is_up(url), process, log)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            raise AssertionError(log.read_text()) from None


def is_up(url: str) -> bool:
    try:
        return httpx.get(f"{url}/docs").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def wait_until(condition: Callable[[], bool], process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.05)  # there is nothing to wait on but the port itself


SERVERS = {
    "uvicorn": (sys.executable, "-m", "uvicorn", "app:app", "--port", "{port}"),
    "uvicorn with workers": (sys.executable, "-m", "uvicorn", "app:app", "--port", "{port}", "--workers", "2"),
    "uvicorn with reload": (sys.executable, "-m", "uvicorn", "app:app", "--port", "{port}", "--reload"),
    "gunicorn with uvicorn workers": (
        *(sys.executable, "-m", "gunicorn", "app:app", "--bind", "127.0.0.1:{port}", "--workers", "2"),
        *("--worker-class", "uvicorn_worker.UvicornWorker"),
    ),
}


@pytest.mark.parametrize("server", SERVERS)
def test_servers_lose_no_row(otlp_sink: OtlpSink, tmp_path: Path, server: str) -> None:
    """Every row of every request arrives, also of the last ones before SIGTERM; spans too."""
    with serving(otlp_sink, tmp_path, *SERVERS[server]) as url:
        for n in range(1, 31):
            assert httpx.get(f"{url}/predict", params={"rows": n}).status_code == httpx.codes.OK

    assert rows(otlp_sink) == valid_rows(otlp_sink, "x2") == sum(range(1, 31))
    assert len([each for each in otlp_sink.spans() if semconv.ROW_COUNT in each.attributes]) == 30


WSGI = (
    MODEL
    + """
from urllib.parse import parse_qs
def app(environ, start_response):
    rows = int(parse_qs(environ["QUERY_STRING"]).get("rows", ["0"])[0])
    body = str(model.predict(X[:rows]).sum() if rows else "up").encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""
)


@pytest.mark.parametrize("preload", [False, True], ids=["plain", "preload"])
def test_gunicorns_forked_workers(otlp_sink: OtlpSink, tmp_path: Path, *, preload: bool) -> None:
    """Two workers forked from one master: exact totals, with rows that the master predicted before."""
    (tmp_path / "wsgi.py").write_text(WSGI + ("model.predict(X[:7])\n" if preload else ""))
    command = (sys.executable, "-m", "gunicorn", "wsgi:app", "--bind", "127.0.0.1:{port}", "--workers", "2")
    with serving(otlp_sink, tmp_path, *command, *(["--preload"] if preload else [])) as url:
        for n in range(1, 31):
            assert httpx.get(f"{url}/predict", params={"rows": n}).status_code == httpx.codes.OK

    assert rows(otlp_sink) == valid_rows(otlp_sink, "x2") == sum(range(1, 31)) + (7 if preload else 0)
