"""Results in a real Prometheus with its defaults, behind gateway.yaml: nothing is refused, nothing falls together."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from driftline import semconv
from driftline_processor.encode.gauges import encode_gauges
from driftline_processor.records import ColumnKey, ColumnResult, ModelKey, Window, WindowResult
from e2e import line, otlp_client
from e2e.collectors import CONFIG, Collector, gateway
from e2e.customers import Client, batches, in_miles
from e2e.processes import free_ports, wait_until
from e2e.prometheus import Prometheus, prometheus
from otlp_sink import OtlpSink

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

MINUTE = 60 * 10**9


class Line(NamedTuple):
    """A gateway whose metrics go to a Prometheus, and all else to a backend that takes what comes."""

    collector: Collector
    prometheus: Prometheus


@contextmanager
def metrics_line(
    folder: Path, processor: str, results_port: int | None = None, config: Path | None = None
) -> Iterator[Line]:
    with OtlpSink() as backend, prometheus(folder, config) as store:
        to_prometheus = {"OTELCOL_METRICS_EXPORTER": "otlp_http/metrics", "OTELCOL_METRICS_URL": store.url}
        with gateway(
            folder, backend=backend.endpoint, processor=processor, results_port=results_port, **to_prometheus
        ) as collector:
            yield Line(collector, store)


def served(name: str, environment: str, service: str = "shop") -> ModelKey:
    return ModelKey(name, "7", (("deployment.environment.name", environment), ("service.name", service)))


def said(model: ModelKey, end: int) -> ExportMetricsServiceRequest:
    """What the processor says of a window."""
    age = ColumnResult(ColumnKey("input", "age"), 500.0, 500.0, 9.0, {"psi": 0.01}, {"mean": 41.0}, {}, None)
    (data,) = encode_gauges([WindowResult(model, Window(end - 5 * MINUTE, end), 500.0, "abc", False, (age,))])
    return encode_metrics(data)


def test_two_environments_of_one_service_stay_two_series(tmp_path: Path) -> None:
    """The same model of the same service, broken in staging: production is healthy all along, and nothing is lost."""
    trained = line.train_and_profile(tmp_path)
    port, results_port = free_ports(2)
    with (
        line.processor(tmp_path, trained.references, port=port, export=results_port),
        metrics_line(tmp_path, f"http://127.0.0.1:{port}", results_port) as found,
        client_of("production", trained.model, found.collector, tmp_path) as production,
        client_of("staging", trained.model, found.collector, tmp_path) as staging,
    ):
        traffic, pace = batches(seed=6), threading.Event()

        def alarmed() -> bool:
            production.predict(next(traffic))
            staging.predict(in_miles(next(traffic)))
            pace.wait(0.02)
            return distances(found.prometheus, "ml_drift_alarm").get("staging", [])[-3:] == [1, 1, 1]

        wait_until(alarmed, "staging is in alarm for three windows", 90)

        states = distances(found.prometheus, "ml_drift_state")
        assert states.keys() == {"production", "staging"}
        assert 0 in states["production"]
        assert 2 not in states["production"]
        assert 2 in states["staging"]
        assert set(distances(found.prometheus, "ml_drift_alarm")["production"]) == {0}
        assert found.prometheus.refused() == {}
        assert "Dropping data" not in found.collector.process.output()


@contextmanager
def client_of(environment: str, model: Path, collector: Collector, folder: Path) -> Iterator[Client]:
    """Of a server of the service `shop` in that environment."""
    own = folder / environment
    own.mkdir()
    resource = f"deployment.environment.name={environment},service.namespace=web"
    with (
        # The SDK's own metrics would share the series `target_info` with ours, and be a little late to it at times.
        line.server(
            own, model, endpoint=collector.endpoint, resource=resource, OTEL_METRIC_EXPORT_INTERVAL="600000"
        ) as port,
        Client(port) as client,
    ):
        yield client


def distances(store: Prometheus, metric: str) -> dict[str, list[float]]:
    """By environment the values of a metric of the input `distance`: there is one series each."""
    selector = f'{metric}{{job="web/shop", service_name="shop", service_namespace="web", ml_feature_name="distance"}}'
    found = store.samples(selector)
    by_environment = {labels["deployment_environment_name"]: values for labels, values in found}
    assert len(by_environment) == len(found)
    return by_environment


def test_a_window_that_comes_late_is_taken(tmp_path: Path) -> None:
    """Of one service, a model that is judged after another one's later window: of neither anything is refused."""
    end = time.time_ns() // MINUTE * MINUTE - 5 * MINUTE
    with OtlpSink() as processor, metrics_line(tmp_path, processor.endpoint) as found:
        with otlp_client.client(found.collector.results_port) as client:
            client.send(said(served("churn", "prod"), end), said(served("fraud", "prod"), end - MINUTE))
            client.send(said(served("churn", "staging"), end), said(served("churn", "prod"), end + MINUTE))

        def windows() -> list[int]:
            return sorted(len(values) for _, values in found.prometheus.samples("ml_drift_psi"))

        wait_until(lambda: sum(windows()) == 4 or found.prometheus.refused(), "four results")
        assert found.prometheus.refused() == {}
        assert windows() == [1, 1, 2]


def test_the_shipped_configuration_gives_all_metrics_the_same_labels(tmp_path: Path) -> None:
    """With prometheus.yml also what servers measure says where it comes from; results say it once, and may be late."""
    end = time.time_ns() // MINUTE * MINUTE - 5 * MINUTE
    rows = otlp_client.counters(semconv.INFERENCE_ROWS, resource=dict(served("churn", "prod").resource), time=end)
    labels = {"service_name": "shop", "deployment_environment_name": "prod", "job": "shop"}
    with (
        OtlpSink() as processor,
        metrics_line(tmp_path, processor.endpoint, config=CONFIG / "prometheus.yml") as found,
    ):
        with otlp_client.client(found.collector.port) as client:
            client.send(rows)
        with otlp_client.client(found.collector.results_port) as client:
            client.send(said(served("churn", "prod"), end), said(served("churn", "prod"), end - 10 * MINUTE))

        def series() -> list[tuple[dict[str, str], list[float]]]:
            return found.prometheus.samples('{__name__=~"ml_drift_psi|ml_inference_rows_total"}')

        wait_until(lambda: sum(len(values) for _, values in series()) == 3 or found.prometheus.refused(), "all points")
        assert found.prometheus.refused() == {}
        assert {each["__name__"] for each, _ in series()} == {"ml_drift_psi", "ml_inference_rows_total"}
        assert all(labels.items() <= each.items() for each, _ in series())
