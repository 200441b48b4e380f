"""The finding, and as how many rows a column's rows count: whatever the rate and the number of copies."""

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.reference.row_repeats import RowRepeats
from driftline.semconv import TARGET_INPUT
from driftline.sketch import Intervals
from driftline.sketch.row_hash import BUCKETS, histogram
from driftline_processor.monitors.duplicates.monitor import (
    DUPLICATES,
    FEWEST,
    Found,
    Held,
    Limits,
    as_distinct,
    explained,
    find,
    split,
)
from driftline_processor.records import ColumnKey, ColumnResult, ColumnSummary, Reference, Window
from driftline_processor.verdicts.reasons import NoRows, Repeated
from driftline_processor.verdicts.verdict import OpenAlarm, State, Verdict

LIMITS = Limits(0.05, 2e-5)
WINDOW = Window(100, 200)
AGE = ColumnKey(TARGET_INPUT, "age")


def reference(times: int = 1) -> Reference:
    """Training rows that occur so often, at once."""
    random = np.random.default_rng(0)
    chunks = [np.bincount(random.integers(0, BUCKETS, 500 // times), minlength=BUCKETS) * times for _ in range(50)]
    whole = np.sum(chunks, axis=0, dtype=np.int64)
    often = np.full(50, times - 1.0)
    training = RowRepeats("inputs", whole, np.full(50, 500 // times * times), often, float(times - 1))
    nothing = np.zeros(0)
    return Reference("id", "model", "", False, True, nothing, nothing, {}, row_repeats={"inputs": training})


def rows(often: list[int] | np.ndarray, seed: int = 0) -> dict[str, ColumnSummary]:
    """A window with rows that occur so often."""
    buckets = np.random.default_rng(seed).integers(0, BUCKETS, len(often))
    counts = np.bincount(buckets, np.asarray(often), BUCKETS).astype(np.int64)
    total = float(counts.sum())
    return {"inputs": ColumnSummary(histogram(counts).intervals(), {}, {}, total, total)}


def judged(often: list[int] | np.ndarray, *, times: int = 1, alarm: OpenAlarm | None = None, seed: int = 0) -> Found:
    return find(Held(rows(often, seed), {}), reference(times), WINDOW, LIMITS, alarm)


def verdict(found: Found) -> Verdict:
    (result,) = found.results
    assert result.verdict is not None
    return result.verdict


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 20_000), st.integers(0, 2**32))
def test_different_rows_are_healthy_at_any_rate(number: int, seed: int) -> None:
    """And count as many as they are."""
    found = judged([1] * number, seed=seed)

    assert verdict(found).state is State.HEALTHY
    assert (found.design_effect, found.reason) == (1.0, None)


@settings(max_examples=60, deadline=None)
@given(st.integers(30, 3000), st.integers(2, 50), st.integers(0, 2**32))
def test_copies_are_found_at_any_rate(distinct: int, times: int, seed: int) -> None:
    """Where at least FEWEST rows say nothing new, and the bound of what they say is no accident of a hash."""
    found = judged([times] * distinct, seed=seed)

    if (times - 1) * distinct >= 2 * FEWEST:
        assert found.design_effect == pytest.approx(times, rel=0.4)
        assert verdict(found).state is State.ALARM
        assert verdict(found).score > 1.0
        assert verdict(found).tolerance < verdict(found).lower_bound <= verdict(found).distance


@pytest.mark.parametrize("times", [2, 5, 25])
def test_what_training_has_is_usual(times: int) -> None:
    """The same number of copies is healthy, three times as many are not."""
    assert verdict(judged([times] * 300, times=times)).state is State.HEALTHY
    assert verdict(judged([1] * 300, times=times)).state is State.HEALTHY
    more = judged([3 * times] * 300, times=times)
    assert verdict(more).state is State.ALARM
    assert more.design_effect == pytest.approx(3.0, rel=0.3)


def test_an_alarm_closes_when_rows_differ_again() -> None:
    """In a window that began after it opened, not in one that still holds some of the copies."""
    for opened, closes in ((100, True), (150, False)):
        assert (verdict(judged([1] * 1000, alarm=OpenAlarm(opened, 0.9))).closing is not None) is closes
    assert verdict(judged([3] * 300, alarm=OpenAlarm(100, 0.9))).closing is None


def test_an_open_alarm_waits_for_rows() -> None:
    """A model may rest; without an alarm there is nothing to say."""
    for held in ({}, {"others": rows([1])["inputs"]}):
        waiting = find(Held(held, {}), reference(), WINDOW, LIMITS, OpenAlarm(100, 0.9))
        assert verdict(waiting).reasons == (NoRows(),)
        assert find(Held(held, {}), reference(), WINDOW, LIMITS, None) == Found()


def test_false_alarms_are_as_rare_as_asked_for() -> None:
    """The bound is the one of the level: at one in a hundred a few of a thousand windows of 300 rows exceed nothing."""
    often = Limits(1e-9, 0.01)
    bounds = [
        verdict(find(Held(rows([1] * 300, seed), {}), reference(), WINDOW, often, None)).lower_bound
        for seed in range(1000)
    ]

    assert NormalDist().inv_cdf(0.99) > 2.3
    assert sum(bound > 0.0 for bound in bounds) <= 20


def test_columns_count_as_so_many_rows() -> None:
    """All that they hold, alike; and results have all rows again, and say why they count less."""
    held = {AGE: ColumnSummary(Intervals.of_values([1.0, 2.0], [60, 40]), {"a": 20.0}, {"missing": 5.0}, 120.0, 120.0)}
    found = judged([4] * 200)
    fewer = as_distinct(held, found)[AGE]
    effect = found.design_effect

    assert effect == pytest.approx(4.0, rel=0.2)
    assert fewer.intervals.weight.tolist() == pytest.approx([60 / effect, 40 / effect])
    assert (fewer.categories["a"], fewer.states["missing"]) == pytest.approx((20 / effect, 5 / effect))
    assert fewer.rows**2 / fewer.squares == pytest.approx(120 / effect)
    small = Verdict("value", State.INSUFFICIENT_DATA, 0.0, 0.0, 0.05, 0.0, ())
    (age, finding) = explained([ColumnResult(AGE, fewer.rows, 30.0, 1000.0, {}, {}, {}, small)], held, found)
    assert (age.rows, age.verdict and type(age.verdict.reasons[0])) == (120.0, Repeated)
    assert finding.column == DUPLICATES


def test_rows_are_told_from_columns() -> None:
    """They travel together."""
    columns, hashed = split({AGE: ColumnSummary(), ColumnKey("rows", "inputs"): ColumnSummary(rows=1.0)})

    assert (set(columns), set(hashed)) == ({AGE}, {"inputs"})
