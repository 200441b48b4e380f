"""A reference without a clock: shuffled training data on a stream that has seasons, or none."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from scipy.stats import norm

from driftline.sketch.time_units import DAY
from driftline_processor.monitors.drift.comparison import Comparison
from driftline_processor.monitors.drift.history.stream_history import DAYS
from driftline_processor.monitors.drift.history.trailing_windows import (
    LONGER,
    StreamWindow,
    TrailingWindows,
    pack,
    unpack,
)
from driftline_processor.records import ColumnKey, Window
from driftline_processor.verdicts.verdict import OpenAlarm, State, Verdict
from made_columns import HOUR, KEY, fitted, numeric_column, numeric_summary, reference_of

BUDGET = 1 / 720 / 30 / (2 + len(LONGER))
BEGIN = 1_700_006_400 * 10**9 // DAY * DAY
SECOND = 10**9
FOUR, TWO = (float(2 * norm.ppf((1 + share) / 2)) for share in (0.2, 0.1))
"""By how many standard deviations a normal mean moves for 4 and 2 tolerances."""

Mean = Callable[[int], float]


def trained(amplitude: float) -> Comparison:
    random = np.random.default_rng(3)
    phase = random.uniform(0.0, 2 * np.pi, 50_000)
    values = amplitude * np.sin(phase) + random.normal(size=50_000)
    return Comparison.of(reference_of(numeric_column(values)), 0.05)


def trained_weekly() -> Comparison:
    random = np.random.default_rng(5)
    values = random.normal(size=50_000) - 0.5 * (random.random(50_000) < 2 / 7)
    return Comparison.of(reference_of(numeric_column(values)), 0.05)


SEASONAL, STEADY, WEEKLY = trained(0.5), trained(0.0), trained_weekly()
LAYOUT = fitted(np.random.default_rng(4).normal(size=5_000))


def season(hour: int, begins: float) -> float:
    return 0.5 * float(np.sin(2 * np.pi * (hour + begins) / 24))


def of_week(hour: int) -> float:
    """Lower on Saturdays and Sundays; BEGIN is on a Wednesday."""
    return -0.5 if (hour // 24 + 2) % 7 in (5, 6) else 0.0


def stream(
    comparison: Comparison,
    mean: Mean,
    windows: int,
    trail: TrailingWindows,
    *,
    size: int = HOUR,
    first: int = 0,
    follow: bool = False,
) -> Iterator[Verdict]:
    alarms: dict[ColumnKey, OpenAlarm] = {}
    for number in range(first, first + windows):
        values = np.random.default_rng(number).normal(mean(number), 1.0, 1_000)
        window = Window(BEGIN + number * size, BEGIN + (number + 1) * size)
        before = StreamWindow(trail, window, alarms)
        (result,) = comparison.window({KEY: numeric_summary(values, LAYOUT)}, BUDGET, size, before)
        assert result.verdict is not None
        yield result.verdict
        if follow and result.verdict.state is State.ALARM and not alarms:
            alarms = {KEY: OpenAlarm(window.end, result.verdict.largest_bound)}
            trail.opened(KEY, window.end - result.verdict.duration, window.end)


@pytest.mark.parametrize("begins", [0, 6, 11])
def test_a_season_that_training_cannot_tell_raises_no_alarm_and_hides_no_step(begins: int) -> None:
    """Four nights are quiet, whatever the first hour is like; then four tolerances are found within a day."""
    trail = TrailingWindows()
    quiet = list(stream(SEASONAL, lambda hour: season(hour, begins), 96, trail))
    step = list(stream(SEASONAL, lambda hour: season(hour, begins) + FOUR, 24, trail, first=96))

    assert State.ALARM not in {verdict.state for verdict in quiet}
    assert any("no more than it swings with the time of day" in verdict.sentence for verdict in quiet[48:])
    found = [verdict for verdict in step if verdict.state is State.ALARM]
    assert found
    assert found[0].duration == DAY


def test_the_alarm_of_a_step_under_a_season_stays_open() -> None:
    """While the step stays, no hour of the day is quiet enough to close its alarm."""
    trail = TrailingWindows()
    list(stream(SEASONAL, lambda hour: season(hour, 0), 48, trail))
    after = list(stream(SEASONAL, lambda hour: season(hour, 0) + FOUR, 72, trail, first=48, follow=True))

    assert any(verdict.state is State.ALARM for verdict in after[:24])
    assert not any(verdict.closing for verdict in after)


def test_without_a_season_a_step_is_found_at_once() -> None:
    """Four healthy hours, then four tolerances: no movement was seen, so nothing is excused."""
    trail = TrailingWindows()
    list(stream(STEADY, lambda _: 0.0, 4, trail))

    assert next(stream(STEADY, lambda _: FOUR, 1, trail, first=4)).state is State.ALARM


def test_seconds_are_no_season() -> None:
    """Windows of five seconds: after a healthy one a moderate step is found at once."""
    trail = TrailingWindows()
    list(stream(STEADY, lambda _: 0.0, 3, trail, size=5 * SECOND))

    assert next(stream(STEADY, lambda _: FOUR, 1, trail, size=5 * SECOND, first=3)).state is State.ALARM


def test_what_is_plainly_wrong_from_the_start_alarms_at_once() -> None:
    """The first window of all, a whole standard deviation off."""
    assert next(stream(STEADY, lambda _: 1.0, 1, TrailingWindows())).state is State.ALARM


def test_what_is_moderately_wrong_from_the_start_is_warned_of_first() -> None:
    """What a season could be is not known yet, and said; a season would have moved within hours."""
    verdicts = list(stream(STEADY, lambda _: FOUR, 14, TrailingWindows()))

    assert verdicts[0].state is State.WARNING
    assert "what the time of day does is not known before 24 hours were seen" in verdicts[0].sentence
    assert "training data with a time column would tell" in verdicts[0].sentence
    assert verdicts[13].state is State.ALARM


@pytest.mark.parametrize("begins", [0, 2, 3, 4])
def test_weekends_that_training_cannot_tell_raise_no_alarm(begins: int) -> None:
    """From a Wednesday, Friday, Saturday or Sunday on."""
    quiet = list(stream(WEEKLY, of_week, 11 * 24, TrailingWindows(), first=begins * 24))

    assert State.ALARM not in {verdict.state for verdict in quiet}
    first = [verdict.sentence for verdict in quiet[24 : 9 * 24]]
    assert any("what the day of the week does is not known before nine days were seen" in event for event in first)


def test_a_step_under_weekends_is_found_within_a_week() -> None:
    """Two tolerances are less than the weekend moves."""
    trail = TrailingWindows()
    list(stream(WEEKLY, of_week, 10 * 24, trail))
    step = list(stream(WEEKLY, lambda hour: of_week(hour) + TWO, 7 * 24, trail, first=10 * 24))

    assert State.ALARM in {verdict.state for verdict in step}


def test_what_is_a_little_wrong_from_the_start_is_no_week() -> None:
    """Two tolerances on every day: warned of, until a whole week has shown it."""
    verdicts = list(stream(STEADY, lambda _: TWO, 8 * 24, TrailingWindows()))

    found = next(hour for hour, verdict in enumerate(verdicts) if verdict.state is State.ALARM)
    assert verdicts[24].state is State.WARNING
    assert (found + 1, verdicts[found].duration) == (7 * 24, 7 * DAY)


def test_rows_that_are_numbered_have_no_time_of_day() -> None:
    """Windows counted from 1970 on are judged as they are."""
    values = np.random.default_rng(1).normal(FOUR, 1.0, 1_000)
    (result,) = STEADY.window(
        {KEY: numeric_summary(values, LAYOUT)}, BUDGET, HOUR, StreamWindow(TrailingWindows(), Window(HOUR, 2 * HOUR))
    )

    assert result.verdict is not None
    assert result.verdict.state is State.ALARM


def test_a_history_survives_a_restart_and_is_bounded() -> None:
    """Packed and unpacked, a stream goes on as it was; two weeks of hours take no more room than ten days."""
    trail, sizes = TrailingWindows(), []
    for part in range(3):
        list(stream(SEASONAL, lambda hour: season(hour, 0), 120, trail, first=120 * part))
        assert trail.history is not None
        sizes.append((len(trail.history.hours), len(trail.history.days), len(trail.history.amplitudes)))
    again = unpack(pack(trail))
    both = [list(stream(SEASONAL, lambda hour: season(hour, 0), 3, each, first=360)) for each in (trail, again)]

    assert sizes[1] == sizes[2] == (24, DAYS, DAYS)
    assert both[0] == both[1]
    assert pack(again) == pack(trail)
