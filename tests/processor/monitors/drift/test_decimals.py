"""Decimals as an aspect of a column: a pipeline that rounds, or no longer does, is one finding, and types are none."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import driftline
from driftline.sketch.column import ColumnSketch
from driftline_processor.engine.accumulator import Accumulator
from driftline_processor.monitors.drift.binning.decimal_columns import DECIMALS
from driftline_processor.monitors.drift.comparison import Comparison
from driftline_processor.monitors.drift.history.trailing_windows import StreamWindow, TrailingWindows
from driftline_processor.records import ColumnKey, ColumnSummary, Reference, Window
from driftline_processor.reference.read import read_reference
from driftline_processor.verdicts.verdict import OpenAlarm, State, Verdict
from made_columns import HOUR

BUDGET = 1 / 720
PLACES = (-1, 0, 1, 2, 3, 15)
"""Of rounding; 15 is none."""

Data = Mapping[str, NDArray[Any]]


def numbers(rows: int, places: int, seed: int, spread: float = 80.0) -> NDArray[np.float64]:
    return np.round(np.random.default_rng(seed).normal(500.0, spread, rows), places)


def reference(data: Data) -> Reference:
    return read_reference(driftline.profile(dict(data), model="m").to_request())


def summary(values: NDArray[Any]) -> ColumnSummary:
    """What a window holds of a column that one server has sketched."""
    sketch, held = ColumnSketch(0, 100, decimals=True), Accumulator()
    sketch.add(values, 1)
    points = sketch.collect(2)
    for _, each in points.numbers:
        for part in (each.core, *each.tails.values()):
            held.add_histogram(part)
    for level, count in points.decimals.items():
        held.add_decimals(level, count.rows)
    return held.summary()


def judged(comparison: Comparison, data: Data) -> dict[str, Verdict]:
    held = {ColumnKey("input", name): summary(values) for name, values in data.items()}
    results = comparison.window(held, BUDGET, HOUR)
    return {each.column.name: each.verdict for each in results if each.column.target == "input" and each.verdict}


TRAINED = Comparison.of(reference({f"{places}": numbers(20_000, places, places + 9) for places in PLACES}), 0.05)


@pytest.mark.parametrize("kind", [np.float64, np.float32])
@pytest.mark.parametrize("rows", [60, 300, 5_000])
@pytest.mark.parametrize("now", PLACES)
def test_other_decimals_are_found_in_the_first_window(now: int, rows: int, kind: type) -> None:
    """From any number of decimals to any other, in both types; the same ones are healthy in both, too.

    At 500, float32 does not surely tell three decimals from more.
    """
    live = numbers(rows, now, 99).astype(kind)
    verdicts = judged(TRAINED, dict.fromkeys(map(str, PLACES), live))

    for trained in PLACES:
        verdict = verdicts[str(trained)]
        if trained == now:
            assert verdict.state is not State.ALARM, verdict.sentence
        elif kind is np.float64 or min(trained, now) < 3:
            assert (verdict.state, verdict.aspect) == (State.ALARM, DECIMALS), (trained, verdict.sentence)


def test_the_sentence_says_what_most_had_and_have_now() -> None:
    """In the words of people who write numbers."""
    live = {
        "0": numbers(2_000, -1, 1),
        "2": numbers(2_000, 0, 2),
        "15": numbers(2_000, 1, 3),
        "3": numbers(2_000, 3, 4),
    }
    told = {name: verdict.sentence for name, verdict in judged(TRAINED, live).items()}

    assert told["2"].startswith("decimals: 2 in training, 0 now (")
    assert told["2"].endswith("→ 100% of the values)")
    assert told["0"].startswith("decimals: 0 in training, none, but whole tens now (")
    assert told["15"] == "decimals: more than 5 in training, 1 now (0% → 100% of the values)"
    assert told["3"] == ""


@pytest.mark.parametrize("share", [0.02, 0.2])
def test_what_is_rounded_in_part_is_judged_by_the_tolerance(share: float) -> None:
    """A tolerance of .05 lets a fiftieth of the rows be whole, and no fifth."""
    rng = np.random.default_rng(3)
    cents = numbers(5_000, 2, 5)
    mixed = np.where(rng.random(5_000) < share, np.round(cents), cents)

    assert (judged(TRAINED, {"2": mixed})["2"].state is State.ALARM) == (share > 0.05)


def test_a_column_that_moves_as_well_has_one_alarm() -> None:
    """The stronger finding tells of the other."""
    verdict = judged(TRAINED, {"2": np.round(numbers(3_000, 2, 6) + 60.0)})["2"]

    assert verdict.state is State.ALARM
    assert "decimals: 2 in training, 0 now" in verdict.sentence
    assert "share" in verdict.sentence


def test_what_is_not_counted_is_not_judged() -> None:
    """Senders of earlier versions count no decimals, and references of earlier versions know none."""
    whole = summary(numbers(2_000, 0, 7))
    silent = ColumnSummary(whole.intervals, rows=whole.rows, squares=whole.squares)
    (result,) = (
        each for each in TRAINED.window({ColumnKey("input", "2"): silent}, BUDGET, HOUR) if each.column.name == "2"
    )

    assert result.verdict is not None
    assert result.verdict.state is State.HEALTHY


def test_a_type_that_is_coarser_than_the_decimals_is_none_of_the_pipelines_changes() -> None:
    """Cents beyond some thousands are none in float32: served so, trained so, or both; whole numbers are found."""
    rng = np.random.default_rng(8)
    trained, live = (np.round(rng.lognormal(9.0, 1.0, 20_000), 2) for _ in range(2))
    for exact, coarse in (((trained, live.astype(np.float32))), (trained.astype(np.float32), live)):
        comparison = Comparison.of(reference({"amount": exact}), 0.05)
        assert judged(comparison, {"amount": coarse[:3_000]})["amount"].state is State.HEALTHY
        rounded = judged(comparison, {"amount": np.round(coarse[:3_000])})["amount"]
        assert (rounded.state, rounded.aspect) == (State.ALARM, DECIMALS)
    half = judged(
        Comparison.of(reference({"amount": trained / 1e3}), 0.05), {"amount": (live / 1e3).astype(np.float16)}
    )
    assert half["amount"].aspect != DECIMALS


def test_few_integers_and_flags_are_told_by_their_values_alone() -> None:
    """Each of them has a bin of its own."""
    rng = np.random.default_rng(9)
    data = {"flag": rng.random(5_000) < 0.3, "count": rng.poisson(3, 5_000), "big": rng.integers(0, 10**6, 5_000)}
    known = {key.name for key, column in reference(data).columns.items() if column.decimals is not None}

    assert known == {"big"}


def test_an_alarm_of_decimals_closes_when_they_are_back() -> None:
    """Opened by decimals alone, it closes by them, whatever the values say."""
    comparison, trailing = TRAINED, TrailingWindows()
    alarms: dict[ColumnKey, OpenAlarm] = {}
    key, states = ColumnKey("input", "2"), []
    for hour, places in enumerate([2, 2, 0, 0, 2, 2]):
        window = Window(hour * HOUR, (hour + 1) * HOUR)
        stream = StreamWindow(trailing, window, alarms)
        held = {key: summary(numbers(300, places, 100 + hour))}
        verdict = next(each.verdict for each in comparison.window(held, BUDGET, HOUR, stream) if each.column == key)
        assert verdict is not None
        if key not in alarms and verdict.state is State.ALARM:
            alarms = {key: OpenAlarm(window.end, verdict.largest_bound, (verdict.aspect,))}
            trailing.opened(key, window.start, window.end)
        elif key in alarms and verdict.closing is not None:
            alarms = {}
            trailing.closed(key, verdict.closing.since, window.end)
        states.append(bool(alarms))

    assert states == [False, False, True, True, False, False]


@pytest.mark.parametrize("rows", [50, 400, 2_000])
def test_healthy_decimals_stay_quiet(rows: int) -> None:
    """Of columns whose numbers have as many as in training: 240 windows of six columns, and no alarm."""
    for hour in range(40):
        data = {str(places): numbers(rows, places, 1_000 + 7 * hour + places) for places in PLACES}
        assert all(verdict.state is not State.ALARM for verdict in judged(TRAINED, data).values())


def test_a_training_profile_in_parts_knows_what_the_whole_does() -> None:
    """Merged, saved and read again; one that knows no decimals leaves none."""
    parts = [driftline.profile({"x": numbers(3_000, 2, seed)}, model="m") for seed in (1, 2)]
    merged = parts[0].merge(parts[1])
    (column,) = read_reference(merged.to_request()).columns.values()
    (known,) = merged.columns
    old = replace(parts[1], columns=(replace(parts[1].columns[0], decimals=None),))

    assert column.decimals is not None
    assert known.decimals is not None
    assert column.decimals.tolist() == known.decimals.tolist()
    assert known.decimals.sum() == 6_000
    assert parts[0].merge(old).columns[0].decimals is None
