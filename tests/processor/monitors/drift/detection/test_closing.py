"""What closes an alarm: an upper bound of what may be left, from a horizon that began after the opening."""

import numpy as np
import pytest
from scipy.stats import norm

from driftline_processor.monitors.drift.binning.binner import Binner
from driftline_processor.monitors.drift.detection.closing import closing_evidence, upper_bounds
from driftline_processor.monitors.drift.detection.detector import Detector
from driftline_processor.monitors.drift.detection.horizon import Horizon, Judged, Reach, judge_all
from driftline_processor.verdicts.verdict import ClosingEvidence, OpenAlarm
from made_columns import HOUR, fitted, numeric_column, numeric_summary

TRAINING = np.random.default_rng(1).normal(size=50_000)
COLUMN = numeric_column(TRAINING)
DETECTOR = Detector([COLUMN], 0.05)
BINNER = Binner([COLUMN], DETECTOR.numeric, DETECTOR.sizes)


def judged(rows: int, mean: float = 0.0, start: int = 10, reach: Reach = Reach.WINDOW) -> Judged:
    """A horizon that began at that hour, of values at exact quantiles: no chance is in them."""
    values = norm.ppf((np.arange(rows) + 0.5) / max(rows, 1)) + mean
    counts = BINNER.place([numeric_summary(values, fitted(TRAINING))]).counts
    horizon = Horizon(reach, start * HOUR, HOUR, counts, DETECTOR, None)
    return judge_all([horizon], np.array([1e-4]))[0]


def bound(each: Judged) -> float:
    return float(upper_bounds(each.detection, DETECTOR.baseline.tolerance)[0])


def closes(*horizons: Judged, surely: float = 0.4, opened: int = 10) -> ClosingEvidence | None:
    return closing_evidence(horizons, {0: OpenAlarm(opened * HOUR, surely)}).get(0)


def test_rows_bound_what_may_be_left() -> None:
    """By three standard errors at the middle: 3 / (2 sqrt(n)); 0 as soon as all is within the tolerance."""
    for rows in (50, 200, 800):
        assert bound(judged(rows)) == pytest.approx(1.5 / np.sqrt(rows), rel=0.15)
    assert bound(judged(5_000)) == 0.0


def test_half_of_what_was_surely_there_closes() -> None:
    """A large fault needs few rows, and a small one as many as tell the tolerance."""
    assert closes(judged(100), surely=0.4)
    assert not closes(judged(100), surely=0.2)
    assert closes(judged(5_000), surely=0.0) == ClosingEvidence(10 * HOUR, 0.0)


def test_nothing_closes_by_what_began_before_the_opening() -> None:
    """Whatever it says: its rows may be from before the fault."""
    assert not closes(judged(5_000, start=9))


def test_no_rows_prove_nothing() -> None:
    """Silence is no recovery."""
    assert np.isinf(bound(judged(0)))
    assert not closes(judged(0), surely=1.0)


def test_what_is_surely_left_keeps_an_alarm_open() -> None:
    """Three tolerances, though they are less than half of what was there."""
    assert not closes(judged(2_000, mean=0.4), surely=1.0)


def test_a_longer_horizon_that_holds_the_fault_keeps_nothing_open() -> None:
    """A shorter one in alarm does: the fault has come back."""
    well, ill = judged(1_000, start=12), judged(1_000, 1.0, start=10, reach=Reach.TRAILING)
    back = judged(1_000, 1.0, start=12), judged(4_000, 0.05, start=10, reach=Reach.TRAILING)

    assert closes(well, ill) == ClosingEvidence(12 * HOUR, pytest.approx(0.05, abs=0.02))
    assert closes(back[1])
    assert not closes(*back)
