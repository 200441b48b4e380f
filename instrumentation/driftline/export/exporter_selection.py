"""Selects the exporters of sketches and row batches by OpenTelemetry's own environment variables."""

import logging
import os
from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import entry_points
from typing import Any, Final

from opentelemetry.sdk.metrics.export import MetricExporter

_logger = logging.getLogger("driftline")

ExporterFactory = Callable[..., MetricExporter]

_GROUP: Final = "opentelemetry_metrics_exporter"
_LOGS_GROUP: Final = "opentelemetry_logs_exporter"
_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT")
_BY_PROTOCOL: Final = {"grpc": "otlp_proto_grpc", "http/protobuf": "otlp_proto_http"}


def choose(endpoint: str | None, environ: Mapping[str, str] = os.environ) -> ExporterFactory | None:
    """The factory of the exporter, None to export nothing. Imports its module now, because at exit that would fail.

    endpoint: replaces OTEL_EXPORTER_OTLP_ENDPOINT for sketches.
    """
    name = _name(endpoint, environ)
    if name is None:
        return None
    found = tuple(entry_points(group=_GROUP, name=name))
    if not found:
        _logger.warning("Sketches are not exported: metrics exporter %r is not installed", name)
        return None
    exporter: ExporterFactory = found[0].load()
    if endpoint is None or not name.startswith("otlp"):
        return exporter
    return partial(exporter, endpoint=endpoint if name == "otlp_proto_grpc" else _with_path(endpoint))


def choose_for_rows(endpoint: str | None, environ: Mapping[str, str] = os.environ) -> Callable[..., Any] | None:
    """The factory of the OTLP exporter of logs, that sends row batches; None to send none. Imports its module now.

    Without OTEL_LOGS_EXPORTER rows go where sketches go. endpoint: as of `choose`.
    """
    name = _logs_name(endpoint, environ)
    found = () if name is None else tuple(entry_points(group=_LOGS_GROUP, name=name))
    if name is None or not found:
        return None
    exporter: Callable[..., Any] = found[0].load()
    if endpoint is None:
        return exporter
    return partial(exporter, endpoint=endpoint if name == "otlp_proto_grpc" else _with_path(endpoint, "logs"))


def _logs_name(endpoint: str | None, environ: Mapping[str, str]) -> str | None:
    names = _exporters(environ, "OTEL_LOGS_EXPORTER") or ["otlp"]
    pushing = [name for name in names if name.startswith("otlp")]
    if endpoint is None and (not pushing or not _sends_sketches(environ)):
        return None
    chosen = pushing[0] if pushing else "otlp"
    return _BY_PROTOCOL[_protocol(environ, "LOGS")] if chosen == "otlp" else chosen


def _sends_sketches(environ: Mapping[str, str]) -> bool:
    """Whether OTLP goes anywhere at all."""
    if any(name.startswith("otlp") for name in _exporters(environ, "OTEL_LOGS_EXPORTER")):
        return True
    names = _exporters(environ, "OTEL_METRICS_EXPORTER") or ["otlp"]
    pushed = names[0] == "prometheus" and any(environ.get(variable) for variable in _ENDPOINTS)
    return pushed or any(name.startswith("otlp") for name in names)


def _exporters(environ: Mapping[str, str], variable: str) -> list[str]:
    return [name.strip() for name in environ.get(variable, "").split(",") if name.strip()]


def is_delta(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE asks for delta counters and histograms."""
    preference = environ.get("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "").strip().lower()
    return preference in ("delta", "lowmemory")


def _name(endpoint: str | None, environ: Mapping[str, str]) -> str | None:
    names = _exporters(environ, "OTEL_METRICS_EXPORTER") or ["otlp"]
    pushing = [name for name in names if name.startswith("otlp")]
    if pushing:
        return _BY_PROTOCOL[_protocol(environ)] if pushing[0] == "otlp" else pushing[0]
    if endpoint is not None:
        return _BY_PROTOCOL[_protocol(environ)]
    if names == ["none"]:
        return None
    if names[0] != "prometheus":
        return names[0]
    # Prometheus scrapes the application's own metrics; sketches are pushed if an endpoint is configured.
    if any(environ.get(variable) for variable in _ENDPOINTS):
        return _BY_PROTOCOL[_protocol(environ)]
    _logger.warning("Sketches are not exported: set DRIFTLINE_OTLP_ENDPOINT, as OTEL_METRICS_EXPORTER=prometheus")
    return None


def _protocol(environ: Mapping[str, str], signal: str = "METRICS") -> str:
    for variable in (f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        protocol = environ.get(variable, "").strip()
        if protocol in _BY_PROTOCOL:
            return protocol
        if protocol:
            _logger.warning("%s: must be one of %s (got %r); using grpc", variable, ", ".join(_BY_PROTOCOL), protocol)
    return "grpc"


def _with_path(endpoint: str, signal: str = "metrics") -> str:
    """The URL of a signal: in code, OTLP/HTTP exporters take the full URL."""
    path = f"/v1/{signal}"
    return endpoint if endpoint.rstrip("/").endswith(path) else endpoint.rstrip("/").removesuffix("/v1/metrics") + path
