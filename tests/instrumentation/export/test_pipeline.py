"""From predictions to the backend: nothing is lost while it is down, nothing blocks when it is slow."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from sklearn.linear_model import LogisticRegression

import driftline
from driftline import semconv
from driftline.capture.buffer_pool import BufferPool
from driftline.capture.copies import capture
from driftline.export.pipeline import Pipeline
from driftline.features.input_kinds import EMBEDDING, TOKENS
from driftline.recording.shared_recorder import SHARED_RECORDER
from driftline.records import CallRecord, InputFacts, ModelFacts, NamedColumn
from driftline.runtime.self_faults import FAULTS
from driftline.settings import Settings
from otlp_sink import Received
from telemetry import MemoryMetricExporter, Telemetry

RNG = np.random.default_rng(5)
X = RNG.normal(size=(100, 3))


def no_outputs(operation: str, columns: Any, head: int) -> list[NamedColumn]:
    return []


def first_output(operation: str, columns: Any, head: int) -> list[NamedColumn]:
    return [NamedColumn("y", columns[0])]


MODEL = ModelFacts("m", "1", "M", "test", None, ("a", "b", "c"), 3, no_outputs)


@pytest.fixture
def model() -> LogisticRegression:
    return LogisticRegression().fit(X, X[:, 0] > 0)


@pytest.mark.parametrize("temporality", ["cumulative", "delta"])
def test_nothing_is_lost_while_the_backend_is_down(
    temporality: str,
    instrumented: Callable[..., Telemetry],
    model: LogisticRegression,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Exports that fail are made good by the next one, whatever the temporality."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", temporality)
    telemetry = instrumented()
    for failing in (False, True, True, False, True, False):
        telemetry.sketches.failing = failing
        model.predict(X)
        assert driftline.flush(10) is not failing

    assert telemetry.total(semconv.INFERENCE_ROWS) == 600
    valid = {semconv.FEATURE_STATE: semconv.VALID}
    assert telemetry.total(semconv.FEATURE_OBSERVATIONS, {**valid, semconv.FEATURE_NAME: "x1"}) == 600
    column = {semconv.FEATURE_NAME: "x1"}
    assert telemetry.total(semconv.FEATURE_VALUE, column) + telemetry.total(semconv.FEATURE_TAIL, column) == 600
    assert telemetry.total(semconv.OUTPUT_PREDICTIONS) == 600
    times = {point.metric.sum.aggregation_temporality for point in telemetry.points(semconv.INFERENCE_ROWS)}
    assert times == {1 if temporality == "delta" else 2}


def test_points_do_not_change_without_rows(telemetry: Telemetry, model: LogisticRegression) -> None:
    """A column is sent when it has something new to say."""
    model.predict(X)
    telemetry.flush()
    sent = len(telemetry.points(semconv.FEATURE_VALUE))
    telemetry.flush()

    assert len(telemetry.points(semconv.FEATURE_VALUE)) == sent


@pytest.mark.parametrize(
    ("sketch", "metrics", "marked"),
    [
        ("all", {semconv.FEATURE_OBSERVATIONS, semconv.OUTPUT_OBSERVATIONS}, True),
        ("outputs", {semconv.OUTPUT_OBSERVATIONS}, True),
        ("none", set(), False),
    ],
)
def test_sketches_can_be_switched_off(
    sketch: str,
    metrics: set[str],
    marked: bool,  # a parameter of the test
    instrumented: Callable[..., Telemetry],
    model: LogisticRegression,
) -> None:
    """DRIFTLINE_SKETCH; rows are counted in any case, and the span says whether its rows are in a sketch."""
    telemetry = instrumented(sketch=sketch)
    model.predict(X)
    telemetry.flush()

    names = {point.metric.name for point in telemetry.points()}
    assert names & {semconv.FEATURE_OBSERVATIONS, semconv.OUTPUT_OBSERVATIONS} == metrics
    assert telemetry.total(semconv.INFERENCE_ROWS) == 100
    assert telemetry.spans()[0].attributes[semconv.SKETCHED] is marked


def test_a_full_buffer_drops_and_counts(instrumented: Callable[..., Telemetry], model: LogisticRegression) -> None:
    """Rows without room are counted as dropped; calls go on, and every row is counted as a row."""
    telemetry = instrumented(buffer_bytes=20_000)
    large = RNG.normal(size=(5000, 3))
    assert model.predict(large).shape == (5000,)
    model.predict(X[:5])
    telemetry.flush()
    telemetry.flush()

    assert telemetry.total(semconv.DROPPED_ROWS) == 5000
    assert telemetry.total(semconv.INFERENCE_ROWS) == 5005
    sketched = {semconv.FEATURE_STATE: semconv.VALID, semconv.FEATURE_NAME: "x0"}
    assert telemetry.total(semconv.FEATURE_OBSERVATIONS, sketched) == 5
    assert [span.attributes[semconv.SKETCHED] for span in telemetry.spans()] == [False, True]


def test_a_burst_of_batches_has_most_of_the_buffer(
    instrumented: Callable[..., Telemetry], model: LogisticRegression
) -> None:
    """Batches that come faster than they are counted are kept up to the bound, not up to a part of it."""
    telemetry = instrumented(buffer_bytes=4_000_000)
    large = RNG.normal(size=(5000, 3))  # 120,000 bytes, and as many for its outputs at most
    with aggregation_paused():
        for _ in range(12):
            model.predict(large)
    telemetry.flush()

    assert telemetry.total(semconv.DROPPED_ROWS) == 0
    assert telemetry.total(semconv.INFERENCE_ROWS) == 60_000


@contextmanager
def aggregation_paused() -> Iterator[None]:
    """Nothing is taken out of the buffer: the lock of the one who takes is held."""
    recorder = SHARED_RECORDER._recorder
    assert recorder is not None
    with recorder.pipeline._aggregating:
        yield


class Stuck(MemoryMetricExporter):
    """An exporter that hangs until it is shut down, as one that cannot reach its backend."""

    def __init__(self) -> None:
        super().__init__(Received())
        self.entered = threading.Event()
        self.released = threading.Event()

    def export(self, metrics_data: Any, timeout_millis: float = 10_000, **kwargs: Any) -> Any:
        self.entered.set()
        self.released.wait(60)
        return super().export(metrics_data, timeout_millis, **kwargs)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        self.released.set()


def pipeline(exporter: MemoryMetricExporter, **settings: Any) -> Pipeline:
    given = Settings(**{"export_interval": 3_600_000} | settings)
    return Pipeline(given, lambda: exporter, lambda: Resource({}), lambda: None)


def record(rows: Any, model: ModelFacts = MODEL) -> CallRecord:
    return model, "predict", capture(rows, BufferPool(10**9)), None, 0.1, None, None, [False], 0.0


def test_counting_goes_on_while_an_export_hangs() -> None:
    """An export that waits for its backend holds up neither callers nor aggregation."""
    exporter = Stuck()
    subject = pipeline(exporter)
    subject.queue.put(record(X))
    assert not subject.flush(0.05)
    assert exporter.entered.wait(10)
    for _ in range(200):
        subject.queue.put(record(X))
    subject.drain()
    exporter.released.set()

    assert subject.flush(10)
    assert exporter.received.total(semconv.INFERENCE_ROWS) == 201 * len(X)
    assert subject.close(10)


def test_close_is_bounded() -> None:
    """Where the backend does not answer, the end comes nevertheless."""
    subject = pipeline(Stuck())
    subject.queue.put(record(X))
    began = time.monotonic()

    assert not subject.close(0.2)
    assert time.monotonic() - began < 5


def test_a_flush_after_close_waits_for_nothing() -> None:
    """The last export is over: an exit handler that flushes later is not held up."""
    subject = pipeline(MemoryMetricExporter(Received()))
    subject.queue.put(record(X))
    assert subject.close(10)
    began = time.monotonic()

    assert subject.flush(60)
    assert time.monotonic() - began < 30


def test_nothing_is_taken_after_close() -> None:
    """What comes too late is not counted, and does no harm."""
    exporter = MemoryMetricExporter(Received())
    subject = pipeline(exporter)
    subject.queue.put(record(X))
    assert subject.close(10)

    assert not subject.queue.put(record(X))
    assert subject.close(10)
    assert exporter.received.total(semconv.INFERENCE_ROWS) == len(X)


def test_without_predictions_nothing_starts() -> None:
    """No thread, no export: flush and close have nothing to do."""
    exporter = MemoryMetricExporter(Received())
    before = threading.active_count()
    subject = pipeline(exporter)
    assert subject.flush(1)
    assert threading.active_count() == before
    assert subject.close(1)

    assert exporter.attempts == 0


def test_without_an_exporter_only_durations_are_recorded() -> None:
    """OTEL_METRICS_EXPORTER=none or prometheus: nothing is aggregated, durations are the application's metrics."""
    reader = InMemoryMetricReader()
    subject = Pipeline(Settings(), None, lambda: Resource({}), lambda: None, MeterProvider([reader]))

    subject.queue.put(record(X))
    assert not subject.counts
    assert subject.flush(10)
    (duration,) = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
    assert duration.name == semconv.INFERENCE_DURATION
    assert [point.count for point in duration.data.data_points] == [1]
    assert subject.close(10)


