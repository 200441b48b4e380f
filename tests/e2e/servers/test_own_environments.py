"""Servers that pin much, each in a virtual environment of its own: `make servers` makes these and runs this file.

Where an environment is missing its test is skipped, also where `CI=true`: `make test` needs none of them.
"""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from e2e.processes import ROOT, wait_until
from e2e.serving import (
    APPS,
    Ask,
    Processor,
    Rows,
    assert_all_counted,
    assert_rows_counted,
    assert_traces_show_the_calls,
    inferences,
    post,
    processor,
    serving,
)

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

ENVIRONMENTS = ROOT / ".venv-servers"


def ask_bentoml(url: str, rows: Rows) -> Any:
    return httpx.post(f"{url}/predict", json={"rows": rows}, timeout=10).raise_for_status().json()


def ask_ray(url: str, rows: Rows) -> Any:
    return httpx.post(url, json=rows, timeout=10).raise_for_status().json()


def ask_mlserver(url: str, rows: Rows) -> Any:
    tensor = {"name": "rows", "shape": [len(rows), 3], "datatype": "FP64", "data": rows}
    answer = httpx.post(f"{url}/v2/models/classifier/infer", json={"inputs": [tensor]}, timeout=10)
    return answer.raise_for_status().json()["outputs"][0]["data"]


class Kind(NamedTuple):
    """How a server is started and asked.

    spans: calls have spans; BentoML's own tracer, which samples nothing, is the parent of all and decides.
    traced: the HTTP request is the parent of the inference. graceful: SIGTERM lets the processes that predict end; else
    Ctrl-C ends the server, and what they have not sent by then is lost.
    """

    command: tuple[str, ...]
    health: str = "/health"
    ask: Ask = post
    spans: bool = True
    traced: bool = True
    graceful: bool = True
    env: tuple[tuple[str, str], ...] = ()


MLSERVER = (("MLSERVER_HTTP_PORT", "{port}"),)
RAY = (("RAY_USAGE_STATS_ENABLED", "0"),)
SERVERS = {
    "bentoml": Kind(("bentoml", "serve", "app:Classifier", "--port", "{port}"), "/readyz", ask_bentoml, spans=False),
    "litserve": Kind(("python", "app.py", "{port}"), traced=False, graceful=False),
    "mlserver": Kind(
        ("mlserver", "start", "."), "/v2/health/ready", ask_mlserver, env=(("MLSERVER_HTTP_PORT", "{port}"),)
    ),
    "ray": Kind(("python", "app.py", "{port}"), "/", ask_ray, traced=False, graceful=False, env=RAY),
}


@pytest.fixture(scope="module", name="line")
def line_(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processor]:
    with processor(tmp_path_factory.mktemp("processor")) as started:
        yield started


@pytest.mark.parametrize("name", SERVERS)
def test_what_was_answered_is_counted(line: Processor, tmp_path: Path, name: str) -> None:
    """Every row answered is counted once; spans lie below the request's where one process does both."""
    kind = SERVERS[name]
    bin_ = ENVIRONMENTS / name / "bin"
    if not (bin_ / "opentelemetry-instrument").exists():
        pytest.skip(f"no {bin_.parent}: `make servers` makes it")
    command = (bin_ / kind.command[0], *kind.command[1:])
    apps = (APPS, Path(__file__).parent / name)
    env = dict(kind.env) | {"OTEL_BSP_SCHEDULE_DELAY": "300"}
    with serving(tmp_path, line, command, bin_=bin_, apps=apps, health=kind.health, ask=kind.ask, **env) as served:
        served.send(40)
        if not kind.graceful:
            line.backend.wait_for(lambda sink: len(inferences(sink, served.model)) >= served.calls)
            assert_all_counted(line, served)
            os.kill(served.process.pid, signal.SIGINT)
            wait_until(lambda: not served.process.running, "the server has ended")

    assert_rows_counted(line, served)
    if kind.spans and kind.traced:
        assert_all_counted(line, served)
        assert_traces_show_the_calls(line, served)
