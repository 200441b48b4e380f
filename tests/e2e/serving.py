"""Model servers before a real processor: what a client was answered is what must be counted, neither less nor more."""

import contextlib
import itertools
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from driftline import semconv
from e2e import line
from e2e.processes import BIN, Process, answers_http, free_ports, running
from otlp_sink import OtlpSink, ReceivedSpan

APPS = Path(__file__).parent / "apps"
PROCESSED_ROWS = "driftline.processor.rows"

Rows = list[list[float]]
Ask = Callable[[str, Rows], list[int]]
"""URL of the server, rows: their labels."""

_CALLERS = 4
_names = itertools.count()


class Processor(NamedTuple):
    """A processor, and the backend that it and the servers send to."""

    endpoint: str
    backend: OtlpSink

    def rows(self, model: str) -> float:
        """Rows of a model that the processor has counted so far."""
        points = self.backend.points(PROCESSED_ROWS)
        return max((p.value for p in points if p.attributes[semconv.MODEL_NAME] == model), default=0)

    def all_rows(self, model: str, expected: int) -> float:
        """Rows of a model, looked at once more after there were as many as expected: none came twice."""
        self.backend.wait_for(lambda _: self.rows(model) >= expected)
        told = len(self.backend.points(PROCESSED_ROWS))
        models = len({p.attributes[semconv.MODEL_NAME] for p in self.backend.points(PROCESSED_ROWS)})
        self.backend.wait_for(lambda sink: len(sink.points(PROCESSED_ROWS)) >= told + models)
        return self.rows(model)


@contextlib.contextmanager
def processor(folder: Path) -> Iterator[Processor]:
    """A real `driftline-processor` that no reference was given to."""
    port = free_ports(1)[0]
    (folder / "references").mkdir()
    with OtlpSink() as backend, line.processor(folder, folder / "references", port=port, export=backend.port):
        yield Processor(f"http://127.0.0.1:{port}", backend)


class Server:
    """A running model server, and the client that counts what it answered."""

    def __init__(self, model: str, url: str, process: Process, ask: Ask) -> None:
        self.model = model
        self.url = url
        self.process = process
        self._ask = ask
        self.calls = self.rows = 0
        self.answers: list[tuple[Rows, list[int]]] = []

    def pid(self) -> int:
        """The process that answers: one of the workers."""
        return int(httpx.get(f"{self.url}/health", timeout=10).raise_for_status().text)

    def is_up(self) -> bool:
        return answers_http(f"{self.url}/health")

    def send(self, calls: int, start: int = 0) -> None:
        """Requests of one to seven rows, four at a time; each has its own connection, so that all workers get some."""
        with ThreadPoolExecutor(_CALLERS) as callers:
            for rows, answer in callers.map(self._call, range(start, start + calls)):
                assert len(answer) == len(rows)
                self.calls += 1
                self.rows += len(rows)
                self.answers.append((rows, answer))

    def _call(self, number: int) -> tuple[Rows, list[int]]:
        rows = [[(-1) ** number * (number + row / 8), -row / 4, 0.5] for row in range(1 + number % 7)]
        return rows, self._ask(self.url, rows)


def post(url: str, rows: Rows) -> Any:
    """The labels that the server answers."""
    return httpx.post(f"{url}/predict", json=rows, timeout=10).raise_for_status().json()


@contextlib.contextmanager
def serving(
    folder: Path,
    processor: Processor,
    command: Sequence[str | Path],
    *,
    framework: str = "scikit_learn",
    bin_: Path = BIN,
    apps: Sequence[Path] = (APPS,),
    health: str = "/health",
    ask: Ask = post,
    **env: str,
) -> Iterator[Server]:
    """A server under `opentelemetry-instrument`, ready, and stopped by SIGTERM at the end of the block.

    Spans go to the backend and sketches to the processor.

    Args:
        folder: where it runs.
        processor: what counts.
        command: what to run; `{port}` stands for the port.
        framework: a key of `apps.models.LOAD`.
        bin_: of the virtual environment.
        apps: folders with its files.
        health: what is answered when it is ready.
        ask: how it is asked for a prediction.
        env: more variables; `{port}` as above.

    """
    port = free_ports(1)[0]
    model = f"served-{next(_names)}"
    variables = {
        "FRAMEWORK": framework,
        "OTEL_SERVICE_NAME": model,
        "OTEL_EXPORTER_OTLP_ENDPOINT": processor.backend.endpoint,
        "OTEL_METRICS_EXPORTER": "none",
        "DRIFTLINE_OTLP_ENDPOINT": processor.endpoint,
        "DRIFTLINE_MODEL_NAME": model,
        "DRIFTLINE_EXPORT_INTERVAL": "500",
        "DRIFTLINE_SPAN_EXAMPLES": "all",  # as fast as a machine may answer: each call is looked at
    }
    url = f"http://127.0.0.1:{port}"
    for each in apps:
        shutil.copytree(each, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    given = {name: value.format(port=port) for name, value in env.items()}
    filled = [str(part).format(port=port) for part in command]
    whole: list[str | Path] = [bin_ / "opentelemetry-instrument", *filled]
    ready = partial(answers_http, f"{url}{health}")
    with running("server", whole, folder=folder, ready=ready, env=variables | given) as process:
        yield Server(model, url, process, ask)


def assert_all_counted(processor: Processor, server: Server) -> None:
    """Every row that was answered is counted once; every call has a span."""
    assert processor.all_rows(server.model, server.rows) == server.rows
    assert len(inferences(processor.backend, server.model)) == server.calls


def assert_traces_show_the_calls(processor: Processor, server: Server) -> None:
    """Each inference is a child of its HTTP request, in one trace, and shows what went in and what came out."""
    backend = processor.backend
    requests = {each.span.span_id: each.span for each in backend.spans() if each.span.kind == Span.SPAN_KIND_SERVER}
    for each in inferences(backend, server.model):
        request = requests[each.span.parent_span_id]
        assert request.trace_id == each.span.trace_id
        assert "POST" in request.name
    assert_calls_are_shown(processor, server)


def assert_calls_are_shown(processor: Processor, server: Server) -> None:
    """There is one span for each call that was answered: it shows its rows and its labels."""
    assert sorted(map(_shown, inferences(processor.backend, server.model))) == sorted(server.answers)


def inferences(backend: OtlpSink, model: str) -> list[ReceivedSpan]:
    return [each for each in backend.spans() if each.attributes.get(semconv.MODEL_NAME) == model]


def _shown(inference: ReceivedSpan) -> tuple[Rows, list[int]]:
    """Rows and labels that the span shows; the label of PyTorch's two scores is the greater one's."""
    batch = f"{semconv.BATCH_INPUT}.x0" in inference.attributes
    inputs, outputs = (semconv.BATCH_INPUT, semconv.BATCH_OUTPUT) if batch else (semconv.INPUT, semconv.OUTPUT)
    rows = [list(row) for row in zip(*(_values(inference, f"{inputs}.x{at}") for at in range(3)), strict=True)]
    if inference.attributes[semconv.SYSTEM_NAME] == "pytorch":
        scores = zip(*(_values(inference, f"{outputs}.raw.{at}") for at in range(2)), strict=True)
        return rows, [int(second > first) for first, second in scores]
    return rows, [int(label) for label in _values(inference, f"{outputs}.{semconv.PREDICTION}")]


def _values(inference: ReceivedSpan, name: str) -> list[float]:
    value = inference.attributes[name]
    return value if isinstance(value, list) else [value]
