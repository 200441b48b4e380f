"""collector-config/ in the real Collector, driven with synthetic OTLP: what goes where."""

import random
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

import grpc
import pytest

from driftline import semconv
from driftline_processor.limits import LIMITS
from e2e import otlp_client
from e2e.collectors import Collector, agent, gateway
from e2e.http_sink import HttpSink
from e2e.processes import wait_until
from otlp_sink import OtlpSink, Received
from wire_names import INPUT_VALUES, KNOWN, NOT_READ_EVENTS, READ_BY_PROCESSOR, READ_EVENTS, SKETCHES

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
TO_BACKEND = KNOWN - SKETCHES
WITH_SKETCHES = ("with-sketches.yaml",)


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
    """Of all that there are, the processor gets what it reads, once, and the backend all but the sketches, once."""
    with otlp_client.client(line.collector.port) as client:
        client.send(otlp_client.counters(*(KNOWN - READ_BY_PROCESSOR)), otlp_client.counters(*READ_BY_PROCESSOR))

    line.backend.wait_for(lambda sink: names(sink) >= TO_BACKEND)
    line.processor.wait_for(lambda sink: names(sink) >= READ_BY_PROCESSOR)
    assert names(line.processor) == READ_BY_PROCESSOR
    assert names(line.backend) == TO_BACKEND
    assert len(line.processor.points()) == len(READ_BY_PROCESSOR)
    assert len(line.backend.points()) == len(TO_BACKEND)


def test_sketches_reach_the_backend_of_whoever_asks(sinks: tuple[OtlpSink, OtlpSink], tmp_path: Path) -> None:
    """With the overlay the backend gets every metric, but none of a training profile."""
    processor, backend = sinks
    with (
        gateway(tmp_path, backend=backend.endpoint, processor=processor.endpoint, overlays=WITH_SKETCHES) as collector,
        otlp_client.client(collector.port) as client,
    ):
        client.send(otlp_client.counters(semconv.REFERENCE_COLUMN, semconv.FEATURE_VALUE, resource=PROFILE))
        client.send(otlp_client.counters(*KNOWN))
        backend.wait_for(lambda sink: names(sink) >= KNOWN)
        processor.wait_for(lambda sink: names(sink) >= READ_BY_PROCESSOR)

    assert names(backend) == KNOWN
    assert not [point for point in backend.points() if point.resource == PROFILE]
    assert names(processor) == READ_BY_PROCESSOR | {semconv.REFERENCE_COLUMN}


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


def test_events_that_the_processor_reads_reach_it_and_no_others(line: Line) -> None:
    """Of all log records the processor gets outcomes and batches of rows, the backend all others."""
    with otlp_client.client(line.collector.port) as client:
        client.send(otlp_client.events(*READ_EVENTS, *NOT_READ_EVENTS))

    line.backend.wait_for(lambda sink: len(sink.logs()) >= len(NOT_READ_EVENTS))
    line.processor.wait_for(lambda sink: len(sink.logs()) >= len(READ_EVENTS))
    assert sorted(log.record.event_name for log in line.processor.logs()) == sorted(READ_EVENTS)
    assert sorted(log.record.event_name for log in line.backend.logs()) == sorted(NOT_READ_EVENTS)


def test_row_batches_arrive_as_they_were_sent(line: Line) -> None:
    """Bodies of any bytes, none too, and the largest; no request to the processor is near what it takes at most."""
    bodies = [bytes(range(256)), b"", *(random.Random(size).randbytes(1 << 20) for size in range(24))]
    with otlp_client.client(line.collector.port) as client:
        for first in range(0, len(bodies), 13):
            client.send(otlp_client.row_bodies(*bodies[first : first + 13]))

    line.processor.wait_for(lambda sink: len(sink.logs()) >= len(bodies))
    assert [log.record.body.bytes_value for log in line.processor.logs()] == bodies
    assert max(request.ByteSize() for request in line.processor.requests("logs")) < LIMITS.request // 3
    assert not line.backend.logs()


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


