"""The whole processor in one process: OTLP in, journal, engine, OTLP out, and what a restart finds."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse

from driftline import semconv
from driftline.sketch import Histogram
from driftline_processor.config import Config, parse_config
from driftline_processor.service.receiver import SERVICES, BindError
from driftline_processor.service.service import Service
from driftline_processor.service.store import StoreError
from otlp_requests import counter, metrics_request, number, of_model, sketch, sketch_point, span, trace_request
from otlp_sink import OtlpSink

SECOND = 10**9
START = 1_800_000_000 * SECOND
WAIT = 30.0


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now


def configured(folder: Path, sink: OtlpSink, more: str = "") -> Config:
    return parse_config(
        f"""
        listen: 127.0.0.1:0
        references: {folder}/references
        store: sqlite:///{folder}/driftline.db
        window: {{size: 10s, step: 5s, lateness: 1s}}
        export: {{endpoint: "{sink.endpoint}"}}
        telemetry: {{every: 1s}}
        {more}
        """,
        {},
    )


@contextmanager
def running(config: Config, clock: Callable[[], int]) -> Iterator[Service]:
    service = Service(config, clock)
    service.start()
    try:
        yield service
    finally:
        service.stop()


def send(service: Service, signal: Any, request: Any) -> Any:
    with grpc.insecure_channel(f"127.0.0.1:{service.port}") as channel:
        answer = channel.unary_unary(f"/{SERVICES[signal].name}/Export")(request.SerializeToString(), timeout=WAIT)
    return ExportMetricsServiceResponse.FromString(answer).partial_success


def window_request(second: int, rows: int, shift: float = 0.0) -> Any:
    """What a server says of `rows` rows of one column that it has counted since START, `second` seconds after it."""
    values = np.random.default_rng(7).normal(10.0 + shift, 1.0, rows)
    attributes, time = of_model(feature__name="age"), START + second * SECOND
    return metrics_request(
        sketch(semconv.FEATURE_VALUE, [sketch_point(attributes, Histogram.of(values, 6, 160), START, time)]),
        counter(semconv.INFERENCE_ROWS, [number(of_model(), rows, START, time)]),
    )


def counted(sink: OtlpSink, model: str = "churn") -> float:
    """The rows that the processor says it has counted."""
    found = [p.value for p in sink.points("driftline.processor.rows") if p.attributes[semconv.MODEL_NAME] == model]
    return max(found, default=0.0)


def test_from_rows_to_results(tmp_path: Path, otlp_sink: OtlpSink) -> None:
    """Sketches come in, and what the window holds goes out, with the origin's resource and the window's time."""
    clock = Clock()
    with running(configured(tmp_path, otlp_sink), clock) as service:
        for second in (2, 5, 8, 10):
            clock.now = START + second * SECOND
            assert send(service, "metrics", window_request(second, 100 * second)).rejected_data_points == 0
        clock.now = START + 30 * SECOND
        otlp_sink.wait_for(lambda sink: [p for p in sink.points("ml.drift.sample.count") if p.value == 1_000], WAIT)
        otlp_sink.wait_for(lambda sink: counted(sink) == 1_000, WAIT)

    (full,) = [p for p in otlp_sink.points("ml.drift.sample.count") if p.value == 1_000]
    assert full.resource == {"service.name": "shop"}
    assert full.attributes == {
        "service.name": "shop",
        semconv.MODEL_NAME: "churn",
        semconv.REFERENCE_PROVISIONAL: False,
        semconv.DRIFT_TARGET: "input",
        semconv.FEATURE_NAME: "age",
    }
    assert full.point.time_unix_nano == START + 10 * SECOND
    (mean,) = [p for p in otlp_sink.points("ml.distribution.mean") if p.point.time_unix_nano == START + 10 * SECOND]
    assert mean.value == pytest.approx(10.0, abs=0.2)


def test_restart_goes_on_where_it_was(tmp_path: Path, otlp_sink: OtlpSink) -> None:
    """What was acknowledged is there after a restart; what comes again is counted once."""
    clock = Clock()
    clock.now += 5 * SECOND
    with running(configured(tmp_path, otlp_sink), clock) as service:
        send(service, "metrics", window_request(2, 200))
        send(service, "traces", trace_request(span({**of_model(), "ml.input.age": 11.0}, 1, START + SECOND)))
    with running(configured(tmp_path, otlp_sink), clock) as service:
        send(service, "metrics", window_request(2, 200))
        send(service, "metrics", window_request(4, 400))
        send(service, "traces", trace_request(span({**of_model(), "ml.input.age": 11.0}, 1, START + SECOND)))
        otlp_sink.wait_for(lambda sink: counted(sink) == 401, WAIT)


def test_taken_port_leaves_nothing_open(tmp_path: Path, otlp_sink: OtlpSink) -> None:
    """A port that is taken ends the start, before the store is touched."""
    clock = Clock()
    config = configured(tmp_path, otlp_sink)
    with running(config, clock) as service:
        taken = config.model_copy(update={"listen": f"127.0.0.1:{service.port}", "store": f"sqlite:///{tmp_path}/b.db"})
        with pytest.raises(BindError):
            Service(taken, clock)

    assert not (tmp_path / "b.db").exists()


def test_store_that_cannot_be_opened_frees_the_port(tmp_path: Path, otlp_sink: OtlpSink) -> None:
    """A start that fails for the store can be tried again on the same port."""
    (tmp_path / "driftline.db").write_text("a letter " * 1000)

    with pytest.raises(StoreError, match="file is not a database"):
        Service(configured(tmp_path, otlp_sink), Clock())
