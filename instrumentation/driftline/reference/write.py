"""A training profile → one OTLP metrics request."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any, Final, TypeAlias

import numpy as np
from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
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
from driftline.reference.chunks import Chunks
from driftline.reference.clocks import Clock, clock_attributes
from driftline.reference.format import (
    CHUNKED_BY,
    GAUGES,
    NAMES,
    bins_text,
    decimal_attributes,
    row_attributes,
    segment_attributes,
)
from driftline.reference.outcome_attributes import outcome_attributes
from driftline.reference.outcome_profile import OutcomeProfile
from driftline.reference.profile_column import ProfileColumn
from driftline.reference.row_repeats import RowRepeats
from driftline.segments.training import SegmentTraining
from driftline.sketch.identity import digest
from driftline.sketch.otlp import histogram_point, key_values

OPERATION: Final = "profile"
ROWS_UNIT: Final = "{row}"


_DataPoint: TypeAlias = tuple[str, Any]  # the metric's name, and a data point of it


def to_json(request: ExportMetricsServiceRequest) -> str:
    """OTLP JSON on one line, enumerations as numbers."""
    message = json_format.MessageToDict(request, use_integers_for_enums=True)
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")) + "\n"


def to_request(
    model: str,
    version: str,
    chunks: Chunks,
    columns: Sequence[ProfileColumn],
    *,
    row_repeats: Sequence[RowRepeats] = (),
    clocks: Sequence[Clock] = (),
    outcomes: OutcomeProfile | None = None,
    segments: SegmentTraining | None = None,
) -> ExportMetricsServiceRequest:
    """The request; its points carry the time span of the data if it has timestamps."""
    common = {semconv.MODEL_NAME: model, semconv.MODEL_VERSION: version}
    named = {key: value for key, value in common.items() if value}
    attributes = {**named, semconv.OPERATION_NAME: OPERATION}
    known = {
        **segment_attributes(segments),
        **row_attributes(row_repeats),
        **clock_attributes(clocks),
        **outcome_attributes(outcomes),
    }
    points = [_chunks(chunks, {**attributes, **known})]
    for column in columns:
        points += _column(column, attributes)
    _set_times(chunks, [point for _, point in points])
    metrics = _gathered(points)
    identity = digest(*(metric.SerializeToString(deterministic=True) for metric in metrics)).hex()
    _add_positions(metrics)
    resource = {
        semconv.DATASET_ROLE: semconv.REFERENCE,
        **named,
        semconv.REFERENCE_ID: identity,
        semconv.REFERENCE_POINTS: len(points),
    }
    scope = ScopeMetrics(scope=InstrumentationScope(name=semconv.SCOPE), metrics=metrics)
    return ExportMetricsServiceRequest(
        resource_metrics=[ResourceMetrics(resource=Resource(attributes=key_values(resource)), scope_metrics=[scope])]
    )


def _add_positions(metrics: Sequence[Metric]) -> None:
    """Numbers the inputs: points may lose their order on their way. No part of the id, which earlier versions made."""
    described = (metric for metric in metrics if metric.name == semconv.REFERENCE_COLUMN)
    positions = count()
    for point in (point for metric in described for point in metric.gauge.data_points):
        keys = {pair.key for pair in point.attributes}
        if semconv.FEATURE_NAME in keys and semconv.COLUMN_TYPE in keys:
            point.attributes.extend(key_values({semconv.COLUMN_POSITION: next(positions)}))


def _set_times(chunks: Chunks, points: Sequence[Any]) -> None:
    """The data's own times, so that the same data gives the same bytes; without timestamps they are unknown."""
    if not chunks.has_timestamps:
        return
    start, end = (max(0, round(float(at) * 1e9)) for at in (chunks.starts[0], chunks.ends[-1]))
    for point in points:
        point.start_time_unix_nano, point.time_unix_nano = start, end


