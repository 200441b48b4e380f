"""What sketches have gained since they were last counted: of many at once, in a few passes over flat arrays."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from driftline.sketch import Intervals
from driftline.sketch.arrays import BoolArray, FloatArray, IntArray
from driftline.sketch.encoded import EncodedHistogram, Sketch, read_sides
from driftline.sketch.exponential import HUGE, TINY, lower_edge

Gain: TypeAlias = tuple[Sketch, Sketch | None]
"""A sketch, and the earlier one of its stream that is counted already."""

_Encoded: TypeAlias = tuple[EncodedHistogram, EncodedHistogram | None]

_BYTES_AT_ONCE: Final = 1 << 18
"""Of encoded buckets: arrays of 2 MB."""


def gained(groups: Sequence[Sequence[Gain]]) -> list[Intervals]:
    """The intervals of what each group gained: stacked, neither merged nor in order.

    A sketch that has fewer rows than the earlier one somewhere is no successor of it, and counts as a whole.
    """
    gains = [_alone(*gain) for group in groups for gain in group]
    parts = [_stacked(some) for some in _portions(gains)]
    if not parts:
        return [Intervals.empty()] * len(groups)
    sizes, lower, upper, weight = (np.concatenate(each) for each in zip(*parts, strict=True))
    bounds = np.append(0, np.cumsum(sizes))[np.cumsum([0, *map(len, groups)])]
    return [
        Intervals(lower[begin:end], upper[begin:end], weight[begin:end])
        for begin, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)
    ]


def _alone(newer: Sketch, older: Sketch | None) -> _Encoded:
    """Encoded; by itself where it has another scale than the earlier one, so that buckets must be joined."""
    new, old = EncodedHistogram.of(newer), None if older is None else EncodedHistogram.of(older)
    if old is None or new.scale == old.scale:
        return new, old
    difference = new.decoded.minus(old.decoded)
    return (new if difference is None else EncodedHistogram.of(difference)), None


def _portions(gains: Sequence[_Encoded]) -> Iterator[Sequence[_Encoded]]:
    """Parts of about as many bytes as are decoded at once."""
    portion = np.cumsum([_size(new) + (_size(old) if old else 0) for new, old in gains]) // _BYTES_AT_ONCE
    bounds = [0, *(np.flatnonzero(np.diff(portion)) + 1).tolist(), len(gains)] if gains else [0]
    for start, end in pairwise(bounds):
        yield gains[start:end]


def _size(sketch: EncodedHistogram) -> int:
    return len(sketch.positive) + len(sketch.negative)


class _Stacked(NamedTuple):
    """The intervals of gains, end to end, and how many each has."""

    sizes: IntArray
    lower: FloatArray
    upper: FloatArray
    weight: FloatArray


def _stacked(gains: Sequence[_Encoded]) -> _Stacked:
    cells = _subtracted(gains)
    scales, zeros, lowest, highest = (np.array([getattr(new, name) for new, _ in gains]) for name in _FIELDS)
    zeros = zeros - np.array([0 if older is None else older.zero for _, older in gains])
    if not_successors := set(np.flatnonzero((zeros < 0) | cells.fewer).tolist()):
        return _stacked([(new, None if i in not_successors else old) for i, (new, old) in enumerate(gains)])
    lower, upper = _edges(cells, scales)
    with_zero = np.flatnonzero(zeros)
    gain = np.concatenate((cells.gain, with_zero))
    order = np.argsort(gain, kind="stable")
    lower = np.concatenate((lower, np.full(len(with_zero), -TINY)))
    upper = np.concatenate((upper, np.zeros(len(with_zero))))
    weight = np.concatenate((cells.rows, zeros[with_zero])).astype(np.float64)
    lower, upper = _clipped(lower, upper, lowest[gain], highest[gain])
    return _Stacked(np.bincount(gain, minlength=len(gains)), lower[order], upper[order], weight[order])


_FIELDS: Final = ("scale", "zero", "minimum", "maximum")


class _Cells(NamedTuple):
    """The buckets that gained rows, end to end, and whose they are. fewer: which have fewer rows somewhere, [gain]."""

    gain: IntArray
    negative: BoolArray
    bucket: IntArray
    rows: IntArray
    fewer: BoolArray


def _subtracted(gains: Sequence[_Encoded]) -> _Cells:
    """A stream's buckets only grow, so those of the earlier sketch lie among those of the later."""
    newer = [new for new, _ in gains]
    read = read_sides([each.positive for each in newer] + [each.negative for each in newer])
    side = np.repeat(np.arange(2 * len(gains)), read.lengths)
    rows, fewer = read.counts, np.zeros(2 * len(gains), np.bool_)
    if any(old is not None for _, old in gains):
        older = [old or _NOTHING for _, old in gains]
        before = read_sides([each.positive for each in older] + [each.negative for each in older])
        of = np.repeat(np.arange(2 * len(gains)), before.lengths)
        place = before.indices - read.offsets[of]
        there = (place >= 0) & (place < read.lengths[of])
        at = (np.cumsum(read.lengths) - read.lengths)[of[there]] + place[there]
        rows = rows.copy()
        rows[at] -= before.counts[there]
        fewer[of[~there & (before.counts > 0)]] = True
        fewer[side[rows < 0]] = True
    held = np.flatnonzero(rows)
    negative, gain = np.divmod(side[held], len(gains))
    anywhere: BoolArray = np.logical_or(*fewer.reshape(2, -1))
    return _Cells(gain, negative == 1, read.indices[held], rows[held], anywhere)


_NOTHING: Final = EncodedHistogram(0, 0, b"", b"", np.nan, np.nan, 0)


def _edges(cells: _Cells, scales: IntArray) -> tuple[FloatArray, FloatArray]:
    """A negative bucket includes its lower end but not its upper one: as (lower, upper], it ends one float earlier."""
    near, far = np.empty(len(cells.bucket)), np.empty(len(cells.bucket))
    scale = scales[cells.gain]
    for each in np.unique(scale).tolist():
        which = scale == each
        near[which], far[which] = lower_edge(np.stack((cells.bucket[which], cells.bucket[which] + 1)), each)
    negative = cells.negative
    with np.errstate(over="ignore"):  # there is no float below the smallest
        lower = np.where(negative, np.nextafter(-far, -np.inf), near)
        upper = np.where(negative, np.nextafter(-near, -np.inf), far)
    return lower, upper


def _clipped(
    lower: FloatArray, upper: FloatArray, minimum: FloatArray, maximum: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Within the bounds that are known. Where a sender's bound contradicts a bucket, the bucket wins."""
    lower, upper = np.maximum(lower, -HUGE), np.minimum(upper, HUGE)
    known = np.isfinite(minimum) & (upper >= minimum)
    lower = np.where(known, np.maximum(lower, np.nextafter(minimum, -np.inf)), lower)
    known = np.isfinite(maximum) & (lower < maximum)
    return lower, np.where(known, np.minimum(upper, maximum), upper)
