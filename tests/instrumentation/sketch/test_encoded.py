"""Many histograms decoded at once are what each is by itself; what is written oddly is not guessed at."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.sketch import Histogram
from driftline.sketch.encoded import EncodedHistogram, add_up_sides, read_sides
from driftline.sketch.otlp import histogram_point

_NUMBERS = st.floats(-1e300, 1e300, allow_subnormal=False)
_HISTOGRAMS = st.builds(Histogram.of, st.lists(_NUMBERS, max_size=20), st.integers(-4, 20), st.just(320))


@given(st.lists(_HISTOGRAMS, max_size=5), st.sampled_from([1, 200, 1 << 40]))
def test_encoded_and_back(histograms: list[Histogram], times: int) -> None:
    """The bytes are protobuf's own; the buckets, and their sums, are those that went in."""
    for each in histograms:
        counts = each.positive.count * times
        histogram = Histogram(each.scale, 5, type(each.positive)(each.positive.index, counts), each.negative)
        point, encoded = histogram_point({}, histogram), EncodedHistogram.of(histogram)
        assert encoded.decoded == histogram
        if len(histogram.positive.index):
            assert encoded.positive == point.positive.SerializeToString()
        sides = [encoded.negative, encoded.positive, b""]
        read, added = read_sides(sides), add_up_sides(sides)
        assert read.counts.sum() == histogram.count - 5
        assert added.rows.tolist() == [each.negative.total, int(counts.sum()), 0]
        assert added.lengths.tolist() == read.lengths.tolist()
        assert added.offsets.tolist() == read.offsets.tolist()


@pytest.mark.parametrize(
    "odd",
    [
        b"\x08",  # an offset that is cut off
        b"\x08\x80",
        b"\x12\x02\x01",  # fewer counts than it says
        b"\x12\x01\x01\x01",  # more
        b"\x12\x01\x80",  # a count that does not end
        b"\x10\x01",  # not packed
        b"\x12\x01\x01\x08\x02",  # the offset comes last
        b"\x12\x09\x80\x80\x80\x80\x80\x80\x80\x80\x01",  # beyond 2**49
        b"\x08\x80\x80\x80\x80\x80\x01",
    ],
)
def test_what_is_written_oddly(odd: bytes) -> None:
    """It is said to be, and costs its neighbours nothing."""
    sides = [b"\x08\x03\x12\x03\x01\x00\x02", odd, b"\x12\x02\x81\x01"]
    read, added = read_sides(sides), add_up_sides(sides)

    assert read.sound.tolist() == added.sound.tolist() == [True, False, True]
    assert read.lengths.tolist() == [3, 0, 1]
    assert read.counts.tolist() == [1, 0, 2, 129]
    assert read.indices.tolist() == [-2, -1, 0, 0]
    assert added.rows[[0, 2]].tolist() == [3, 129]


def test_nothing() -> None:
    """No sides, and sides without buckets."""
    assert not len(read_sides([]).counts)
    assert read_sides([b"", b""]).lengths.tolist() == [0, 0]
    assert np.array_equal(add_up_sides([b""]).rows, [0])
