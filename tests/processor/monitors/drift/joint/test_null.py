"""The sum of squares of correlated scores: its traces from blocks of rows, and its tail."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chi2

from driftline_processor.monitors.drift.joint.null import Traces, critical_sum

KNOWN = 1e9
"""Degrees of freedom of a scale that is known."""


def correlation(columns: int, rho: float, block: int) -> NDArray[np.float64]:
    return np.kron(np.eye(columns // block), np.full((block, block), rho) + (1.0 - rho) * np.eye(block))


def traces(matrix: NDArray[np.float64]) -> Traces:
    return Traces(*(float(np.trace(np.linalg.matrix_power(matrix, power))) for power in (1, 2, 3)))


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.7])
def test_traces_come_from_the_products_of_blocks(rho: float) -> None:
    """128 blocks of rows tell those of 128 columns, of which the matrix itself would be singular."""
    matrix = correlation(128, rho, 16)
    scores = np.random.default_rng(1).normal(size=(128, 128)) @ np.linalg.cholesky(matrix).T
    found, true = Traces.of(scores), traces(matrix)

    assert found.second == pytest.approx(true.second, rel=0.15)
    assert found.third == pytest.approx(true.third, rel=0.4)


def test_of_independent_columns_it_is_a_chi_square() -> None:
    """Exactly."""
    assert critical_sum(1e-4, Traces(40, 40, 40), KNOWN) == pytest.approx(chi2.isf(1e-4, 40))


def test_of_columns_that_are_one_it_is_one_square() -> None:
    """Times their number."""
    assert critical_sum(1e-4, Traces(40, 40**2, 40**3), KNOWN) == pytest.approx(40 * chi2.isf(1e-4, 1))


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.7])
def test_the_level_is_kept(rho: float) -> None:
    """1e-3 of 200,000 sums, within three standard errors and what three moments cannot fit."""
    matrix = correlation(32, rho, 8)
    scores = np.random.default_rng(2).normal(size=(200_000, 32)) @ np.linalg.cholesky(matrix).T
    beyond = ((scores**2).sum(axis=1) > critical_sum(1e-3, traces(matrix), KNOWN)).mean()

    assert 0.7e-3 <= beyond <= 1.3e-3


def test_a_scale_that_was_estimated_makes_the_tail_longer() -> None:
    """As Student's t is longer than a normal's."""
    known, estimated = (critical_sum(1e-4, Traces(30, 30**2, 30**3), degrees) for degrees in (KNOWN, 20.0))

    assert estimated > 1.5 * known
