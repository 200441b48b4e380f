import numpy as np
import pytest

from driftline.sketch import Buckets, Histogram
from driftline.sketch.exponential import HUGE, MIN_SCALE, TINY


def normal(n: int, mean: float = 0.0, seed: int = 0) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.random.default_rng(seed).normal(mean, 1, n)


def holds(histogram: Histogram, value: float) -> bool:
    """Whether one interval has the value and all of the rows."""
    intervals = histogram.intervals()
    return bool(((intervals.lower < value) & (value <= intervals.upper) & (intervals.weight == histogram.count)).any())


def test_the_dense_form_is_that_of_otlp() -> None:
    """Offset and counts with the empty buckets in between; both ways."""
    buckets = Buckets.from_dense(-3, [0, 2, 0, 5, 0])

    assert buckets == Buckets(np.array([-2, 0]), np.array([2, 5]))
    assert buckets.dense() == (-2, [2, 0, 5])
    assert Buckets.empty().dense() == (0, [])
    assert hash(buckets) == hash(Buckets.from_dense(-2, [2, 0, 5]))
    assert buckets != "buckets"


def test_buckets_cannot_be_changed_and_do_not_freeze_what_they_were_made_of() -> None:
    """The arrays are read-only views."""
    index = np.array([1, 2])
    buckets = Buckets(index, np.array([1, 1]))

    with pytest.raises(ValueError, match="read-only"):
        buckets.index[0] = 7
    index[0] = 0


def test_of_counts_every_value_in_its_place() -> None:
    """Signs apart, zeros and denormals as zero, minimum and maximum of all."""
    histogram = Histogram.of([3.0, 4.0, -3.0, 0.0, -0.0, 1e-320], 0, 160)

    assert histogram.zero == 3
    assert histogram.positive == Buckets.from_dense(1, [2])
    assert histogram.negative == Buckets.from_dense(1, [1])
    assert (histogram.minimum, histogram.maximum, histogram.count) == (-3.0, 4.0, 6)
    assert Histogram.of([], 5, 160) == Histogram.empty(5)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_of_refuses_what_has_no_bucket(value: float) -> None:
    """NaN and infinities are states, never rows of a histogram."""
    with pytest.raises(ValueError, match="finite"):
        Histogram.of([1.0, value], 3, 160)


def test_of_halves_the_scale_until_the_limit_holds() -> None:
    """Both signs together; at the coarsest scale the limit gives way."""
    fine = Histogram.of([1.0, 1_000.0, -1.0, -30.0], 20, 64)
    spans = sum(len(side.dense()[1]) for side in (fine.positive, fine.negative))
    finer = Histogram.of([1.0, 1_000.0, -1.0, -30.0], fine.scale + 1, 10_000)

    assert spans <= 64
    assert sum(len(side.dense()[1]) for side in (finer.positive, finer.negative)) > 64
    assert Histogram.of([TINY, HUGE, -TINY, -HUGE], 20, 64).scale == MIN_SCALE


def test_a_coarser_scale_is_as_if_counted_there() -> None:
    """Rescaling loses nothing but fineness."""
    values = normal(5_000)

    assert Histogram.of(values, 7, 10**6).at_scale(2) == Histogram.of(values, 2, 10**6)
    with pytest.raises(ValueError, match="cannot be refined to scale 3"):
        Histogram.empty(2).at_scale(3)


def test_a_merge_is_the_histogram_of_all_rows() -> None:
    """At the coarser of both scales, or the next that the limit allows."""
    a, b = normal(3_000), normal(500, mean=40, seed=1)
    joined = np.append(a, b)

    assert Histogram.of(a, 20, 160).merge(Histogram.of(b, 20, 160), 160) == Histogram.of(joined, 20, 160)
    assert Histogram.of(a, 3, 10**6).merge(Histogram.of(b, 5, 10**6)) == Histogram.of(joined, 3, 10**6)


def test_a_merge_knows_no_minimum_that_one_side_does_not_know() -> None:
    """A bound of some rows is no bound of all; an empty histogram has nothing to know."""
    known = Histogram.of([2.0, 5.0], 3, 160)
    unknown = Histogram(3, 0, Buckets.from_dense(0, [4]), Buckets.empty())

    assert known.merge(unknown).minimum is None
    assert unknown.merge(known).maximum is None
    assert known.merge(Histogram.empty(3)) == Histogram.empty(3).merge(known) == known


def test_minus_is_what_came_since() -> None:
    """The newer point may have become coarser in between, as tails and foreign histograms do."""
    old, new = normal(2_000), normal(100, mean=1e6, seed=1)
    older = Histogram.of(old, 20, 160)
    newer = older.merge(Histogram.of(new, 20, 160), 160)
    since = newer.minus(older)

    assert newer.scale < older.scale
    assert since is not None
    assert since.count == 100
    assert since.positive == Histogram.of(new, newer.scale, 10**6).positive
    assert (since.minimum, since.maximum) == (newer.minimum, newer.maximum)


@pytest.mark.parametrize("newer", [[1.0], [1.0, 2.0, 9.0], [1.0, 2.0, 0.0], [1.0, 2.0, -3.0], []])
def test_minus_refuses_what_is_no_successor(newer: list[float]) -> None:
    """A bucket that has lost rows tells that the sender began anew, even when the total has grown."""
    older = Histogram.of([1.0, 2.0, 0.0, 0.0, -3.0, -3.0], 4, 160)

    assert Histogram.of(newer * 3, 4, 160).minus(older) is None


def test_minus_the_same_leaves_nothing() -> None:
    """A repeated point adds no rows."""
    point = Histogram.of(normal(100), 5, 160)
    since = point.minus(point)

    assert since is not None
    assert since.count == len(since.intervals()) == 0


@pytest.mark.parametrize("scale", [-4, -1, 0, 3, 20])
@pytest.mark.parametrize("value", [4.0, -4.0, 3.3, -3.3, 0.0, 1e-300, -1e300, HUGE, TINY, -TINY])
def test_the_interval_of_a_value_holds_it(scale: int, value: float) -> None:
    """Also at the edges of buckets, where negative ones hold their other end, with and without minimum and maximum."""
    histogram = Histogram.of([value], scale, 160)
    unknown = Histogram(histogram.scale, histogram.zero, histogram.positive, histogram.negative)

    assert holds(histogram, value)
    assert holds(unknown, value)


def test_minimum_and_maximum_clip_the_outermost_buckets() -> None:
    """A tail of one value is known exactly, however coarse its buckets."""
    intervals = Histogram.of([1e9, 1e9], -4, 64).intervals()

    assert intervals.upper.tolist() == [1e9]
    assert intervals.lower.tolist() == [np.nextafter(1e9, 0)]


def test_a_minimum_that_contradicts_the_buckets_is_not_believed() -> None:
    """What a foreign sender got wrong makes no interval that ends before it begins."""
    buckets = Buckets.from_dense(0, [3])
    for minimum, maximum in [(50.0, 60.0), (-7.0, -6.0), (60.0, 50.0)]:
        intervals = Histogram(0, 0, buckets, Buckets.empty(), minimum, maximum).intervals()

        assert (intervals.lower < intervals.upper).all()
        assert intervals.total == 3


def test_equality_is_by_content() -> None:
    """And equal histograms have equal hashes."""
    a, b = Histogram.of([1.0, -2.0], 3, 160), Histogram.of([-2.0, 1.0], 3, 160)

    assert a == b
    assert hash(a) == hash(b)
    assert a != Histogram.of([1.0, -2.5], 3, 160)
    assert a != "histogram"
