"""Tests of counts against training."""

import numpy as np
import pytest
from scipy import stats

from driftline_processor.monitors.segments.evidence import Nature, beyond_nature, tail


@pytest.mark.parametrize(("x", "trained", "exposure"), [(12, 40, 0.1), (0, 30, 0.5), (300, 900, 0.25), (5, 0, 0.02)])
def test_the_tail_is_that_of_the_binomial(x: int, trained: int, exposure: float) -> None:
    """Given their sum, one of two Poisson counts is binomial."""
    share = exposure / (1 + exposure)
    both = np.array([float(x)]), np.array([float(trained)]), exposure
    more = stats.binom.sf(x - 1, x + trained, share)
    np.testing.assert_allclose(tail(*both, upper=True), more, rtol=1e-6)
    if trained:
        np.testing.assert_allclose(tail(*both, upper=False), stats.binom.cdf(x, x + trained, share), rtol=1e-6)


def test_a_rate_that_wanders_by_itself_needs_more() -> None:
    """Three times the errors are beyond chance, but not beyond a rate that halves and doubles all the time."""
    x, trained = np.array([90.0]), np.array([300.0])
    calm, restless = (Nature(np.array([spread]), 60.0) for spread in (0.0, 0.5))
    assert beyond_nature(x, trained, 0.1, calm, 1e-6, upper=True).all()
    assert not beyond_nature(x, trained, 0.1, restless, 1e-6, upper=True).any()
