"""Means over rows: what the time of day does to a window is what a user gets from the training rows of its hours."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
import pytest

from driftline.sketch.arrays import FloatArray
from driftline.sketch.time_units import DAY_SECONDS
from driftline_processor.monitors.drift.detection.daily_pace import PARTS, DailyPace, waves
from driftline_processor.monitors.drift.detection.harmonics import fit_cycle

HOUR = 3_600.0
DAYS = 42
A_DAY = 4_000
Shape: TypeAlias = Callable[[FloatArray], FloatArray]

SHAPES: Mapping[str, Shape] = {
    "even": lambda hour: np.full(len(hour), 0.5),
    "quiet nights": lambda hour: 0.1 + 0.45 * (1 + np.cos((hour - 13) / 24 * 2 * np.pi)),
    "closed nights": lambda hour: np.where((hour > 6) & (hour < 22), 0.7, 0.0),
    "a peak in the evening": lambda hour: 0.1 + 0.45 * (1 + np.cos((hour - 17) / 24 * 2 * np.pi)),
    "one hour a night": lambda hour: np.where((hour > 2) & (hour < 3), 1.0, 0.0),
}
SAME = [(shape, shape) for shape in SHAPES]
OTHER = [("quiet nights", "even"), ("quiet nights", "a peak in the evening"), ("even", "closed nights")]


def arrivals(shape: str, days: int, seed: int) -> FloatArray:
    """When rows come, seconds from a midnight."""
    random = np.random.default_rng(seed)
    hour = random.uniform(0, 24, A_DAY * days)
    at = random.integers(0, days, len(hour)) * DAY_SECONDS + hour * HOUR
    return np.sort(at[random.random(len(hour)) < SHAPES[shape](hour)])


def in_the_bin(at: FloatArray, seed: int) -> FloatArray:
    """Whether each row has the first of two values: half of them at 19, three in ten at 7."""
    share = 0.4 + 0.1 * np.cos((at / HOUR - 19) / 24 * 2 * np.pi)
    return (np.random.default_rng(seed).random(len(at)) < share).astype(float)


def counted(at: FloatArray, first: FloatArray, edges: FloatArray) -> FloatArray:
    """Rows by chunk and value."""
    one, every = np.histogram(at, edges, weights=first)[0], np.histogram(at, edges)[0]
    return np.column_stack((one, every - one)).astype(float)


@pytest.mark.parametrize("hours", [1, 4, 6, 12, 24])
@pytest.mark.parametrize(("trained", "live"), SAME + OTHER, ids=lambda shape: shape)
def test_the_expected_share_is_that_of_the_training_rows_of_these_hours(trained: str, live: str, hours: int) -> None:
    """Within two points of what the healthy rows of a window have, whatever its traffic; half a point for whole days.

    And, where traffic is as in training, of what the training rows of these hours of the day have.
    """
    at, edges = arrivals(trained, DAYS, 1), np.linspace(0.0, DAYS * DAY_SECONDS, 129)
    first = in_the_bin(at, 2)
    cycle, _ = fit_cycle(counted(at, first, edges), edges[:-1], edges[1:])
    now = arrivals(live, 14, 3)
    healthy = 0.4 + 0.1 * np.cos((now / HOUR - 19) / 24 * 2 * np.pi)
    off, by_hand = [], []
    for begin in np.arange(0, 24, hours):
        starts = np.arange(begin, begin + hours) * HOUR
        here = [np.flatnonzero((now % DAY_SECONDS >= s) & (now % DAY_SECONDS < s + HOUR)) for s in starts]
        rows = np.array([len(each) for each in here], float)
        if rows.sum() < 14 * 20:
            continue
        expected = first.mean() + cycle.shift(starts, starts + HOUR, rows)[0]
        off.append(abs(expected - healthy[np.concatenate(here)].mean()))
        of_day = at % DAY_SECONDS
        within = (of_day >= begin * HOUR) & (of_day < (begin + hours) * HOUR)
        by_hand.append(abs(expected - first[within].mean()) - 3 * np.sqrt(0.25 / within.sum()))

    assert off
    assert max(off) < (0.02 if hours < 24 else 0.005)
    if trained == live:
        assert max(by_hand) < 0.01


@pytest.mark.parametrize("shape", ["even", "quiet nights", "closed nights"])
def test_a_whole_day_is_as_the_training_data(shape: str) -> None:
    """A window of 24 hours has no shift, wherever it begins: chunks, offset and window are means over the same rows."""
    at, edges = arrivals(shape, DAYS, 4), np.linspace(0.0, DAYS * DAY_SECONDS, 129)
    cycle, _ = fit_cycle(counted(at, in_the_bin(at, 5), edges), edges[:-1], edges[1:])
    starts = np.arange(0.0, DAY_SECONDS, HOUR)

    assert cycle
    assert np.abs(cycle.shifts(starts, starts + DAY_SECONDS)).max() < 0.004


def test_closed_hours_are_found() -> None:
    """Chunks of eight hours tell that no row comes at night."""
    at, edges = arrivals("closed nights", DAYS, 6), np.linspace(0.0, DAYS * DAY_SECONDS, 129)
    rows = np.histogram(at, edges)[0].astype(float)
    pace = DailyPace.fitted(rows, rows, edges[:-1], edges[1:])

    assert pace.rows.mean() == pytest.approx(1.0)
    assert pace.rows[:11].max() < 0.1
    assert pace.rows[14:42].min() > 0.9
    assert not pace.busy[:10].any()


def test_means_are_integrals() -> None:
    """Of the waves times the pace, over stretches within a day, over midnight, and longer than a day."""
    random = np.random.default_rng(7)
    rows = random.uniform(0.0, 2.0, PARTS)
    starts = np.array([5.0, 22.3, 70.0]) * HOUR
    ends = starts + np.array([0.7, 5.0, 55.0]) * HOUR
    for start, end, mean in zip(starts, ends, DailyPace(rows, rows).means(starts, ends, 3), strict=True):
        at = np.linspace(start, end, 400_001)
        weight = rows[(at % DAY_SECONDS // (DAY_SECONDS / PARTS)).astype(int)]
        np.testing.assert_allclose(mean, weight @ waves(at, 3) / weight.sum(), atol=1e-4)


def test_rows_without_a_value_have_no_say() -> None:
    """Of a column that is empty in the morning a whole day is its afternoon."""
    valued = np.r_[np.zeros(PARTS // 2), np.ones(PARTS // 2)]
    pace = DailyPace(np.ones(PARTS), valued + 1e-9)
    starts = np.array([6.0, 15.0]) * HOUR

    np.testing.assert_allclose(pace.valued_share(starts, starts + HOUR), [0.0, 1.0], atol=1e-6)
