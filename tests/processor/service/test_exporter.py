"""Sending results: in order, never in the way, through a backend's absence, over gRPC and HTTP."""

import gzip
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, repeat
from threading import Event, Semaphore, Thread
from time import monotonic
from typing import Any, Literal, TypeVar

import grpc
import pytest
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData

from driftline_processor.config import ExportConfig, parse_config
from driftline_processor.encode.events import encode_events
from driftline_processor.encode.gauges import encode_gauges
from driftline_processor.engine.alarms import follow
from driftline_processor.records import ColumnKey, ColumnResult, ModelKey, Window, WindowResult
from driftline_processor.service import exporter as exporter_module
from driftline_processor.service.export_requests import BoundedRequests, metric_requests
from driftline_processor.service.exporter import Exporter
from driftline_processor.service.internal_metrics import InternalMetrics
from driftline_processor.service.otlp_exporters import log_exporter, metric_exporter, signal_url
from driftline_processor.verdicts.reasons import Stated
from driftline_processor.verdicts.verdict import State, Verdict
from otlp_sink import OtlpSink

WAIT = 20.0

T = TypeVar("T")


def result(end: int = 2_000_000_000, columns: int = 1) -> WindowResult:
    found = tuple(
        ColumnResult(ColumnKey("input", f"f{i}"), 10.0, 10.0, 0.0, {}, {"mean": 1.5}, {}, None) for i in range(columns)
    )
    return WindowResult(ModelKey("churn"), Window(end - 1_000_000_000, end), 10.0, None, False, found)


def data(number: int) -> MetricsData:
    return encode_gauges([result((number + 1) * 1_000_000_000)])[0]


class Counted(InternalMetrics):
    """Counts what it is told."""

    def __init__(self) -> None:
        super().__init__(NoOpMeterProvider())
        self.counts: dict[str, float] = {}
        self.reasons: dict[str, float] = {}

    def add(self, name: str, amount: float, **attributes: str) -> None:
        self.counts[name] = self.counts.get(name, 0) + amount
        for reason in attributes.values():
            self.reasons[reason] = self.reasons.get(reason, 0) + amount


class SdkExporter(MetricExporter):
    """A backend that answers as `answer` says: True for taken."""

    def __init__(self, answer: Callable[[MetricsData], bool]) -> None:
        super().__init__()
        self.answer, self.seen, self.closed = answer, list[MetricsData](), Event()

    def export(self, metrics_data: MetricsData, timeout_millis: float = 0, **_: Any) -> MetricExportResult:
        self.seen.append(metrics_data)
        return MetricExportResult.SUCCESS if self.answer(metrics_data) else MetricExportResult.FAILURE

    def force_flush(self, timeout_millis: float = 0) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 0, **_: Any) -> None:
        self.closed.set()


@contextmanager
def exporting(
    sink: exporter_module.SdkExporter[T], limit: int = 10, retry_for: float = 60.0, **bounds: Any
) -> Iterator[tuple[Exporter[T], Counted]]:
    counted = Counted()
    exporter = Exporter("results", sink, counted, limit=limit, retry_for=retry_for, timeout=1e-9, **bounds)
    exporter.start()
    try:
        yield exporter, counted
    finally:
        exporter.stop(WAIT)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporter_module, "_BACKOFF", (0.001, 0.001))


def test_in_order() -> None:
    """Results leave in the order in which they came."""
    sink, sets = SdkExporter(lambda _: True), [data(i) for i in range(20)]
    with exporting(sink, limit=100) as (exporter, counted):
        for item in sets:
            exporter.submit(item)
        assert exporter.flush(WAIT)

    assert sink.seen == sets
    assert counted.counts == {"exported.sets": 20}


