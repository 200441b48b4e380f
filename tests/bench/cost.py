"""What a model costs a backend: points, series, bytes and Honeycomb events an hour, measured behind the real gateway.

`PYTHONPATH=tests python -m bench.cost 30 300` prints the table of docs/operations-cost.md for so many inputs. A process
under `opentelemetry-instrument` predicts batches at a steady rate; Collector and processor are real, the sketches go
to the backend, too. What came in steady state is scaled to an hour of the default intervals: an export of sketches
every 5 s, a window every minute.
"""

import gzip
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from driftline import semconv
from driftline_processor.encode.metrics import METRICS
from e2e import line
from e2e.collectors import gateway
from e2e.processes import BIN, clean_environment, free_ports, running
from otlp_sink import OtlpSink, ReceivedPoint
from wire_names import SKETCHES

EXPORTS_AN_HOUR: Final = 720
WINDOWS_AN_HOUR: Final = 60
EXPORTS: Final = 4
WINDOWS: Final = 4
RESULTS: Final = frozenset(metric.name for metric in METRICS)

TRAIN = """\
import sys
import joblib, numpy as np, pandas as pd
from sklearn.dummy import DummyClassifier

def draw(rows, columns, random):
    kinds = (lambda: random.normal(40, 10, rows), lambda: random.lognormal(10, 1, rows),
             lambda: random.gamma(4, 5, rows), lambda: random.poisson(3, rows),
             lambda: random.choice(list("abcde"), rows))
    return pd.DataFrame({f"feature_{at}": kinds[at % len(kinds)]() for at in range(columns)})
"""
SAVE = """
columns, random = int(sys.argv[1]), np.random.default_rng(1)
log = draw(5000, columns, random)
labels = random.choice(["no", "yes"], 5000, p=[.8, .2])
joblib.dump(DummyClassifier(strategy="stratified", random_state=0).fit(log, labels), "model.joblib")
log.assign(time=pd.date_range("2026-01-01", periods=5000, freq="10min"), predicted=labels).to_parquet("train.parquet")
"""
SERVE = """
import itertools, time
model, random = joblib.load("model.joblib"), np.random.default_rng(2)
columns = int(sys.argv[1])
for _ in itertools.count():
    model.predict(draw(50, columns, random))
    time.sleep(.5)
"""


class Cost(NamedTuple):
    """Of a model and hour; bytes as OTLP, and with gzip."""

    points: float
    series: int
    size: float
    zipped: float
    events: float


def measure(columns: int) -> dict[str, Cost]:
    """The costs of results and of sketches, by their names."""
    with TemporaryDirectory() as name, OtlpSink() as backend:
        folder = Path(name)
        references = _train(folder, columns)
        port, results_port = free_ports(2)
        overlays = ("with-sketches.yaml",)
        with (
            line.processor(folder, references, port=port, export=results_port),
            gateway(
                folder,
                backend=backend.endpoint,
                processor=f"http://127.0.0.1:{port}",
                results_port=results_port,
                overlays=overlays,
            ) as collector,
            _serving(folder, columns, collector.endpoint),
        ):
            backend.wait_for(lambda sink: len(_ends(sink.points("ml.drift.state"))) > 2 * WINDOWS, timeout=180)
            backend.wait_for(lambda sink: len(_ends(sink.points(semconv.INFERENCE_ROWS))) > 2 * EXPORTS, timeout=180)
        return {
            "1,000 calls": _calls(backend, 1_000),
            "results": _cost(backend, RESULTS, "ml.drift.state", WINDOWS, WINDOWS_AN_HOUR),
            "sketches": _cost(backend, SKETCHES, semconv.INFERENCE_ROWS, EXPORTS, EXPORTS_AN_HOUR),
            "the rest": _cost(backend, {semconv.INFERENCE_ROWS, semconv.INFERENCE_DURATION, semconv.DROPPED_ROWS,
                                        semconv.DROPPED_COLUMNS}, semconv.INFERENCE_ROWS, EXPORTS, EXPORTS_AN_HOUR),
        }  # fmt: skip


