"""Results → OTLP MetricsData, built by hand so that each metric carries the resource of the service it is about."""

import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, Final

from opentelemetry.sdk.metrics.export import Gauge, Metric, MetricsData, NumberDataPoint, ResourceMetrics, ScopeMetrics
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import TraceFlags

from driftline import semconv
from driftline_processor import __version__
from driftline_processor.encode import metrics
from driftline_processor.records import AlarmEvent, ColumnKey, IncidentEvent, SegmentResult, WindowResult

INSTRUMENTATION_SCOPE: Final = InstrumentationScope(f"{semconv.SCOPE}.processor", __version__)


COLUMNS_A_SET: Final = 5_000
"""Columns whose results are encoded together, unless one window has more: some 50 MB."""


def sets(results: Iterable[WindowResult]) -> Iterator[list[WindowResult]]:
    """The results in sets that are encoded one at a time, in the order of their times."""
    held: list[WindowResult] = []
    columns = 0
    for result in sorted(results, key=lambda result: result.time):
        if held and columns + len(result.columns) > COLUMNS_A_SET:
            yield held
            held, columns = [], 0
        held.append(result)
        columns += len(result.columns)
    if held:
        yield held


def encode_gauges(results: Iterable[WindowResult]) -> list[MetricsData]:
    """The metrics of results, one MetricsData per time, earliest first.

    Late results never share a request with fresh ones: Prometheus rejects a whole request for one stale point.
    """
    ordered = sorted(results, key=lambda result: result.time)
    return [_request(list(group)) for _, group in groupby(ordered, key=lambda result: result.time)]


def _request(results: list[WindowResult]) -> MetricsData:
    origins: dict[tuple[tuple[str, str], ...], list[WindowResult]] = {}
    for result in results:
        origins.setdefault(result.model.resource, []).append(result)
    return MetricsData([_resource_metrics(resource, found) for resource, found in origins.items()])


def _resource_metrics(resource: tuple[tuple[str, str], ...], results: list[WindowResult]) -> ResourceMetrics:
    filled = ((row, [point for result in results for point in _points(row, result)]) for row in metrics.METRICS)
    data = [Metric(row.name, row.description, row.unit, Gauge(points)) for row, points in filled if points]
    return ResourceMetrics(Resource(dict(resource)), [ScopeMetrics(INSTRUMENTATION_SCOPE, data, "")], "")


def _points(row: metrics.Metric, result: WindowResult) -> Iterator[NumberDataPoint]:
    """What lasts between windows is all that is repeated, and is left out where a repetition was sent before."""
    if result.overtaken if row.lasting else result.repeated_at is not None:
        return
    if row.of_model is not None:
        yield from _valid(row, row.of_model(result), result, model_attributes(result))
    if row.of_column is not None:
        for column in result.columns:
            yield from _valid(row, row.of_column(column), result, column_attributes(result, column.column))
    if row.of_segment is not None:
        for segment in result.segments:
            yield from _valid(row, row.of_segment(segment), result, _segment_attributes(result, segment))


def _valid(
    row: metrics.Metric, values: metrics.Values, result: WindowResult, attributes: Mapping[str, str | bool]
) -> Iterator[NumberDataPoint]:
    """The finite points: backends reject a whole request for one that is not."""
    for key, value in values.items():
        if math.isfinite(value):
            extra = {row.by: key} if row.by else {}
            yield NumberDataPoint({**attributes, **extra}, result.window.start, result.time, value)


def model_attributes(result: WindowResult) -> dict[str, str | bool]:
    """The attributes of metrics and events about a model.

    They include the origin, of whose resource some backends keep only the name of the service.
    """
    name, version, origin = result.model
    known = {semconv.MODEL_VERSION: version} if version else {}
    return {**dict(origin), semconv.MODEL_NAME: name, **known, semconv.REFERENCE_PROVISIONAL: result.provisional}


def _segment_attributes(result: WindowResult, segment: SegmentResult) -> dict[str, str | bool]:
    named = {semconv.SEGMENT_NAME: segment.name, semconv.SEGMENT_KIND: segment.kind}
    return {**model_attributes(result), **named}


def call_context(event: AlarmEvent | IncidentEvent) -> dict[str, Any]:
    """The call that an event names first, as the context of its log record: backends link the two."""
    if not event.span:
        return {}
    return {
        "trace_id": int(event.traces[0], 16),
        "span_id": int(event.span, 16),
        "trace_flags": TraceFlags(TraceFlags.SAMPLED),
    }


def column_attributes(result: WindowResult, column: ColumnKey) -> dict[str, str | bool]:
    """The attributes of metrics and events about a column."""
    target, name = column
    return {**model_attributes(result), semconv.DRIFT_TARGET: target, semconv.FEATURE_NAME: name}
