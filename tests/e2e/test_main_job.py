"""The main job with real processes: a server that nobody touched, the Collector, the processor, a backend."""

import struct
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from driftline import semconv
from e2e import line
from e2e.collectors import gateway
from e2e.customers import FEATURES, Client, batches, draw, in_miles, richer_with_age
from e2e.processes import free_ports, wait_until
from e2e.relay import Relay
from live_check import complaints
from otlp_sink import OtlpSink, Received, ReceivedLog, ReceivedSpan
from wire_names import READ_BY_PROCESSOR, SKETCHES

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

PROCESSED_ROWS = "driftline.processor.rows"
COLUMNS = {(semconv.TARGET_INPUT, name) for name in FEATURES} | {(semconv.TARGET_OUTPUT, semconv.PREDICTION)}
BROKEN = {(semconv.TARGET_INPUT, "distance")}
ALARM, STATE = "ml.drift.alarm", "ml.drift.state"
OPENED, CLOSED = semconv.ALARM_EVENTS["opened"], semconv.ALARM_EVENTS["closed"]
HEALTHY = 0


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> line.Trained:
    return line.train_and_profile(tmp_path_factory.mktemp("training"))


def test_through_the_collector(trained: line.Trained, tmp_path: Path) -> None:
    """Server → Collector → processor → Collector → backend: rows exact, the broken feature named, no loop."""
    processor_port, results_port = free_ports(2)
    with (
        OtlpSink() as backend,
        line.processor(tmp_path, trained.references, port=processor_port, export=results_port),
        Relay(processor_port) as relay,
        gateway(tmp_path, backend=backend.endpoint, processor=relay.endpoint, results_port=results_port) as collector,
    ):
        with line.server(tmp_path, trained.model, endpoint=collector.endpoint) as port, Client(port) as client:
            single = draw(1, _random())
            answer = client.predict(single)
            tell(client, backend)
        backend.wait_for(lambda sink: sink.total(semconv.INFERENCE_ROWS) >= client.rows)
        backend.wait_for(lambda sink: sink.total(PROCESSED_ROWS) >= client.rows)
        backend.wait_for(lambda sink: len(inferences(sink)) >= client.calls)
        relay.wait_for(lambda sink: all(valid(sink, name) >= client.rows for name in FEATURES))

    assert backend.total(semconv.INFERENCE_ROWS) == client.rows
    assert backend.total(PROCESSED_ROWS) == client.rows
    for name in FEATURES:
        assert valid(relay, name) == client.rows
    assert_only_the_broken_feature_alarmed(backend)
    assert_the_alarm_names_calls(backend)
    assert_a_trace_shows_the_prediction(backend, single, answer)
    assert_nothing_loops(relay, backend, client)
    assert complaints(backend) | complaints(relay) == set()


def test_a_correlation_is_judged_behind_the_collector(trained: line.Trained, tmp_path: Path) -> None:
    """Pairs of inputs reach the processor: two that begin to go together are alarmed, and neither of them alone."""
    traffic = batches(seed=5)
    processor_port, results_port = free_ports(2)
    with (
        OtlpSink() as backend,
        line.processor(tmp_path, trained.references, port=processor_port, export=results_port),
        gateway(
            tmp_path,
            backend=backend.endpoint,
            processor=f"http://127.0.0.1:{processor_port}",
            results_port=results_port,
        ) as collector,
        line.server(
            tmp_path, trained.model, endpoint=collector.endpoint, DRIFTLINE_REFERENCE=str(trained.references)
        ) as port,
        Client(port) as client,
    ):
        _send(client, lambda: next(traffic), lambda: len(healthy_pairs(backend)) == 3, "all pairs are healthy")
        assert not alarmed(backend), "healthy traffic raised an alarm"
        _send(client, lambda: richer_with_age(next(traffic)), lambda: events(backend, OPENED), "the event of an alarm")
        backend.wait_for(alarmed)

    (pair,) = (name for _, name in healthy_pairs(backend) if name.startswith("age × income "))
    assert alarmed(backend) == {(semconv.TARGET_PAIR, pair)}
    (opened,) = events(backend, OPENED)
    assert _column(opened.attributes) == (semconv.TARGET_PAIR, pair)
    assert not backend.points(semconv.PAIR_ROWS)


