"""An ExponentialHistogramDataPoint → Histogram, when it is one that can be added up."""

import math
from typing import Any, Final

from driftline.sketch import Buckets, Histogram

MAX_BUCKETS: Final = 8192
"""Of one sign. SDKs send 160 at most; a dense array may have a long empty middle."""

MAX_SCALE: Final = 20
_POWERS: Final = (-1075, 1023)  # between which powers of two the magnitudes of float64 lie
_MAX_COUNT: Final = 1 << 53  # beyond, a count is no exact float64


def read_histogram(point: Any) -> Histogram | str:
    """The histogram in a data point, or which rule it breaks."""
    scale = point.scale
    if not -MAX_SCALE <= scale <= MAX_SCALE:
        return f"must have a scale from -{MAX_SCALE} to {MAX_SCALE} (got {scale})"
    positive, negative = point.positive, point.negative
    up, down = list(positive.bucket_counts), list(negative.bucket_counts)
    total = sum(up) + sum(down) + point.zero_count
    if total != point.count or total > _MAX_COUNT:
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
    first, last = (power << scale if scale >= 0 else power >> -scale for power in _POWERS)
    last += (1 << scale) - 1 if scale > 0 else 0
    if buckets and not first <= offset <= last - buckets + 1:
        return f"must have buckets within float64 (got {buckets} from {offset} on at scale {scale})"
    return None


def _finite(bound: float) -> float | None:
    return bound if math.isfinite(bound) else None
