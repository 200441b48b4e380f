"""The SDK's OTLP exporter for metrics, as the configuration wants it."""

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import grpc
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression as HttpCompression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpExporter
from opentelemetry.sdk.metrics.export import MetricExporter

from driftline_processor.config import Export
from driftline_processor.durations import SECOND

POINTS_A_REQUEST: Final = 5_000
"""Some 2 MB: the receivers of most backends take 4 MiB."""

_PATH: Final = "/v1/metrics"


def otlp_exporter(export: Export) -> MetricExporter:
    """Makes an exporter; nothing is connected before the first export."""
    headers = {key.lower(): value.get_secret_value() for key, value in export.headers.items()}
    timeout = export.timeout / SECOND
    if export.protocol == "http":
        return HttpExporter(
            endpoint=metrics_url(export.endpoint),
            certificate_file=_path(export.certificate),
            client_key_file=_path(export.client_key),
            client_certificate_file=_path(export.client_certificate),
            headers=headers,
            timeout=timeout,
            compression=HttpCompression.Gzip if export.compression == "gzip" else HttpCompression.NoCompression,
            max_export_batch_size=POINTS_A_REQUEST,
        )
    secure = urlsplit(export.endpoint).scheme == "https"
    return GrpcExporter(
        endpoint=export.endpoint,
        insecure=not secure,
        credentials=_credentials(export) if secure else None,
        headers=headers,
        timeout=timeout,
        compression=grpc.Compression.Gzip if export.compression == "gzip" else grpc.Compression.NoCompression,
        max_export_batch_size=POINTS_A_REQUEST,
    )


def metrics_url(endpoint: str) -> str:
    """Where metrics go over HTTP: `/v1/metrics` below the endpoint, unless that is where it points already."""
    parts = urlsplit(endpoint)
    path = parts.path.rstrip("/")
    return urlunsplit(parts._replace(path=path if path.endswith(_PATH) else path + _PATH))


def _credentials(export: Export) -> grpc.ChannelCredentials:
    ca, key, chain = (
        path.read_bytes() if path else None
        for path in (export.certificate, export.client_key, export.client_certificate)
    )
    return grpc.ssl_channel_credentials(ca, key, chain)


def _path(path: Path | None) -> str | None:
    return None if path is None else str(path)