def test_without_a_collector(trained: line.Trained, tmp_path: Path) -> None:
    """The server's OTLP endpoint can be the processor itself, and the processor's the backend."""
    port = free_ports(1)[0]
    with OtlpSink() as backend, line.processor(tmp_path, trained.references, port=port, export=backend.port):
        endpoint = f"http://127.0.0.1:{port}"
        with line.server(tmp_path, trained.model, endpoint=endpoint) as server_port, Client(server_port) as client:
            tell(client, backend)
        backend.wait_for(lambda sink: sink.total(PROCESSED_ROWS) >= client.rows)

    assert backend.total(PROCESSED_ROWS) == client.rows
    assert_only_the_broken_feature_alarmed(backend)
    assert not backend.spans(), "the processor sends no input on"
    assert not backend.points(semconv.INFERENCE_ROWS)


def test_a_killed_processor_goes_on_where_it_was(trained: line.Trained, tmp_path: Path) -> None:
    """What is sent while the processor is away waits in the Collector, and every row is counted once."""
    traffic = batches(seed=2)
    port, results_port = free_ports(2)
    with (
        OtlpSink() as backend,
        gateway(
            tmp_path, backend=backend.endpoint, processor=f"http://127.0.0.1:{port}", results_port=results_port
        ) as collector,
        line.server(tmp_path, trained.model, endpoint=collector.endpoint) as server_port,
        Client(server_port) as client,
    ):
        with line.processor(tmp_path, trained.references, port=port, export=results_port) as process:
            for _ in range(20):
                client.predict(next(traffic))
            backend.wait_for(lambda sink: counted(sink) == client.rows)
            process.kill()
        for _ in range(20):
            client.predict(next(traffic))
        backend.wait_for(lambda sink: sink.total(semconv.INFERENCE_ROWS) == client.rows)
        with line.processor(tmp_path, trained.references, port=port, export=results_port):
            backend.wait_for(lambda sink: counted(sink) >= client.rows, timeout=90)

    assert counted(backend) == client.rows


def test_an_alarm_lives_on_when_the_processor_is_killed(trained: line.Trained, tmp_path: Path) -> None:
    """It opens once, is still open after kill -9 and a restart, and closes when the data is back to normal."""
    traffic = batches(seed=4)
    port, results_port = free_ports(2)
    with (
        OtlpSink() as backend,
        Relay(port) as relay,
        gateway(tmp_path, backend=backend.endpoint, processor=relay.endpoint, results_port=results_port) as collector,
        line.server(tmp_path, trained.model, endpoint=collector.endpoint) as server_port,
        Client(server_port) as client,
    ):
        with line.processor(tmp_path, trained.references, port=port, export=results_port) as process:
            _send(client, lambda: in_miles(next(traffic)), lambda: events(backend, OPENED), "the event of an alarm")
            seen = len(of_broken(backend, 1))
            _send(client, lambda: in_miles(next(traffic)), lambda: len(of_broken(backend, 1)) > seen, "a later window")
            process.kill()
        with line.processor(tmp_path, trained.references, port=port, export=results_port):
            _send(client, lambda: next(traffic), lambda: events(backend, CLOSED), "the end of the alarm")
            backend.wait_for(lambda sink: of_broken(sink, 0))

    (opened,), (closed,) = events(backend, OPENED), events(backend, CLOSED)
    assert _column(opened.attributes) == _column(closed.attributes) == ("input", "distance")
    assert opened.attributes[semconv.ALARM_ID] == closed.attributes[semconv.ALARM_ID]
    assert opened.attributes[semconv.WINDOW_END] == closed.attributes[semconv.ALARM_START]