def test_backend_that_comes_back(caplog: pytest.LogCaptureFixture) -> None:
    """What a backend does not take is sent again until it does; this is said once, and its end too."""
    answers = iter([False] * 5 + [True] * 2)
    sink = SdkExporter(lambda _: next(answers))
    with exporting(sink) as (exporter, counted), caplog.at_level("INFO"):
        exporter.submit(data(0))
        exporter.submit(data(1))
        assert exporter.flush(WAIT)

    assert sink.seen == [data(0)] * 6 + [data(1)]
    assert counted.counts == {"exported.sets": 2}
    assert [record.message for record in caplog.records] == [
        "Export failing, results queued for retry",
        "Export recovered, sending queued results",
    ]


def test_result_that_is_too_old_is_given_up() -> None:
    """A result that has waited too long is dropped and counted, and the next one has its turn."""
    sink = SdkExporter(lambda item: item == data(1))
    with exporting(sink, retry_for=0.0) as (exporter, counted):
        exporter.submit(data(0))
        exporter.submit(data(1))
        assert exporter.flush(WAIT)

    assert counted.counts == {"dropped.sets": 1, "exported.sets": 1}


def test_result_that_is_refused_at_once_is_given_up() -> None:
    """The SDK retries what may be retried until its timeout: a quick refusal is final, and blocks nothing for long."""
    sink, counted = SdkExporter(lambda item: item == data(1)), Counted()
    exporter = Exporter("results", sink, counted, limit=10, retry_for=3600.0, timeout=3600.0)
    exporter.start()
    exporter.submit(data(0))
    exporter.submit(data(1))
    assert exporter.flush(WAIT)
    exporter.stop(WAIT)

    assert sink.seen == [data(0)] * 3 + [data(1)]
    assert counted.counts == {"dropped.sets": 1, "exported.sets": 1}


def test_exception_is_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    """An exporter that raises is one that does not deliver."""

    def broken(item: MetricsData) -> bool:
        if item == data(0):
            raise RuntimeError("boom")
        return True

    with exporting(SdkExporter(broken), retry_for=0.0) as (exporter, counted):
        exporter.submit(data(0))
        exporter.submit(data(1))
        assert exporter.flush(WAIT)

    assert counted.counts == {"dropped.sets": 1, "exported.sets": 1}
    assert "boom" in caplog.text


def test_full_queue_drops_the_oldest() -> None:
    """When too many wait, the oldest goes; submitting never blocks."""
    busy, go = Event(), Event()

    def slow(_: MetricsData) -> bool:
        busy.set()
        return go.wait(WAIT)

    sink = SdkExporter(slow)
    with exporting(sink, limit=2) as (exporter, counted):
        exporter.submit(data(0))
        assert busy.wait(WAIT)
        for i in range(1, 5):
            exporter.submit(data(i))
        go.set()
        assert exporter.flush(WAIT)

    assert sink.seen == [data(0), data(3), data(4)]
    assert counted.counts == {"dropped.sets": 2, "exported.sets": 3}


def test_full_queue_by_bytes(caplog: pytest.LogCaptureFixture) -> None:
    """The oldest go until the newest has room; one that is larger than all room waits alone. The log says why."""
    busy, go = Event(), Event()

    def slow(_: MetricsData) -> bool:
        busy.set()
        return go.wait(WAIT)

    sizes = {0: 1, 1: 40, 2: 40, 3: 30, 4: 500}
    sink = SdkExporter(slow)
    with exporting(sink, size=100, memory=lambda item: sizes[numbers[id(item)]]) as (exporter, counted):
        sets = [data(i) for i in range(5)]
        numbers = {id(item): i for i, item in enumerate(sets)}
        exporter.submit(sets[0])
        assert busy.wait(WAIT)
        for item in sets[1:4]:
            exporter.submit(item)
        assert counted.reasons == {"queue full": 1}  # 1: 2 and 3 have room together
        exporter.submit(sets[4])
        go.set()
        assert exporter.flush(WAIT)

    assert sink.seen == [sets[0], sets[4]]
    assert counted.reasons == {"queue full": 3}
    assert "Dropped results 0 s old: queue full (waiting: 1 of at most 10, 40 of at most 100 bytes)" in caplog.text


