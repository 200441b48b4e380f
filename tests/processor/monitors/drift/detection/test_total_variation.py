"""Diffuse change: many categories that moved a little each."""

import numpy as np
import pytest

from driftline.sketch.arrays import FloatArray
from driftline_processor.monitors.drift.comparison import Comparison
from driftline_processor.monitors.drift.detection.baseline import Baseline
from driftline_processor.monitors.drift.detection.decision import assess
from driftline_processor.monitors.drift.detection.tested_sets import category_events
from driftline_processor.monitors.drift.detection.total_variation import TotalVariation
from driftline_processor.verdicts.verdict import State, Verdict
from made_columns import HOUR, KEY, category_column, category_summary, reference_of

BUDGET = 1 / 720 / 30 / 7
K = 50
NAMES = np.array([f"c{i:02}" for i in range(K)])
EVEN = np.full(K, 1 / K)
WAVY = EVEN * np.where(np.arange(K) % 2, 1.2, 0.8)
"""Every category moved by a fifth of its share: total variation .1, and no share by more than half a point."""


def verdicts(shares: FloatArray, rows: int, windows: int) -> list[Verdict]:
    random = np.random.default_rng(5)
    comparison = Comparison.of(reference_of(category_column(random.choice(NAMES, 50_000, p=EVEN), 100)), 0.05)
    found = []
    for _ in range(windows):
        counts = dict(zip(NAMES.tolist(), random.multinomial(rows, shares).astype(float).tolist(), strict=True))
        (result,) = comparison.window({KEY: category_summary(counts)}, BUDGET, HOUR)
        assert result.verdict is not None
        found.append(result.verdict)
    return found


def test_many_small_moves_are_found_together() -> None:
    """At 5,000 rows a total variation of twice the tolerance is an alarm in every window, in words of its own."""
    found = verdicts(WAVY, 5_000, 20)

    assert {verdict.state for verdict in found} == {State.ALARM}
    assert all(verdict.sentence.startswith("many categories moved a little: ") for verdict in found)
    assert np.mean([verdict.distance for verdict in found]) == pytest.approx(0.1, abs=0.01)
    assert all(verdict.lower_bound > verdict.tolerance for verdict in found)


@pytest.mark.parametrize("rows", [200, 1_000, 20_000])
def test_chance_is_no_change(rows: int) -> None:
    """Without drift, total variation is .5 at 200 rows by chance alone; none of it is an alarm."""
    assert State.ALARM not in {verdict.state for verdict in verdicts(EVEN, rows, 50)}


@pytest.mark.parametrize(
    ("k", "rows", "seed", "trial"),
    [  # total variation, its lower bound and its evidence in the trial that the design was measured on
        (50, 5_000, 1, (0.10402905, 0.09318596, 2.43006382)),
        (50, 300, 2, (0.11702071, 0.06051976, 0.61357820)),
        (12, 1_000, 3, (0.11083499, 0.09498842, 1.31073223)),
        (200, 5_000, 4, (0.08951274, 0.07923624, 1.21680396)),
    ],
)
def test_numbers_are_nearly_those_of_the_trial(k: int, rows: int, seed: int, trial: tuple[float, float, float]) -> None:
    """Never above them, and near: the variation of each category counts here, that of the column did there."""
    random = np.random.default_rng(seed)
    shares = random.dirichlet(np.full(k, 2.0))
    chunks = random.multinomial(500, shares, size=100).astype(float)
    moved = shares * np.where(np.arange(k) % 2, 1.2, 0.8)
    window = random.multinomial(rows, moved / moved.sum()).astype(float)
    baseline, n, alpha = Baseline.of(chunks, category_events(k), 0.05, ordered=False), np.array([float(rows)]), 1e-6
    events = assess(baseline, window, n, alpha)
    found = TotalVariation(baseline, np.array([True]), np.ones(k, bool), 0.05).assess(
        events, n, np.array([alpha]), np.array([alpha]), None
    )

    ours = (float(each[0]) for each in (found.move.distance, found.move.lower_bound, found.significance.ratio))
    for value, theirs, near in zip(ours, trial, (0.95, 0.75, 0.9), strict=True):
        assert near * theirs <= value <= theirs * (1 + 1e-6)
