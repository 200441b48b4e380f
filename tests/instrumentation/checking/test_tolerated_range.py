"""Healthy rows stay within the range that training tolerates; what a unit error makes of them does not."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

import driftline
from driftline.checking.tolerated_range import Range, tolerated_range

ROWS = 20_000
HELD_OUT = 1_000_000
SHARE = 1e-7

RNG = np.random.default_rng(5)

SHAPES: dict[str, Callable[[int], NDArray[np.float64]]] = {
    "normal": lambda n: RNG.normal(size=n),
    "far from zero": lambda n: RNG.normal(1e6, 1.0, n),
    "ages": lambda n: RNG.normal(45, 15, n).clip(18, 95).round(),
    "uniform": lambda n: RNG.uniform(size=n),
    "exponential": lambda n: RNG.exponential(1.0, n),
    "lognormal": lambda n: RNG.lognormal(3.0, 1.0, n),
    "wide lognormal": lambda n: RNG.lognormal(3.0, 2.0, n),
    "t with 3 degrees": lambda n: RNG.standard_t(3, n),
    "pareto": lambda n: RNG.pareto(2.0, n) + 1.0,
    "counts": lambda n: RNG.poisson(3.0, n).astype(float),
    "mostly zero": lambda n: np.where(RNG.random(n) < 0.97, 0.0, RNG.lognormal(5.0, 1.0, n)),
    "beta": lambda n: RNG.beta(2.0, 5.0, n),
    "negative": lambda n: -RNG.gamma(2.0, 10.0, n),
}


def found(values: NDArray[np.float64], share: float = SHARE) -> Range:
    (column,) = driftline.profile({"x": values}).columns
    within = tolerated_range(column, share)
    assert within is not None
    return within


def outside(within: Range, values: NDArray[np.float64]) -> float:
    return float(np.mean((values < within.low) | (values > within.high)))


@pytest.mark.parametrize("draw", SHAPES.values(), ids=SHAPES.keys())
def test_held_out_rows_stay_within(draw: Callable[[int], NDArray[np.float64]]) -> None:
    """Of a million rows of the same kind at most a few are outside, where the training extremes would refuse 50."""
    train = draw(ROWS)
    within = found(train)

    assert outside(within, train) == 0.0
    assert outside(within, draw(HELD_OUT)) <= 3e-6


@pytest.mark.parametrize("rows", [100, 1000])
def test_a_small_training_set_widens_the_range(rows: int) -> None:
    """What few rows cannot tell is tolerated."""
    small, large = found(RNG.normal(size=rows)), found(RNG.normal(size=ROWS))

    assert small.high - small.low > large.high - large.low
    assert outside(small, RNG.normal(size=HELD_OUT)) == 0.0


@pytest.mark.parametrize("factor", [1000.0, 100.0, 1 / 100.0, 1 / 1000.0])
def test_a_wrong_unit_is_outside(factor: float) -> None:
    """Metres for millimetres, percent for shares: nearly every row leaves the range of a quantity."""
    for draw in (lambda n: RNG.normal(170.0, 10.0, n), lambda n: RNG.normal(5.0, 0.8, n).clip(1.0)):
        assert outside(found(draw(ROWS)), draw(ROWS) * factor) > 0.99


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        (np.tile([0.0, 1.0], ROWS // 2), [2.0, -1.0]),
        (RNG.integers(1, 6, ROWS).astype(float), [0.0, 6.0, 50.0]),
        (np.append(RNG.uniform(0.0, 100.0, ROWS - 500), np.full(500, 100.0)), [100.5, -1.0]),
        (np.full(ROWS, 7.0), [6.0, 8.0]),
        (RNG.poisson(3.0, ROWS).astype(float), [-1.0, 999.0]),
    ],
    ids=["flag", "rating", "percentage", "constant", "counts"],
)
def test_natural_bounds_hold(values: NDArray[np.float64], wrong: list[float]) -> None:
    """Where many rows lie at the very end, that end is a bound; and no quantity is below zero."""
    within = found(values)

    assert [value for value in wrong if within.low <= value <= within.high] == []


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_a_shorter_float_stays_within(dtype: type[np.floating]) -> None:
    """A server that rounds to 32 or 16 bits sends no value outside."""
    values = np.tile([0.1, 0.7], ROWS // 2)

    assert outside(found(values), values.astype(dtype).astype(np.float64)) == 0.0


def test_a_column_without_numbers_has_none() -> None:
    """There is no range of texts, or of nothing."""
    for column in driftline.profile({"city": ["a", "b"] * 30, "none": [None] * 60}).columns:
        assert tolerated_range(column, SHARE) is None
