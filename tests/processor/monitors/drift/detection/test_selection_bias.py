"""The share of all categories without a bin of their own, known without the bias of the choice."""

import numpy as np
import pytest

from driftline_processor.monitors.drift.detection.selection_bias import undo_selection


def others(shares: np.ndarray, seed: int, bins: int = 64) -> tuple[float, float, float]:
    """Of a sample of 50,000 rows: the share of all others that it had, that is corrected, and that is true."""
    counts = np.random.default_rng(seed).multinomial(50_000, shares)
    order = np.argsort(-counts, kind="stable")
    listed, rest = order[:bins], order[bins:]
    chunks = np.append(counts[listed], counts[rest].sum())[None].astype(float)
    corrected = undo_selection(chunks, counts.tolist(), float(counts[rest].max()))
    assert corrected.sum() == pytest.approx(50_000)
    return chunks[0, -1] / 50_000, corrected[0, -1] / 50_000, float(shares[rest].sum())


@pytest.mark.parametrize("k", [100, 200, 1_000])
def test_equally_frequent_categories(k: int) -> None:
    """The sample's share is at least .5 points low; what is corrected is right within .3 points on average."""
    found = np.array([others(np.full(k, 1 / k), seed) for seed in range(40)])
    before, after = (found[:, i] - found[:, 2] for i in (0, 1))

    assert before.mean() < -0.005
    assert abs(after.mean()) < 0.003
    assert np.abs(after).max() < 0.012


def test_unequal_categories_need_no_correction() -> None:
    """Where the frequent ones are the same in every sample nothing is put back, or next to nothing."""
    zipf = 1.0 / np.arange(1.0, 201.0)
    found = np.array([others(zipf / zipf.sum(), seed) for seed in range(40)])

    assert np.abs(found[:, 1] - found[:, 2]).mean() < 0.003


def test_without_others_nothing_is_put_back() -> None:
    """Every category has a bin; or none of them was ever seen."""
    chunks = np.array([[3.0, 2.0, 0.0], [1.0, 1.0, 0.0]])

    assert undo_selection(chunks, [4.0, 3.0], 0.0) is chunks
    assert undo_selection(np.zeros((2, 3)), [], 1.0).sum() == 0.0
