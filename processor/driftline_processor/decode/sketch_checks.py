"""Which sketches of a request can be counted: checked all at once, and what is written oddly one by one."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from opentelemetry.proto.metrics.v1.metrics_pb2 import ExponentialHistogramDataPoint

from driftline.sketch.arrays import BoolArray, IntArray
from driftline.sketch.encoded import EncodedHistogram, SideTotals, add_up_sides
from driftline.sketch.otlp import MAX_BUCKETS, MAX_COUNT, MAX_SCALE, bucket_range, read_histogram

_RANGES: Final = np.array([bucket_range(scale) for scale in range(-MAX_SCALE, MAX_SCALE + 1)])
"""The lowest and the highest index of a bucket, [scale, 2]."""


def unsound(sketches: Sequence[EncodedHistogram]) -> list[int]:
    """Those that break a rule, or are written in a form that only protobuf reads."""
    if not sketches:
        return []
    scales, zeros, up, down, _, _, counts = zip(*sketches, strict=True)
    scale, read = np.array(scales), add_up_sides((*up, *down))
    sound = np.abs(scale) <= MAX_SCALE
    sound &= _in_range(read, np.tile(np.where(sound, scale, 0), 2)).reshape(2, -1).all(axis=0)
    # In the 2**64 of their type. What would wrap is beyond the largest count, or has more buckets than is allowed.
    total, zero = np.array(counts, np.uint64), np.array(zeros, np.uint64)
    sound &= (total <= MAX_COUNT) & (zero <= total)
    sound &= read.rows.reshape(2, -1).sum(axis=0) == (total - zero).astype(np.int64)
    return [int(i) for i in np.flatnonzero(~sound)]


def _in_range(read: SideTotals, scale: IntArray) -> BoolArray:
    """Whether each side is sound, not too long, and within float64."""
    lowest, highest = _RANGES[scale + MAX_SCALE].T
    fits: BoolArray = (read.offsets >= lowest) & (read.offsets + read.lengths - 1 <= highest) | (read.lengths == 0)
    return read.sound & (read.lengths <= MAX_BUCKETS) & fits


def read_singly(point: Any) -> EncodedHistogram | str:
    """A raw data point as protobuf reads it, or which rule it breaks."""
    found = read_histogram(ExponentialHistogramDataPoint.FromString(point.SerializeToString()))
    return found if isinstance(found, str) else EncodedHistogram.of(found)
