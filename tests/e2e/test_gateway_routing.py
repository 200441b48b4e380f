"""collector-config/ in the real Collector, driven with synthetic OTLP: what goes where."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import grpc
import pytest

from driftline import semconv
from e2e import otlp_client
from e2e.collectors import Collector, agent, gateway
from e2e.processes import wait_until
from otlp_sink import OtlpSink, Received

pytestmark = pytest.mark.e2e

AGE, CLASS = f"{semconv.INPUT}.age", f"{semconv.OUTPUT}.prediction"
PREDICTION: otlp_client.Values = {semconv.MODEL_NAME: "churn", AGE: 37.0, CLASS: "stays"}
MANY_FEATURES: otlp_client.Values = {
    semconv.MODEL_NAME: "churn",
    semconv.VECTOR_VALUES: 37.0,
    semconv.FEATURE_COUNT: 500.0,
}
HTTP_SPAN = {"http.request.method": "POST"}
PROFILE = {semconv.DATASET_ROLE: semconv.REFERENCE, semconv.MODEL_NAME: "churn"}
READ_BY_PROCESSOR = (
    semconv.FEATURE_VALUE,
    semconv.FEATURE_TAIL,
    semconv.FEATURE_CATEGORY,
    semconv.FEATURE_OBSERVATIONS,
    semconv.OUTPUT_VALUE,
    semconv.OUTPUT_TAIL,
    semconv.OUTPUT_PREDICTIONS,
    semconv.OUTPUT_OBSERVATIONS,
    semconv.INFERENCE_ROWS,
)
NOT_READ = (semconv.INFERENCE_DURATION, "http.server.request.duration", "ml.drift.psi", "driftline.processor.rows")


class Line(NamedTuple):
    """A gateway between a processor and a backend that only take what comes."""

    collector: Collector
    processor: OtlpSink
    backend: OtlpSink


@pytest.fixture
def sinks() -> Iterator[tuple[OtlpSink, OtlpSink]]:
    with OtlpSink() as processor, OtlpSink() as backend:
        yield processor, backend


@pytest.fixture
def line(sinks: tuple[OtlpSink, OtlpSink], tmp_path: Path) -> Iterator[Line]:
    processor, backend = sinks
    with gateway(tmp_path, backend=backend.endpoint, processor=processor.endpoint) as collector:
        yield Line(collector, processor, backend)


def _has_spans(count: int, sink: Received) -> bool:
    return len(sink.spans()) >= count


def names(sink: Received) -> set[str]:
    return {point.metric.name for point in sink.points()}


def test_spans_of_models_reach_both_others_only_the_backend(line: Line) -> None:
    """The processor gets the spans that name a model, the backend every span with all of its attributes."""
    with otlp_client.client(line.collector.port) as client:
        client.send(otlp_client.spans(HTTP_SPAN, PREDICTION, HTTP_SPAN), otlp_client.spans(HTTP_SPAN))

    line.backend.wait_for(lambda sink: len(sink.spans()) == 4)
    line.processor.wait_for(OtlpSink.spans)
    assert [span.attributes for span in line.processor.spans()] == [PREDICTION]
    assert PREDICTION in [span.attributes for span in line.backend.spans()]


def test_metrics_that_the_processor_reads_reach_it_and_no_others(line: Line) -> None:
    """Sketches and rows go to the processor and the backend; all else, drift results included, to the backend only."""
    with otlp_client.client(line.collector.port) as client:
        client.send(otlp_client.counters(*NOT_READ), otlp_client.counters(*READ_BY_PROCESSOR))

    line.backend.wait_for(lambda sink: names(sink) == {*READ_BY_PROCESSOR, *NOT_READ})
    line.processor.wait_for(lambda sink: names(sink) >= set(READ_BY_PROCESSOR))
    assert names(line.processor) == set(READ_BY_PROCESSOR)
    assert len(line.processor.points()) == len(READ_BY_PROCESSOR)
    assert len(line.backend.points()) == len(READ_BY_PROCESSOR) + len(NOT_READ)


def test_training_profiles_reach_only_the_processor(line: Line) -> None:
    """Every metric of a resource that is a training profile goes to the processor, none of them to the backend."""
    profile = (semconv.FEATURE_VALUE, semconv.REFERENCE_CHUNKS, semconv.REFERENCE_COLUMN)
    with otlp_client.client(line.collector.port) as client:
        client.send(otlp_client.counters(*profile, resource=PROFILE), otlp_client.counters(semconv.INFERENCE_ROWS))

    line.processor.wait_for(lambda sink: names(sink) == {*profile, semconv.INFERENCE_ROWS})
    line.backend.wait_for(lambda sink: semconv.INFERENCE_ROWS in names(sink))
    assert names(line.backend) == {semconv.INFERENCE_ROWS}
    marked = [point for point in line.processor.points() if point.resource == PROFILE]
    assert len(marked) == len(profile)


def test_outcomes_reach_both_log_lines_only_the_backend(line: Line) -> None:
    """Of all log records the processor gets the outcome events."""
    with otlp_client.client(line.collector.port) as client:
        client.send(otlp_client.events("", "ml.outcome", "other"))

    line.backend.wait_for(lambda sink: len(sink.logs()) == 3)
    line.processor.wait_for(OtlpSink.logs)
    assert [log.record.event_name for log in line.processor.logs()] == ["ml.outcome"]


def test_results_reach_the_backend_and_never_the_processor(line: Line) -> None:
    """What comes in by the second receiver, even under the name of an input, goes to the backend alone."""
    results = ("ml.drift.psi", "ml.drift.alarm", semconv.FEATURE_VALUE)
    with otlp_client.client(line.collector.results_port) as client:
        client.send(otlp_client.counters(*results), otlp_client.events("ml.alarm.opened", "ml.outcome"))
    line.backend.wait_for(lambda sink: names(sink) == set(results) and len(sink.logs()) == 2)

    with otlp_client.client(line.collector.port) as client:
        client.send(otlp_client.counters(semconv.INFERENCE_ROWS))
    line.processor.wait_for(OtlpSink.points)
    assert names(line.processor) == {semconv.INFERENCE_ROWS}
    assert not line.processor.logs()


def test_strip_inputs_keeps_inputs_from_the_backend_only(sinks: tuple[OtlpSink, OtlpSink], tmp_path: Path) -> None:
    """With the overlay no value of an input reaches the backend; the processor still gets all, the backend all else."""
    processor, backend = sinks
    overlays = ("strip-inputs.yaml",)
    with (
        gateway(tmp_path, backend=backend.endpoint, processor=processor.endpoint, overlays=overlays) as collector,
        otlp_client.client(collector.port) as client,
    ):
        client.send(otlp_client.spans(PREDICTION, MANY_FEATURES, HTTP_SPAN), otlp_client.counters(*READ_BY_PROCESSOR))
        client.send(otlp_client.counters(semconv.REFERENCE_COLUMN, resource=PROFILE))
        backend.wait_for(lambda sink: len(sink.spans()) == 3 and semconv.OUTPUT_VALUE in names(sink))
        processor.wait_for(lambda sink: len(sink.spans()) == 2 and semconv.REFERENCE_COLUMN in names(sink))

    assert [span.attributes for span in backend.spans()] == [
        {semconv.MODEL_NAME: "churn", CLASS: "stays"},
        {semconv.MODEL_NAME: "churn", semconv.FEATURE_COUNT: 500.0},
        HTTP_SPAN,
    ]
    values = {semconv.FEATURE_VALUE, semconv.FEATURE_TAIL, semconv.FEATURE_CATEGORY}
    assert names(backend) == set(READ_BY_PROCESSOR) - values
    assert [span.attributes for span in processor.spans()] == [PREDICTION, MANY_FEATURES]
    assert names(processor) == {*READ_BY_PROCESSOR, semconv.REFERENCE_COLUMN}


def test_what_was_accepted_survives_a_kill_of_the_collector(sinks: tuple[OtlpSink, OtlpSink], tmp_path: Path) -> None:
    """While the processor refuses, the backend goes on; after a kill -9 the next Collector delivers what was queued."""
    processor, backend = sinks
    processor.refuse = grpc.StatusCode.UNAVAILABLE
    with gateway(tmp_path, backend=backend.endpoint, processor=processor.endpoint) as collector:
        with otlp_client.client(collector.port) as client:
            client.send(otlp_client.spans(PREDICTION), otlp_client.counters(semconv.FEATURE_VALUE))
        backend.wait_for(lambda sink: sink.spans() and sink.points())
        wait_until(lambda: processor.refused >= 2, "the processor has refused both")
        collector.process.kill()

    assert not processor.spans()
    processor.refuse = None
    with gateway(tmp_path, backend=backend.endpoint, processor=processor.endpoint):
        processor.wait_for(lambda sink: sink.spans() and sink.points())
    assert [span.attributes for span in processor.spans()] == [PREDICTION]


def test_a_full_queue_of_one_branch_neither_blocks_nor_repeats_the_other(
    sinks: tuple[OtlpSink, OtlpSink], tmp_path: Path
) -> None:
    """While the processor is away for longer than its queue lasts, servers see success, the backend all of it once."""
    processor, backend = sinks
    processor.refuse = grpc.StatusCode.UNAVAILABLE
    sent = 15
    with gateway(tmp_path, backend=backend.endpoint, processor=processor.endpoint, queue_bytes=600) as collector:
        with otlp_client.client(collector.port) as client:
            for count in range(1, sent + 1):
                client.send(otlp_client.spans(PREDICTION))
                backend.wait_for(partial(_has_spans, count))
        assert "sending queue is full" in collector.process.output()
        processor.refuse = None
        processor.wait_for(OtlpSink.spans)

    assert len(backend.spans()) == len({span.span.span_id for span in backend.spans()}) == sent


def test_an_https_endpoint_is_never_spoken_to_in_plain_text(sinks: tuple[OtlpSink, OtlpSink], tmp_path: Path) -> None:
    """The scheme of an endpoint decides: https means TLS, so a plain-text server gets nothing."""
    processor, backend = sinks
    secure = backend.endpoint.replace("http:", "https:")
    with gateway(tmp_path, backend=secure, processor=processor.endpoint) as collector:
        with otlp_client.client(collector.port) as client:
            client.send(otlp_client.spans(PREDICTION))
        processor.wait_for(OtlpSink.spans)
        complaint = "tls: first record does not look like a TLS handshake"
        wait_until(lambda: complaint in collector.process.output(), "the exporter complains")
    assert not backend.spans()


def test_the_agent_carries_everything_on(otlp_sink: OtlpSink, tmp_path: Path) -> None:
    """Behind agent.yaml every span, metric and log record arrives, unchanged."""
    with agent(tmp_path, next_hop=otlp_sink.endpoint) as collector:
        with otlp_client.client(collector.port) as client:
            client.send(
                otlp_client.spans(PREDICTION, HTTP_SPAN),
                otlp_client.counters(*READ_BY_PROCESSOR, *NOT_READ),
                otlp_client.counters(semconv.REFERENCE_COLUMN, resource=PROFILE),
                otlp_client.events("", "ml.outcome"),
            )
        otlp_sink.wait_for(lambda sink: len(sink.spans()) == len(sink.logs()) == 2)
        otlp_sink.wait_for(lambda sink: names(sink) == {*READ_BY_PROCESSOR, *NOT_READ, semconv.REFERENCE_COLUMN})
    assert [span.attributes for span in otlp_sink.spans()] == [PREDICTION, HTTP_SPAN]
