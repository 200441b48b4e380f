"""The SDK's OTLP exporters for metrics and log records, built from the configuration."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit, urlunsplit

import grpc
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetricExporter
from opentelemetry.exporter.otlp.proto.http import Compression as HttpCompression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetricExporter
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.metrics.export import MetricsData

from driftline.sketch.time_units import SECOND
from driftline_processor.config import ExportConfig
from driftline_processor.service.export_requests import BoundedRequests, SdkExporter, log_requests, metric_requests

_SIGNALS: Final = ("metrics", "logs")


def metric_exporter(export: ExportConfig) -> SdkExporter[MetricsData]:
    """An exporter to `export.endpoint`; it connects on the first export."""
    if export.protocol == "http":
        return BoundedRequests(HttpMetricExporter(**_over_http(export, "metrics")), metric_requests)
    return BoundedRequests(GrpcMetricExporter(**_over_grpc(export)), metric_requests)


def log_exporter(export: ExportConfig) -> SdkExporter[Sequence[ReadableLogRecord]]:
    """An exporter to the same endpoint; it connects on the first export."""
    if export.protocol == "http":
        return BoundedRequests(HttpLogExporter(**_over_http(export, "logs")), log_requests)
    return BoundedRequests(GrpcLogExporter(**_over_grpc(export)), log_requests)


def signal_url(endpoint: str, signal: Literal["metrics", "logs"]) -> str:
    """The OTLP/HTTP URL of a signal: `/v1/<signal>` below the endpoint, which may already end in a signal's path."""
    parts = urlsplit(endpoint)
    path = parts.path.rstrip("/")
    for each in _SIGNALS:
        path = path.removesuffix(f"/v1/{each}")
    return urlunsplit(parts._replace(path=f"{path}/v1/{signal}"))


def _over_http(export: ExportConfig, signal: Literal["metrics", "logs"]) -> dict[str, Any]:
    return {
        "endpoint": signal_url(export.endpoint, signal),
        "certificate_file": _path(export.certificate),
        "client_key_file": _path(export.client_key),
        "client_certificate_file": _path(export.client_certificate),
        "headers": _headers(export),
        "timeout": export.timeout / SECOND,
        "compression": HttpCompression.Gzip if export.compression == "gzip" else HttpCompression.NoCompression,
    }


def _over_grpc(export: ExportConfig) -> dict[str, Any]:
    secure = urlsplit(export.endpoint).scheme == "https"
    return {
        "endpoint": export.endpoint,
        "insecure": not secure,
        "credentials": _credentials(export) if secure else None,
        "headers": _headers(export),
        "timeout": export.timeout / SECOND,
        "compression": grpc.Compression.Gzip if export.compression == "gzip" else grpc.Compression.NoCompression,
    }


def _headers(export: ExportConfig) -> dict[str, str]:
    return {key.lower(): value.get_secret_value() for key, value in export.headers.items()}


def _credentials(export: ExportConfig) -> grpc.ChannelCredentials:
    ca, key, chain = (
        path.read_bytes() if path else None
        for path in (export.certificate, export.client_key, export.client_certificate)
    )
    return grpc.ssl_channel_credentials(ca, key, chain)


def _path(path: Path | None) -> str | None:
    return None if path is None else str(path)
