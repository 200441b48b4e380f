"""StreamWindow spans: what no window proves alone, several prove together."""

import numpy as np
import pytest

from driftline_processor.monitors.drift.comparison import Comparison
from driftline_processor.monitors.drift.history.trailing_windows import (
    LONGER,
    StreamWindow,
    TrailingWindows,
    pack,
    unpack,
)
from driftline_processor.records import ColumnKey, Window
from driftline_processor.verdicts.verdict import State, Verdict
from made_columns import HOUR, KEY, numeric_column, numeric_summary, reference_of

BUDGET = 1 / 720 / 30
COLUMN = numeric_column(np.random.default_rng(1).normal(size=50_000))
COMPARISON = Comparison.of(reference_of(COLUMN), 0.05)
COUNTS = np.ones(9)


def hour(number: int, length: int = 1) -> Window:
    return Window((number + 1 - length) * HOUR, (number + 1) * HOUR)


def judged(trail: TrailingWindows, number: int, mean: float, rows: int = 300) -> Verdict:
    summary = numeric_summary(np.random.default_rng(number).normal(mean, 1.0, rows))
    (result,) = COMPARISON.window({KEY: summary}, BUDGET, HOUR, StreamWindow(trail, hour(number)))
    assert result.verdict is not None
    return result.verdict


def test_a_small_drift_is_found_by_a_span_and_not_by_a_window() -> None:
    """1.6 tolerances in 300 rows an hour: no hour alarms; hours together do, and the verdict says how long."""
    trail = TrailingWindows()
    verdicts = [judged(trail, number, mean=0.2) for number in range(32)]
    alarms = [verdict for verdict in verdicts if verdict.state is State.ALARM]

    assert alarms
    assert min(verdict.duration for verdict in alarms) > HOUR
    assert {verdict.duration // HOUR for verdict in alarms} <= set(LONGER)
    assert all(verdict.lower_bound > 0.05 for verdict in alarms)


def test_an_alarm_that_only_the_past_holds_says_so() -> None:
    """After twenty shifted hours a healthy one: the hours together are still in alarm, and the text tells which."""
    trail = TrailingWindows()
    during = [judged(trail, number, mean=0.35).sentence for number in range(20)]
    after = judged(trail, 20, mean=0.0, rows=1_000)

    assert after.state is State.ALARM
    assert after.duration > HOUR
    assert "the last window by itself is healthy" in after.sentence
    assert not any("by itself is healthy" in event for event in during[-8:])


def test_without_drift_no_span_alarms() -> None:
    """The same rows without drift."""
    trail = TrailingWindows()

    assert State.ALARM not in {judged(trail, number, mean=0.0).state for number in range(64)}
    assert len(trail.past) == LONGER[-1]


def test_a_span_begins_anew_with_an_alarm() -> None:
    """After a restart of a column the hours before do not count for it."""
    trail = TrailingWindows()
    for number in range(24):
        judged(trail, number, mean=0.35)
    trail.opened(KEY, 23 * HOUR, 24 * HOUR)

    assert judged(trail, 24, mean=0.0).state is not State.ALARM
    assert judged(trail, 25, mean=0.0).state is not State.ALARM
    assert not trail.eligible(KEY, 23 * HOUR)
    assert trail.eligible(ColumnKey("input", "another"), 23 * HOUR)


def test_spans_are_sums_of_the_windows_they_hold() -> None:
    """Of 32 windows, only those inside; a missing one adds nothing."""
    trail = TrailingWindows()
    for number in [*range(20), *range(22, 40)]:
        found = {span.windows: span for span in trail.spans("r", hour(number), COUNTS * number)}

    assert found[2].counts[0] == 38 + 39
    assert found[32].counts[0] == sum(range(8, 40)) - 20 - 21
    assert found[32].start == 8 * HOUR


def test_no_span_before_it_is_full() -> None:
    """Three hours after the start there are two hours together, and not four."""
    trail = TrailingWindows()
    told = [[span.windows for span in trail.spans("r", hour(number), COUNTS)] for number in range(4)]

    assert told == [[], [2], [2], [2, 4]]


def test_slides_between_windows_are_not_remembered() -> None:
    """Of slides by ten minutes only the whole hours are added up: no row counts twice."""
    trail, minutes = TrailingWindows(), HOUR // 60
    for slide in range(1, 25):
        end = HOUR + slide * 10 * minutes
        found = [span.counts[0] for span in trail.spans("r", Window(end - HOUR, end), COUNTS)]

        assert bool(found) == (slide % 6 == 0 and slide > 6)
    assert found == [2.0, 4.0]


@pytest.mark.parametrize("bins", [9, 12])
def test_another_reference_begins_a_new_trail(bins: int) -> None:
    """Counts in the bins of one reference mean nothing in those of another."""
    trail = TrailingWindows()
    list(trail.spans("r", hour(1), COUNTS))
    trail.opened(KEY, 0, 5)

    assert not list(trail.spans("s", hour(2), np.ones(bins)))
    assert (len(trail.past), trail.since) == (1, {})


def test_a_trail_survives_a_restart() -> None:
    """Packed and unpacked it goes on as it was."""
    trail = TrailingWindows()
    for number in range(5):
        judged(trail, number, mean=0.1)
    trail.opened(KEY, 0, HOUR)

    again = unpack(pack(trail))

    assert pack(again) == pack(trail)
    assert judged(again, 5, mean=0.1) == judged(trail, 5, mean=0.1)
