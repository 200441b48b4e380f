import numpy as np
import pytest
from scipy.stats import ks_2samp

from driftline.sketch import Histogram, Intervals
from interval_statistics import ks_bounds


def test_nothing_is_known_of_no_rows() -> None:
    """Neither a distance nor its absence."""
    some = Intervals.of_values([1.0])

    assert ks_bounds(Intervals.empty(), some) == ks_bounds(some, Intervals.empty()) == (0.0, 1.0)


@pytest.mark.parametrize("scale", [0, 3, 6])
def test_atoms_are_compared_exactly_across_scales(scale: int) -> None:
    """Where no two values share a bucket the lower bound is the distance, to the last digit, on either sign."""
    rng = np.random.default_rng(0)
    values = np.array([-8.0, -4.0, -2.0, 0.0, 2.0, 4.0, 16.0])
    a, b = rng.choice(values, 3_000), rng.choice(values, 2_000, p=[0.3, 0.1, 0.1, 0.2, 0.1, 0.1, 0.1])
    exact = ks_2samp(a, b, method="asymp").statistic
    low, _ = ks_bounds(Histogram.of(a, scale, 10**6).intervals(), Histogram.of(b, 2, 10**6).intervals())

    assert low == pytest.approx(exact, abs=1e-12)


def test_the_same_values_in_different_buckets_are_no_distance() -> None:
    """A value on the edge of a bucket is in it, in each scale, positive or negative."""
    for value in (4.0, -4.0, 1.0, -1.0, 0.0, 3.7, -3.7):
        sketches = [Histogram.of([value], scale, 10**6) for scale in (-2, 0, 1, 9, 20)]
        bags = [s.intervals() for s in sketches]
        bags += [Histogram(s.scale, s.zero, s.positive, s.negative).intervals() for s in sketches]
        assert {ks_bounds(a, b)[0] for a in bags for b in bags} == {0.0}


def test_values_known_exactly_leave_no_doubt() -> None:
    """With intervals of one float both bounds are the distance."""
    a = Intervals(np.nextafter([1.0, 2.0], 0), np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    b = Intervals(np.nextafter([1.0, 2.0], 0), np.array([1.0, 2.0]), np.array([3.0, 1.0]))

    assert ks_bounds(a, b) == (0.25, 0.25)


def test_disjoint_rows_are_as_far_apart_as_can_be() -> None:
    """Both bounds are 1, in either order."""
    a, b = Histogram.of([1.0, 2.0], 3, 160).intervals(), Histogram.of([-5.0, -6.0], 3, 160).intervals()

    assert ks_bounds(a, b) == ks_bounds(b, a) == (1.0, 1.0)
