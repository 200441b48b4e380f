"""The servers that people run, before a real processor: every row answered is counted, once, however they stop."""

import contextlib
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import httpx
import pytest

from e2e.processes import wait_until
from e2e.serving import Processor, assert_all_counted, assert_traces_show_the_calls, processor, serving

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(60)]

UVICORN = (sys.executable, "-m", "uvicorn", "fastapi_app:app", "--port", "{port}")
GUNICORN = (sys.executable, "-m", "gunicorn", "flask_app:app", "--bind", "127.0.0.1:{port}")
PRELOADED = (*GUNICORN, "--preload", "--workers", "2")
FLASK = (sys.executable, "-m", "flask", "--app", "flask_app", "run", "--port", "{port}")
CALLS = 40
NEVER = "600000"
"""As `DRIFTLINE_EXPORT_INTERVAL`: what is counted was sent at the end of a process."""


@pytest.fixture(scope="module", name="line")
def line_(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processor]:
    with processor(tmp_path_factory.mktemp("processor")) as started:
        yield started


@pytest.mark.parametrize(
    ("framework", "command"),
    [
        pytest.param("scikit_learn", (*UVICORN, "--workers", "2"), id="uvicorn"),
        pytest.param("pytorch", (*UVICORN, "--workers", "2"), id="uvicorn, PyTorch"),
        pytest.param("pytorch", PRELOADED, id="gunicorn, PyTorch"),
    ],
)
def test_what_was_answered_is_counted(line: Processor, tmp_path: Path, framework: str, command: Sequence[str]) -> None:
    """Several workers, several requests at a time, SIGTERM right after the last: exact; spans below the request's."""
    with serving(tmp_path, line, command, framework=framework, DRIFTLINE_EXPORT_INTERVAL=NEVER) as served:
        served.send(CALLS)

    assert_all_counted(line, served)
    assert_traces_show_the_calls(line, served)


def test_a_reloaded_server(line: Processor, tmp_path: Path) -> None:
    """`uvicorn --reload` ends its process at each change: what that one answered is counted too."""
    with serving(tmp_path, line, (*UVICORN, "--reload")) as served:
        served.send(10)
        before = served.pid()
        (tmp_path / "fastapi_app.py").touch()
        wait_until(lambda: served.is_up() and served.pid() != before, "another process answers")
        served.send(10, start=10)

    assert_all_counted(line, served)


@pytest.mark.parametrize("worker", [("sync",), ("gthread", "--threads", "4"), ("gevent",)], ids="".join)
def test_workers_that_are_replaced(line: Processor, tmp_path: Path, worker: Sequence[str]) -> None:
    """`gunicorn --max-requests`: workers end and are forked amid the requests: exact; spans below the request's."""
    command = (*PRELOADED, "--worker-class", *worker, "--max-requests", "7")
    with serving(tmp_path, line, command, DRIFTLINE_EXPORT_INTERVAL=NEVER) as served:
        served.send(CALLS // 2)  # one of the two gets more than seven
        wait_until(lambda: served.process.output().count("Booting worker") > 2, "a worker is replaced")
        served.send(CALLS // 2, start=CALLS // 2)
        wait_until(lambda: no_worker_boots(served.process.output()), "every worker can be ended")

    assert_all_counted(line, served)
    assert_traces_show_the_calls(line, served)


def no_worker_boots(log: str) -> bool:
    """Whether all workers that gunicorn's two are, or will be replaced by, have booted (see gunicorn.conf.py).

    A worker may say in several of its threads that it is to be replaced.
    """
    replaced = set(re.findall(r"\[(\d+)\] \[INFO\] Autorestarting worker", log))
    return log.count("Worker has booted") == 2 + len(replaced)


def test_a_worker_that_is_killed(line: Processor, tmp_path: Path) -> None:
    """SIGKILL: what a worker had exported before is counted once, as is what its successor answers."""
    with serving(tmp_path, line, GUNICORN, DRIFTLINE_EXPORT_INTERVAL="100") as served:
        served.send(10)
        assert line.all_rows(served.model, served.rows) == served.rows
        before = served.pid()
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: served.is_up() and served.pid() != before, "another worker answers")
        served.send(10, start=10)

    assert line.all_rows(served.model, served.rows) == served.rows


def test_a_worker_that_hangs(line: Processor, tmp_path: Path) -> None:
    """A worker that takes longer than gunicorn's `--timeout` is ended: what it answered before is counted."""
    command = (*GUNICORN, "--timeout", "2")
    with serving(tmp_path, line, command, DRIFTLINE_EXPORT_INTERVAL=NEVER) as served:
        before = served.pid()
        served.send(10)
        with contextlib.suppress(httpx.RemoteProtocolError):
            assert httpx.get(f"{served.url}/hang", timeout=30).is_server_error
        wait_until(lambda: served.is_up() and served.pid() != before, "another worker answers")
        served.send(10, start=10)
        assert "WORKER TIMEOUT" in served.process.output()

    assert_all_counted(line, served)


def test_the_development_server_of_flask(line: Processor, tmp_path: Path) -> None:
    """Ended by Ctrl-C, as it is used; spans below the request's."""
    with serving(tmp_path, line, FLASK, DRIFTLINE_EXPORT_INTERVAL=NEVER) as served:
        served.send(10)
        os.kill(served.process.pid, signal.SIGINT)
        wait_until(lambda: not served.process.running, "the server has ended")

    assert_all_counted(line, served)
    assert_traces_show_the_calls(line, served)


GEVENTS = {
    "patched after instrumentation": (*GUNICORN, "--preload", "--worker-class", "gevent"),
    "patched before instrumentation": (sys.executable, "gevent_app.py", "{port}"),
}


@pytest.mark.parametrize("server", GEVENTS)
def test_gevents_loop_never_waits_for_a_backend(line: Processor, tmp_path: Path, server: str) -> None:
    """A backend that takes connections and never answers delays no request, though all share one thread."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        away = {"DRIFTLINE_OTLP_ENDPOINT": f"http://127.0.0.1:{silent.getsockname()[1]}"}
        fast = {"DRIFTLINE_EXPORT_INTERVAL": "100", "OTEL_TRACES_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
        with serving(tmp_path, line, GEVENTS[server], **fast, **away) as served:
            served.send(1)  # loads what is loaded late
            with silent.accept()[0]:
                longest = max(seconds_of(lambda: served.send(1)) for _ in range(30))

    assert longest < 2


def seconds_of(action: Callable[[], object]) -> float:
    start = time.monotonic()
    action()
    return time.monotonic() - start