def test_age_counts_from_submission() -> None:
    """What waits behind a backend that is away expires where it waits, and the newest is still tried."""
    now, tries = [0.0], Semaphore(0)

    def away(_: MetricsData) -> bool:
        tries.release()
        return False

    with exporting(SdkExporter(away), retry_for=100.0, clock=lambda: now[0]) as (exporter, counted):
        exporter._fast = -1.0  # no attempt is a quick refusal
        for at in (0.0, 60.0, 90.0):
            now[0] = at
            exporter.submit(data(int(at)))
        assert tries.acquire(timeout=WAIT)
        now[0] = 165.0
        exporter.submit(data(165))
        assert wait_for(lambda: exporter.health.dropped == 2)

        assert exporter.health.waiting == 2
        assert counted.reasons == {"expired": 2}


def wait_for(condition: Callable[[], bool]) -> bool:
    end = monotonic() + WAIT
    while not condition() and monotonic() < end:
        Event().wait(0.005)
    return condition()


def test_reasons_of_drops() -> None:
    """A batch that the backend refuses at once, again and again, is counted apart from one cut off by the shutdown."""
    counted = Counted()
    refusing = Exporter("results", SdkExporter(lambda _: False), counted, limit=10, retry_for=3600.0, timeout=3600.0)
    refusing.start()
    refusing.submit(data(0))
    assert refusing.flush(WAIT)
    refusing.stop(WAIT)
    with exporting(SdkExporter(lambda _: False)) as (exporter, cut_off):
        exporter.submit(data(0))
        assert wait_for(lambda: exporter.health.failing is True)

    assert counted.reasons == {"rejected": 1}
    assert cut_off.reasons == {"shutdown": 1}


def wide(names: int, length: int) -> WindowResult:
    """A result whose columns have long names."""
    columns = [ColumnKey("input", f"{i:05}" + "é" * length) for i in range(names)]
    found = tuple(ColumnResult(column, 10.0, 10.0, 0.0, {}, {"mean": 1.5}, {}, None) for column in columns)
    return replace(result(), columns=found)


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_requests_are_bounded_by_bytes(protocol: str, otlp_sink: OtlpSink, http_backend: "HttpBackend") -> None:
    """2,500 columns with names of 2 KB are more than any backend takes at once: requests have 4 MiB at most."""
    endpoint = otlp_sink.endpoint if protocol == "grpc" else http_backend.endpoint
    with exporting(metric_exporter(configured(endpoint=endpoint, protocol=protocol, compression="none"))) as (
        exporter,
        counted,
    ):
        exporter.submit(encode_gauges([wide(2_500, 1_000)])[0])
        assert exporter.flush(WAIT)
    if protocol == "grpc":
        found = otlp_sink.requests("metrics")
        sizes = [each.ByteSize() for each in found]
    else:
        sizes = [len(body) for _, _, body in http_backend.requests]
        found = [ExportMetricsServiceRequest.FromString(body) for _, _, body in http_backend.requests]

    assert len(sizes) > 3
    assert max(sizes) < 4 << 20
    metrics = [each for request in found for each in request.resource_metrics[0].scope_metrics[0].metrics]
    assert sum(len(each.gauge.data_points) for each in metrics if each.name == "ml.distribution.mean") == 2_500
    assert counted.counts == {"exported.sets": 1}


def test_events_are_bounded_by_bytes(otlp_sink: OtlpSink) -> None:
    """So are alarms of columns with long names."""
    record = encode_events([alarmed()])[0][0]
    record.log_record.body = "x" * 900_000
    long = record
    with exporting(log_exporter(configured(endpoint=otlp_sink.endpoint))) as (exporter, _):
        exporter.submit([long] * 9)
        assert exporter.flush(WAIT)

    assert len(otlp_sink.logs()) == 9
    assert len(otlp_sink.requests("logs")) == 5


