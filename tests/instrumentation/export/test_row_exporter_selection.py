"""Where row batches are sent."""

from functools import partial
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpExporter

from driftline.export.exporter_selection import choose_for_rows
from driftline.settings import Settings

HTTP = {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}


@pytest.mark.parametrize(
    ("environ", "exporter"),
    [
        ({}, GrpcExporter),
        (HTTP, HttpExporter),
        ({**HTTP, "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "grpc"}, GrpcExporter),
        ({"OTEL_LOGS_EXPORTER": "none"}, None),
        ({"OTEL_LOGS_EXPORTER": "console"}, None),
        ({"OTEL_LOGS_EXPORTER": "console,otlp"}, GrpcExporter),
        ({"OTEL_METRICS_EXPORTER": "none"}, None),
        ({"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "otlp_proto_http"}, HttpExporter),
        ({"OTEL_METRICS_EXPORTER": "prometheus"}, None),
        ({"OTEL_METRICS_EXPORTER": "prometheus", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, GrpcExporter),
    ],
    ids=str,
)
def test_rows_go_where_logs_go_or_else_where_sketches_go(environ: dict[str, str], exporter: Any) -> None:
    """By the application's own OTEL_ variables; who exports nothing exports no rows."""
    assert choose_for_rows(None, environ) is exporter


@pytest.mark.parametrize(
    ("environ", "exporter", "endpoint"),
    [
        ({"OTEL_LOGS_EXPORTER": "none"}, GrpcExporter, "http://x:4317"),
        (HTTP, HttpExporter, "http://x:4317/v1/logs"),
    ],
    ids=str,
)
def test_an_endpoint_of_our_own_is_that_of_rows_too(environ: dict[str, str], exporter: Any, endpoint: str) -> None:
    """DRIFTLINE_OTLP_ENDPOINT, whatever the application does with its logs."""
    made = choose_for_rows("http://x:4317", environ)
    assert isinstance(made, partial)
    assert (made.func, made.keywords) == (exporter, {"endpoint": endpoint})


@pytest.mark.parametrize(
    ("text", "rate"), [("", 50), ("0", 0), ("all", float("inf")), ("12.5", 12.5), ("-1", 0), ("some", 0), ("nan", 0)]
)
def test_the_budget(text: str, rate: float) -> None:
    """Rows a second; mistyped, none are sent rather than some."""
    assert Settings.read({"DRIFTLINE_ROWS": text}).rows == rate