def _train(folder: Path, columns: int) -> Path:
    (folder / "train.py").write_text(TRAIN + SAVE)
    (folder / "serve.py").write_text(TRAIN + SERVE)
    _run(folder, sys.executable, "train.py", str(columns))
    output = folder / "references" / "churn.json"
    output.parent.mkdir()
    options = ["--model", line.MODEL, "--timestamp", "time", "--prediction", "predicted", "-o", str(output)]
    _run(folder, str(BIN / "driftline"), "profile", "train.parquet", *options)
    return output.parent


def _run(folder: Path, *command: str) -> None:
    subprocess.run(command, cwd=folder, env=clean_environment(), check=True, stdout=subprocess.DEVNULL)


def _serving(folder: Path, columns: int, endpoint: str) -> Any:
    env = {
        "OTEL_SERVICE_NAME": "shop",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=production",
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
        "OTEL_METRIC_EXPORT_INTERVAL": "600000",
        "DRIFTLINE_MODEL_NAME": line.MODEL,
        "DRIFTLINE_REFERENCE": str(folder / "references"),
    }
    command: list[str | Path] = [BIN / "opentelemetry-instrument", sys.executable, "serve.py", str(columns)]
    return running("server", command, folder=folder, ready=lambda: True, env=env)


def _ends(points: Iterable[ReceivedPoint]) -> list[int]:
    return sorted({each.point.time_unix_nano for each in points})


def _cost(backend: OtlpSink, names: Iterable[str], clock: str, turns: int, turns_an_hour: int) -> Cost:
    """Of `turns` exports or windows before the last: the points of these metrics, each turn in one request."""
    ends = _ends(backend.points(clock))[-2 - turns : -1]
    wanted = set(names)
    points = [point for point in backend.points() if point.metric.name in wanted]
    chosen = [
        [point for point in points if before < point.point.time_unix_nano <= after] for before, after in pairwise(ends)
    ]
    requests = [_request(turn) for turn in chosen]
    return Cost(
        sum(map(len, chosen)) / turns * turns_an_hour,
        len({each.stream[:3] for turn in chosen for each in turn}),
        sum(map(len, requests)) / turns * turns_an_hour,
        sum(len(gzip.compress(each, 6)) for each in requests) / turns * turns_an_hour,
        sum(map(_events, chosen)) / turns * turns_an_hour,
    )


def _calls(backend: OtlpSink, calls: int) -> Cost:
    """Of so many spans like those that have come, a hundred in a request."""
    spans = [each.span for each in backend.spans()]
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.extend(spans[:100])
    data = request.SerializeToString()
    of_each = calls / len(spans[:100])
    return Cost(0, 0, len(data) * of_each, len(gzip.compress(data, 6)) * of_each, calls)


def _request(points: list[ReceivedPoint]) -> bytes:
    """The points in one request, as the Collector would send them."""
    request = ExportMetricsServiceRequest()
    scope = request.resource_metrics.add().scope_metrics.add()
    held: dict[str, Any] = {}
    for each in points:
        data = each.metric.WhichOneof("data")
        if each.metric.name not in held:
            held[each.metric.name] = metric = scope.metrics.add(name=each.metric.name, unit=each.metric.unit)
            getattr(metric, data).SetInParent()
        getattr(held[each.metric.name], data).data_points.append(each.point)
    return bytes(request.SerializeToString())


def _events(points: list[ReceivedPoint]) -> int:
    """Honeycomb makes one event of all points of a second that have the same attributes."""
    seconds: defaultdict[Any, set[str]] = defaultdict(set)
    for each in points:
        seconds[each.point.time_unix_nano // 10**9, repr(sorted(each.attributes.items()))].add(each.metric.name)
    return len(seconds)


def table(inputs: list[int]) -> str:
    """Markdown."""
    text = (
        "| inputs | | points | series | MB | MB with gzip | Honeycomb events |\n|---:|---|---:|---:|---:|---:|---:|\n"
    )
    for columns in inputs:
        for what, cost in measure(columns).items():
            numbers = f"{cost.points:,.0f} | {cost.series:,} | {cost.size / 1e6:.1f} | {cost.zipped / 1e6:.1f}"
            text += f"| {columns} | {what} | {numbers} | {cost.events:,.0f} |\n"
    return text


if __name__ == "__main__":
    sys.stdout.write(table([int(each) for each in sys.argv[1:]]))
