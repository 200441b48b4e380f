"""Metrics requests → records: sketches, counters and parts of references.

Reading the attributes of protobuf objects dominates the cost of decoding, so the meaning of a stream's attributes is
cached by their bytes.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AGGREGATION_TEMPORALITY_CUMULATIVE,
    AGGREGATION_TEMPORALITY_UNSPECIFIED,
    DataPointFlags,
    Metric,
    ResourceMetrics,
)

from driftline import semconv
from driftline.sketch.otlp import read_histogram, shown
from driftline_processor.decode.metric_streams import KINDS, Origin, Stream, origin, stream
from driftline_processor.decode.otlp_values import MAX_TIME, Rejections, labels, parsed
from driftline_processor.decode.reference_parts import reference_part
from driftline_processor.limits import LIMITS, Limits
from driftline_processor.records import Batch, CountPoint, InputRecord, PointExemplar, RowsPoint, Scalar, SketchPoint

_NO_VALUE: Final = DataPointFlags.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK
MAX_EXEMPLARS: Final = 5
"""Exemplars read per point."""

MAX_POINT_EXEMPLARS: Final = 32
"""Exemplars read per point of a column."""

_TRACE_ID, _SPAN_ID = 16, 8  # bytes
_MAX_COUNT: Final = float(1 << 53)


def decode_metrics(data: bytes, limits: Limits = LIMITS) -> Batch:
    """The records of an ExportMetricsServiceRequest; metrics that are not Driftline's are ignored.

    Raises:
        Malformed: The bytes are no such request.

    """
    rejections = Rejections()
    records: list[InputRecord] = []
    for resource_metrics in parsed(ExportMetricsServiceRequest, data).resource_metrics:
        role = labels(p for p in resource_metrics.resource.attributes if p.key == semconv.DATASET_ROLE)
        if role.get(semconv.DATASET_ROLE) == semconv.REFERENCE:
            part = reference_part(resource_metrics, rejections)
            records += [part] if part else []
        else:
            records += _live_records(resource_metrics, rejections, limits)
    return Batch(tuple(records), rejections.total())


def _live_records(resource_metrics: ResourceMetrics, rejections: Rejections, limits: Limits) -> Iterator[InputRecord]:
    resource: bytes | None = None
    for scope_metrics in resource_metrics.scope_metrics:
        source = None
        for metric in scope_metrics.metrics:
            if metric.name not in KINDS:
                continue
            if source is None:
                resource = resource or resource_metrics.resource.SerializeToString()
                source = origin(resource, scope_metrics.scope.SerializeToString(), limits)
            yield from _points(metric, source, rejections)


def _points(metric: Metric, source: Origin, rejections: Rejections) -> Iterator[InputRecord]:
    name, data = metric.name, metric.WhichOneof("data")
    if data is None:
        return
    held: Any = getattr(metric, data)
    if wrong := _data_error(name, data, held):
        rejections.add(f"{name}: {wrong}", len(held.data_points))
        return
    kind = KINDS[name]
    cumulative = held.aggregation_temporality == AGGREGATION_TEMPORALITY_CUMULATIVE
    for point in held.data_points:
        if point.flags & _NO_VALUE:
            continue
        found = stream(source, name, tuple([pair.SerializeToString() for pair in point.attributes]))
        record = found if isinstance(found, str) else _record(kind.counts, found, point, cumulative)
        if isinstance(record, str):
            rejections.add(record if record is found else f"{name}{{{_column_name(found)}}}: {record}")
        else:
            yield record


def _data_error(name: str, data: str, held: Any) -> str | None:
    expected = "exponential_histogram" if KINDS[name].counts == "sketch" else "sum"
    if data != expected:
        return f"must be {_DATA_NAMES[expected]} (got {_DATA_NAMES[data]})"
    if held.aggregation_temporality == AGGREGATION_TEMPORALITY_UNSPECIFIED:
        return "must be cumulative or delta (temporality is unspecified)"
    return None if data != "sum" or held.is_monotonic else "must be monotonic: it counts rows"


_DATA_NAMES: Final = {
    "exponential_histogram": "an exponential histogram",
    "sum": "a counter",
    "gauge": "a gauge",
    "histogram": "a histogram with explicit bounds",
    "summary": "a summary",
}


def _column_name(found: Stream | str) -> str:
    return "" if isinstance(found, str) else shown(found.column.name)


def _record(counts: str, found: Stream, point: Any, cumulative: bool) -> InputRecord | str:
    start, time = point.start_time_unix_nano, point.time_unix_nano
    if not 0 < time <= MAX_TIME or start > time or (cumulative and not start):
        return f"must have times with 0 < start <= time (got start {start}, time {time})"
    head = (found.digest, found.model, found.column, found.operation, start or time, time, cumulative)
    if counts == "sketch":
        histogram = read_histogram(point)
        return histogram if isinstance(histogram, str) else SketchPoint(*head, histogram, _exemplars(point))
    count = point.as_double if point.WhichOneof("value") == "as_double" else float(point.as_int)
    if not 0 <= count <= _MAX_COUNT:
        return f"must count from 0 to 2**53 rows (got {count})"
    if counts == "rows":
        return RowsPoint(*head, count, _traces(point))
    value = _STATE_VALUES.get(found.value, found.value) if counts == "state" else found.value
    return CountPoint(*head, counts, found.value, count, _exemplars(point, value))


_STATE_VALUES: Final[Mapping[str, Scalar]] = {semconv.MISSING: None, semconv.NON_FINITE: math.inf}
"""What stands for a value in a state; of the others its name does, which is no number."""

_NUMBER: Final = "number"


def _exemplars(point: Any, value: Scalar = _NUMBER) -> tuple[PointExemplar, ...]:
    """The calls of a point, with the value that it counts; of a sketch each with its own."""
    return tuple(
        PointExemplar(each.trace_id + each.span_id, each.time_unix_nano, each.as_double if value is _NUMBER else value)
        for each in point.exemplars[:MAX_POINT_EXEMPLARS]
        if len(each.trace_id) == _TRACE_ID and len(each.span_id) == _SPAN_ID and each.time_unix_nano <= MAX_TIME
    )


def _traces(point: Any) -> tuple[str, ...]:
    """The trace ids of a point's first exemplars."""
    return tuple([each.trace_id.hex() for each in point.exemplars[:MAX_EXEMPLARS] if len(each.trace_id) == _TRACE_ID])
