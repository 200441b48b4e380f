"""One contract for every statistic: what users may rely on whatever they read."""

from collections.abc import Callable
from dataclasses import fields
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats
from scipy.spatial import distance

from driftline_processor.monitors.drift.binning.bins import NumericCells
from driftline_processor.monitors.drift.binning.stacked_intervals import StackedIntervals
from driftline_processor.monitors.drift.statistics import STATISTICS, Statistic, View
from driftline_processor.monitors.drift.statistics.compute import reference_spread
from driftline_processor.monitors.drift.statistics.view import CATEGORY, NUMERIC
from driftline_processor.records import ColumnSummary
from made_columns import Values, numeric_column, numeric_summary

ROWS = 4_000
NAMED = {statistic.name: statistic for statistic in STATISTICS}
CASES = [
    pytest.param(statistic, kind, id=f"{statistic.name}-{kind}")
    for statistic in STATISTICS
    for kind in sorted(statistic.kinds)
]
every = pytest.mark.parametrize(("statistic", "kind"), CASES)


def share_missing(side: Values) -> Values:
    return np.array([np.isnan(side).mean() if len(side) else np.nan])


def numeric_view(reference: Values, window: Values) -> View:
    column = numeric_column(reference, chunks=10)
    stacked = StackedIntervals.of([(numeric_summary(window) if len(window) else ColumnSummary()).intervals])
    valued = np.flatnonzero(stacked.totals)
    return View(
        sizes=np.array([len(column.edges) + 1]),
        numeric=np.array([True]),
        reference=column.chunks.sum(axis=0),
        window=NumericCells([column]).place(stacked).cells,
        valued=valued,
        reference_values=StackedIntervals.of([column.summary.intervals]).take(valued),
        window_values=stacked.take(valued),
        spread=np.array([reference_spread(column.summary.intervals)]),
        reference_missing=share_missing(reference),
        window_missing=share_missing(window),
    )


def category_view(reference: Values, window: Values) -> View:
    """The same samples, as categories: whole numbers, and NaN as missing."""
    names = np.unique(np.floor(np.concatenate((reference, window))))
    names = names[np.isfinite(names)]
    counts = [np.array([(np.floor(side) == name).sum() for name in names], float) for side in (reference, window)]
    return View(
        sizes=np.array([len(names)]),
        numeric=np.array([False]),
        reference=counts[0],
        window=counts[1],
        valued=np.zeros(0, np.int64),
        reference_values=StackedIntervals.of([]),
        window_values=StackedIntervals.of([]),
        spread=np.ones(1),
        reference_missing=share_missing(reference),
        window_missing=share_missing(window),
    )


def side_by_side(first: View, second: View) -> View:
    """Two views of one column each, as one of two."""

    def stacked(of: str) -> StackedIntervals:
        each = [getattr(view, of) for view in (first, second)]
        parts = [np.concatenate([getattr(stacked, part) for stacked in each]) for part in ("lower", "upper", "weight")]
        return StackedIntervals(*parts, np.append(0, np.cumsum(np.concatenate([stacked.sizes for stacked in each]))))

    def joined(part: str) -> Values:
        return np.concatenate([getattr(view, part) for view in (first, second)])

    sketches = ("reference_values", "window_values")
    parts = {part.name: (stacked if part.name in sketches else joined)(part.name) for part in fields(View)}
    return View(**parts | {"valued": np.append(first.valued, second.valued + 1)})


VIEWS: dict[str, Callable[[Values, Values], View]] = {NUMERIC: numeric_view, CATEGORY: category_view}


def computed(statistic: Statistic, view: View) -> float:
    (value,) = statistic.compute(view)
    return float(value)


def sample(shift: float = 0.0, *, seed: int = 1) -> Values:
    """Numbers around `shift`, more of them missing the larger it is."""
    random = np.random.default_rng(seed)
    values = random.normal(shift, 1.0, ROWS)
    values[: int(ROWS * min(0.1 + shift / 10, 0.9))] = np.nan
    return values


@every
def test_zero_on_itself(statistic: Statistic, kind: str) -> None:
    """A sample does not differ from itself."""
    value = computed(statistic, VIEWS[kind](sample(), sample()))

    assert value == pytest.approx(0.0, abs=1e-7)


@every
@pytest.mark.parametrize("seed", range(5))
def test_never_negative(statistic: Statistic, kind: str, seed: int) -> None:
    """Chance alone makes a distance, and never a negative one."""
    value = computed(statistic, VIEWS[kind](sample(), sample(seed=10 + seed)))

    assert value >= 0.0


@every
def test_silent_on_empty_input(statistic: Statistic, kind: str) -> None:
    """Without rows there is no distance, rather than a 0 that would read as equal."""
    nothing = np.zeros(0)

    assert np.isnan(computed(statistic, VIEWS[kind](sample(), nothing)))


@every
def test_finite_on_one_bin_and_disjoint_input(statistic: Statistic, kind: str) -> None:
    """A constant against itself is 0; against another one it is finite, and positive where values count."""
    same = computed(statistic, VIEWS[kind](np.full(500, 3.5), np.full(200, 3.5)))
    other = computed(statistic, VIEWS[kind](np.full(500, 3.5), np.full(200, 7e9)))

    assert same == pytest.approx(0.0, abs=1e-9)
    assert np.isfinite(other)
    assert other > 0.0 or statistic.name == "missing_rate"


