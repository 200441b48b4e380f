"""The golden files of the processor: how they are read, and made anew.

`python tests/golden/processor_files.py` writes them; what changes in them is to be explained in the commit.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from google.protobuf.json_format import MessageToDict, ParseDict
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import NumberDataPoint

import driftline
from driftline import semconv
from driftline.sketch import Histogram
from driftline_processor.decode import decode_metrics, decode_traces
from driftline_processor.encode.events import encode_events
from driftline_processor.encode.gauges import encode_gauges
from driftline_processor.engine.engine import Engine
from driftline_processor.engine.engine_settings import EngineSettings
from driftline_processor.records import InputRecord, WindowResult
from driftline_processor.reference import read_file
from otlp_requests import DELTA, counter, metrics_request, number, of_model, sketch, sketch_point, span, trace_request

FOLDER: Final = Path(__file__).parent / "processor"
REFERENCE: Final = FOLDER / "churn.reference.json"
REQUESTS: Final = FOLDER / "requests.json"
RESULTS: Final = FOLDER / "results.json"
SNAPSHOT: Final = FOLDER / "snapshot-form-4.msgpack"
OLD_SNAPSHOTS: Final = tuple(FOLDER / f"snapshot-form-{form}.msgpack" for form in (2, 3))
"""As earlier versions wrote it: they go on being readable, and are not made anew."""

SECOND: Final = 10**9
START: Final = 1_800_000_000 * SECOND
CHANGE: Final = 20
RECOVERY: Final = 30
"""Between these seconds ages come in another unit."""

PLANS: Final = {"basic": 0.6, "gold": 0.3, "trial": 0.1}
CLASSES: Final = {"no": 0.8, "yes": 0.2}


def results(requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the processor says to requests, each as it arrives on time: of metrics and of logs, in protobuf's JSON."""
    engine, said = new_engine(), []
    for request in requests:
        windows = answer(engine, request)
        said += [MessageToDict(encode_metrics(data)) for data in encode_gauges(windows)]
        said += [MessageToDict(encode_logs(records)) for records in encode_events(windows)]
    return said


def snapshot(requests: list[dict[str, Any]]) -> bytes:
    """The state of the model while its alarm is open."""
    engine = new_engine()
    for request in requests:
        if int(request["received"]) <= START + RECOVERY * SECOND:
            answer(engine, request)
    (state,) = engine.snapshot().values()
    assert state is not None
    return state


def new_engine() -> Engine:
    """An engine that knows the reference, and nothing else yet."""
    engine = Engine(EngineSettings(10 * SECOND, 5 * SECOND, 2 * SECOND, 0.05, 1.0, 30 * 86_400 * SECOND))
    engine.put_reference(read_file(REFERENCE))
    return engine


def answer(engine: Engine, request: dict[str, Any]) -> list[WindowResult]:
    """The windows that a request completes."""
    observe(engine, request)
    return engine.advance(int(request["received"]))


def observe(engine: Engine, request: dict[str, Any]) -> None:
    engine.observe(records(request), int(request["received"]))


def records(request: dict[str, Any]) -> list[InputRecord]:
    """What a request says."""
    metrics = ParseDict(request.get("metrics", {}), ExportMetricsServiceRequest()).SerializeToString()
    traces = ParseDict(request.get("traces", {}), ExportTraceServiceRequest()).SerializeToString()
    return [*decode_metrics(metrics).records, *decode_traces(traces).records]


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def make() -> None:
    random = np.random.default_rng(3)
    columns = {"age": random.normal(40, 10, 4_000), "plan": _drawn(random, PLANS, 4_000)}
    classes = _drawn(random, CLASSES, 4_000)
    FOLDER.mkdir(exist_ok=True)
    driftline.profile(columns, model="churn", version="3", prediction=classes).save(REFERENCE)
    requests = [_request(random, second) for second in range(5, 61, 5)]
    _write(REQUESTS, [*requests, {"received": str(START + 90 * SECOND)}])
    _write(RESULTS, results(read(REQUESTS)))
    SNAPSHOT.write_bytes(snapshot(read(REQUESTS)))


def _request(random: np.random.Generator, second: int) -> dict[str, Any]:
    """What a server says of its last five seconds, and a sampled span of another one that has no sketches."""
    rows, begin, end = 400, START + (second - 5) * SECOND, START + second * SECOND
    ages = random.normal(40, 10, rows) / (12.0 if CHANGE <= second <= RECOVERY else 1.0)
    point = sketch_point(_attributes(feature__name="age"), Histogram.of(ages, 7, 160), begin, end)
    plans, classes = _drawn(random, PLANS, rows), _drawn(random, CLASSES, rows)
    of_plan, of_class = {"feature__name": "plan"}, {"output__name": "prediction"}
    metrics = metrics_request(
        sketch(semconv.FEATURE_VALUE, [point], DELTA),
        counter(semconv.FEATURE_CATEGORY, _counts(plans, begin, end, "category", of_plan), DELTA),
        counter(semconv.OUTPUT_PREDICTIONS, _counts(classes, begin, end, "output__class", of_class), DELTA),
        counter(semconv.INFERENCE_ROWS, [number(_attributes(), rows, begin, end)], DELTA),
    )
    example = span({**_attributes(), "ml.input.age": 41.0, "ml.input.plan": "gold"}, second, end - 1, "ot=th:8")
    traces = trace_request(example)
    return {"received": str(end), "metrics": MessageToDict(metrics), "traces": MessageToDict(traces)}


def _attributes(**more: object) -> dict[str, object]:
    return of_model(model__version="3", **more)


def _drawn(random: np.random.Generator, shares: Mapping[str, float], rows: int) -> list[str]:
    return [str(each) for each in random.choice(list(shares), rows, p=list(shares.values()))]


def _counts(values: list[str], begin: int, end: int, by: str, column: Mapping[str, str]) -> list[NumberDataPoint]:
    """How often each value of a column came."""
    return [number(_attributes(**column, **{by: v}), values.count(v), begin, end) for v in sorted(set(values))]


def _write(path: Path, requests: list[dict[str, Any]]) -> None:
    """A request a line."""
    lines = ",\n".join(json.dumps(request, separators=(",", ":")) for request in requests)
    path.write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    make()
