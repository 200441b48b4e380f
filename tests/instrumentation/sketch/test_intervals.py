import numpy as np
import pytest

from driftline.sketch import Histogram, Intervals
from driftline.sketch.exponential import HUGE, TINY
from interval_statistics import mean


def bag(*rows: tuple[float, float, float]) -> Intervals:
    return Intervals(*np.array(rows, float).reshape(-1, 3).T)


def test_values_lie_in_their_own_tiny_intervals() -> None:
    """A millionth of their size wide; equal ones are one interval, and weights add up."""
    values = [5.0, -5.0, 5.0, 0.0, -0.0, 1e-320, HUGE, -HUGE / 2, TINY]
    intervals = Intervals.of_values(values, np.arange(1.0, 10.0))

    assert len(intervals) == 6
    assert intervals.total == 45
    for value, weight in {5.0: 4.0, -5.0: 2.0, 0.0: 15.0, HUGE: 7.0, -HUGE / 2: 8.0, TINY: 9.0}.items():
        at = (intervals.lower < value) & (value <= intervals.upper)
        assert intervals.weight[at].tolist() == [weight]
    width = (intervals.upper - intervals.lower)[intervals.upper == 5.0]
    assert (width < 5e-6).all()


def test_no_values_make_an_empty_bag() -> None:
    """Which has no quantiles, and merges with anything."""
    empty = Intervals.of_values([])

    assert empty.total == len(empty) == 0
    assert np.isnan(empty.quantiles((0.5,))[0])
    assert len(empty.merge()) == len(empty.compact(3)) == 0
    assert empty.merge(bag((0, 1, 2))).total == 2


def test_merging_stacks_and_sums_equal_intervals() -> None:
    """Overlapping ones stay apart."""
    merged = bag((0, 1, 2), (3, 4, 1)).merge(bag((3, 4, 5)), bag((0, 4, 1)))

    assert merged.lower.tolist() == [0, 0, 3]
    assert merged.upper.tolist() == [1, 4, 4]
    assert merged.weight.tolist() == [2, 1, 6]


def test_a_bag_cannot_be_changed() -> None:
    """Its arrays are read-only, whatever they were made of."""
    weight = np.ones(1)
    intervals = Intervals(np.zeros(1), np.ones(1), weight)
    weight[0] = 1.0

    with pytest.raises(ValueError, match="read-only"):
        intervals.weight[0] = 2.0


def test_compacting_keeps_the_weight_and_the_bounds() -> None:
    """At most so many intervals, what was certain stays true, and an atom stays by itself."""
    rng = np.random.default_rng(0)
    values = np.append(rng.normal(0, 1, 5_000), np.full(2_000, 1.5))
    full = Histogram.of(values, 20, 320).intervals()
    small = full.compact(40)
    x = np.linspace(-4, 4, 200)

    assert len(small) <= 40
    assert small.total == full.total
    assert (small.cdf_bounds(x)[0] <= full.cdf_bounds(x)[0] + 1e-12).all()
    assert (small.cdf_bounds(x)[1] >= full.cdf_bounds(x)[1] - 1e-12).all()
    heavy = full.weight.argmax()
    assert full.upper[heavy] in small.upper
    assert full.lower[heavy] in small.lower
    assert len(full.compact(10_000)) == len(full)


def test_the_bounds_of_the_distribution_hold_the_truth() -> None:
    """Surely at most x, really at most x, possibly at most x."""
    values = np.random.default_rng(0).normal(0, 1, 3_000)
    x = np.append(values[:500], np.linspace(-5, 5, 200))
    surely, possibly = Histogram.of(values, 3, 160).intervals().cdf_bounds(x)
    exact = np.searchsorted(np.sort(values), x, "right") / len(values)

    assert (surely <= exact + 1e-12).all()
    assert (exact <= possibly + 1e-12).all()


def test_rows_are_spread_evenly_inside_an_interval() -> None:
    """For points, arrays of points, points outside, and bags that overlap."""
    intervals = bag((0, 10, 10), (5, 6, 4))

    assert intervals.below(5.0) == 5.0
    assert intervals.below([-1.0, 5.5, 6.0, 20.0]).tolist() == [0, 7.5, 10, 14]
    assert bag((-HUGE, HUGE, 4)).below([-HUGE, HUGE]).tolist() == [0, 2]  # too wide to be measured: half


@pytest.mark.parametrize("center", [0, 3, 1_000, -50])
def test_quantiles_and_mean_are_within_a_bucket(center: float) -> None:
    """Of ordinary rows, against numpy."""
    values = np.random.default_rng(0).normal(center, 1, 20_000)
    histogram = Histogram.of(values, 20, 320)
    intervals = histogram.intervals()
    bucket = float((intervals.upper - intervals.lower).max())

    assert abs(mean(intervals) - values.mean()) <= bucket / 2
    for q in (0.0, 0.01, 0.05, 0.5, 0.95, 0.99, 1.0):
        assert abs(intervals.quantiles((q,))[0] - np.quantile(values, q, method="inverted_cdf")) <= bucket


def test_quantiles_of_atoms_are_the_atoms() -> None:
    """Ranks of equal values, to a millionth."""
    intervals = Intervals.of_values([1, 1, 1, 2, 5])

    assert [round(intervals.quantiles((q,))[0], 5) for q in (0.1, 0.6, 0.7, 0.8, 0.9, 1.0)] == [1, 1, 2, 2, 5, 5]
    assert mean(intervals) == pytest.approx(2.0, rel=1e-5)


def test_quantiles_rise() -> None:
    """Also of a bag that overlaps itself."""
    intervals = bag((0, 10, 10), (5, 6, 4), (-3, 20, 1), (6, 7, 0))
    quantiles = [intervals.quantiles((q,))[0] for q in np.linspace(0, 1, 50)]

    assert quantiles == sorted(quantiles)
    assert (quantiles[0], quantiles[-1]) == (-3, 20)


@pytest.mark.parametrize("q", [-0.1, 1.1, float("nan")])
def test_a_quantile_is_a_share(q: float) -> None:
    """The error shows the rule and the value."""
    with pytest.raises(ValueError, match=r"must lie in 0\.\.1, got"):
        bag((0, 1, 1)).quantiles((q,))


def test_a_bag_may_be_as_wide_as_float64() -> None:
    """Neighbours further apart than the largest float are told apart, without a warning."""
    assert len(Intervals.of_values([-HUGE, HUGE, HUGE])) == 2
