"""Calendar: what is unusual, and usual at this time."""

import numpy as np
import pytest

from driftline.sketch.time_units import DAY_SECONDS, WEEK_SECONDS, YEAR_SECONDS
from driftline_processor.monitors.drift.comparison import Comparison
from driftline_processor.monitors.drift.history.trailing_windows import StreamWindow, TrailingWindows
from driftline_processor.monitors.drift.season.calendar import Calendar, in_season
from driftline_processor.records import Window
from driftline_processor.verdicts.verdict import State, Verdict
from made_columns import HOUR, KEY, numeric_column, numeric_summary, reference_of

HOURS = np.arange(24 * 20)


def hourly(chunks: int) -> Calendar:
    starts = np.arange(chunks) * 3_600.0
    return Calendar(starts, starts + 3_600.0)


def test_three_days_know_the_time_of_day_and_three_weeks_that_of_the_week() -> None:
    """Fewer cycles know nothing of it."""
    names = [[name for name, _ in hourly(hours).alike(0.0, 3_600.0)] for hours in (60, 72, 21 * 24)]

    assert names == [[], ["time of day"], ["time of day", "time of week"]]


def test_the_same_hour_of_every_day() -> None:
    """Chunks of an hour: one of 24, whatever day the window is on."""
    ((_, alike), *_) = hourly(96).alike(400 * DAY_SECONDS + 5 * 3_600.0, 400 * DAY_SECONDS + 6 * 3_600.0)

    assert np.flatnonzero(alike).tolist() == [5, 29, 53, 77]


def test_a_year_knows_its_weeks() -> None:
    """Days within two weeks of the same date, also around the new year."""
    starts = np.arange(366) * DAY_SECONDS
    begin = YEAR_SECONDS + 2 * DAY_SECONDS
    found = dict(Calendar(starts, starts + DAY_SECONDS).alike(begin, begin + WEEK_SECONDS))["time of year"]

    assert found[:15].all()
    assert not found[25:350].any()
    assert found[360:].all()


def test_long_windows_have_no_time_of_day() -> None:
    """A day holds every hour."""
    assert not hourly(96).alike(0.0, DAY_SECONDS)


@pytest.mark.parametrize(("share", "same", "named"), [(0.9, 0.85, True), (0.9, 0.55, False), (0.1, 0.1, True)])
def test_a_share_is_in_season_when_it_is_nearer_to_that_time(share: float, same: float, named: bool) -> None:
    """Much nearer: to at most six tenths."""
    assert in_season(share, 0.5, same) is named


def judged(phase: float, mean: float) -> Verdict:
    level = np.repeat(np.sin(HOURS / 24 * 2 * np.pi), 60)
    values = level + 0.3 * np.random.default_rng(7).normal(size=len(level))
    reference = reference_of(numeric_column(values, chunks=len(HOURS)), chunk_seconds=3_600.0)
    start = int((24 * 30 + phase) * HOUR)
    summary = numeric_summary(np.random.default_rng(8).normal(mean, 0.3, 2_000))
    spans = StreamWindow(TrailingWindows(), Window(start, start + HOUR))
    (result,) = Comparison.of(reference, 0.05).window({KEY: summary}, 1 / 720, HOUR, spans)
    assert result.verdict is not None
    return result.verdict


def test_a_night_is_named_as_one_and_a_night_at_noon_is_not() -> None:
    """The same values are as in training at this time of day, or only within natural variation."""
    night, misplaced = judged(phase=18, mean=-1.0), judged(phase=6, mean=-1.0)

    assert night.state is misplaced.state is State.WARNING
    assert "as in training at this time of day" in night.sentence
    assert "as in training" not in misplaced.sentence
