import numpy as np
import pytest

from driftline.sketch.arrays import FloatArray
from driftline.sketch.time_units import DAY_SECONDS
from driftline_processor.monitors.drift.detection.harmonics import DailyCycle, fit_cycle, known_harmonics

HOUR = 3_600.0
BINS = np.array([0.1, 0.4, 0.3, 0.2])
SWING = np.array([0.06, -0.1, 0.06, -0.02])
"""By how much each bin's share goes up and down in a day."""


def times(chunk: float, chunks: int = 128) -> tuple[FloatArray, FloatArray]:
    starts = np.arange(chunks) * chunk
    return starts, starts + chunk


def counted(
    starts: FloatArray, ends: FloatArray, swing: FloatArray = SWING, rows: int = 400, busy: float = 0.0
) -> FloatArray:
    """Rows by chunk and bin, from shares that follow a sine. busy: how many more rows than the mean come at 4."""
    random = np.random.default_rng(0)
    counts = np.zeros((len(starts), len(BINS)))
    for i, (start, end) in enumerate(zip(starts, ends, strict=True)):
        at = random.uniform(start, end, int(rows * (1 + busy)))
        at = at[random.random(len(at)) * (1 + busy) < 1 + busy * np.sin(2 * np.pi * (at / DAY_SECONDS + 1 / 12))]
        shares = BINS + np.sin(2 * np.pi * at / DAY_SECONDS)[:, None] * swing
        place = (random.random(len(at))[:, None] > np.cumsum(shares, axis=1)).sum(axis=1)
        counts[i] = np.bincount(np.minimum(place, 3), minlength=4)
    return counts


@pytest.mark.parametrize("chunk", [1.9 * HOUR, 7.9 * HOUR, 11.0 * HOUR])
def test_the_season_of_an_hour_is_told_from_long_chunks(chunk: float) -> None:
    """At any time of the day, within two points, and to nothing over a whole day."""
    starts, ends = times(chunk)
    cycle, _ = fit_cycle(counted(starts, ends), starts, ends)
    hours = np.arange(24) * HOUR

    assert cycle
    true = np.sin(2 * np.pi * (hours + HOUR / 2) / DAY_SECONDS)[:, None] * SWING
    assert np.abs(cycle.shifts(hours, hours + HOUR) - true).max() < 0.02
    assert np.abs(cycle.shifts(hours, hours + DAY_SECONDS)).max() < 0.005


def test_busy_hours_count_for_what_they_are() -> None:
    """A chunk is the mean of its rows: where most come at one time of the day, the season is told all the same."""
    starts, ends = times(7.9 * HOUR)
    cycle, _ = fit_cycle(counted(starts, ends, busy=0.9), starts, ends)
    hours = np.arange(24) * HOUR
    found = cycle.shifts(hours, hours + HOUR)
    true = np.sin(2 * np.pi * (hours + HOUR / 2) / DAY_SECONDS)[:, None] * SWING

    assert np.abs((found - found.mean(axis=0)) - true).max() < 0.02


def test_what_the_time_of_day_did_is_taken_out() -> None:
    """Chunks and bins hold as many rows as before, and differ no more than by chance."""
    starts, ends = times(7.9 * HOUR)
    counts = counted(starts, ends)
    _, left = fit_cycle(counts, starts, ends)

    np.testing.assert_allclose(left.sum(axis=1), counts.sum(axis=1))
    np.testing.assert_allclose(left.sum(axis=0), counts.sum(axis=0))
    by_chance = BINS * (1 - BINS) * 400
    assert (counts.var(axis=0) / by_chance).max() > 3
    assert (left.var(axis=0) / by_chance).max() < 1.4


def test_no_season_is_made_of_chance() -> None:
    """Five hundred columns without one: none is taken to have one."""
    starts, ends = times(7.9 * HOUR)
    random = np.random.default_rng(1)
    found = [fit_cycle(random.multinomial(50, BINS, 128).astype(float), starts, ends)[0] for _ in range(500)]

    assert not any(found)


def test_a_slow_wave_is_no_time_of_day() -> None:
    """What goes up and down within weeks is left to natural variation."""
    starts, ends = times(7.9 * HOUR)
    slow = BINS + np.sin(2 * np.pi * starts / (20 * DAY_SECONDS))[:, None] * SWING
    random = np.random.default_rng(2)

    assert not fit_cycle(np.array([random.multinomial(400, shares) for shares in slow], float), starts, ends)[0]


@pytest.mark.parametrize(
    ("chunk", "chunks", "harmonics"),
    [(1.0, 128, 3), (7.9, 128, 2), (12.0, 128, 1), (20.0, 128, 0), (1.0, 48, 0), (8.0, 16, 0)],
    ids=["hours", "a third of a day", "half a day", "almost a day", "two days", "few chunks"],
)
def test_what_chunks_have_averaged_out_is_not_guessed(chunk: float, chunks: int, harmonics: int) -> None:
    """Waves that are too short for the chunks are not fitted, nor any to two days or to few chunks."""
    assert known_harmonics(*times(chunk * HOUR, chunks)) == harmonics


def test_parts_of_a_cell_share_its_season() -> None:
    """In proportion; the bins before it keep theirs."""
    starts, ends = times(7.9 * HOUR)
    cycle, _ = fit_cycle(counted(starts, ends), starts, ends)
    parts = cycle.divided(np.array([0.7, 0.3]))
    whole, divided = cycle.of_day(), parts.of_day()

    np.testing.assert_allclose(divided[:, :3], whole[:, :3])
    np.testing.assert_allclose(divided[:, 3:], whole[:, 3:] * [0.7, 0.3])


def test_columns_side_by_side() -> None:
    """One with a season, one without: the first moves, the second does not."""
    starts, ends = times(7.9 * HOUR)
    both = DailyCycle.stack([fit_cycle(counted(starts, ends), starts, ends)[0], DailyCycle.none(2, 3)])

    assert both.of_day().shape == (48, 7)
    assert np.abs(both.of_day()[:, :4]).max() > 0.05
    assert not both.of_day()[:, 4:].any()
