"""The decision: an alarm needs relevance and evidence, and a state for everything else."""

import numpy as np
import pytest
from numpy.typing import NDArray

from driftline_processor.monitors.drift.detection.assessment import Assessment
from driftline_processor.monitors.drift.detection.baseline import Baseline
from driftline_processor.monitors.drift.detection.decision import SEVERITY, assess, decide
from driftline_processor.monitors.drift.detection.tested_sets import category_events
from driftline_processor.verdicts.verdict import State

TOLERANCE = 0.05
ALPHA = 1e-7


def baseline(shares: list[float], rows: int = 50_000, chunks: int = 100) -> Baseline:
    random = np.random.default_rng(1)
    counts = random.multinomial(rows // chunks, shares, size=chunks).astype(float)
    return Baseline.of(counts, category_events(len(shares)), TOLERANCE, ordered=False)


def state_of(assessment: Assessment, rows: float, tolerance: float = TOLERANCE) -> State:
    (number,) = decide(assessment, rows, tolerance)
    return SEVERITY[number]


def seen(shares: list[float], rows: float, alpha: float = ALPHA) -> Assessment:
    counts: NDArray[np.float64] = np.array(shares) * rows
    return assess(baseline([0.5, 0.3, 0.2]), counts, rows, alpha)


@pytest.mark.parametrize(
    ("shares", "rows", "state"),
    [
        ([0.5, 0.3, 0.2], 5_000.0, State.HEALTHY),
        ([0.5, 0.3, 0.2], 60.0, State.INSUFFICIENT_DATA),
        ([0.4, 0.4, 0.2], 5_000.0, State.ALARM),
        ([0.1, 0.7, 0.2], 60.0, State.ALARM),
        ([0.48, 0.32, 0.2], 1e6, State.WARNING),  # real, and too small to matter
        ([0.4, 0.4, 0.2], 400.0, State.WARNING),  # it would matter, but may be chance
    ],
)
def test_states(shares: list[float], rows: float, state: State) -> None:
    """A move that matters and is certain alarms; one that is only certain, or only matters, warns."""
    assert state_of(seen(shares, rows), rows) is state


def test_a_score_above_one_is_an_alarm() -> None:
    """Over a sweep of moves and sizes score > 1 and alarm are the same thing."""
    states = set()
    for move in np.linspace(0.0, 0.2, 21):
        for rows in (20.0, 200.0, 2_000.0, 200_000.0):
            assessment = seen([0.5 - move, 0.3 + move, 0.2], rows)
            state = state_of(assessment, rows)
            states.add(state)

            assert (assessment.score.max() > 1.0) == (state is State.ALARM)
            assert ((assessment.score > 1.0) == (assessment.lower_bound > assessment.required)).all()

    assert states == set(State)


def test_a_smaller_budget_asks_for_more() -> None:
    """Fewer false alarms allowed: a higher bar on the wire, and less score."""
    generous, strict = (seen([0.42, 0.38, 0.2], 1_000.0, alpha) for alpha in (1e-3, 1e-9))

    assert (strict.required >= generous.required).all()
    assert strict.score.max() < generous.score.max()


def test_natural_variation_excuses() -> None:
    """The same move alarms on a steady column and warns on one that moves so between its own chunks."""
    wave = 0.15 * np.sin(np.arange(100) / 100 * 2 * np.pi)
    moving = 500.0 * np.column_stack((0.5 + wave, 0.3 - wave, np.full(100, 0.2)))
    restless = Baseline.of(moving, category_events(3), TOLERANCE, ordered=False)
    counts = np.array([2_000.0, 2_000.0, 1_000.0])

    assert state_of(seen([0.4, 0.4, 0.2], 5_000.0), 5_000.0) is State.ALARM
    assert state_of(assess(restless, counts, 5_000.0, ALPHA), 5_000.0) is State.WARNING


def test_a_wider_tolerance_lets_more_pass() -> None:
    """What alarms at 5 points of tolerance only warns at 15."""
    counts = np.tile([250.0, 150.0, 100.0], (100, 1))
    wide = Baseline.of(counts, category_events(3), 0.15, ordered=False)
    moved = np.array([2_000.0, 2_000.0, 1_000.0])

    assert state_of(assess(wide, moved, 5_000.0, ALPHA), 5_000.0, 0.15) is State.WARNING


def test_the_loudest_event_is_the_one_that_moved() -> None:
    """The event to name is the one nearest to an alarm, or the largest move where nothing surely moved."""
    assert seen([0.5, 0.1, 0.4], 2_000.0).highest[0] in (1, 2)
    assert seen([0.52, 0.28, 0.2], 200.0).highest[0] in (0, 1)