def test_a_failure_does_not_send_a_batch_from_its_beginning() -> None:
    """Of a batch in several requests, those that the backend has taken are not sent again."""
    answers = chain([True, False, False], repeat(True))
    sink = SdkExporter(lambda _: next(answers))
    whole = encode_gauges([wide(1_200, 1_000)])[0]
    with exporting(BoundedRequests(sink, metric_requests)) as (exporter, counted):
        exporter.submit(whole)
        assert exporter.flush(WAIT)

    parts = list(metric_requests(whole))
    assert [parts.index(seen) for seen in sink.seen] == [0, 1, 1, 1, *range(2, len(parts))]
    assert counted.counts == {"exported.sets": 1}


def test_stop_delivers_what_waits() -> None:
    """At the end everything still leaves."""
    sink = SdkExporter(lambda _: True)
    with exporting(sink, limit=100) as (exporter, counted):
        for i in range(50):
            exporter.submit(data(i))

    assert counted.counts == {"exported.sets": 50}
    assert sink.closed.is_set()


def test_stop_does_not_wait_for_a_dead_backend() -> None:
    """An endpoint that did not answer last is not waited for."""
    tried = Event()
    sink = SdkExporter(lambda _: tried.set() is not None)
    with exporting(sink) as (exporter, counted):
        exporter.submit(data(0))
        assert tried.wait(WAIT)

    assert counted.counts == {"dropped.sets": 1}


def configured(**export: Any) -> ExportConfig:
    return ExportConfig.model_validate(export)


def test_grpc_end_to_end(otlp_sink: OtlpSink) -> None:
    """Results arrive over gRPC."""
    sink = metric_exporter(configured(endpoint=otlp_sink.endpoint))
    with exporting(sink) as (exporter, counted):
        exporter.submit(encode_gauges([result(columns=300)])[0])
        assert exporter.flush(WAIT)

    assert len(otlp_sink.points("ml.distribution.mean")) == 300
    assert len(otlp_sink.points("ml.drift.sample.count")) == 300
    assert len(otlp_sink.requests("metrics")) == 1
    assert counted.counts == {"exported.sets": 1}


def alarmed() -> WindowResult:
    verdict = Verdict("value", State.ALARM, 0.2, 0.15, 0.05, 3.0, (Stated("share above 3: 20% → 40%"),), 0.15)
    before = result()
    window = replace(before, reference="r", columns=(replace(before.columns[0], verdict=verdict),))
    return follow({}, window, 0.05)[1]


def test_log_records_over_grpc(otlp_sink: OtlpSink) -> None:
    """An alarm's event arrives by its name, with its resource and its attributes."""
    with exporting(log_exporter(configured(endpoint=otlp_sink.endpoint))) as (exporter, counted):
        for records in encode_events([alarmed()]):
            exporter.submit(records)
        assert exporter.flush(WAIT)

    (received,) = otlp_sink.logs()
    assert received.record.event_name == "ml.alarm.opened"
    assert received.attributes["ml.feature.name"] == "f0"
    assert counted.counts == {"exported.sets": 1}


def test_log_records_over_http(http_backend: "HttpBackend") -> None:
    """Over HTTP events go to the path of logs, with the headers of the metrics."""
    sink = log_exporter(configured(endpoint=http_backend.endpoint, protocol="http", headers={"x-key": "k"}))
    with exporting(sink) as (exporter, _):
        for records in encode_events([alarmed()]):
            exporter.submit(records)
        assert exporter.flush(WAIT)
    ((path, headers, body),) = http_backend.requests

    assert (path, headers["x-key"]) == ("/v1/logs", "k")
    request = ExportLogsServiceRequest.FromString(gzip.decompress(body))
    assert request.resource_logs[0].scope_logs[0].log_records[0].event_name == "ml.alarm.opened"


