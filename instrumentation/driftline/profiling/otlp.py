"""A profile as one OTLP metrics request, and back: the metrics of live data, and the chunks beside them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AGGREGATION_TEMPORALITY_CUMULATIVE,
    ExponentialHistogramDataPoint,
    Metric,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from driftline import semconv
from driftline.profiling.training_profile import Profile, ProfileColumn
from driftline.sketch import Buckets, Histogram
from driftline.sketch.arrays import IntArray
from driftline.sketch.identity import digest

OPERATION: Final = "profile"
ROWS_UNIT: Final = "{row}"


Attributes = Mapping[str, Any]
NamedPoint = tuple[str, Any]
"""The metric's name, and a data point of it."""


def to_json(profile: Profile) -> str:
    """OTLP JSON on one line: enumerations are numbers, as OTLP wants it."""
    message = json_format.MessageToDict(to_request(profile), use_integers_for_enums=True)
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")) + "\n"


def to_request(profile: Profile) -> ExportMetricsServiceRequest:
    """The request; its points carry the time at which the data ends, if it has a clock."""
    common = {semconv.MODEL_NAME: profile.model, semconv.MODEL_VERSION: profile.version}
    named = {key: value for key, value in common.items() if value}
    model = {**named, semconv.OPERATION_NAME: OPERATION}
    points = [_chunks(profile, model)]
    for column in (*profile.columns, *profile.pairs):
        points += _column(column, model)
    _set_times(profile, [point for _, point in points])
    metrics = _gathered(points)
    resource = {
        semconv.DATASET_ROLE: semconv.REFERENCE,
        **named,
        semconv.REFERENCE_ID: digest(*(metric.SerializeToString(deterministic=True) for metric in metrics)).hex(),
        semconv.REFERENCE_POINTS: len(points),
    }
    scope = ScopeMetrics(scope=InstrumentationScope(name=semconv.SCOPE), metrics=metrics)
    return ExportMetricsServiceRequest(
        resource_metrics=[ResourceMetrics(resource=Resource(attributes=_pairs(resource)), scope_metrics=[scope])]
    )


def _set_times(profile: Profile, points: Sequence[Any]) -> None:
    """The data's own times, so that the same data gives the same bytes; without a clock the times are unknown."""
    if not profile.chunks.clock:
        return
    start, end = (max(0, round(float(at) * 1e9)) for at in (profile.chunks.starts[0], profile.chunks.ends[-1]))
    for point in points:
        point.start_time_unix_nano, point.time_unix_nano = start, end


def _chunks(profile: Profile, model: Attributes) -> NamedPoint:
    chunks = profile.chunks
    attributes = {
        **model,
        semconv.CHUNKED_BY: "time" if chunks.clock else "rows",
        semconv.CHUNK_STARTS: chunks.starts.tolist(),
        semconv.CHUNK_ENDS: chunks.ends.tolist(),
    }
    return semconv.REFERENCE_CHUNKS, _number(attributes, len(chunks))


_NAMES: Final = {
    semconv.TARGET_INPUT: semconv.INPUT_COLUMN,
    semconv.TARGET_PAIR: semconv.PAIR_COLUMN,
    semconv.TARGET_OUTPUT: semconv.OUTPUT_COLUMN,
    semconv.TARGET_LABEL: semconv.OUTPUT_COLUMN,
}


def _column(column: ProfileColumn, model: Attributes) -> Iterator[NamedPoint]:
    names = _NAMES[column.key.target]
    attributes = {**model, names.column: column.key.name}
    if column.numbers is not None:
        if column.numbers.core.count:
            yield names.value, _histogram(attributes, column.numbers.core)
        for part, tail in sorted(column.numbers.tails.items()):
            yield names.tail, _histogram({**attributes, semconv.SKETCH_PART: part}, tail)
    for name, rows in column.categories.items():
        yield names.counts, _number({**attributes, names.category: name}, rows)
    for state, rows in _states(column).items() if names.observations else ():
        yield names.observations, _number({**attributes, semconv.FEATURE_STATE: state}, rows)
    yield from _cells(column, {**attributes, semconv.DRIFT_TARGET: column.key.target})


