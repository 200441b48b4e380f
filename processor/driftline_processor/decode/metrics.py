"""Metrics requests → records: sketches, counters and parts of references.

Looking at protobuf objects dominates the cost of decoding. So a point is read with one call, the meaning of a stream's
attributes is cached by their bytes, and the buckets of all sketches in a request are checked at once.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import repeat
from operator import attrgetter, gt
from typing import Any, Final, NamedTuple

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AGGREGATION_TEMPORALITY_CUMULATIVE,
    AGGREGATION_TEMPORALITY_UNSPECIFIED,
    DataPointFlags,
    Exemplar,
)

from driftline import semconv
from driftline.sketch.encoded import EncodedHistogram
from driftline.sketch.otlp import shown
from driftline_processor.decode.metric_streams import KINDS, Origin, Stream, dataset_role, origin, streams
from driftline_processor.decode.otlp_values import MAX_TIME, Malformed, Rejections, parsed
from driftline_processor.decode.raw_metrics import RawMetricsRequest, is_usual
from driftline_processor.decode.reference_parts import reference_part
from driftline_processor.decode.sketch_checks import read_singly, unsound
from driftline_processor.limits import LIMITS, Limits
from driftline_processor.records import Batch, CountPoint, InputRecord, PointExemplar, RowsPoint, Scalar, SketchPoint

_NO_VALUE: Final = DataPointFlags.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK
MAX_EXEMPLARS: Final = 5
"""Exemplars read per point."""

MAX_POINT_EXEMPLARS: Final = 32
"""Exemplars read per point of a column."""

_TRACE_ID, _SPAN_ID = 16, 8  # bytes
_MAX_COUNT: Final = float(1 << 53)


def decode_metrics(data: bytes, limits: Limits = LIMITS, tenant: str = "") -> Batch:
    """The records of an ExportMetricsServiceRequest; metrics that are not Driftline's are ignored.

    Args:
        data: The bytes.
        limits: What names and values may be.
        tenant: Who sent them, by its credential.

    Raises:
        Malformed: The bytes are no such request.

    """
    try:
        return _decoded(RawMetricsRequest.FromString(data), data, limits, tenant)
    except DecodeError:
        raise Malformed(f"not the bytes of one {ExportMetricsServiceRequest.__name__} ({len(data)} bytes)") from None


def decode_usual_metrics(data: bytes, limits: Limits, tenant: str) -> Batch | None:
    """The records of a request that is clearly within the limits as a whole, and can be read; of another one None.

    What it holds is measured after it was parsed, so it is for requests that are short enough to be parsed in any case.
    """
    try:
        request = RawMetricsRequest.FromString(data)
        return _decoded(request, data, limits, tenant) if is_usual(request, len(data), limits) else None
    except DecodeError:
        return None


def _decoded(request: Any, data: bytes, limits: Limits, tenant: str) -> Batch:
    rejections = Rejections()
    read = _Read([], [], [], [])
    for i, resource_metrics in enumerate(request.resource_metrics):
        if dataset_role(resource_metrics.resource) == semconv.REFERENCE:
            part = reference_part(parsed(ExportMetricsServiceRequest, data).resource_metrics[i], rejections)
            read.records.append(part)
            continue
        for metric, source in _metrics_of_ours(resource_metrics, limits, tenant):
            _read_metric(metric, source, read, rejections)
    _check(read, rejections)
    return Batch(tuple([record for record in read.records if record is not None]), rejections.total())


class _Read(NamedTuple):
    """What is read so far. sketches: which records are sketches, and the metric of each and protobuf's point."""

    records: list[InputRecord | None]
    sketches: list[int]
    metrics: list[str]
    points: list[Any]


def _metrics_of_ours(resource_metrics: Any, limits: Limits, tenant: str) -> Iterator[tuple[Any, Origin]]:
    for scope_metrics in resource_metrics.scope_metrics:
        for metric in scope_metrics.metrics:
            if metric.name in _NAMES:
                yield metric, origin(resource_metrics.resource, scope_metrics.scope, limits, tenant)


_NAMES: Final = {name.encode(): name for name in KINDS}


def _read_metric(metric: Any, source: Origin, read: _Read, rejections: Rejections) -> None:
    name, data = _NAMES[metric.name], metric.WhichOneof("held")
    if data is None:
        return
    held: Any = getattr(metric, data)
    if wrong := _data_error(name, data, held):
        rejections.add(f"{name}: {wrong}", len(held.data_points))
        return
    cumulative = held.aggregation_temporality == AGGREGATION_TEMPORALITY_CUMULATIVE
    usable = _usable(_Metric(name, source, cumulative), list(held.data_points), rejections)
    if not usable.points:
        return
    if data == "sum":
        read.records.extend(_count_points(name, usable, cumulative, rejections))
    else:
        read.sketches.extend(range(len(read.records), len(read.records) + len(usable.points)))
        read.metrics.extend(repeat(name, len(usable.points)))
        read.points.extend(usable.points)
        read.records.extend(_sketch_points(usable, cumulative))


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

_SKETCH_FIELDS: Final = attrgetter(
    "attributes", "start_time_unix_nano", "time_unix_nano", "flags", "exemplars",
    "scale", "zero_count", "positive", "negative", "min", "max", "count",
)  # fmt: skip
_NUMBER_FIELDS: Final = attrgetter("attributes", "start_time_unix_nano", "time_unix_nano", "flags", "exemplars")


class _Metric(NamedTuple):
    """What all points of a metric have in common."""

    name: str
    source: Origin
    cumulative: bool


class _Usable(NamedTuple):
    """Points of a metric: as protobuf has them, their fields, and their streams."""

    points: Sequence[Any]
    fields: Sequence[tuple[Any, ...]]
    streams: Sequence[Stream]


