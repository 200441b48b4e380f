"""ingest_points_vs_parse: counting sketches, in a server.

Measured: the CPU time in which a gRPC server decodes requests of sketches and counts them (`decode_request`, then the
engine): 24 exports of 20 models with 30 features and a counter of rows each, cumulative as they are by default, ten
seconds apart. Against: the same server with a handler that only parses the protobuf. Nothing is stored, and no window
is judged: that happens once a minute, however many points there were.
"""

import gc
from threading import Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from bench.harness import Figure, interleaved
from bench.otlp_server import serving
from bench.rig import FEATURES
from driftline import semconv
from driftline.sketch import Histogram
from driftline_processor.decode import decode_request
from driftline_processor.engine.engine import Engine
from driftline_processor.engine.engine_settings import EngineSettings
from driftline_processor.limits import LIMITS
from driftline_processor.service.garbage import collect_rarely
from otlp_requests import counter, metrics_request, number, of_model, sketch, sketch_point

MODELS: Final = 20
REQUESTS: Final = 24
SECOND: Final = 10**9
START: Final = 1_700_000_040 * SECOND
STEP: Final = 10 * SECOND
SETTINGS: Final = EngineSettings(300 * SECOND, 60 * SECOND, 60 * SECOND, 0.05, 1.0, 30 * 86_400 * SECOND)

_ROUNDS: Final = 15
_POOL: Final = 4


def measure() -> NDArray[np.float64]:
    bodies = [b"", *requests(MODELS, FEATURES)]
    with serving(_parse) as parse, serving(count) as ours:
        seconds = interleaved({"parse": lambda: parse.work(bodies), "count": lambda: ours.work(bodies)}, _ROUNDS)
    return seconds["parse"] / seconds["count"]


def requests(models: int, columns: int, exports: int = REQUESTS, first: int = 0) -> list[bytes]:
    """What a process that serves so many models sends, ten seconds apart. first: number of the first model."""
    rng = np.random.default_rng(0)
    held = [Histogram.empty(5)] * _POOL
    bodies = []
    for export in range(1, exports + 1):
        held = [each.merge(Histogram.of(rng.normal(10, 2, 2000), 5, 160)) for each in held]
        bodies.append(_request(range(first, first + models), columns, held, START + export * STEP))
    return bodies


def _request(models: range, columns: int, held: list[Histogram], time: int) -> bytes:
    metrics = []
    for model in models:
        of = f"m{model}"
        metrics.append(counter(semconv.INFERENCE_ROWS, [number(of_model(of), held[0].count, START, time)]))
        points = [
            sketch_point(of_model(of, feature__name=f"c{i}"), held[i % _POOL], START, time) for i in range(columns)
        ]
        metrics.append(sketch(semconv.FEATURE_VALUE, points))
    return metrics_request(*metrics).SerializeToString()


def _parse(body: bytes) -> object:
    return ExportMetricsServiceRequest.FromString(body)


_engines: Final = [Engine(SETTINGS)]
_lock: Final = Lock()


def count(body: bytes) -> None:
    """As the processor does it, but for the journal. An empty request begins anew."""
    if not body:
        if not gc.get_freeze_count():
            collect_rarely()  # once, as the processor does
        _engines[:] = [Engine(SETTINGS)]
        return
    records = decode_request("metrics", body, LIMITS).batch.records
    with _lock:
        report = _engines[0].observe(records, START + REQUESTS * STEP)
    assert report.counted == len(records)


FIGURE: Final = Figure("ingest_points_vs_parse", "a server that only parses", 0.05, 0.3, measure, at_least=True)
