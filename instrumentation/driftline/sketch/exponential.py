"""The buckets of OpenTelemetry's exponential histogram.

Bucket i of scale s holds magnitudes in (2**(i / 2**s), 2**((i + 1) / 2**s)]: upper-inclusive, 2**s buckets per octave.
Scales nest: bucket i of scale s lies in bucket i >> 1 of scale s - 1.
https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram
"""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from driftline.sketch.arrays import FloatArray, IntArray

MAX_SCALE: Final = 20
"""The finest scale supported by all SDKs: 1,048,576 buckets per octave."""

MIN_SCALE: Final = -4
"""The coarsest scale accepted by Prometheus: 128 buckets for all float64 magnitudes."""

TINY: Final = float(np.finfo(np.float64).tiny)
"""The smallest normal float64; smaller magnitudes count as zero."""

HUGE: Final = float(np.finfo(np.float64).max)

_OCTAVES: Final = (-1080, 1025)
"""Powers of two beyond which every edge is 0 or infinite."""

_DOUBT: Final = 1e-6
"""Fraction of a bucket near its edges in which a logarithm may be off by one: a thousand times its error."""


def lower_edge(index: ArrayLike, scale: int) -> FloatArray:
    """Exclusive lower edges of buckets: exact at powers of two, 0 or inf beyond the range of float64.

    The upper edge of bucket i is `lower_edge(i + 1, scale)`.
    """
    i = np.asarray(index, np.int64)
    fraction: FloatArray | float = 1.0
    if scale > 0:
        octave, fraction = i >> scale, np.exp2((i & ((1 << scale) - 1)) / 2.0**scale)
    else:
        octave = i << -scale
    octave = np.minimum(np.maximum(octave, _OCTAVES[0]), _OCTAVES[1])  # twice as fast as `clip`
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(np.ldexp(fraction, octave.astype(np.int32)))


def bucket_index(values: ArrayLike, scale: int) -> IntArray:
    """Bucket indices of finite values >= TINY, consistent with `lower_edge` to the last bit.

    By logarithms, with values near an edge compared to it, for samples and tails; `bit_index` is the fast way.
    """
    x = np.asarray(values, np.float64)
    mantissa, exponent = np.frexp(x)
    octave = exponent.astype(np.int64)
    if scale <= 0:
        return np.asarray((octave - 1 - (mantissa == 0.5)) >> -scale)
    place = np.log2(mantissa) * 2.0**scale
    up = np.ceil(place)
    i = np.asarray(up.astype(np.int64) - 1 + (octave << scale))
    doubtful = np.abs(up - place - 0.5) > 0.5 - _DOUBT
    if doubtful.any():
        near = i[doubtful]
        near += x[doubtful] > lower_edge(near + 1, scale)
        near -= x[doubtful] <= lower_edge(near, scale)
        i[doubtful] = near
    return i