@pytest.mark.parametrize("overlays", [("strip-inputs.yaml",), ("strip-inputs.yaml", *WITH_SKETCHES)])
def test_strip_inputs_keeps_inputs_from_the_backend_only(
    overlays: tuple[str, ...], sinks: tuple[OtlpSink, OtlpSink], tmp_path: Path
) -> None:
    """With the overlay no value of an input reaches the backend; the processor still gets all, the backend all else."""
    processor, backend = sinks
    with (
        gateway(tmp_path, backend=backend.endpoint, processor=processor.endpoint, overlays=overlays) as collector,
        otlp_client.client(collector.port) as client,
    ):
        client.send(otlp_client.spans(PREDICTION, MANY_FEATURES, HTTP_SPAN), otlp_client.counters(*READ_BY_PROCESSOR))
        client.send(otlp_client.counters(semconv.REFERENCE_COLUMN, resource=PROFILE))
        backend.wait_for(lambda sink: len(sink.spans()) == 3 and semconv.INFERENCE_ROWS in names(sink))
        processor.wait_for(lambda sink: len(sink.spans()) == 2 and semconv.REFERENCE_COLUMN in names(sink))

    assert [span.attributes for span in backend.spans()] == [
        {semconv.MODEL_NAME: "churn", CLASS: "stays"},
        {semconv.MODEL_NAME: "churn", semconv.FEATURE_COUNT: 500.0},
        HTTP_SPAN,
    ]
    kept = READ_BY_PROCESSOR - (INPUT_VALUES if len(overlays) > 1 else SKETCHES)
    assert names(backend) == kept
    assert [span.attributes for span in processor.spans()] == [PREDICTION, MANY_FEATURES]
    assert names(processor) == READ_BY_PROCESSOR | {semconv.REFERENCE_COLUMN}


@pytest.mark.parametrize(("protocol", "variable", "make"), [("grpc", "ENDPOINT", OtlpSink), ("http", "URL", HttpSink)])
def test_each_signal_can_have_a_backend_of_its_own(
    protocol: str,
    variable: str,
    make: type[OtlpSink] | type[HttpSink],
    sinks: tuple[OtlpSink, OtlpSink],
    tmp_path: Path,
) -> None:
    """By either protocol; each gets its own signal and key, results and alarms too, and the common one nothing."""
    processor, common = sinks
    alarm = semconv.ALARM_EVENTS["opened"]
    with ExitStack() as stack:
        backends = {signal: stack.enter_context(make()) for signal in ("traces", "metrics", "logs")}
        chosen = {
            f"OTELCOL_{signal.upper()}_{name}": value
            for signal, backend in backends.items()
            for name, value in {
                "EXPORTER": f"otlp_{protocol}/{signal}",
                variable: backend.endpoint,
                "HEADERS": f"{{x-key: {signal}}}",
            }.items()
        }
        line = gateway(tmp_path, backend=common.endpoint, processor=processor.endpoint, **chosen)
        collector = stack.enter_context(line)
        with otlp_client.client(collector.port) as client:
            client.send(
                otlp_client.spans(PREDICTION), otlp_client.counters(semconv.INFERENCE_ROWS), otlp_client.events("other")
            )
        with otlp_client.client(collector.results_port) as client:
            client.send(otlp_client.counters("ml.drift.alarm"), otlp_client.events(alarm))
        backends["traces"].wait_for(Received.spans)
        backends["metrics"].wait_for(lambda sink: names(sink) == {semconv.INFERENCE_ROWS, "ml.drift.alarm"})
        backends["logs"].wait_for(lambda sink: {log.record.event_name for log in sink.logs()} == {"other", alarm})

    for signal, backend in backends.items():
        assert [each for each in backends if backend.requests(each)] == [signal]
        if isinstance(backend, HttpSink):
            assert {headers["x-key"] for headers in backend.headers} == {signal}
    assert not any(common.requests(signal) for signal in backends)


def test_what_was_accepted_survives_a_kill_of_the_collector(sinks: tuple[OtlpSink, OtlpSink], tmp_path: Path) -> None:
    """While the processor refuses, the backend goes on; after a kill -9 the next Collector delivers what was queued."""
    processor, backend = sinks
    processor.refuse = grpc.StatusCode.UNAVAILABLE
    with gateway(tmp_path, backend=backend.endpoint, processor=processor.endpoint) as collector:
        with otlp_client.client(collector.port) as client:
            client.send(otlp_client.spans(PREDICTION), otlp_client.counters(semconv.INFERENCE_ROWS))
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
                otlp_client.counters(*KNOWN),
                otlp_client.counters(semconv.REFERENCE_COLUMN, resource=PROFILE),
                otlp_client.events("", "ml.outcome"),
            )
        otlp_sink.wait_for(lambda sink: len(sink.spans()) == len(sink.logs()) == 2)
        otlp_sink.wait_for(lambda sink: names(sink) == KNOWN)
    assert [span.attributes for span in otlp_sink.spans()] == [PREDICTION, HTTP_SPAN]
