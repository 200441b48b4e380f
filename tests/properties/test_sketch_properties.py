"""What must hold for sketches of any rows whatever."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from driftline.sketch import Buckets, Histogram, Intervals, NumericPoints, NumericSketch, cut_bins, fit_layout, project
from driftline.sketch.exponential import MAX_SCALE, MIN_SCALE, bucket_index, lower_edge
from interval_statistics import ks_bounds

Rows = NDArray[np.float64]

NUMBERS = st.one_of(
    st.floats(-1.7e308, 1.7e308, allow_subnormal=False),
    st.floats(-10, 10, allow_subnormal=False),
    st.integers(-5, 100).map(float),
    st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.0**-30, 1e9, -1e9, 999.5, 1000.5]),
)
ANY = NUMBERS | st.sampled_from([np.nan, np.inf, -np.inf, 1e-320])
SCALES = st.integers(MIN_SCALE, MAX_SCALE)


def arrays(numbers: st.SearchStrategy[float], least: int = 0) -> st.SearchStrategy[Rows]:
    return st.lists(numbers, min_size=least, max_size=60).map(lambda rows: np.array(rows, np.float64))


def sketch(rows: Rows, sample: Rows) -> NumericPoints:
    result = NumericSketch(fit_layout(sample))
    result.add(rows)
    return result.points()


def exact_ks(a: Rows, b: Rows) -> float:
    """By its definition: `scipy.stats.ks_2samp` warns about its p-value on so few rows."""
    x = np.append(a, b)
    return float(
        np.abs(
            np.searchsorted(np.sort(a), x, "right") / len(a) - np.searchsorted(np.sort(b), x, "right") / len(b)
        ).max()
    )


@given(arrays(st.floats(min_value=2.3e-308, max_value=1.7e308), 1), SCALES)
def test_every_value_lies_in_its_bucket(rows: Rows, scale: int) -> None:
    """Above the lower edge, and not above the upper one."""
    index = bucket_index(rows, scale)

    assert (lower_edge(index, scale) < rows).all()
    assert (rows <= lower_edge(index + 1, scale)).all()


@given(arrays(NUMBERS, 1), arrays(NUMBERS, 1), arrays(NUMBERS), arrays(NUMBERS))
def test_the_certain_bounds_hold_the_exact_distance(a: Rows, b: Rows, sample_a: Rows, sample_b: Rows) -> None:
    """Whatever the layouts, fitted on these rows or on others: an alarm is never made by the sketch."""
    low, high = ks_bounds(sketch(a, sample_a).intervals(), sketch(b, sample_b).intervals())

    assert low <= exact_ks(a, b) + 1e-12
    assert exact_ks(a, b) <= high + 1e-12


@given(arrays(NUMBERS, 1), arrays(NUMBERS, 1), SCALES, SCALES, st.integers(1, 30))
def test_the_bounds_hold_for_any_histograms_and_bags(a: Rows, b: Rows, scale: int, other: int, limit: int) -> None:
    """Foreign, auto-scaled ones, and stacked that were compacted."""
    one = Histogram.of(a, scale, limit).intervals()
    two = Intervals.of_values(b).merge(Histogram.of(b, other, limit).intervals()).compact(limit)
    low, high = ks_bounds(one, two)

    assert low <= exact_ks(a, b) + 1e-12
    assert exact_ks(a, b) <= high + 1e-12


@given(arrays(ANY), arrays(ANY))
def test_no_row_is_lost(rows: Rows, sample: Rows) -> None:
    """Every row is in the core, in one tail, missing or not finite, whatever the layout was fitted on."""
    points = sketch(rows, sample)

    assert points.rows == len(rows)
    assert points.missing == np.isnan(rows).sum()
    assert points.non_finite == np.isinf(rows).sum()
    assert points.intervals().total == points.valid


@given(arrays(ANY), arrays(ANY), arrays(ANY), st.lists(arrays(ANY), min_size=3, max_size=3))
def test_points_merge_in_any_order(a: Rows, b: Rows, c: Rows, samples: list[Rows]) -> None:
    """Commutes and associates exactly, whatever the layouts."""
    x, y, z = (sketch(rows, sample) for rows, sample in zip((a, b, c), samples, strict=True))

    assert x.merge(y) == y.merge(x)
    assert x.merge(y).merge(z) == x.merge(y.merge(z))


@given(arrays(ANY), arrays(ANY), arrays(ANY))
def test_with_one_layout_a_merge_is_the_sketch_of_the_joined_rows(a: Rows, b: Rows, sample: Rows) -> None:
    """Bucket for bucket, and so is the difference of two points."""
    joined = sketch(np.append(a, b), sample)

    assert sketch(a, sample).merge(sketch(b, sample)) == joined
    since = joined.minus(sketch(a, sample))
    assert since is not None
    assert since.core == sketch(b, sample).core
    assert since.rows == len(b)


@given(arrays(NUMBERS), arrays(NUMBERS), arrays(NUMBERS), SCALES, st.integers(1, 200))
def test_histograms_merge_in_any_order(a: Rows, b: Rows, c: Rows, scale: int, limit: int) -> None:
    """With the limit of an ordinary auto-scaled histogram, and equal to the histogram of the joined rows."""
    x, y, z = (Histogram.of(rows, scale, limit) for rows in (a, b, c))

    assert x.merge(y, limit) == y.merge(x, limit)
    assert x.merge(y, limit).merge(z, limit) == x.merge(y.merge(z, limit), limit)
    assert x.merge(y, limit) == Histogram.of(np.append(a, b), scale, limit)


@given(arrays(NUMBERS), arrays(NUMBERS), SCALES, st.integers(1, 200))
def test_minus_undoes_a_merge(a: Rows, b: Rows, scale: int, limit: int) -> None:
    """At the scale that the merge has."""
    older = Histogram.of(a, scale, limit)
    newer = older.merge(Histogram.of(b, scale, limit), limit)
    since = newer.minus(older)

    assert since is not None
    alone = Histogram.of(b, newer.scale, 10**9)
    assert (since.zero, since.positive, since.negative) == (alone.zero, alone.positive, alone.negative)


@given(st.integers(-(2**31), 2**31 - 400), st.lists(st.integers(0, 2**40), max_size=300))
def test_the_dense_form_comes_back(offset: int, counts: list[int]) -> None:
    """Encoding and decoding are inverse."""
    buckets = Buckets.from_dense(offset, counts)

    assert Buckets.from_dense(*buckets.dense()) == buckets
    assert buckets.total == sum(counts)


@settings(max_examples=60)
@given(arrays(NUMBERS, 1), arrays(NUMBERS, 1), st.integers(1, 40))
def test_cells_hold_all_rows_and_the_bounds_of_each_share(reference: Rows, window: Rows, limit: int) -> None:
    """Nothing is lost, the reference leaves the outer cells empty, and each prefix is between what is certain."""
    known = sketch(reference, reference).intervals()
    edges = cut_bins(known, limit)
    cells = project(known, edges)
    seen = sketch(window, window).intervals()
    shares = np.cumsum(project(seen, edges, known))[:-1] / len(window)
    surely, possibly = seen.cdf_bounds(edges)

    assert len(edges) <= limit + 1
    assert (np.diff(edges) > 0).all()
    assert cells[0] == cells[-1] == 0
    assert abs(cells.sum() - len(reference)) < 1e-9
    assert (surely - 1e-9 <= shares).all()
    assert (shares <= possibly + 1e-9).all()


@given(arrays(NUMBERS, 1), st.lists(st.floats(0, 1), min_size=2, max_size=6))
def test_quantiles_rise_and_stay_in_range(rows: Rows, shares: list[float]) -> None:
    """Between the lowest and the highest edge, for any shares."""
    intervals = sketch(rows, rows).intervals()
    quantiles = list(intervals.quantiles(sorted(shares)))

    assert quantiles == sorted(quantiles)
    assert intervals.lower.min() <= quantiles[0]
    assert quantiles[-1] <= intervals.upper.max()
