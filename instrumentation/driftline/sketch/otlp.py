"""OTLP protobuf messages ↔ plain values: attributes and exponential histograms, for both packages."""

import math
from collections.abc import Mapping
from typing import Any, Final

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import ExponentialHistogramDataPoint

from driftline import semconv
from driftline.sketch.histogram import Buckets, Histogram

MAX_BUCKETS: Final = 8192
"""Of one sign. SDKs send 160 at most; a dense array may have a long empty middle."""

MAX_SCALE: Final = 20
_POWERS: Final = (-1075, 1023)  # between which powers of two the magnitudes of float64 lie
MAX_COUNT: Final = 1 << 53
"""Of rows; beyond, a count is no exact float64."""

_SHOWN: Final = 60
"""Characters of a value in an error message."""

_SCALARS: Final = frozenset({"string_value", "int_value", "double_value", "bool_value"})


def is_event(record: Any, name: str) -> bool:
    """Whether a log record (protobuf) is an event; backends that ignore the event's name have it as an attribute."""
    if record.event_name:
        return bool(record.event_name == name)
    named = (pair.value.string_value for pair in record.attributes if pair.key == semconv.EVENT_NAME)
    return name in named


def scalar(value: AnyValue) -> str | float | bool | None:
    """The string, number or boolean in an AnyValue, integers kept as such; None for anything else."""
    kind = value.WhichOneof("value")
    return getattr(value, kind) if kind in _SCALARS else None


def plain(value: AnyValue) -> Any:
    """A scalar or a list of plain values; None for anything else."""
    if value.WhichOneof("value") == "array_value":
        return [plain(each) for each in value.array_value.values]
    return scalar(value)


def key_values(attributes: Mapping[str, Any]) -> list[KeyValue]:
    """The inverse of `plain`, for attributes that are strings, numbers, or lists of them."""
    return [KeyValue(key=key, value=_any_value(value)) for key, value in attributes.items()]


def _any_value(value: str | float | list[float] | list[str]) -> AnyValue:
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=[_any_value(each) for each in value]))
    if isinstance(value, str):
        return AnyValue(string_value=value)
    return AnyValue(int_value=value) if isinstance(value, int) else AnyValue(double_value=value)


def histogram_point(attributes: Mapping[str, Any], histogram: Histogram) -> ExponentialHistogramDataPoint:
    """A data point without times."""
    return ExponentialHistogramDataPoint(
        attributes=key_values(attributes),
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


def read_histogram(point: Any) -> Histogram | str:
    """The histogram in a data point if it is one that can be added up, else which rule it breaks."""
    scale = point.scale
    if not -MAX_SCALE <= scale <= MAX_SCALE:
        return f"must have a scale from -{MAX_SCALE} to {MAX_SCALE} (got {scale})"
    positive, negative = point.positive, point.negative
    up, down = list(positive.bucket_counts), list(negative.bucket_counts)
    total = sum(up) + sum(down) + point.zero_count
    if total != point.count or total > MAX_COUNT:
        return f"must have buckets that add up to its count (got {total}, count {point.count})"
    for offset, counts in ((positive.offset, up), (negative.offset, down)):
        if wrong := _wrong_buckets(scale, offset, len(counts)):
            return wrong
    return Histogram(
        scale,
        point.zero_count,
        Buckets.from_dense(positive.offset, up),
        Buckets.from_dense(negative.offset, down),
        _finite(point.min) if point.HasField("min") else None,
        _finite(point.max) if point.HasField("max") else None,
    )


def _wrong_buckets(scale: int, offset: int, buckets: int) -> str | None:
    if buckets > MAX_BUCKETS:
        return f"must have at most {MAX_BUCKETS} buckets of a sign (got {buckets})"
    first, last = bucket_range(scale)
    if buckets and not first <= offset <= last - buckets + 1:
        return f"must have buckets within float64 (got {buckets} from {offset} on at scale {scale})"
    return None


def bucket_range(scale: int) -> tuple[int, int]:
    """The lowest and the highest index of a bucket within float64."""
    first, last = (power << scale if scale >= 0 else power >> -scale for power in _POWERS)
    return first, last + ((1 << scale) - 1 if scale > 0 else 0)


def _finite(bound: float) -> float | None:
    return bound if math.isfinite(bound) else None


def shown(value: object) -> str:
    """A value in an error message, of bounded length.

    >>> shown("moon"), shown(None)
    ("'moon'", 'nothing')
    """
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
