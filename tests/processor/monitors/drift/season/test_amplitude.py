"""What a stream does by itself within a day: swings that come back, and rows that hang together."""

import numpy as np
from scipy.signal import lfilter

from driftline_processor.monitors.drift.season.amplitude import (
    beyond_chance,
    design_effect,
    inflations,
    returned,
    spread,
    spread_without_a_jump,
    without_a_jump,
)

HOURS = np.arange(24)


def test_a_step_is_no_swing() -> None:
    """What rose and stayed has not returned, wherever it rose; its range is known all the same."""
    steps = (np.arange(24)[:, None] >= np.arange(1, 24)).astype(float)

    assert not returned(steps, np.zeros_like(steps)).any()
    assert not returned(-steps, np.zeros_like(steps)).any()
    assert (spread(steps) == 1.0).all()


def test_a_season_returns_at_least_as_far_as_it_deviates() -> None:
    """In 24 hours a sine comes back by its amplitude at least and twice that at most, at whatever hour they begin."""
    begins = np.linspace(0.0, 24.0, 97)
    levels = np.sin(2 * np.pi * (np.arange(25)[:, None] + begins) / 24)
    swings = returned(levels, np.zeros_like(levels))

    assert (swings >= 0.99).all()
    assert (swings <= 2.0).all()


def test_chance_is_no_swing() -> None:
    """Nothing is left of what independent hours do by themselves, be some of them much quieter than others."""
    random = np.random.default_rng(1)
    errors = np.repeat(random.choice([1.0, 5.0], (24, 1)), 500, axis=1)

    assert not returned(errors * random.normal(size=(24, 500)), errors).any()
    assert (beyond_chance(np.array([7.0, 25.0]), np.ones(2), 7.0) == [0.0, 24.0]).all()


def test_rows_that_hang_together_are_told_from_a_season() -> None:
    """AR(1) with ρ = .9 has an inflation of about 19; a season of half a standard deviation has none."""
    random, rows = np.random.default_rng(2), 1_000
    chained = lfilter([np.sqrt(1 - 0.81)], [1, -0.9], random.normal(size=(24 * rows)))
    season = np.repeat(0.5 * np.sin(2 * np.pi * HOURS / 24), rows) + random.normal(size=24 * rows)
    edges = np.array([-0.5, 0.0, 0.5])
    levels = np.stack([(x.reshape(24, rows, 1) <= edges).mean(axis=1) for x in (chained, season)], axis=1)
    flat = levels.reshape(24, -1)
    variance = flat.mean(axis=0) * (1.0 - flat.mean(axis=0))

    found = design_effect(inflations(flat, np.full(flat.shape, float(rows)), variance, np.array([0, 3])))

    assert 8.0 <= found[0] <= 40.0
    assert found[1] == 1.0


def test_a_jump_is_taken_out_of_a_range_and_a_season_is_not() -> None:
    """At any hour, or within one; what moves less in an hour than a season may is left."""
    season = 0.1 * np.sin(2 * np.pi * HOURS / 24)
    jumps = np.stack([season + 0.4 * np.clip(HOURS - hour, 0.0, 1.0) for hour in (3.0, 11.0, 17.4)], axis=1)

    assert (spread(jumps) >= 0.4).all()
    assert (spread_without_a_jump(jumps, 0.11) <= 0.2 + 1e-9).all()
    assert spread_without_a_jump(season[:, None], 0.11) == spread(season[:, None])


def test_a_jump_is_no_dependence_of_rows() -> None:
    """Independent rows that jump at some time are not taken for dependent ones, and dependent ones still are."""
    random = np.random.default_rng(3)
    bends = random.chisquare(4, (20, 1)) / 4
    jumped = bends.copy()
    jumped[7:10] += [[40.0], [160.0], [40.0]]

    assert design_effect(jumped) > 10.0
    assert design_effect(without_a_jump(jumped)) == 1.0
    assert 10.0 < design_effect(without_a_jump(20.0 * bends)) <= 20.0 * bends.mean()
