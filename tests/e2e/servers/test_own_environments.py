"""Servers that pin much, each in a virtual environment of its own: `make servers` makes these and runs this file.

Where an environment is missing its test is skipped, also where `CI=true`: `make test` needs none of them.
"""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from e2e.processes import ROOT, wait_until
from e2e.serving import (
    APPS,
    Ask,
    Processor,
    Rows,
    assert_all_counted,
    assert_calls_are_shown,
    assert_traces_show_the_calls,
    post,
    processor,
    serving,
)
from otlp_sink import OtlpSink

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

ENVIRONMENTS = ROOT / ".venv-servers"
CALLS = 40


def ask_bentoml(url: str, rows: Rows) -> Any:
    return httpx.post(f"{url}/predict", json={"rows": rows}, timeout=10).raise_for_status().json()


def ask_ray(url: str, rows: Rows) -> Any:
    return httpx.post(url, json=rows, timeout=10).raise_for_status().json()


def ask_mlserver(url: str, rows: Rows) -> Any:
    tensor = {"name": "rows", "shape": [len(rows), 3], "datatype": "FP64", "data": rows}
    answer = httpx.post(f"{url}/v2/models/classifier/infer", json={"inputs": [tensor]}, timeout=10)
    return answer.raise_for_status().json()["outputs"][0]["data"]


def ask_kserve(url: str, rows: Rows) -> Any:
    answer = httpx.post(f"{url}/v1/models/classifier:predict", json={"instances": rows}, timeout=10)
    return answer.raise_for_status().json()["predictions"]


def ask_gradio(url: str, rows: Rows) -> Any:
    """Puts an event in the queue, as the page does, and waits for its result."""
    called = httpx.post(f"{url}/gradio_api/call/predict", json={"data": [rows]}, timeout=10)
    event = called.raise_for_status().json()["event_id"]
    answer = httpx.get(f"{url}/gradio_api/call/predict/{event}", timeout=30).raise_for_status().text
    return json.loads(answer.partition("event: complete\ndata: ")[2])[0]


class Kind(NamedTuple):
    """How a server is started, asked and stopped. traced: one process has the HTTP request and the model."""

    environment: str
    command: tuple[str, ...]
    ask: Ask
    health: str
    traced: bool = True
    stop: signal.Signals = signal.SIGTERM
    env: tuple[tuple[str, str], ...] = ()


MLSERVER = ("mlserver", "start", ".")
MLSERVER_ENV = (("MLSERVER_HTTP_PORT", "{port}"),)
APP = ("python", "app.py", "{port}")
SERVERS = {
    "bentoml": Kind("bentoml", ("bentoml", "serve", "app:Classifier", "--port", "{port}"), ask_bentoml, "/readyz"),
    "gradio": Kind("gradio", APP, ask_gradio, "/", traced=False),
    "kserve": Kind("kserve", APP, ask_kserve, "/v2/health/ready"),
    "litserve": Kind("litserve", APP, post, "/health", traced=False),
    "mlserver": Kind("mlserver", MLSERVER, ask_mlserver, "/v2/health/ready", env=MLSERVER_ENV),
    "mlserver, parallel workers": Kind(
        "mlserver",
        MLSERVER,
        ask_mlserver,
        "/v2/health/ready",
        traced=False,
        env=(*MLSERVER_ENV, ("MLSERVER_PARALLEL_WORKERS", "2")),
    ),
    # SIGTERM is as exact, but agents of Ray's outlive it for a while.
    "ray": Kind("ray", APP, ask_ray, "/", traced=False, stop=signal.SIGINT, env=(("RAY_USAGE_STATS_ENABLED", "0"),)),
}


@pytest.fixture(scope="module", name="line")
def line_(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processor]:
    with processor(tmp_path_factory.mktemp("processor")) as started:
        yield started


@pytest.mark.parametrize("name", SERVERS)
def test_what_was_answered_is_counted(line: Processor, tmp_path: Path, name: str) -> None:
    """Stopped long before an export is due: every row answered is counted once, every call has a span.

    It lies below the request's where one process has both.
    """
    kind = SERVERS[name]
    bin_ = ENVIRONMENTS / kind.environment / "bin"
    if not (bin_.parent / ".ready").exists():
        pytest.skip(f"no {bin_.parent}: `make servers` makes it")
    command = (bin_ / kind.command[0], *kind.command[1:])
    apps = (APPS, Path(__file__).parent / kind.environment)
    env = dict(kind.env) | {"DRIFTLINE_EXPORT_INTERVAL": "600000", "OTEL_BSP_SCHEDULE_DELAY": "300"}
    with serving(tmp_path, line, command, bin_=bin_, apps=apps, health=kind.health, ask=kind.ask, **env) as served:
        before = requests(line.backend)
        served.send(CALLS)
        if kind.traced:  # the server's own tracer provider is not ours to flush at its end
            line.backend.wait_for(lambda sink: requests(sink) >= before + CALLS)
        os.kill(served.process.pid, kind.stop)
        wait_until(lambda: not served.process.running, "the server has ended")

    assert_all_counted(line, served)
    if kind.traced:
        assert_traces_show_the_calls(line, served)
    else:
        assert_calls_are_shown(line, served)


def requests(backend: OtlpSink) -> int:
    """HTTP requests for predictions that have a span."""
    return sum(each.span.kind == Span.SPAN_KIND_SERVER and "POST" in each.span.name for each in backend.spans())
