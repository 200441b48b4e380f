"""Metrics marked as a training profile → ReferencePart: point by point, for the Collector may split them anywhere."""

from hashlib import blake2b
from typing import Any, Final

from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, MetricsData, ResourceMetrics, ScopeMetrics

from driftline import semconv
from driftline.sketch.otlp import shown
from driftline_processor.decode.otlp_values import Rejections, labels
from driftline_processor.records import ReferencePart

MAX_POINTS: Final = 2_000_000


def reference_part(resource_metrics: ResourceMetrics, rejections: Rejections) -> ReferencePart | None:
    """The points of a reference in a request, each as a MetricsData of its own: joined, the bytes are one again."""
    found = labels(resource_metrics.resource.attributes)
    identity, expected = found.get(semconv.REFERENCE_ID, ""), found.get(semconv.REFERENCE_POINTS, "")
    points = _points(resource_metrics)
    if identity and expected.isascii() and expected.isdigit() and 0 < int(expected) <= MAX_POINTS:
        digests = {blake2b(point, digest_size=16).digest(): point for point in points}
        model, version = (found.get(name, "") for name in (semconv.MODEL_NAME, semconv.MODEL_VERSION))
        service = "/".join(filter(None, (found.get(semconv.SERVICE_NAMESPACE), found.get(semconv.SERVICE_NAME))))
        return ReferencePart(identity, int(expected), digests, model, version, service)
    rejections.add(
        f"reference: must have the resource attributes {semconv.REFERENCE_ID} and {semconv.REFERENCE_POINTS} "
        f"(got {shown(identity)}, {shown(expected)})",
        len(points),
    )
    return None


def _points(resource_metrics: ResourceMetrics) -> list[bytes]:
    return [
        _single(resource_metrics, scope_metrics, metric, data, point)
        for scope_metrics in resource_metrics.scope_metrics
        for metric in scope_metrics.metrics
        if (data := metric.WhichOneof("data")) is not None
        for point in getattr(metric, data).data_points
    ]


def _single(
    resource_metrics: ResourceMetrics, scope_metrics: ScopeMetrics, metric: Metric, data: str, point: Any
) -> bytes:
    alone = Metric(name=metric.name, unit=metric.unit, description=metric.description)
    held, whole = getattr(alone, data), getattr(metric, data)
    held.data_points.append(point)
    for setting in ("aggregation_temporality", "is_monotonic"):
        if hasattr(whole, setting):
            setattr(held, setting, getattr(whole, setting))
    scope = ScopeMetrics(scope=scope_metrics.scope, metrics=[alone])
    message = MetricsData(resource_metrics=[ResourceMetrics(resource=resource_metrics.resource, scope_metrics=[scope])])
    return bytes(message.SerializeToString(deterministic=True))