def _states(column: ProfileColumn) -> Mapping[str, int]:
    outside = {semconv.OUT_OF_RANGE: column.numbers.out_of_range if column.numbers is not None else 0}
    rows = {semconv.VALID: column.valid, **dict(sorted(column.states.items())), **outside}
    return {state: count for state, count in rows.items() if count}


def _cells(column: ProfileColumn, attributes: Attributes) -> Iterator[NamedPoint]:
    """The column's chunks, and those of the states that occur: two cells, "not it" and "it"."""
    if column.numbers is not None:
        cells: Attributes = {semconv.CELL_EDGES: column.edges.tolist()}
    else:
        cells = {semconv.CELL_CATEGORIES: list(column.cell_categories)}
    described = {**attributes, semconv.COLUMN_TYPE: column.type, **cells, semconv.CHUNK_CELLS: _text(column.cells)}
    if column.pair is not None:
        described |= {semconv.PAIR_MEMBERS: [*column.pair.members], semconv.PAIR_THRESHOLDS: [*column.pair.thresholds]}
    yield semconv.REFERENCE_COLUMN, _number(described, column.rows)
    everything = column.cells.sum(axis=1) + sum(column.state_cells.values())
    for state, rows in sorted(column.state_cells.items()):
        two = np.column_stack([everything - rows, rows])
        stated = {**attributes, semconv.FEATURE_STATE: state, semconv.CHUNK_CELLS: _text(two)}
        yield semconv.REFERENCE_COLUMN, _number(stated, column.rows)


def _text(cells: IntArray) -> str:
    """One text for all chunks: one each would take more room than the counts."""
    return ";".join(" ".join(map(str, row)) for row in cells.tolist())


_UNITS: Final = {semconv.REFERENCE_CHUNKS: "{chunk}", semconv.FEATURE_VALUE: "", semconv.OUTPUT_VALUE: ""}
_GAUGES: Final = (semconv.REFERENCE_CHUNKS, semconv.REFERENCE_COLUMN)


def _gathered(points: Sequence[NamedPoint]) -> list[Metric]:
    """Points under their metrics."""
    metrics: dict[str, Metric] = {}
    for name, point in points:
        if name not in metrics:
            metrics[name] = _metric(name, isinstance(point, ExponentialHistogramDataPoint))
        metric = metrics[name]
        data: Any = getattr(metric, metric.WhichOneof("data") or "gauge")
        data.data_points.append(point)
    return list(metrics.values())


def _metric(name: str, histogram: bool) -> Metric:
    metric = Metric(name=name, unit="" if histogram else _UNITS.get(name, ROWS_UNIT))
    if histogram:
        metric.exponential_histogram.aggregation_temporality = AGGREGATION_TEMPORALITY_CUMULATIVE
    elif name in _GAUGES:
        metric.gauge.SetInParent()
    else:
        metric.sum.aggregation_temporality = AGGREGATION_TEMPORALITY_CUMULATIVE
        metric.sum.is_monotonic = True
    return metric


def _number(attributes: Attributes, value: int) -> NumberDataPoint:
    return NumberDataPoint(attributes=_pairs(attributes), as_int=value)


def _histogram(attributes: Attributes, histogram: Histogram) -> ExponentialHistogramDataPoint:
    return ExponentialHistogramDataPoint(
        attributes=_pairs(attributes),
        count=histogram.count,
        scale=histogram.scale,
        zero_count=histogram.zero,
        positive=_buckets(histogram.positive),
        negative=_buckets(histogram.negative),
        min=histogram.minimum,
        max=histogram.maximum,
    )


def _buckets(buckets: Buckets) -> ExponentialHistogramDataPoint.Buckets:
    offset, counts = buckets.dense()
    return ExponentialHistogramDataPoint.Buckets(offset=offset, bucket_counts=counts)


def _pairs(attributes: Attributes) -> list[KeyValue]:
    return [KeyValue(key=key, value=_any(value)) for key, value in attributes.items()]


def _any(value: str | float | list[float] | list[str]) -> AnyValue:
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=[_any(each) for each in value]))
    if isinstance(value, str):
        return AnyValue(string_value=value)
    return AnyValue(int_value=value) if isinstance(value, int) else AnyValue(double_value=value)