def _chunks(chunks: Chunks, common: Mapping[str, Any]) -> _DataPoint:
    attributes = {
        **common,
        semconv.CHUNKED_BY: next(by for by, timed in CHUNKED_BY.items() if timed == chunks.has_timestamps),
        semconv.CHUNK_STARTS: chunks.starts.tolist(),
        semconv.CHUNK_ENDS: chunks.ends.tolist(),
    }
    return semconv.REFERENCE_CHUNKS, _number(attributes, len(chunks))


def _column(column: ProfileColumn, common: Mapping[str, Any]) -> Iterator[_DataPoint]:
    names = NAMES[column.key.target]
    attributes = {**common, names.column: column.key.name}
    if column.key.target == semconv.TARGET_LABEL:
        attributes[semconv.DRIFT_TARGET] = semconv.TARGET_LABEL
    if column.numbers is not None:
        if column.numbers.core.count:
            yield names.value, histogram_point(attributes, column.numbers.core)
        for part, tail in sorted(column.numbers.tails.items()):
            yield names.tail, histogram_point({**attributes, semconv.SKETCH_PART: part}, tail)
    for name, rows in column.categories.items():
        yield names.counts, _number({**attributes, names.category: name}, rows)
    for state, rows in _states(column).items() if names.observations else ():
        yield names.observations, _number({**attributes, semconv.FEATURE_STATE: state}, rows)
    yield from _bins(column, {**attributes, semconv.DRIFT_TARGET: column.key.target})


def _states(column: ProfileColumn) -> Mapping[str, int]:
    outside = {semconv.OUT_OF_RANGE: column.numbers.out_of_range if column.numbers is not None else 0}
    rows = {semconv.VALID: column.valid, **dict(sorted(column.states.items())), **outside}
    return {state: count for state, count in rows.items() if count}


def _bins(column: ProfileColumn, attributes: Mapping[str, Any]) -> Iterator[_DataPoint]:
    """The column's chunks, and those of the states that occur: two bins, without and with the state."""
    if column.numbers is not None:
        layout: dict[str, Any] = {semconv.CELL_EDGES: column.edges.tolist()}
    else:
        layout = {semconv.CELL_CATEGORIES: list(column.bin_categories)}
    described = {
        **attributes,
        semconv.COLUMN_TYPE: column.type,
        **layout,
        semconv.CHUNK_CELLS: bins_text(column.bins),
    }
    if column.tolerance is not None:
        described[semconv.COLUMN_TOLERANCE] = column.tolerance
    if column.block is not None:
        described[semconv.COLUMN_BLOCK] = column.block
    if column.cluster is not None:
        described[semconv.COLUMN_CLUSTER] = column.cluster
    if column.decimals is not None:
        described |= decimal_attributes(column.decimals)
    if column.pair is not None:
        described |= {semconv.PAIR_MEMBERS: [*column.pair.members], semconv.PAIR_THRESHOLDS: [*column.pair.thresholds]}
    yield semconv.REFERENCE_COLUMN, _number(described, column.rows)
    for state, rows in sorted(column.state_rows.items()):
        two = np.column_stack([column.chunk_rows - rows, rows])
        stated = {**attributes, semconv.FEATURE_STATE: state, semconv.CHUNK_CELLS: bins_text(two)}
        yield semconv.REFERENCE_COLUMN, _number(stated, column.rows)


_UNITS: Final = {semconv.REFERENCE_CHUNKS: "{chunk}"}


def _gathered(points: Sequence[_DataPoint]) -> list[Metric]:
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
    elif name in GAUGES:
        metric.gauge.SetInParent()
    else:
        metric.sum.aggregation_temporality = AGGREGATION_TEMPORALITY_CUMULATIVE
        metric.sum.is_monotonic = True
    return metric


def _number(attributes: Mapping[str, Any], value: int) -> NumberDataPoint:
    return NumberDataPoint(attributes=key_values(attributes), as_int=value)
