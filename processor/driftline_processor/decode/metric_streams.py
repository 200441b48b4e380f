"""Which stream a data point belongs to: what its metric and attributes say, read once for each stream and kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Final, NamedTuple

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from driftline import semconv
from driftline.reference.format import output_key
from driftline.sketch.decimals import LEVELS
from driftline.sketch.identity import digest
from driftline.sketch.otlp import shown
from driftline_processor.decode.otlp_values import kept_resource, labels, resource_error
from driftline_processor.limits import Limits
from driftline_processor.records import ColumnKey, ModelKey

_MAY_BE_EMPTY: Final = (semconv.CATEGORY, semconv.OUTPUT_CLASS)
_STREAMS_KEPT: Final = 65_536
_ORIGINS_KEPT: Final = 4_096
_LONG: Final = 1_024
"""Bytes of attributes that are not worth keeping."""


class MetricKind(NamedTuple):
    """How a metric of ours is read: its data, the attribute that names the column, and the one that is counted by."""

    counts: str  # "sketch", or of a counter what it counts: "category", "state", "decimals", "rows"
    column: str | None
    by: str | None


KINDS: Final[Mapping[str, MetricKind]] = {
    semconv.FEATURE_VALUE: MetricKind("sketch", semconv.FEATURE_NAME, None),
    semconv.FEATURE_TAIL: MetricKind("sketch", semconv.FEATURE_NAME, semconv.SKETCH_PART),
    semconv.FEATURE_CATEGORY: MetricKind("category", semconv.FEATURE_NAME, semconv.CATEGORY),
    semconv.FEATURE_OBSERVATIONS: MetricKind("state", semconv.FEATURE_NAME, semconv.FEATURE_STATE),
    semconv.FEATURE_PRECISION: MetricKind("decimals", semconv.FEATURE_NAME, semconv.FEATURE_DECIMALS),
    semconv.PAIR_ROWS: MetricKind("category", semconv.PAIR_NAME, semconv.PAIR_SIDES),
    semconv.ROW_HASH: MetricKind("sketch", semconv.ROW_INPUTS, None),
    semconv.OUTPUT_VALUE: MetricKind("sketch", semconv.OUTPUT_NAME, None),
    semconv.OUTPUT_TAIL: MetricKind("sketch", semconv.OUTPUT_NAME, semconv.SKETCH_PART),
    semconv.OUTPUT_PREDICTIONS: MetricKind("category", semconv.OUTPUT_NAME, semconv.OUTPUT_CLASS),
    semconv.OUTPUT_OBSERVATIONS: MetricKind("state", semconv.OUTPUT_NAME, semconv.FEATURE_STATE),
    semconv.INFERENCE_ROWS: MetricKind("rows", None, None),
}


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """Resource and scope: a digest of both, and what results keep of the resource.

    longest: characters that names may have. wrong: why nothing of the resource can be used, if so.
    """

    digest: bytes
    resource: tuple[tuple[str, str], ...]
    longest: int
    wrong: str | None


class Stream(NamedTuple):
    """What a stream's attributes say; `value` is the category or state that it counts."""

    digest: bytes
    model: ModelKey
    column: ColumnKey
    operation: str
    value: str


def dataset_role(resource: bytes) -> str | None:
    """What a serialized resource says that its metrics are of: a reference, or nothing."""
    return (_kept_role if len(resource) <= _LONG else _role)(resource)


def _role(resource: bytes) -> str | None:
    return labels(Resource.FromString(resource).attributes).get(semconv.DATASET_ROLE)


_kept_role: Final = lru_cache(_ORIGINS_KEPT)(_role)


def origin(resource: bytes, scope: bytes, limits: Limits, tenant: str = "") -> Origin:
    """Of a serialized resource and scope, and of the tenant that sent them."""
    kept = len(resource) + len(scope) <= _LONG
    return (_kept_origin if kept else _origin)(resource, scope, limits, tenant)


def _origin(resource: bytes, scope: bytes, limits: Limits, tenant: str) -> Origin:
    message = Resource.FromString(resource)
    pairs = sorted(pair.SerializeToString() for pair in message.attributes)
    kept = kept_resource(labels(message.attributes), tenant)
    scope = InstrumentationScope.FromString(scope).SerializeToString()
    return Origin(digest(*pairs, scope), kept, limits.name, resource_error(kept, limits))


_kept_origin: Final = lru_cache(_ORIGINS_KEPT)(_origin)


def streams(source: Origin, metric: str, attributes: Sequence[tuple[bytes, ...]]) -> list[Stream | str]:
    """The streams of a metric's points with these serialized attributes, or why they cannot be used."""
    longest = max(map(len, chain.from_iterable(attributes)), default=0)
    if longest * max(map(len, attributes), default=0) <= _LONG:
        return [_kept_stream(source, metric, each) for each in attributes]
    return [stream(source, metric, each) for each in attributes]


def stream(source: Origin, metric: str, attributes: tuple[bytes, ...]) -> Stream | str:
    """The stream of a metric's points with these serialized attributes, or why they cannot be used."""
    kept = sum(map(len, attributes)) <= _LONG
    return (_kept_stream if kept else _stream)(source, metric, attributes)


def _stream(source: Origin, metric: str, attributes: tuple[bytes, ...]) -> Stream | str:
    if source.wrong:
        return source.wrong
    pairs = [KeyValue.FromString(pair) for pair in attributes]
    found = labels(pairs)
    kind = KINDS[metric]
    needed = [name for name in (semconv.MODEL_NAME, kind.column, kind.by) if name is not None]
    for name in needed:
        if name not in found or (not found[name] and name not in _MAY_BE_EMPTY):
            return f"{metric}: must have the attribute {name}"
    for name in (*needed, semconv.MODEL_VERSION, semconv.OPERATION_NAME):
        if (length := len(found.get(name, ""))) > source.longest:
            return f"{metric}: {name} must have at most {source.longest} characters (got {length})"
    if kind.by == semconv.SKETCH_PART and found[kind.by] not in (semconv.BELOW, semconv.MIDDLE, semconv.ABOVE):
        return f"{metric}: {kind.by} must be below, middle or above (got {shown(found[kind.by])})"
    if kind.by == semconv.FEATURE_DECIMALS and found[kind.by] not in LEVELS:
        return f"{metric}: {kind.by} must be one of {', '.join(LEVELS)} (got {shown(found[kind.by])})"
    return Stream(
        digest(source.digest, metric.encode(), *sorted(pair.SerializeToString() for pair in pairs)),
        ModelKey(found[semconv.MODEL_NAME], found.get(semconv.MODEL_VERSION, ""), source.resource),
        _column(kind.column, found),
        found.get(semconv.OPERATION_NAME, ""),
        found.get(kind.by, "") if kind.by else "",
    )


_kept_stream: Final = lru_cache(_STREAMS_KEPT)(_stream)

_TARGETS: Final = {
    semconv.FEATURE_NAME: semconv.TARGET_INPUT,
    semconv.PAIR_NAME: semconv.TARGET_PAIR,
    semconv.ROW_INPUTS: semconv.TARGET_ROWS,
}


def _column(attribute: str | None, found: Mapping[str, str]) -> ColumnKey:
    if attribute is None:
        return ColumnKey("", "")
    name, target = found[attribute], _TARGETS.get(attribute)
    if target is None and found.get(semconv.DRIFT_TARGET) == semconv.TARGET_LABEL:
        return ColumnKey(semconv.TARGET_LABEL, name)
    return output_key(name) if target is None else ColumnKey(target, name)