@pytest.mark.parametrize("temporality", ["cumulative", "delta"])
@pytest.mark.parametrize("columns", [3, 400])
def test_durations_leave_beside_the_sketches(temporality: str, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the interval of the sketches, and once, however many requests the sketches take."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", temporality)
    received = Received()
    subject = pipeline(MemoryMetricExporter(received), max_columns=columns)
    model = ModelFacts("m", "1", "M", "test", None, None, None, no_outputs)
    for _ in range(2):
        subject.queue.put(record(np.ones((5, columns)), model))
        assert subject.flush(10)

    assert received.total(semconv.INFERENCE_DURATION) == 2
    assert subject.close(10)


@pytest.mark.parametrize("kind", [None, EMBEDDING, TOKENS])
@pytest.mark.parametrize("dtype", [float, int, object])
@pytest.mark.parametrize("shape", [(4, 0), (4, 2, 0)])
def test_rows_without_columns_are_rows(shape: tuple[int, ...], dtype: type, kind: str | None) -> None:
    """They are counted, whatever a model takes them for; there is nothing to read in them, and that is no fault."""
    FAULTS.reset()
    exporter = MemoryMetricExporter(Received())
    subject = pipeline(exporter)
    model = ModelFacts("n", None, "M", "test", None, None, None, first_output, InputFacts(kind))
    for _ in range(2):
        given = capture(np.empty(shape, dtype), BufferPool(10**9))
        subject.queue.put((model, "predict", given, given, 0.1, None, None, [False], 0.0))
    assert subject.flush(10)
    assert subject.close(10)

    assert exporter.received.total(semconv.INFERENCE_ROWS) == 8
    assert not FAULTS.counts()