def test_inputs_can_be_kept_from_the_backend(trained: line.Trained, tmp_path: Path) -> None:
    """Behind strip-inputs.yaml the backend sees each prediction, but no value of an input; the processor sees all."""
    customers = draw(8, _random())
    overlays = ("with-sketches.yaml", "strip-inputs.yaml")
    with (
        OtlpSink() as backend,
        OtlpSink() as processor,
        gateway(tmp_path, backend=backend.endpoint, processor=processor.endpoint, overlays=overlays) as collector,
        line.server(tmp_path, trained.model, endpoint=collector.endpoint) as port,
        Client(port) as client,
    ):
        (answer,) = client.predict(customers.head(1))
        client.predict(customers)
        backend.wait_for(lambda sink: len(inferences(sink)) == client.calls)
        processor.wait_for(lambda sink: len(inferences(sink)) == client.calls)
        backend.wait_for(lambda sink: sink.total(semconv.INFERENCE_ROWS) == client.rows)
        backend.wait_for(lambda sink: all(valid(sink, name) == client.rows for name in FEATURES))
        processor.wait_for(lambda sink: sink.points(semconv.FEATURE_VALUE) and sink.points(semconv.FEATURE_CATEGORY))

    whole, stripped = (min(inferences(sink), key=_number_of_rows) for sink in (processor, backend))
    inputs = {key: value for key, value in whole.attributes.items() if key.startswith(f"{semconv.INPUT}.")}
    assert set(inputs) == {f"{semconv.INPUT}.{name}" for name in FEATURES}
    assert whole.attributes.items() - stripped.attributes.items() == inputs.items()
    assert stripped.attributes[f"{semconv.OUTPUT}.{semconv.PREDICTION}"] == answer
    assert _shown(customers, processor) == _values(customers)
    assert _shown(customers, backend) == set()


def _number_of_rows(span: ReceivedSpan) -> int:
    return int(span.attributes[semconv.ROW_COUNT])


def _values(customers: pd.DataFrame) -> set[bytes]:
    """Every value of every row, as it stands in a message."""
    flat = {value for row in customers.to_dict("records") for value in row.values()}
    return {value.encode() if isinstance(value, str) else struct.pack("<d", value) for value in flat}


def _shown(customers: pd.DataFrame, sink: Received) -> set[bytes]:
    """Those values that stand anywhere in what has arrived."""
    sent = b"".join(
        each.SerializeToString() for signal in ("traces", "metrics", "logs") for each in sink.requests(signal)
    )
    return {value for value in _values(customers) if value in sent}


def tell(client: Client, backend: Received) -> None:
    """Healthy traffic until every column was judged healthy, then distances in miles until there is an alarm."""
    traffic = batches(seed=1)
    _send(client, lambda: next(traffic), lambda: healthy(backend) >= COLUMNS, "all columns are healthy")
    assert not alarmed(backend), "healthy traffic raised an alarm"
    _send(client, lambda: in_miles(next(traffic)), lambda: alarmed(backend) and events(backend, OPENED), "an alarm")
    client.predict(in_miles(next(traffic)))  # on its way when the server is told to end


def _send(client: Client, draw_next: Callable[[], pd.DataFrame], done: Callable[[], object], what: str) -> None:
    """Requests at a bearable rate until `done()`, which is `what`."""
    pace = threading.Event()

    def send_and_look() -> object:
        client.predict(draw_next())
        pace.wait(0.02)
        return done()

    wait_until(send_and_look, what, timeout=60)


def counted(backend: Received) -> float:
    """Rows that the processor has counted since its store began, over all of its lives."""
    return max((point.value for point in backend.points(PROCESSED_ROWS)), default=0)


def valid(sink: Received, feature: str) -> float:
    """Valid values of a feature that a processor was told of."""
    return sink.total(
        semconv.FEATURE_OBSERVATIONS, {semconv.FEATURE_NAME: feature, semconv.FEATURE_STATE: semconv.VALID}
    )


def verdicts(backend: Received, metric: str, value: float) -> set[tuple[str, str]]:
    """The columns that some window gave this value."""
    found = (point.attributes for point in backend.points(metric) if point.value == value)
    return {(each[semconv.DRIFT_TARGET], each[semconv.FEATURE_NAME]) for each in found}


def healthy(backend: Received) -> set[tuple[str, str]]:
    return verdicts(backend, STATE, HEALTHY)


def healthy_pairs(backend: Received) -> set[tuple[str, str]]:
    return {each for each in healthy(backend) if each[0] == semconv.TARGET_PAIR}


def alarmed(backend: Received) -> set[tuple[str, str]]:
    return verdicts(backend, ALARM, 1)


def of_broken(backend: Received, value: float) -> list[int]:
    """The ends of the windows in which the broken feature's alarm was open (1) or not (0)."""
    points = (each for each in backend.points(ALARM) if _column(each.attributes) in BROKEN)
    return [each.point.time_unix_nano for each in points if each.value == value]


def events(backend: Received, name: str) -> list[ReceivedLog]:
    return [log for log in backend.logs() if log.record.event_name == name]