def _usable(metric: _Metric, points: Sequence[Any], rejections: Rejections) -> _Usable:
    """The points with a value, a stream and possible times. All of them, as a rule, so that is asked first."""
    name, source, cumulative = metric
    fields = list(map(_SKETCH_FIELDS if KINDS[name].counts == "sketch" else _NUMBER_FIELDS, points))
    found: list[Any] = streams(source, name, [tuple(each[0][:]) for each in fields])
    if set(map(type, found)) == {Stream} and _are_in_order(fields, cumulative):
        return _Usable(points, fields, found)
    kept: list[tuple[Any, tuple[Any, ...], Stream]] = []
    for point, each, of in zip(points, fields, found, strict=True):
        if _no_value(each):
            continue
        if isinstance(of, str):
            rejections.add(of)
        elif wrong := _time_error(each, cumulative):
            rejections.add(_of_column(name, of.column.name, wrong))
        else:
            kept.append((point, each, of))
    return _Usable(*zip(*kept, strict=True)) if kept else _Usable((), (), ())


def _sketch_points(usable: _Usable, cumulative: bool) -> Iterator[SketchPoint]:
    """The sketches, whose buckets are not looked at yet."""
    _, starts, times, _, exemplars, *held = zip(*usable.fields, strict=True)
    digests, models, columns, operations, _ = zip(*usable.streams, strict=True)
    since = starts if all(starts) else [start or time for start, time in zip(starts, times, strict=True)]
    calls = map(_exemplars, exemplars) if any(exemplars) else repeat(())
    histograms = map(_NEW_HISTOGRAM, zip(*held, strict=True))
    fields = digests, models, columns, operations, since, times, repeat(cumulative), histograms, calls
    return map(_NEW_SKETCH, zip(*fields))  # noqa: B905  (two of them do not end)


# As the class would, of a tuple, without a call of Python's.
_NEW_SKETCH: Final = partial(tuple.__new__, SketchPoint)
_NEW_HISTOGRAM: Final = partial(tuple.__new__, EncodedHistogram)


def _count_points(
    name: str, usable: _Usable, cumulative: bool, rejections: Rejections
) -> Iterator[CountPoint | RowsPoint]:
    counts = KINDS[name].counts
    for point, (_, start, time, _, exemplars), found in zip(*usable, strict=True):
        count = point.as_double if point.WhichOneof("held") == "as_double" else float(point.as_int)
        if not 0 <= count <= _MAX_COUNT:
            wrong = f"must count from 0 to 2**53 rows (got {count})"
            rejections.add(_of_column(name, found.column.name, wrong))
            continue
        head = (found.digest, found.model, found.column, found.operation, start or time, time, cumulative)
        if counts == "rows":
            yield RowsPoint(*head, count, _traces(exemplars) if exemplars else ())
        else:
            yield CountPoint(*head, counts, found.value, count, _calls(counts, found, exemplars) if exemplars else ())


def _are_in_order(fields: Sequence[tuple[Any, ...]], cumulative: bool) -> bool:
    """Whether all points have a value and possible times."""
    _, starts, times, flags, *_ = zip(*fields, strict=True)
    possible = min(times) > 0 and max(times) <= MAX_TIME and not any(map(gt, starts, times))
    return possible and not any(flags) and (not cumulative or all(starts))


def _no_value(fields: tuple[Any, ...]) -> bool:
    return bool(fields[3] & _NO_VALUE)


def _time_error(fields: tuple[Any, ...], cumulative: bool) -> str | None:
    start, time = fields[1], fields[2]
    if not 0 < time <= MAX_TIME or start > time or (cumulative and not start):
        return f"must have times with 0 < start <= time (got start {start}, time {time})"
    return None


def _check(read: _Read, rejections: Rejections) -> None:
    """Takes the sketches out of the records whose buckets cannot be counted."""
    held: list[Any] = [read.records[at] for at in read.sketches]
    for i in unsound([record.histogram for record in held]):
        found = read_singly(read.points[i])
        if isinstance(found, str):
            rejections.add(_of_column(read.metrics[i], held[i].column.name, found))
            read.records[read.sketches[i]] = None
        else:
            read.records[read.sketches[i]] = held[i]._replace(histogram=found)


def _of_column(metric: str, column: str, wrong: str) -> str:
    return f"{metric}{{{shown(column)}}}: {wrong}"


_STATE_VALUES: Final[Mapping[str, Scalar]] = {semconv.MISSING: None, semconv.NON_FINITE: math.inf}
"""What stands for a value in a state; of the others its name does, which is no number."""

_NUMBER: Final = "number"


def _calls(counts: str, found: Stream, exemplars: Any) -> tuple[PointExemplar, ...]:
    """The calls of a counter, with the value that it counts."""
    return _exemplars(exemplars, _STATE_VALUES.get(found.value, found.value) if counts == "state" else found.value)


def _exemplars(exemplars: Any, value: Scalar = _NUMBER) -> tuple[PointExemplar, ...]:
    """The calls of a point, with the value that it counts; of a sketch each with its own."""
    return tuple(
        PointExemplar(each.trace_id + each.span_id, each.time_unix_nano, each.as_double if value is _NUMBER else value)
        for each in map(Exemplar.FromString, exemplars[:MAX_POINT_EXEMPLARS])
        if len(each.trace_id) == _TRACE_ID and len(each.span_id) == _SPAN_ID and each.time_unix_nano <= MAX_TIME
    )


def _traces(exemplars: Any) -> tuple[str, ...]:
    """The trace ids of a point's first exemplars."""
    found = map(Exemplar.FromString, exemplars[:MAX_EXEMPLARS])
    return tuple([each.trace_id.hex() for each in found if len(each.trace_id) == _TRACE_ID])
