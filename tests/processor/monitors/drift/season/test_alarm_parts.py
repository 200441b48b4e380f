"""Parts: what an alarm did is no season."""

import numpy as np
import pytest

from driftline_processor.monitors.drift.history.stream_history import AlarmPeriod, TimedCounts
from driftline_processor.monitors.drift.season.alarm_parts import healthy, parts
from made_columns import HOUR

HOURS = [TimedCounts(hour * HOUR, (hour + 1) * HOUR, np.zeros(1, np.float32)) for hour in range(24)]
MINUTE = HOUR // 60


def alarm(began: int, opened: int, ended: int | None = None) -> AlarmPeriod:
    """In hours."""
    return AlarmPeriod(began * HOUR, opened * HOUR, None if ended is None else ended * HOUR)


@pytest.mark.parametrize(
    ("alarms", "expected"),
    [
        ([], [(0, 24)]),
        ([alarm(10, 11)], [(0, 10), (11, 24)]),
        ([alarm(6, 10)], [(0, 6), (10, 24)]),
        ([alarm(10, 11, 16)], [(0, 10), (11, 16), (16, 24)]),
        ([alarm(2, 4, 8), alarm(14, 15)], [(4, 8), (8, 14), (15, 24)]),
        ([alarm(-30, 20)], [(20, 24)]),
    ],
)
def test_no_part_holds_a_move_or_a_return(alarms: list[AlarmPeriod], expected: list[tuple[int, int]]) -> None:
    """The hours of the horizon that opened the alarm are in none; runs of less than three hours say nothing."""
    assert [(part.start, part.stop) for part in parts(HOURS, alarms)] == expected


def test_an_hour_with_a_return_is_in_no_part() -> None:
    """Half of it was in alarm."""
    period = AlarmPeriod(2 * HOUR, 3 * HOUR, 10 * HOUR + 30 * MINUTE)

    assert [(part.start, part.stop) for part in parts(HOURS, [period])] == [(3, 10), (11, 24)]


def test_healthy_hours_are_those_without_an_open_alarm() -> None:
    """One that is still open goes on to the end."""
    assert [each.start // HOUR for each in healthy(HOURS, [alarm(3, 5, 20)])] == [0, 1, 2, 20, 21, 22, 23]
    assert [each.start // HOUR for each in healthy(HOURS, [alarm(3, 5)])] == [0, 1, 2]
