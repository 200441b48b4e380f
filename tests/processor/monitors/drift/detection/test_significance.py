"""Evidence: the signed root of G and the critical values."""

import numpy as np
import pytest
from scipy import stats

from driftline_processor.monitors.drift.detection.significance import critical_value, signed_root


def test_signed_root_is_the_root_of_g_with_yates_correction() -> None:
    """On ordinary counts the square is scipy's G with the half-row correction."""
    table = [[60, 440], [2_000, 18_000]]
    expected = stats.chi2_contingency(table, correction=True, lambda_="log-likelihood").statistic

    found = signed_root(np.array([60.0]), 500.0, np.array([2_000.0]), 20_000.0)

    assert found[0] ** 2 == pytest.approx(expected)


def test_equal_shares_are_no_evidence() -> None:
    """Where both shares are equal the root is 0."""
    shares = np.array([0.0, 0.01, 0.5, 1.0])

    assert signed_root(shares * 300.0, 300.0, shares * 9_000.0, 9_000.0) == pytest.approx(0.0, abs=1e-5)


def test_finite_at_the_border() -> None:
    """All or none of the rows, a hair above all of them, and a single row: always a number."""
    x = np.array([0.0, 5.0, 5.0 + 1e-12])

    found = signed_root(x, 5.0, np.array([50_000.0, 0.0, 0.0]), 50_000.0)

    assert np.isfinite(found).all()
    assert (found > 8.0).all()


@pytest.mark.parametrize("share", [0.0005, 0.005, 0.1])
def test_far_tail_is_right_at_small_counts(share: float) -> None:
    """Under equal shares a root above 4 is at most three times as likely as with a normal, at 1 expected row too."""
    n, N = 1_000.0, 1e9
    x = np.arange(0.0, 1_001.0)

    roots = signed_root(x, n, np.full(len(x), share * N), N)
    chance = stats.binom.pmf(x, int(n), share)[roots > 4.0].sum()

    assert chance < 3 * 2 * stats.norm.sf(4.0)


@pytest.mark.parametrize("degrees", [4.0, 17.5, 99.0, 3e3])
@pytest.mark.parametrize("alpha", [0.05, 1e-6, 1e-12])
def test_critical_values_are_students(alpha: float, degrees: float) -> None:
    """Two-sided quantiles of Student's t, down to the far tail."""
    assert critical_value(alpha, degrees) == pytest.approx(stats.t.isf(alpha / 2, degrees), rel=1e-6)


def test_critical_value_of_a_known_width_is_normal() -> None:
    """Without an estimated width it is the normal quantile."""
    assert critical_value(1e-7, np.inf) == pytest.approx(stats.norm.isf(5e-8))
