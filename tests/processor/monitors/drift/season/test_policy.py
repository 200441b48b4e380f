"""The season policy: chosen once for a reference, begun anew for each window."""

import numpy as np

from driftline.sketch.time_units import DAY, DAY_SECONDS, HOUR
from driftline_processor.monitors.drift.binning.binned_counts import BinnedCounts
from driftline_processor.monitors.drift.detection.detector import Detector
from driftline_processor.monitors.drift.detection.horizon import Reach
from driftline_processor.monitors.drift.history.trailing_windows import StreamWindow, TrailingWindows
from driftline_processor.monitors.drift.season.learned_season import SeasonLearner
from driftline_processor.monitors.drift.season.policy import (
    NO_SEASON,
    NothingToLearn,
    StreamSeason,
    WindowSeason,
    season_policy,
)
from driftline_processor.records import Window
from made_columns import KEY, numeric_column

BEGIN = 400 * DAY
DETECTOR = Detector([numeric_column(np.random.default_rng(1).normal(size=5_000))], 0.05)
BINS = int(DETECTOR.sizes.sum())
COUNTS = BinnedCounts(np.full(BINS, 10.0), np.zeros(1), np.zeros((3, 1)), np.full(1, 10.0 * BINS), np.zeros(1))


def policy(chunk: float, days: Detector | None) -> StreamSeason:
    found = season_policy(DETECTOR, [KEY], days, chunk, 0.05)
    assert isinstance(found, StreamSeason)
    return found


def whole(season: StreamSeason, hours: int) -> list[tuple[int, Reach, Detector]]:
    """The whole days and weeks of a stream of hours: the hour with which each was complete, and what judges it."""
    trailing, found = TrailingWindows(), []
    for hour in range(hours):
        start = BEGIN + hour * HOUR
        window = season.begin(StreamWindow(trailing, Window(start, start + HOUR)))
        found += [(hour, horizon.reach, horizon.detector) for horizon in window.whole(COUNTS)]
    return found


def test_what_the_reference_knows_decides() -> None:
    """Chunks of an hour tell all of a season; half a day tells some of it, no timestamps none."""
    assert season_policy(DETECTOR, [KEY], None, 3_600.0, 0.05) is NO_SEASON
    assert isinstance(policy(3_600.0, DETECTOR).learner, NothingToLearn)
    assert isinstance(policy(DAY_SECONDS / 2, None).learner, SeasonLearner)
    assert isinstance(policy(0.0, None).learner, SeasonLearner)


def test_long_windows_and_numbered_rows_have_no_season() -> None:
    """A window of a day has no time of day, nor has one without a time."""
    season = policy(0.0, None)

    assert season.begin(None) is NO_SEASON
    assert season.begin(StreamWindow(TrailingWindows(), Window(BEGIN, BEGIN + DAY))) is NO_SEASON
    assert season.begin(StreamWindow(TrailingWindows(), Window(0, HOUR))) is NO_SEASON
    assert isinstance(season.begin(StreamWindow(TrailingWindows(), Window(BEGIN, BEGIN + HOUR))), WindowSeason)


def test_whole_days_are_judged_each_hour() -> None:
    """From the 24th hour on; against whole days where the reference has some."""
    days = Detector([numeric_column(np.random.default_rng(2).normal(size=5_000))], 0.05)

    assert whole(policy(3_600.0, days), 26) == [(hour, Reach.DAY, days) for hour in (23, 24, 25)]
    assert whole(policy(0.0, None), 25) == [(hour, Reach.DAY, DETECTOR) for hour in (23, 24)]


def test_whole_weeks_are_judged_each_day() -> None:
    """Where the reference has no days of its own: seven days, from the end of the seventh on."""
    weeks = [hour for hour, reach, _ in whole(policy(0.0, None), 24 * 8) if reach is Reach.WEEK]

    assert weeks == [24 * 7 - 1, 24 * 8 - 1]


def test_no_allowance_where_the_reference_knows_hours() -> None:
    """What it does not know is learned, and allowed for."""
    stream = StreamWindow(TrailingWindows(), Window(BEGIN, BEGIN + HOUR))

    assert policy(3_600.0, DETECTOR).begin(stream).allowance is None
    assert policy(0.0, None).begin(stream).allowance is not None
