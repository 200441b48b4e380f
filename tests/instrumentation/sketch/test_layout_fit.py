import numpy as np
import pytest
from numpy.typing import NDArray

from driftline.sketch import Layout, fit_layout, unresolved_share
from driftline.sketch.exponential import MAX_SCALE, MIN_SCALE, bucket_index
from driftline.sketch.layout import CORE_BUCKETS


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_the_scale_follows_the_core_and_not_the_outliers() -> None:
    """One 1e9 does not coarsen N(1000, 1)."""
    rows = rng().normal(1_000, 1, 2_000)
    spoilt = np.append(rows, [1e9, -1e9, 1e-300])

    assert fit_layout(spoilt).scale == fit_layout(rows).scale
    assert unresolved_share(spoilt, fit_layout(spoilt)) < 0.02


def every_layout(rows: NDArray[np.float64]) -> list[Layout]:
    """At each scale the window whose middle 0.8 covers most rows; those of one sign first, the finest first."""
    main = 1 if np.mean(rows > 0) > 0.5 else -1
    found = []
    for signs in ((main,), (1, -1)):
        own = np.abs(rows if len(signs) == 2 else rows[np.sign(rows) == main])
        size = CORE_BUCKETS // len(signs)
        for scale in range(MAX_SCALE, MIN_SCALE - 1, -1):
            index = np.sort(bucket_index(own, scale))
            covered = [int(np.sum((index >= i) & (index < i + int(0.8 * size)))) for i in index]
            first, most = index[np.argmax(covered)], max(covered)
            last = index[np.argmax(covered) + most - 1]
            found.append(Layout(scale, int(first - (size - (last - first + 1)) // 2), size, signs))
            if most == len(own):
                break
    return found


@pytest.mark.parametrize("seed", range(8))
def test_the_search_misses_nothing(seed: int) -> None:
    """What is found is the best of all scales and signs: the finer one, and a single sign, among equals."""
    generator = np.random.default_rng(seed)
    atoms = generator.choice(generator.normal(size=4), 60)
    rows = np.concatenate([generator.standard_t(1, 60), 1 + generator.poisson(3, 60), atoms])

    layouts = every_layout(rows)
    best = min(layouts, key=lambda layout: round(unresolved_share(rows, layout) * len(rows)))

    assert fit_layout(rows) == best


def test_a_constant_has_the_finest_scale() -> None:
    """And nothing of it is unresolved."""
    layout = fit_layout(np.full(100, 42.0))

    assert layout.scale == MAX_SCALE
    assert unresolved_share(np.full(100, 42.0), layout) == 0


def test_whole_numbers_are_separated() -> None:
    """Each alone in its bucket, unless there are too many."""
    for rows in (rng().integers(0, 40, 2_000), rng().poisson(3, 2_000)):
        assert unresolved_share(rows, fit_layout(rows)) == 0


@pytest.mark.parametrize(
    ("rows", "signs"),
    [
        (rng().lognormal(0, 1, 2_000), (1,)),
        (-rng().lognormal(0, 1, 2_000), (-1,)),
        (rng().normal(0, 1, 2_000), (1, -1)),
        (np.append(rng().lognormal(0, 1, 2_000), [-1.0]), (1,)),
    ],
)
def test_a_sign_has_buckets_where_it_has_rows(rows: NDArray[np.float64], signs: tuple[int, ...]) -> None:
    """A rare one is a tail; 320 buckets in all."""
    layout = fit_layout(rows)

    assert layout.signs == signs
    assert layout.size * len(signs) == CORE_BUCKETS


def test_two_atoms_of_opposite_sign_are_told_apart() -> None:
    """Labels of -1 and 1 share a magnitude, and nothing else."""
    labels = np.array([-1.0, 1.0] * 50)

    assert unresolved_share(labels, fit_layout(labels)) == 0


def test_what_has_no_bucket_does_not_matter() -> None:
    """Zeros, NaN and infinities are counted elsewhere."""
    rows = rng().lognormal(0, 1, 1_000)
    odd = np.array([0.0, -0.0, np.nan, np.inf, -np.inf, 1e-320])

    assert fit_layout(np.append(odd, rows)) == fit_layout(rows)


@pytest.mark.parametrize("rows", [[], [0.0], [np.nan] * 5, [np.inf]])
def test_without_a_value_there_is_a_layout_all_the_same(rows: list[float]) -> None:
    """The finest about 1, which is what comes most often after nothing but zeros."""
    layout = fit_layout(rows)

    assert layout.scale == MAX_SCALE
    assert layout.low < 1.0 < layout.high
    assert unresolved_share(rows, layout) == 0


def test_a_large_sample_is_looked_at_from_end_to_end() -> None:
    """A clock in order of time: not only its first rows."""
    clock = 1.7e9 + np.arange(500_000.0)

    assert unresolved_share(clock, fit_layout(clock)) < 0.02


def test_values_outside_the_window_are_unresolved() -> None:
    """A share for each tail, less its most frequent value; a half of the rows elsewhere is seen."""
    layout = fit_layout(rng().normal(1_000, 1, 2_000))
    moved = np.append(rng().normal(1_000, 1, 1_000), rng().normal(5, 1, 1_000))

    assert unresolved_share(moved, layout) == pytest.approx(0.5, abs=0.02)
    assert unresolved_share(np.append(np.full(1_000, 1_000.0), np.full(1_000, 5.0)), layout) == 0