def test_one_bad_column_costs_no_other() -> None:
    """Values that cannot be read are of the wrong type, and no fault; the others, and the rows, are counted."""
    exporter = MemoryMetricExporter(Received())
    subject = pipeline(exporter)

    class Unprintable:
        def __str__(self) -> str:
            raise ValueError("no")

    rows = np.empty((2, 3), object)
    rows[:] = [[1.0, Unprintable(), "a"], [2.0, Unprintable(), "b"]]
    subject.queue.put(record(rows))
    assert subject.flush(10)
    assert subject.close(10)

    points = exporter.received.points(semconv.FEATURE_OBSERVATIONS)
    states = {(point.attributes[semconv.FEATURE_NAME], point.attributes[semconv.FEATURE_STATE]) for point in points}
    assert {("a", semconv.VALID), ("b", semconv.WRONG_TYPE), ("c", semconv.VALID)} <= states
    assert ("b", semconv.VALID) not in states
    assert exporter.received.total(semconv.FAULTS) == 0
    assert exporter.received.total(semconv.INFERENCE_ROWS) == 2


def test_a_wide_model_is_sent_in_several_requests() -> None:
    """Requests stay below what gRPC servers take; each counts for itself when a later one fails."""
    exporter = MemoryMetricExporter(Received())
    subject = pipeline(exporter)
    wide = ModelFacts("w", None, "M", "test", None, None, None, no_outputs)
    rows = RNG.normal(size=(3, 700))
    subject.queue.put(record(rows, wide))
    assert subject.flush(60)
    assert subject.close(10)

    requests = exporter.received.requests("metrics")
    assert len(requests) > 1
    assert max(request.ByteSize() for request in requests) < 2**21
    assert exporter.received.total(semconv.FEATURE_OBSERVATIONS, {semconv.FEATURE_STATE: semconv.VALID}) == 2100
