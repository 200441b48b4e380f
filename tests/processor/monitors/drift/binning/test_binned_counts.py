"""BinnedCounts: a window as a vector."""

import numpy as np
import pytest

from driftline_processor.monitors.drift.binning.binned_counts import STATES, BinnedCounts


def counts(seed: int) -> BinnedCounts:
    random = np.random.default_rng(seed)
    parts = (random.random(7), random.random(2), random.random((len(STATES), 2)), random.random(2), random.random(2))
    return BinnedCounts(*parts)


def test_windows_merge_by_adding_their_vectors() -> None:
    """Every part of the sum is the sum of that part."""
    first, second = counts(1), counts(2)

    both = BinnedCounts.of_vector(first.vector + second.vector, columns=2)

    for part in ("bins", "novel", "states", "rows", "squares"):
        assert getattr(both, part) == pytest.approx(getattr(first, part) + getattr(second, part))


def test_effective_rows_are_those_of_kish() -> None:
    """Ten rows of weight 1 and one of weight 10 tell as much as (20)²/110; unweighted rows count in full."""
    rows, squares = np.array([20.0, 20.0, 0.0]), np.array([110.0, 20.0, 0.0])
    held = BinnedCounts(np.zeros(3), np.zeros(3), np.zeros((len(STATES), 3)), rows, squares)

    assert held.effective * rows == pytest.approx([400 / 110, 20.0, 0.0])
