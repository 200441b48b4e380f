"""References with a clock: whole days are held against the reference's own days."""

import numpy as np
import pytest
from scipy.stats import norm

from driftline.sketch.arrays import FloatArray
from driftline.sketch.time_units import DAY
from driftline_processor.monitors.drift.comparison import Comparison
from driftline_processor.monitors.drift.detection.column_baseline import timeless
from driftline_processor.monitors.drift.history.trailing_windows import StreamWindow, TrailingWindows
from driftline_processor.monitors.drift.season.rebin_by_day import by_day
from driftline_processor.records import Window
from driftline_processor.verdicts.verdict import State
from made_columns import HOUR, KEY, fitted, numeric_column, numeric_summary, reference_of

BUDGET = 1 / 720 / 30 / 7
BEGIN = 1_700_006_400 * 10**9 // DAY * DAY
TWO = float(2 * norm.ppf(1.1 / 2))
DAY_SECONDS = 86_400.0
LAYOUT = fitted(np.random.default_rng(4).normal(size=5_000))


def trained(days: int) -> Comparison:
    """50,000 rows over so many days, which swing by half a standard deviation."""
    random = np.random.default_rng(3)
    at = np.sort(random.uniform(0.0, days, 50_000))
    column = numeric_column(0.5 * np.sin(2 * np.pi * at) + random.normal(size=50_000), 128)
    return Comparison.of(reference_of(column, chunk_seconds=days * DAY_SECONDS / 128), 0.05)


@pytest.mark.parametrize("days", [42, 365])
def test_a_small_step_under_a_daily_season_is_found_within_a_day(days: int) -> None:
    """Three quiet days, then twice the tolerance: known from chunks of a third of a day, learned where they last three.

    No hour shows the step, in a season four times as high.
    """
    comparison, trail, states = trained(days), TrailingWindows(), []
    for hour in range(96):
        mean = 0.5 * np.sin(2 * np.pi * (hour + 0.5) / 24) + (TWO if hour >= 72 else 0.0)
        values = np.random.default_rng(hour).normal(mean, 1.0, 1_000)
        window = Window(BEGIN + hour * HOUR, BEGIN + (hour + 1) * HOUR)
        (result,) = comparison.window({KEY: numeric_summary(values, LAYOUT)}, BUDGET, HOUR, StreamWindow(trail, window))
        assert result.verdict is not None
        states.append(result.verdict.state)

    assert State.ALARM not in states[:72]
    assert State.ALARM in states[72:]


def test_chunks_are_joined_to_days() -> None:
    """All rows of the reference, in chunks of about a day; none where it holds less than eight days."""
    column = numeric_column(np.random.default_rng(1).normal(size=5_000), 100)
    joined = by_day([column], DAY_SECONDS / 3)

    assert joined is not None
    assert len(joined[0].chunks) == 34
    assert (joined[0].chunks.sum(axis=0) == column.chunks.sum(axis=0)).all()
    assert by_day([column], DAY_SECONDS / 24) is None


def test_whole_days_are_held_against_days_without_the_time_of_day() -> None:
    """Four chunks of 6.6 hours are no day: joined as they are, an hour of the day comes twice in some of them."""
    random = np.random.default_rng(5)
    at = np.sort(random.uniform(0.0, 35.0, 200_000))
    column = numeric_column(np.cos(2 * np.pi * at) + random.normal(size=len(at)), 128)
    edges = np.linspace(0.0, 35.0 * DAY_SECONDS, 129)

    def inflation(chunks: FloatArray) -> float:
        rows = chunks.sum(axis=1)
        low = chunks[:, : chunks.shape[1] // 2].sum(axis=1) / rows
        return float(low.var() / (0.25 / rows.mean()))

    raw, without = (
        by_day([each], 35.0 / 128 * DAY_SECONDS) for each in (column, timeless(column, edges[:-1], edges[1:]))
    )
    assert raw is not None
    assert without is not None
    assert inflation(raw[0].chunks) > 5.0
    assert inflation(without[0].chunks) < 1.6
    np.testing.assert_allclose(without[0].chunks.sum(axis=0), raw[0].chunks.sum(axis=0))
