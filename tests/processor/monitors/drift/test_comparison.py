"""Comparison: what is said of a window against a reference, column by column."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.semconv import MISSING, NON_FINITE, OTHER
from driftline_processor.monitors.drift.comparison import Comparison
from driftline_processor.monitors.drift.history.trailing_windows import StreamWindow, TrailingWindows
from driftline_processor.monitors.drift.results import describe_window
from driftline_processor.monitors.drift.statistics import STATISTICS
from driftline_processor.monitors.drift.statistics.view import NUMERIC
from driftline_processor.records import ColumnKey, ColumnResult, ColumnSummary, Reference, ReferenceColumn, Window
from driftline_processor.verdicts.verdict import State, Verdict
from made_columns import (
    HOUR,
    KEY,
    category_column,
    category_summary,
    counted,
    numeric_column,
    numeric_summary,
    reference_of,
)

BUDGET = 1 / 720  # one false alarm in thirty days of hourly windows
COLORS = ["red", "green", "blue", "grey"]
SHARES = [0.4, 0.3, 0.2, 0.1]


def random(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


NORMAL = numeric_column(random().normal(size=50_000))
COLOR = category_column(random().choice(COLORS, 50_000, p=SHARES))


def judged(column: ReferenceColumn, summary: ColumnSummary, budget: float = BUDGET) -> tuple[ColumnResult, Verdict]:
    result = Comparison.of(reference_of(column), 0.05).window({column.key: summary}, budget, HOUR)[0]
    assert result.verdict is not None
    return result, result.verdict


def test_a_healthy_window_is_healthy_and_described() -> None:
    """Rows, statistics and distribution are told, and nothing is alarmed."""
    result, verdict = judged(NORMAL, numeric_summary(random(2).normal(size=2_000)))

    assert verdict.state is State.HEALTHY
    assert (result.rows, result.effective_rows, result.reference_rows) == (2_000.0, 2_000.0, 50_000.0)
    assert set(result.statistics) == {statistic.name for statistic in STATISTICS if NUMERIC in statistic.kinds}
    assert result.distribution["p50"] == pytest.approx(0.0, abs=0.1)
    assert result.shares == {}


@pytest.mark.parametrize(("rows", "chunks"), [(400, 100), (400, 10), (1_000, 10)])
def test_what_may_go_unseen_is_said(rows: int, chunks: int) -> None:
    """A healthy window that could not show two tolerances says so; few time chunks are named as the reason."""
    column = numeric_column(random().normal(size=3_000), chunks)

    event = judged(column, numeric_summary(random(2).normal(size=rows)))[1].sentence

    assert event.startswith("a move of less than ")
    assert ("as the training data has 10 time chunks" in event) == (chunks == 10)


def test_a_healthy_window_of_many_rows_needs_no_words() -> None:
    """Nothing moved, and nothing that matters could have gone unseen."""
    assert judged(NORMAL, numeric_summary(random(2).normal(size=5_000)))[1].sentence == ""


def test_a_shift_is_alarmed_and_named() -> None:
    """The event says which share moved, and alarm, score and bounds agree."""
    _, verdict = judged(NORMAL, numeric_summary(random(2).normal(0.8, 1.0, 1_000)))

    assert verdict.state is State.ALARM
    assert verdict.score > 1.0
    assert verdict.lower_bound > verdict.tolerance >= 0.05
    assert verdict.sentence.startswith("share above ")


def test_a_category_that_vanished_is_named() -> None:
    """The share of one category fell from ten percent to nothing."""
    result, verdict = judged(COLOR, counted(random(2).choice(COLORS[:3], 2_000, p=[0.45, 0.33, 0.22])))

    assert verdict.state is State.ALARM
    assert verdict.sentence.startswith("share of 'grey': 10% → 0%")
    assert sum(result.shares.values()) == pytest.approx(1.0)
    assert "linf" in result.statistics


def test_a_new_category_is_named() -> None:
    """Two percent of rows in a category that training never saw."""
    counts = {"red": 392.0, "green": 294.0, "blue": 196.0, "grey": 98.0, "mauve": 20.0}

    assert judged(COLOR, category_summary(counts))[1].sentence == "values never seen in training: 2% (mauve)"


def test_missing_rows_are_an_aspect_of_their_own() -> None:
    """Values as ever, but from 10 to 22 percent of them missing."""
    random_ = random(3)
    sparse = random_.normal(size=50_000)
    sparse[random_.random(50_000) < 0.1] = np.nan
    window = random_.normal(size=1_000)
    window[:220] = np.nan

    result, verdict = judged(numeric_column(sparse), numeric_summary(window))

    assert (verdict.aspect, verdict.state) == (MISSING, State.ALARM)
    assert verdict.sentence == "missing: 10% → 22%"
    assert result.statistics["missing_rate"] == pytest.approx(0.12, abs=0.01)


def test_infinite_rows_are_an_aspect_of_their_own() -> None:
    """A division by zero upstream is told as such."""
    window = random(4).normal(size=1_000)
    window[:100] = np.inf

    assert judged(NORMAL, numeric_summary(window))[1].sentence == "non finite: 0% → 10%"


def test_several_alarms_of_a_column_are_all_told() -> None:
    """Values moved, and many are missing: the text has both."""
    window = random(4).normal(3.0, 1.0, 1_000)
    window[:300] = np.nan

    event = judged(NORMAL, numeric_summary(window))[1].sentence

    assert "missing: 0% → 30%" in event.split("; ")
    assert len(event.split("; ")) == 2


@pytest.mark.parametrize(
    ("column", "summary"),
    [(NORMAL, category_summary({"a": 20.0, "b": 10.0})), (COLOR, numeric_summary(random(5).normal(size=30)))],
    ids=["strings for numbers", "numbers for strings"],
)
def test_a_changed_type_is_alarmed(column: ReferenceColumn, summary: ColumnSummary) -> None:
    """Thirty rows of another type are enough."""
    _, verdict = judged(column, summary)

    assert (verdict.aspect, verdict.state) == ("wrong_type", State.ALARM)
    assert verdict.sentence == "wrong type: 0% → 100%"


def test_a_unit_change_is_seen_in_a_handful_of_rows() -> None:
    """Degrees Fahrenheit for Celsius: five rows alarm, though they are too few for anything else."""
    celsius = numeric_column(random().normal(20.0, 3.0, 20_000))

    assert judged(celsius, numeric_summary(random(2).normal(68.0, 5.0, 5)))[1].state is State.ALARM
    assert judged(celsius, numeric_summary(random(2).normal(20.0, 3.0, 5)))[1].state is State.INSUFFICIENT_DATA


@pytest.mark.parametrize("rows", [1, 20, 60, 90])
@pytest.mark.parametrize("column", [NORMAL, COLOR], ids=["numeric", "category"])
def test_small_windows_are_never_healthy(column: ReferenceColumn, rows: int) -> None:
    """Fewer than a hundred rows exclude nothing that matters."""
    window = random(rows)
    values = (
        numeric_summary(window.normal(size=rows))
        if column is NORMAL
        else counted(window.choice(COLORS, rows, p=SHARES))
    )

    assert judged(column, values)[1].state is State.INSUFFICIENT_DATA


def test_a_constant_column_that_stays_is_healthy_and_that_wakes_is_not() -> None:
    """No division by a spread of nothing: the same value is no distance, another one is all of it."""
    constant = numeric_column(np.full(5_000, 0.42))

    result, same = judged(constant, numeric_summary(np.full(500, 0.42)))
    moved, other = judged(constant, numeric_summary(np.full(500, 0.43)))

    assert (same.state, other.state) == (State.HEALTHY, State.ALARM)
    assert result.statistics["wasserstein"] == pytest.approx(0.0)
    assert moved.statistics["wasserstein"] == pytest.approx(0.01 / 0.42, rel=0.01)


def test_a_new_level_alarms_and_a_known_one_does_not() -> None:
    """A column that stays at one of two levels for 1,000 rows: its return is no news, a third level is."""
    levels = np.repeat(random(6).choice([10.0, 20.0], 50), 1_000)
    column = numeric_column(levels)

    assert judged(column, numeric_summary(np.full(1_000, 10.0)))[1].state is not State.ALARM
    assert judged(column, numeric_summary(np.full(1_000, 20.0)))[1].state is not State.ALARM
    assert judged(column, numeric_summary(np.full(1_000, 15.0)))[1].state is State.ALARM
    assert judged(column, numeric_summary(np.full(1_000, 35.0)))[1].state is State.ALARM


def test_more_categories_than_a_sender_can_name() -> None:
    """A window of 200 known categories of which the sender named 100 is healthy; a flood of new ones alarms."""
    names = np.array([f"c{i:03}" for i in range(200)])
    column = category_column(random().choice(names, 40_000))
    rows = counted(random(2).choice(names, 4_000)).categories
    named = dict(list(rows.items())[:100])
    known = named | {OTHER: 4_000.0 - sum(named.values())}
    flood = dict.fromkeys(names, 5.0) | {OTHER: 3_000.0}

    assert judged(column, category_summary(known))[1].state is State.HEALTHY
    assert judged(column, category_summary(flood))[1].sentence == "values never seen in training: 75%"


def test_sampled_rows_count_for_what_they_tell() -> None:
    """The same shift that alarms on 1,000 rows does not on 1,000 rows that stand for 20 effective ones."""
    summary = numeric_summary(random(2).normal(0.5, 1.0, 1_000))
    sampled = replace(summary, squares=summary.rows * 50.0)

    result, verdict = judged(NORMAL, sampled)

    assert judged(NORMAL, summary)[1].state is State.ALARM
    assert verdict.state is State.INSUFFICIENT_DATA
    assert (result.rows, result.effective_rows) == (1_000.0, 20.0)


def test_columns_without_rows_have_no_data() -> None:
    """A column that the window lacks is told as such: it may have been dropped upstream."""
    result = Comparison.of(reference_of(NORMAL), 0.05).window({}, BUDGET, HOUR)[0]

    assert result.verdict is not None
    assert (result.rows, result.verdict.state, result.verdict.sentence) == (0.0, State.INSUFFICIENT_DATA, "no rows")
    assert result.statistics == {}


def test_columns_that_the_reference_lacks_are_described() -> None:
    """They come last, with a distribution and without a verdict."""
    extra = ColumnKey("input", "extra")

    results = Comparison.of(reference_of(NORMAL), 0.05).window({extra: numeric_summary(np.arange(500.0))}, BUDGET, HOUR)

    assert [result.column for result in results] == [KEY, extra]
    assert results[1].verdict is None
    assert results[1].distribution["mean"] == pytest.approx(249.5, rel=0.01)


def test_without_a_reference_everything_is_described() -> None:
    """Numbers have quantiles and classes have shares."""
    numbers, classes = describe_window(
        {KEY: numeric_summary(np.arange(500.0)), ColumnKey("output", "y"): counted(["a", "b"])}
    )

    assert numbers.distribution["p50"] == pytest.approx(249.0, rel=0.01)
    assert classes.shares == {"a": 0.5, "b": 0.5}
    assert numbers.verdict is classes.verdict is None


def test_all_missing_columns_on_either_side() -> None:
    """All rows missing in a window is an alarm; so are values where training had none."""
    nothing = numeric_column(np.full(2_000, np.nan))

    assert judged(NORMAL, numeric_summary(np.full(500, np.nan)))[1].sentence == "missing: 0% → 100%"
    assert judged(nothing, numeric_summary(np.zeros(500)))[1].sentence == "missing: 100% → 0%"
    assert judged(nothing, numeric_summary(np.full(500, np.nan)))[1].state is State.INSUFFICIENT_DATA


def test_the_budget_is_shared_by_the_columns() -> None:
    """The more columns a model has, the more evidence each needs."""
    summary = numeric_summary(random(2).normal(0.5, 1.0, 1_000))
    many = [replace(NORMAL, key=ColumnKey("input", f"x{i}")) for i in range(30)]
    alone = Comparison.of(reference_of(NORMAL), 0.05).window({KEY: summary}, BUDGET, HOUR)[0].verdict
    crowded = Comparison.of(reference_of(*many), 0.05).window({many[0].key: summary}, BUDGET, HOUR)[0].verdict

    assert alone is not None
    assert crowded is not None
    assert crowded.score < alone.score


def test_with_clocks_variation_belongs_to_time() -> None:
    """A daily cycle in training: at any traffic an hour of it is no alarm; at another time of the day it is one."""
    hours = np.arange(24 * 30)
    level = np.repeat(np.sin(hours / 24 * 2 * np.pi), 40)
    values = level + random(7).normal(size=len(level))
    column = numeric_column(values, chunks=len(hours))
    busy = numeric_summary(0.9 + random(8).normal(size=8_000))
    clocked, shuffled = (
        reference_of(column, chunk_seconds=3_600.0),
        reference_of(numeric_column(random(9).permutation(values))),
    )

    def state(reference: Reference, hour: int) -> State:
        begin = (400 * 24 + hour) * HOUR
        spans = StreamWindow(TrailingWindows(), Window(begin, begin + HOUR))
        (result,) = Comparison.of(reference, 0.05, timed=True).window({KEY: busy}, BUDGET, HOUR, spans)
        assert result.verdict is not None
        return result.verdict.state

    assert state(clocked, 4) is State.HEALTHY
    assert state(clocked, 16) is State.ALARM
    assert state(shuffled, 4) is State.ALARM


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.floats(width=64), max_size=30),
    names=st.dictionaries(st.text(max_size=4), st.floats(1.0, 1e6), max_size=6),
    states=st.dictionaries(
        st.sampled_from([MISSING, NON_FINITE, "wrong_type", "odd"]), st.floats(0.0, 1e6), max_size=3
    ),
    weight=st.floats(1.0, 1e4),
)
def test_anything_gets_a_finite_answer(
    values: list[float], names: dict[str, float], states: dict[str, float], weight: float
) -> None:
    """Whatever a window holds, in a column of any kind, every number that is said of it is finite."""
    made = numeric_summary(np.array(values, float)) if values else ColumnSummary()
    rows = made.rows + sum(names.values()) + sum(states.values())
    summary = replace(made, categories=names, states=dict(made.states) | states, rows=rows, squares=rows * weight)

    for column in (NORMAL, COLOR, numeric_column(np.full(500, 3.5)), numeric_column(np.full(500, np.nan))):
        result, verdict = judged(column, summary)

        told = [verdict.distance, verdict.lower_bound, verdict.tolerance, verdict.score, *result.statistics.values()]
        assert np.isfinite(told).all()
        assert np.isfinite([*result.shares.values(), *result.distribution.values()]).all()
