"""How far the days that a stream has not shown yet may be from the training data."""

from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from driftline_processor.monitors.drift.season.weekend import possible


def seconds(day: int, hour: int) -> float:
    """Of a day in the week of Monday, 4 March 2024, UTC."""
    return datetime(2024, 3, 4 + day, hour, tzinfo=timezone.utc).timestamp()


def test_a_week_lies_between_its_days() -> None:
    """Weekends half a unit below five other days: from either level, the other one is within what is possible."""
    weekday, weekend = 0.15, -0.375

    assert possible(np.array([weekday]), 1.0, seconds(5, 12)) >= -weekend
    assert possible(np.array([-weekend]), 1.0, seconds(2, 12)) >= weekday
    assert possible(np.array([0.0]), 1.0, seconds(5, 12)) == 0.0


@pytest.mark.parametrize("hour", range(0, 7 * 24, 3))
def test_a_working_day_is_one_everywhere(hour: int) -> None:
    """Where the whole limit does not apply, the last 24 hours were neither Friday, Saturday nor Sunday in any zone."""
    end = seconds(0, 0) + hour * 3600.0
    moments = [datetime.fromtimestamp(end - back * 3600.0, timezone.utc) for back in range(25)]
    local = {(moment + timedelta(hours=zone)).weekday() for moment in moments for zone in range(-12, 12)}

    whole = possible(np.array([1.0]), 0.25, end)[0] == 0.25

    assert whole or local <= {0, 1, 2, 3}
    assert not whole or hour not in (2 * 24, 2 * 24 + 12)
