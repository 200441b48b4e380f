"""The process that is measured: a real SDK whose exporters encode what they are given, and Driftline on top of it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from sklearn.base import BaseEstimator, ClassifierMixin

import driftline
from driftline import semconv
from driftline.runtime.self_faults import FAULTS

FEATURES: Final = 30

_NEVER_MS: Final = 3_600_000
_ROW_RATE: Final = 250 / (_NEVER_MS / 1000)
"""Rows a second in row batches: as many between two exports as with the default settings."""

_QUEUE: Final = 1 << 16
"""Spans that may wait for export: none is dropped, which would be cheap."""


_CLASS: Final = np.zeros(1, np.int64)


def _predict(_: object, X: Any) -> NDArray[np.int64]:
    return _CLASS


class Bare:
    """A model without any arithmetic, that nobody instruments."""

    predict = _predict


class NoOp(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """The same as an estimator."""

    classes_ = np.array([0, 1])
    n_features_in_ = FEATURES
    predict = _predict


class EncodingSpanExporter(SpanExporter):
    """Encodes and serialises as the OTLP exporter does, and sends nothing. `spans`: how many, `requests`: if wanted."""

    def __init__(self) -> None:
        self.spans = 0
        self.requests: list[bytes] | None = None

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        request = encode_spans(spans).SerializeToString()
        self.spans += len(spans)
        if self.requests is not None:
            self.requests.append(request)
        return SpanExportResult.SUCCESS


class EncodingMetricExporter(MetricExporter):
    """As EncodingSpanExporter, for metrics. `dropped`: rows that Driftline had no room for."""

    def __init__(self) -> None:
        super().__init__()
        self.dropped = 0

    def export(self, metrics_data: Any, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        encode_metrics(metrics_data).SerializeToString()
        for resource in metrics_data.resource_metrics:
            for metric in (metric for scope in resource.scope_metrics for metric in scope.metrics):
                if metric.name == semconv.DROPPED_ROWS:
                    self.dropped = sum(point.value for point in metric.data.data_points)
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        pass


class EncodingLogExporter(LogRecordExporter):
    """As EncodingSpanExporter, for row batches."""

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        encode_logs(batch).SerializeToString()
        return LogRecordExportResult.SUCCESS

    def force_flush(self, timeout_millis: int = 10_000) -> bool:
        return True

    def shutdown(self) -> None:
        pass


class Rig:
    """The providers of an application, and Driftline with its default settings, but that it exports when told to."""

    def __init__(self, **options: Any) -> None:
        resource = Resource({"service.name": "bench"})
        self.exporter = EncodingSpanExporter()
        self.tracer_provider = TracerProvider(resource=resource)
        self.tracer_provider.add_span_processor(BatchSpanProcessor(self.exporter, max_queue_size=_QUEUE))
        reader = PeriodicExportingMetricReader(EncodingMetricExporter(), export_interval_millis=_NEVER_MS)
        self.meter_provider = MeterProvider([reader], resource)
        self.tracer = self.tracer_provider.get_tracer("bench")
        self.sketches = EncodingMetricExporter()
        driftline.instrument(
            tracer_provider=self.tracer_provider,
            meter_provider=self.meter_provider,
            metric_exporter=self.sketches,
            log_exporter=EncodingLogExporter(),
            export_interval=_NEVER_MS,
            **{"rows": _ROW_RATE} | options,
        )

    def settle(self) -> None:
        """Everything recorded so far is counted, encoded and out."""
        assert driftline.flush(60.0)
        assert not FAULTS.counts(), FAULTS.counts()
        assert not self.sketches.dropped, "rows that are dropped cost nothing"

    def close(self) -> None:
        driftline.uninstrument()
        self.tracer_provider.shutdown()
        self.meter_provider.shutdown()


@contextmanager
def rig(**options: Any) -> Iterator[Rig]:
    """`options`: of `driftline.instrument`."""
    made = Rig(**options)
    try:
        yield made
    finally:
        made.close()
