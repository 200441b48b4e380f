"""One OTLP metrics request → the profile that it was."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from driftline import semconv
from driftline.profiling.chunks import Chunks
from driftline.profiling.errors import ProfileError
from driftline.profiling.plan import ColumnKey
from driftline.profiling.training_profile import Profile, ProfileColumn
from driftline.semconv import INPUT_COLUMN, OUTPUT_COLUMN, PAIR_COLUMN
from driftline.sketch import Buckets, Histogram, NumericPoints
from driftline.sketch.pairs import Pair


def load_profile(path: str | Path) -> Profile:
    """The profile in a file that `Profile.save` or `driftline profile` wrote.

    Raises:
        ProfileError: the file cannot be read, or is no profile; it is named, with the reason.

    """
    request = ExportMetricsServiceRequest()
    try:
        json_format.Parse(Path(path).read_text(encoding="utf-8"), request, ignore_unknown_fields=True)
    except OSError as error:
        raise ProfileError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (json_format.ParseError, UnicodeDecodeError) as error:
        raise ProfileError(f"{path}: must be OTLP JSON ({' '.join(str(error).split())})") from error
    try:
        return from_request(request)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise ProfileError(f"{path}: must be a profile ({error})") from error


def from_request(request: ExportMetricsServiceRequest) -> Profile:
    """The inverse of `to_request`. Raises what Python raises where something is not as it must be."""
    columns: dict[ColumnKey, _Parts] = defaultdict(_Parts)
    chunks: Chunks | None = None
    resource: dict[str, Any] = {}
    for resource_metrics in request.resource_metrics:
        resource |= _attributes(resource_metrics.resource)
        for scope_metrics in resource_metrics.scope_metrics:
            for metric in sorted(scope_metrics.metrics, key=_place):
                for attributes, point in _points(metric):
                    if metric.name == semconv.REFERENCE_CHUNKS:
                        chunks = _chunks(attributes)
                    else:
                        columns[_key(attributes)].add(metric.name, attributes, point)
    if resource.get(semconv.DATASET_ROLE) != semconv.REFERENCE or chunks is None:
        raise ValueError(f"it lacks {semconv.DATASET_ROLE}={semconv.REFERENCE}, or {semconv.REFERENCE_CHUNKS}")
    every = [parts.column(key) for key, parts in columns.items()]
    found, pairs = (tuple(each for each in every if (each.pair is not None) == paired) for paired in (False, True))
    model, version = (str(resource.get(name, "")) for name in (semconv.MODEL_NAME, semconv.MODEL_VERSION))
    return Profile(model, version, max((column.rows for column in found), default=0), chunks, found, pairs=pairs)


def _place(metric: Any) -> bool:
    """Descriptions first: they hold the columns in the order of the data."""
    return bool(metric.name != semconv.REFERENCE_COLUMN)


_CATEGORIES: Final = {names.counts: names.category for names in (INPUT_COLUMN, PAIR_COLUMN, OUTPUT_COLUMN)}


@dataclass(slots=True)
class _Parts:
    """The points of one column."""

    core: Histogram | None = None
    tails: dict[str, Histogram] = field(default_factory=dict)
    categories: dict[str, int] = field(default_factory=dict)
    states: dict[str, int] = field(default_factory=dict)
    described: dict[str, Any] = field(default_factory=dict)
    rows: int = 0
    state_cells: dict[str, Any] = field(default_factory=dict)

    def add(self, metric: str, attributes: dict[str, Any], point: Any) -> None:
        if metric in (INPUT_COLUMN.value, OUTPUT_COLUMN.value):
            self.core = _histogram(point)
        elif metric in (INPUT_COLUMN.tail, OUTPUT_COLUMN.tail):
            self.tails[attributes[semconv.SKETCH_PART]] = _histogram(point)
        elif metric in _CATEGORIES:
            self.categories[attributes[_CATEGORIES[metric]]] = point.as_int
        elif metric in (INPUT_COLUMN.observations, OUTPUT_COLUMN.observations):
            self.states[attributes[semconv.FEATURE_STATE]] = point.as_int
        elif metric == semconv.REFERENCE_COLUMN:
            self._describe(attributes, point)

    def _describe(self, attributes: dict[str, Any], point: Any) -> None:
        state = attributes.get(semconv.FEATURE_STATE)
        if state is not None:
            self.state_cells[state] = _cells(attributes)[:, 1]
        else:
            self.described, self.rows = attributes, point.as_int

    def column(self, key: ColumnKey) -> ProfileColumn:
        empty = (semconv.MISSING, semconv.NON_FINITE)
        states: dict[str, int] = {state: self.states[state] for state in empty if state in self.states}
        return ProfileColumn(
            key,
            self.described[semconv.COLUMN_TYPE],
            self.rows,
            self._numbers(states) if semconv.CELL_EDGES in self.described else None,
            self.categories,
            states,
            np.array(self.described.get(semconv.CELL_EDGES, []), np.float64),
            tuple(self.described.get(semconv.CELL_CATEGORIES, ())),
            _cells(self.described),
            self.state_cells,
            _pair(self.described),
        )

    def _numbers(self, states: Mapping[str, int]) -> NumericPoints:
        core = self.core
        if core is None:  # every value lies in the tails
            core = Histogram.empty(max((tail.scale for tail in self.tails.values()), default=0))
        return NumericPoints(core, self.tails, states.get(semconv.MISSING, 0), states.get(semconv.NON_FINITE, 0))


def _points(metric: Any) -> Iterator[tuple[dict[str, Any], Any]]:
    data = getattr(metric, metric.WhichOneof("data"))
    for point in data.data_points:
        yield _attributes(point), point


def _attributes(holder: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in holder.attributes}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    return getattr(value, kind) if kind else None


def _key(attributes: Mapping[str, Any]) -> ColumnKey:
    if semconv.FEATURE_NAME in attributes:
        return ColumnKey(semconv.TARGET_INPUT, attributes[semconv.FEATURE_NAME])
    if semconv.PAIR_NAME in attributes:
        return ColumnKey(semconv.TARGET_PAIR, attributes[semconv.PAIR_NAME])
    name = attributes[semconv.OUTPUT_NAME]
    return ColumnKey(semconv.TARGET_LABEL if name == semconv.TARGET_LABEL else semconv.TARGET_OUTPUT, name)


def _chunks(attributes: Mapping[str, Any]) -> Chunks:
    starts, ends = (np.array(attributes[name], np.float64) for name in (semconv.CHUNK_STARTS, semconv.CHUNK_ENDS))
    return Chunks(attributes[semconv.CHUNKED_BY] == "time", starts, ends)


def _cells(attributes: Mapping[str, Any]) -> Any:
    return np.array([text.split(" ") for text in attributes[semconv.CHUNK_CELLS].split(";")], np.int64)


def _pair(attributes: Mapping[str, Any]) -> Pair | None:
    if semconv.PAIR_MEMBERS not in attributes:
        return None
    (first, second), (low, high) = attributes[semconv.PAIR_MEMBERS], attributes[semconv.PAIR_THRESHOLDS]
    return Pair((first, second), (low, high))


def _histogram(point: Any) -> Histogram:
    return Histogram(
        point.scale,
        point.zero_count,
        Buckets.from_dense(point.positive.offset, list(point.positive.bucket_counts)),
        Buckets.from_dense(point.negative.offset, list(point.negative.bucket_counts)),
        point.min if point.HasField("min") else None,
        point.max if point.HasField("max") else None,
    )
