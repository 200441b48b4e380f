"""server_overhead_*, server_p99_*: what a client of a real server notices of Driftline.

Measured: requests a second, and the 99th percentile of their seconds, of a FastAPI server under load from another
process, four connections at a time: one row of 30 floats before a linear model or a forest of 20 trees, or 1,000 rows
before a linear model; with OpenTelemetry and Driftline (spans, sketches, row batches; every trace sampled), with an
input check on top, and with nothing at all. Against: the same server with OpenTelemetry alone. All of them run at
once, the load goes to one after the other, and all telemetry is sent to one process that drops it.
"""

import http.client
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import lru_cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
from numpy.typing import NDArray

import driftline
from bench.harness import Figure, interleaved
from bench.otlp_server import serving
from bench.rig import FEATURES
from e2e.processes import BIN, answers_http, free_ports, running

CALLERS: Final = 4
REQUESTS: Final = {"linear": 200, "forest": 100, "batch": 60}
"""Of a block: a quarter of a second."""

ALONE: Final = "driftline_boosters,driftline_onnxruntime,driftline_sklearn,driftline_torch"
CHECKED: Final = {"DRIFTLINE_CHECK": "observe"}
VARIANTS: Final[dict[str, dict[str, str] | None]] = {
    "nothing": None,
    "opentelemetry": {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": ALONE},
    "driftline": {},
    "checked": CHECKED,
}


def _discard(body: bytes) -> None:
    """What the backend does with telemetry."""


@contextmanager
def _servers(model: str) -> Iterator[dict[str, int]]:
    """All variants at once: their ports."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        backend = stack.enter_context(serving(_discard))
        X = np.random.default_rng(0).normal(size=(5_000, FEATURES))
        name = "RandomForestClassifier" if model == "forest" else "LogisticRegression"
        driftline.profile(X, model=name).save(folder / "model.reference.json")
        ports = dict(zip(VARIANTS, free_ports(len(VARIANTS)), strict=True))
        for variant, port in ports.items():
            command = [BIN / "uvicorn", "bench.served:app", "--port", str(port), "--log-level", "warning"]
            given = VARIANTS[variant]
            telemetry = {} if given is None else _environment(backend.port, folder, given)
            env = {"MODEL": model, "PYTHONPATH": str(Path(__file__).parents[1]), **telemetry}
            instrumented = [BIN / "opentelemetry-instrument"] if given is not None else []
            ready = partial(answers_http, f"http://127.0.0.1:{port}/")
            stack.enter_context(running(variant, [*instrumented, *command], folder=folder, ready=ready, env=env))
        yield ports


def _environment(port: int, folder: Path, more: dict[str, str]) -> dict[str, str]:
    return {
        "OTEL_SERVICE_NAME": "bench",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
        "DRIFTLINE_REFERENCE": str(folder),
        **more,
    }


def _load(port: int, requests: int) -> list[float]:
    """Seconds of each of so many requests, CALLERS at a time."""
    with ThreadPoolExecutor(CALLERS) as pool:
        of_each = pool.map(partial(_ask, port), [requests // CALLERS] * CALLERS)
        return [seconds for each in of_each for seconds in each]


def _ask(port: int, requests: int) -> list[float]:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    taken = []
    for _ in range(requests):
        begin = time.perf_counter()
        connection.request("GET", "/")
        response = connection.getresponse()
        response.read()
        taken.append(time.perf_counter() - begin)
        assert response.status == http.HTTPStatus.OK
    connection.close()
    return taken


@lru_cache
def _measured(model: str) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Seconds of a block, and the 99th percentile of a request's, by variant: [rounds]."""
    slow: dict[str, list[float]] = {variant: [] for variant in VARIANTS}

    def block(variant: str, port: int) -> float:
        begin = time.perf_counter()
        taken = _load(port, REQUESTS[model])
        slow[variant].append(float(np.quantile(taken, 0.99)))
        return time.perf_counter() - begin

    with _servers(model) as ports:
        blocks: dict[str, Callable[[], float]] = {
            variant: partial(block, variant, port) for variant, port in ports.items()
        }
        seconds = interleaved(blocks)
    first = len(slow["nothing"]) - len(seconds["nothing"])  # of the round that is not counted
    return {"block": dict(seconds), "p99": {name: np.array(each[first:]) for name, each in slow.items()}}


def _throughput(model: str, variant: str) -> NDArray[np.float64]:
    blocks = _measured(model)["block"]
    return blocks["opentelemetry"] / blocks[variant]


def _p99(model: str, variant: str) -> NDArray[np.float64]:
    slow = _measured(model)["p99"]
    return slow[variant] / slow["opentelemetry"]


FIGURES: Final = tuple(
    figure
    for model in REQUESTS
    for figure in (
        Figure(
            f"server_overhead_{model}",
            "requests a second with OpenTelemetry alone",
            gate=0.8,
            goal=0.97,
            measure=partial(_throughput, model, "driftline"),
            at_least=True,
        ),
        Figure(
            f"server_overhead_{model}_checked",
            "requests a second with OpenTelemetry alone",
            gate=0.8,
            goal=0.97,
            measure=partial(_throughput, model, "checked"),
            at_least=True,
        ),
        Figure(
            f"server_overhead_{model}_nothing",
            "requests a second with OpenTelemetry alone (for comparison: a server without any)",
            gate=0.5,
            goal=0.5,
            measure=partial(_throughput, model, "nothing"),
            at_least=True,
        ),
        Figure(
            f"server_p99_{model}",
            "the 99th percentile of a request's seconds with OpenTelemetry alone",
            gate=1.4,
            goal=1.05,
            measure=partial(_p99, model, "driftline"),
        ),
    )
)
