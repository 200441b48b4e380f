"""Which exporter sends the sketches."""

from functools import partial
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpExporter
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter

from driftline.export.exporter_selection import choose, is_delta

HTTP = {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}


@pytest.mark.parametrize(
    ("environ", "exporter"),
    [
        ({}, GrpcExporter),
        ({"OTEL_METRICS_EXPORTER": "otlp"}, GrpcExporter),
        (HTTP, HttpExporter),
        ({**HTTP, "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "grpc"}, GrpcExporter),
        ({"OTEL_METRICS_EXPORTER": "otlp_proto_http"}, HttpExporter),
        ({"OTEL_METRICS_EXPORTER": "console, otlp"}, GrpcExporter),
        ({"OTEL_METRICS_EXPORTER": "console"}, ConsoleMetricExporter),
        ({"OTEL_METRICS_EXPORTER": "none"}, None),
        ({"OTEL_METRICS_EXPORTER": "prometheus", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, GrpcExporter),
    ],
    ids=str,
)
def test_the_environment_chooses(environ: dict[str, str], exporter: Any) -> None:
    """As the SDK would choose; Prometheus, which pulls, takes no sketches."""
    assert choose(None, environ) is exporter


@pytest.mark.parametrize(
    ("environ", "exporter", "url"),
    [
        ({}, GrpcExporter, "http://processor:4327"),
        ({"OTEL_METRICS_EXPORTER": "none"}, GrpcExporter, "http://processor:4327"),
        (HTTP, HttpExporter, "http://processor:4327/v1/metrics"),
    ],
    ids=str,
)
def test_an_endpoint_of_our_own(environ: dict[str, str], exporter: Any, url: str) -> None:
    """DRIFTLINE_OTLP_ENDPOINT is where sketches go, whatever the other metrics do."""
    chosen = choose("http://processor:4327", environ)

    assert isinstance(chosen, partial)
    assert chosen.func is exporter
    assert chosen.keywords == {"endpoint": url}


@pytest.mark.parametrize("name", ["prometheus", "unknown"])
def test_an_exporter_that_cannot_be_used_is_told(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Then nothing is exported, and the log says why."""
    assert choose(None, {"OTEL_METRICS_EXPORTER": name}) is None
    assert "ketches are not exported" in caplog.text


def test_an_unknown_protocol_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """It is gRPC then."""
    assert choose(None, {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}) is GrpcExporter
    assert "OTEL_EXPORTER_OTLP_PROTOCOL: must be one of grpc, http/protobuf (got 'http/json')" in caplog.text


@pytest.mark.parametrize(
    ("preference", "delta"), [("", False), ("cumulative", False), ("DELTA", True), ("lowmemory", True)]
)
def test_temporality(preference: str, delta: bool) -> None:  # a parameter of the test
    """Counters and histograms are deltas where the preference says so."""
    assert is_delta({"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": preference}) is delta
