"""One contract for every statistic: what users may rely on whatever they read."""

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from itertools import pairwise
from pkgutil import iter_modules

import numpy as np
import pytest
from scipy import stats

from driftline_processor.monitors.drift import statistics as folder
from driftline_processor.monitors.drift.statistics import STATISTICS, Statistic, View
from driftline_processor.monitors.drift.statistics.view import CATEGORY, NUMERIC, Sample
from made_columns import Values
from made_views import LARGE, SHAPES, category_view, exact_view, numeric_view, samples, side_by_side

ROWS = 4_000
NO_STATISTICS = {"compute", "view"}
"""Modules of the folder that hold no statistic."""

NAMED = {statistic.name: statistic for statistic in STATISTICS}
CASES = [
    pytest.param(statistic, kind, id=f"{statistic.name}-{kind}")
    for statistic in STATISTICS
    for kind in sorted(statistic.kinds)
]
every = pytest.mark.parametrize(("statistic", "kind"), CASES)


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


EXACT_VIEWS = {NUMERIC: exact_view, CATEGORY: category_view}
SHIFTS = (0.0, 0.3, 2.0)


def agrees(statistic: Statistic, kind: str, shape: str, shift: float) -> bool:
    """Whether a statistic is what its oracle says, but for rounding, on rows that nothing has blurred."""
    reference, window = SHAPES[shape](shift)
    view = EXACT_VIEWS[kind](reference, window)
    expected = statistic.oracle(*samples(view, reference, window))
    assert np.isfinite(expected)
    return computed(statistic, view) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@every
@pytest.mark.parametrize("shift", SHIFTS)
@pytest.mark.parametrize("shape", SHAPES)
def test_agrees_with_its_oracle(statistic: Statistic, kind: str, shape: str, shift: float) -> None:
    """The formula is right: on exact rows, of whatever shape, a statistic is what SciPy or its definition gives."""
    assert agrees(statistic, kind, shape, shift)


@every
@pytest.mark.parametrize("wrong", [lambda x: 1.001 * x, lambda x: x + 0.001], ids=["factor", "offset"])
def test_an_oracle_notices_a_wrong_formula(statistic: Statistic, kind: str, wrong: Callable[[Values], Values]) -> None:
    """A thousandth too much disagrees on every shape: the oracles are compared, and compared closely."""
    mistaken = replace(statistic, compute=lambda view: wrong(statistic.compute(view)))

    assert not any(agrees(mistaken, kind, shape, 2.0) for shape in SHAPES)


def reads_sketches(statistic: Statistic) -> bool:
    """Whether a statistic reads the values of sketches: without them it has nothing to say."""
    view = exact_view(sample(), sample(0.3))
    no_values = np.zeros(0, np.int64)
    stacked = {side: getattr(view, side).take(no_values) for side in ("reference_values", "window_values")}
    return bool(np.isnan(computed(statistic, replace(view, valued=no_values, **stacked))))


@every
@pytest.mark.parametrize("shift", SHIFTS)
@pytest.mark.parametrize("shape", LARGE)
def test_agrees_with_its_oracle_through_sketches(statistic: Statistic, kind: str, shape: str, shift: float) -> None:
    """Of counts exactly; of values, which a sketch blurs, within .01 and a twentieth of what it is of raw rows."""
    reference, window = LARGE[shape](shift)
    view = VIEWS[kind](reference, window)
    off = {"abs": 0.01, "rel": 0.05} if kind == NUMERIC and reads_sketches(statistic) else {"rel": 1e-9}

    expected = statistic.oracle(*samples(view, reference, window))
    assert computed(statistic, view) == pytest.approx(expected, **off)


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


@pytest.mark.filterwarnings("ignore::UserWarning")  # p-values beyond its table; a parameter that we leave alone
@pytest.mark.parametrize("shape", ["normal", "integers", "half of the rows 0"])
def test_anderson_darling_is_what_scipy_standardises(shape: str) -> None:
    """SciPy gives (A² - 1) / σ, where σ depends on the sizes only: of two windows of one size the ratios are equal."""
    ratios = []
    for shift in (0.3, 2.0):
        view = exact_view(*(side[np.isfinite(side)] for side in SHAPES[shape](shift)))
        bins = [np.repeat(np.arange(view.sizes[0]), side.astype(int)) for side in (view.reference, view.window)]
        ratios.append((computed(NAMED["anderson_darling"], view) - 1.0) / stats.anderson_ksamp(bins).statistic)

    assert ratios[0] == pytest.approx(ratios[1], rel=1e-9)


@pytest.mark.parametrize("shift", SHIFTS)
@pytest.mark.parametrize("shape", LARGE)
def test_bins_raise_anderson_darling_by_a_fifth_at_most(shape: str, shift: float) -> None:
    """Rows of a bin are tied, which raw rows, each distinct value a bin of its own, are not."""
    reference, window = (side[np.isfinite(side)] for side in LARGE[shape](shift))
    values = np.unique(np.concatenate((reference, window)))
    raw = (np.bincount(values.searchsorted(side), minlength=len(values)).astype(float) for side in (reference, window))

    exact = NAMED["anderson_darling"].oracle(*(Sample(values, counts, 0.0) for counts in raw))
    assert 0.8 * exact - 0.1 <= computed(NAMED["anderson_darling"], numeric_view(reference, window)) <= 1.2 * exact


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


def test_every_file_of_the_folder_is_a_statistic_of_the_tuple() -> None:
    """A statistic that nobody named in STATISTICS would never be computed, nor tested here."""
    modules = {file.name: import_module(f"{folder.__name__}.{file.name}") for file in iter_modules(folder.__path__)}
    written = {
        name: [value for value in vars(module).values() if isinstance(value, Statistic)]
        for name, module in modules.items()
        if name not in NO_STATISTICS
    }

    assert {name: len(each) for name, each in written.items()} == dict.fromkeys(written, 1)
    assert {name for name, (each,) in written.items() if each not in STATISTICS} == set()
    assert len(written) == len(STATISTICS)