def inferences(sink: Received) -> list[ReceivedSpan]:
    return [span for span in sink.spans() if semconv.MODEL_NAME in span.attributes]


def assert_only_the_broken_feature_alarmed(backend: Received) -> None:
    points = backend.points(ALARM)

    assert alarmed(backend) == BROKEN
    judged = COLUMNS | {(semconv.TARGET_ROWS, "duplicates")}
    assert healthy(backend) == judged, "every column was judged, and the rows; the broken one was healthy at first"
    assert {point.attributes[semconv.MODEL_NAME] for point in points} == {line.MODEL}
    assert {point.attributes[semconv.MODEL_VERSION] for point in points} == {line.VERSION}
    assert {point.resource["service.name"] for point in points} == {"shop"}
    assert not any(point.attributes.get(semconv.REFERENCE_PROVISIONAL) for point in points)
    (opened,) = events(backend, OPENED)
    assert {_column(opened.attributes)} == BROKEN
    assert opened.resource["service.name"] == "shop"
    (incident,) = events(backend, semconv.INCIDENT_EVENTS["opened"])
    assert (incident.record.severity_text, opened.record.severity_text) == ("WARN", "INFO")
    assert incident.attributes[semconv.INCIDENT_ID] == opened.attributes[semconv.INCIDENT_ID]
    assert opened.record.body.string_value.startswith(f"model {line.MODEL} {line.VERSION} (shop): input distance moved")


def assert_the_alarm_names_calls(backend: Received) -> None:
    """Its traces can be looked up, and are of calls in its window."""
    (opened,) = events(backend, OPENED)
    window = opened.attributes[semconv.WINDOW_START], opened.attributes[semconv.WINDOW_END]
    ends = {span.span.trace_id.hex(): span.span.end_time_unix_nano / 1e9 for span in inferences(backend)}

    traces = opened.attributes[semconv.ALARM_TRACES]
    assert traces[0] == opened.record.trace_id.hex()
    assert opened.record.span_id in {span.span.span_id for span in inferences(backend)}
    # A point tells of the calls since the last export.
    assert all(window[0] - 1 <= ends[trace] <= window[1] for trace in opened.attributes[semconv.ALARM_TRACES])


def assert_a_trace_shows_the_prediction(backend: Received, customer: pd.DataFrame, answer: list[str]) -> None:
    """The inference is a child of the HTTP request, and shows what went in and what came out."""
    requests = {span.span.span_id: span for span in backend.spans() if span.span.kind == Span.SPAN_KIND_SERVER}
    first = min(inferences(backend), key=lambda span: span.span.start_time_unix_nano)
    request = requests[first.span.parent_span_id]

    assert request.span.name == "POST /predict"
    assert request.span.trace_id == first.span.trace_id
    assert first.span.name == f"predict {line.MODEL}"
    shown = {name: first.attributes[f"{semconv.INPUT}.{name}"] for name in FEATURES}
    assert shown == customer.iloc[0].to_dict()
    assert [first.attributes[f"{semconv.OUTPUT}.{semconv.PREDICTION}"]] == answer
    assert all(span.span.parent_span_id in requests for span in inferences(backend))


def assert_nothing_loops(relay: Relay, backend: Received, client: Client) -> None:
    """The processor was given each call once and no result of its own; the backend got each result once."""
    assert len(relay.spans()) == len({span.span.span_id for span in relay.spans()}) == client.calls
    assert len(inferences(backend)) == client.calls
    assert len(relay.requests("traces")) <= client.calls
    assert _metrics(relay) <= READ_BY_PROCESSOR
    assert not _metrics(backend) & SKETCHES
    assert {log.record.event_name for log in relay.logs()} <= {semconv.ROWS_EVENT}
    assert semconv.ROWS_EVENT not in {log.record.event_name for log in backend.logs()}
    results = sorted((*_column(point.attributes), point.point.time_unix_nano) for point in backend.points(ALARM))
    assert all(earlier != later for earlier, later in pairwise(results))


def _metrics(sink: Received) -> set[str]:
    return {point.metric.name for point in sink.points()}


def _column(attributes: dict[str, str]) -> tuple[str, str]:
    return attributes[semconv.DRIFT_TARGET], attributes[semconv.FEATURE_NAME]


def _random() -> np.random.Generator:
    return np.random.default_rng(3)