def test_grpc_headers() -> None:
    """Every request carries the configured headers; their names in lower case, as gRPC wants them."""
    seen: list[dict[str, str]] = []

    def export(_: bytes, context: Any) -> bytes:
        seen.append({key: value for key, value in context.invocation_metadata()})  # noqa: C416  (pairs of a class)
        return b""

    server = grpc.server(ThreadPoolExecutor(1))
    method = grpc.unary_unary_rpc_method_handler(export)
    service = "opentelemetry.proto.collector.metrics.v1.MetricsService"
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service, {"Export": method})])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with exporting(metric_exporter(configured(endpoint=f"http://127.0.0.1:{port}", headers={"X-Key": "k"}))) as (
        exporter,
        _,
    ):
        exporter.submit(data(0))
        assert exporter.flush(WAIT)
    server.stop(0).wait()

    assert [headers["x-key"] for headers in seen] == ["k"]


class HttpBackend:
    """Keeps what is posted to it."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        backend = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the base class's name
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {key.lower(): value for key, value in self.headers.items()}
                backend.requests.append((self.path, headers, body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = Thread(target=self.server.serve_forever)
        self.thread.start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def http_backend() -> Iterator[HttpBackend]:
    backend = HttpBackend()
    yield backend
    backend.close()


@pytest.mark.parametrize(("compression", "unpack"), [("gzip", gzip.decompress), ("none", bytes)])
def test_http_end_to_end(http_backend: HttpBackend, compression: str, unpack: Callable[[bytes], bytes]) -> None:
    """Results arrive over HTTP as protobuf, compressed or not, with headers, below the endpoint."""
    sink = metric_exporter(
        configured(endpoint=http_backend.endpoint, protocol="http", headers={"x-key": "k"}, compression=compression)
    )
    with exporting(sink) as (exporter, _):
        exporter.submit(data(0))
        assert exporter.flush(WAIT)
    ((path, headers, body),) = http_backend.requests

    assert (path, headers["x-key"], headers["content-type"]) == ("/v1/metrics", "k", "application/x-protobuf")
    request = ExportMetricsServiceRequest.FromString(unpack(body))
    assert "ml.distribution.mean" in {m.name for m in request.resource_metrics[0].scope_metrics[0].metrics}


@pytest.mark.parametrize(
    ("endpoint", "base"),
    [
        ("http://h:4318", "http://h:4318/v1/{}"),
        ("http://h:4318/", "http://h:4318/v1/{}"),
        ("http://h:9090/api/v1/otlp", "http://h:9090/api/v1/otlp/v1/{}"),
        ("http://h:9090/api/v1/otlp/v1/metrics", "http://h:9090/api/v1/otlp/v1/{}"),
        ("https://h/x?y=z", "https://h/x/v1/{}?y=z"),
    ],
)
@pytest.mark.parametrize("signal", ["metrics", "logs"])
def test_signal_url(endpoint: str, base: str, signal: Literal["metrics", "logs"]) -> None:
    """Over HTTP a signal goes to its path below the endpoint, also where that is one of a signal already."""
    assert signal_url(endpoint, signal) == base.format(signal)


@pytest.mark.parametrize("make", [metric_exporter, log_exporter])
def test_tls_settings_reach_the_exporter(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, make: Callable[[ExportConfig], Any]
) -> None:
    """For each signal, certificates of the configuration are those that the channel is made with."""
    made: list[tuple[Any, ...]] = []
    files = {name: tmp_path / name for name in ("ca", "key", "chain")}
    for name, path in files.items():
        path.write_text(name)
    config = parse_config(
        f"export: {{endpoint: 'https://h:1', certificate: {files['ca']}, "
        f"client_key: {files['key']}, client_certificate: {files['chain']}}}",
        {},
    )
    monkeypatch.setattr("grpc.ssl_channel_credentials", lambda *parts: made.append(parts))
    for name in ("GrpcMetricExporter", "GrpcLogExporter"):
        monkeypatch.setattr(f"driftline_processor.service.otlp_exporters.{name}", lambda **options: options)

    options = make(config.export).exporter
    assert made == [(b"ca", b"key", b"chain")]
    assert (options["insecure"], options["endpoint"]) == (False, "https://h:1")
