"""A tolerance that holds, on exact counts: what is an alarm is proof of more than four fifths of it."""

import numpy as np
import pytest
from scipy.stats import binom

from driftline_processor.monitors.drift.detection.assessment import Assessment
from driftline_processor.monitors.drift.detection.baseline import Baseline
from driftline_processor.monitors.drift.detection.decision import assess
from driftline_processor.monitors.drift.detection.tested_sets import state_events
from driftline_processor.monitors.drift.detection.tolerance_bound import KEPT, SPENT, at_least, critical_bound
from driftline_processor.monitors.drift.history.trailing_windows import LONGER

TOLERANCE = 0.05
ALPHA = 1e-6
OF_COLUMN = 1e-4


def against(share: float, x: float, rows: int) -> Assessment:
    """So many of these rows, against training with that share in each of 500 chunks."""
    known = Baseline.of(np.tile([2e3 * (1.0 - share), 2e3 * share], (500, 1)), state_events(), TOLERANCE, ordered=False)
    return assess(known, np.array([x]), float(rows), ALPHA, of_column=OF_COLUMN)


def alarming(share: float, rows: int) -> list[int]:
    """Every count that is an alarm."""
    return [x for x in range(rows + 1) if against(share, float(x), rows).score[0] > 1.0]


@pytest.mark.parametrize("rows", [30, 150, 500])
@pytest.mark.parametrize("share", [0.15, 0.3, 0.5, 0.8])
@pytest.mark.parametrize("direction", [-1.0, 1.0])
def test_moves_within_the_tolerance_alarm_as_rarely_as_the_budget_says(
    share: float, rows: int, direction: float
) -> None:
    """By the binomial distribution itself, at four fifths of the tolerance, whatever the share and the rows."""
    moved = share + direction * KEPT * TOLERANCE

    assert sum(binom.pmf(alarming(share, rows), rows, moved)) <= OF_COLUMN


@pytest.mark.parametrize("share", [0.0, 0.004, 0.05, 0.5, 0.97])
def test_the_bound_on_the_wire_is_the_alarm(share: float) -> None:
    """For every count: an alarm is where the lower bound exceeds what is required, which is never less than asked."""
    for x in range(0, 301, 3):
        found = against(share, float(x), 300)

        assert (found.score[0] > 1.0) == (found.lower_bound[0] > found.required[0])
        assert found.lower_bound[0] <= found.move.distance[0]


def test_the_bound_meets_the_tolerance_where_four_fifths_are_rejected() -> None:
    """The z against four fifths of the tolerance is just critical there."""
    critical = critical_bound(np.array([1e-5]), np.inf)
    distance = np.array([KEPT * TOLERANCE + 0.01 * critical[0]])

    assert at_least(distance, np.array([0.01]), np.array([TOLERANCE]), critical) == pytest.approx(TOLERANCE)


def test_horizons_together_spend_no_more_than_the_budget() -> None:
    """Unevenly, but each of them has its part, and their mean is an even one at most."""
    assert tuple(SPENT) == (1, *LONGER)
    assert sum(SPENT.values()) <= len(SPENT)