@every
def test_grows_with_a_growing_shift(statistic: Statistic, kind: str) -> None:
    """The farther the window moved, the larger the distance."""
    values = [computed(statistic, VIEWS[kind](sample(), sample(shift))) for shift in (0.0, 0.25, 0.75, 1.5, 3.0)]

    assert all(near < far for near, far in pairwise(values)), values


@every
def test_columns_do_not_touch_each_other(statistic: Statistic, kind: str) -> None:
    """Side by side every column has the value that it has alone, whatever stands before it."""
    views = VIEWS[kind](sample(), sample(0.3)), VIEWS[kind](sample(1.0), sample(2.0))
    small = VIEWS[kind](sample()[:500], np.zeros(0))

    assert statistic.compute(side_by_side(*views)) == pytest.approx([computed(statistic, view) for view in views])
    beside = statistic.compute(side_by_side(small, views[1]))
    assert np.isnan(beside[0])
    assert beside[1] == pytest.approx(computed(statistic, views[1]))


def _counts(view: View) -> Values:
    table = np.array([view.reference, view.window])
    return table[:, table.sum(axis=0) > 0]


def oracle_chi_square(view: View) -> float:
    return float(stats.chi2_contingency(_counts(view), correction=False).statistic)


def oracle_g(view: View) -> float:
    return float(stats.chi2_contingency(_counts(view), correction=False, lambda_="log-likelihood").statistic)


def oracle_js(view: View) -> float:
    return float(distance.jensenshannon(view.reference, view.window, base=2))


def oracle_hellinger(view: View) -> float:
    p, q = (counts / counts.sum() for counts in (view.reference, view.window))
    return float(np.linalg.norm(np.sqrt(p) - np.sqrt(q)) / np.sqrt(2))


def oracle_linf(view: View) -> float:
    p, q = (counts / counts.sum() for counts in (view.reference, view.window))
    return float(np.linalg.norm(p - q, ord=np.inf))


ON_BINS = {
    "chi_square": oracle_chi_square,
    "g": oracle_g,
    "js": oracle_js,
    "hellinger": oracle_hellinger,
    "linf": oracle_linf,
}


@pytest.mark.parametrize("shift", [0.0, 0.3, 2.0])
@pytest.mark.parametrize(("name", "kind"), [(name, kind) for name in ON_BINS for kind in sorted(NAMED[name].kinds)])
def test_agrees_with_scipy_on_bins(name: str, kind: str, shift: float) -> None:
    """In the same bins a statistic gives what scipy, or a norm, gives."""
    view = VIEWS[kind](sample(), sample(shift, seed=2))

    assert computed(NAMED[name], view) == pytest.approx(ON_BINS[name](view), rel=1e-9)


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.5, 2.0])
@pytest.mark.parametrize(
    "make", [lambda x: x, np.exp, lambda x: np.round(20 + 5 * x)], ids=["normal", "lognormal", "integers"]
)
def test_agrees_with_scipy_on_raw_values(shift: float, make: Callable[[Values], Values]) -> None:
    """Through sketches KS is within .005 below the exact value, Wasserstein within a hundredth of the spread."""
    random = np.random.default_rng(7)
    reference, window = make(random.normal(size=20_000)), make(random.normal(shift, 1.0, 20_000))
    view = numeric_view(reference, window)

    exact = stats.ks_2samp(reference, window, method="asymp").statistic
    ks, wasserstein = computed(NAMED["ks"], view), computed(NAMED["wasserstein"], view)

    assert exact - 0.005 <= ks <= exact + 1e-12
    assert view.spread[0] == pytest.approx(stats.iqr(reference) / 1.349, rel=0.05)
    assert wasserstein == pytest.approx(stats.wasserstein_distance(reference, window) / view.spread[0], abs=0.01)


@pytest.mark.parametrize("shift", [0.1, 0.5, 1.0])
def test_psi_is_that_of_tenths_of_the_reference(shift: float) -> None:
    """The index agrees with the textbook's on raw values: ten classes between the deciles of the reference."""
    random = np.random.default_rng(8)
    reference, window = random.normal(size=20_000), random.normal(shift, 1.0, 20_000)
    edges = np.quantile(reference, np.linspace(0.1, 0.9, 9))
    p, q = (np.bincount(np.searchsorted(edges, side), minlength=10) / len(side) for side in (reference, window))

    value = computed(NAMED["psi"], numeric_view(reference, window))

    assert value == pytest.approx(float(((q - p) * np.log(q / p)).sum()), rel=0.05)


def test_missing_rate_is_the_difference_of_the_shares() -> None:
    """From 10 to 25 percent missing is .15, and so is the way back."""
    few, many = sample(), sample(1.5)

    assert computed(NAMED["missing_rate"], numeric_view(few, many)) == pytest.approx(0.15)
    assert computed(NAMED["missing_rate"], numeric_view(many, few)) == pytest.approx(0.15)


def test_every_statistic_is_documented_and_named_once() -> None:
    """Names are unique, and a reader is told what each is and how to read it."""
    assert len(NAMED) == len(STATISTICS)
    assert all(each.title and each.description and each.reading and each.kinds for each in STATISTICS)
