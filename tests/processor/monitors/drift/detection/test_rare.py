"""Rare events by their ratio, on exact counts: what they have to show, and what chance and wandering may do."""

from collections.abc import Mapping

import numpy as np
import pytest
from scipy.stats import binom

from driftline.semconv import MISSING
from driftline_processor.monitors.drift.binning.binned_counts import STATES, BinnedCounts
from driftline_processor.monitors.drift.binning.binner import Binner
from driftline_processor.monitors.drift.detection.column_baseline import ASPECTS
from driftline_processor.monitors.drift.detection.decision import ALARM
from driftline_processor.monitors.drift.detection.detector import Detection, Detector
from driftline_processor.monitors.drift.detection.rare import RareEvents, Stretch
from driftline_processor.records import ColumnSummary, ReferenceColumn
from made_columns import category_column, category_summary, fitted, numeric_column, numeric_summary

ROWS = 50_000
CHUNKS = 100
ALPHA = 1e-5
"""Of a column in one horizon of an hour: one page a month in 20 columns."""


def trained(kind: str, share: float) -> ReferenceColumn:
    """A column in whose training exactly that share of rows is in the event, evenly over time."""
    inside = np.zeros(ROWS, bool)
    inside[np.linspace(0, ROWS - 1, round(share * ROWS)).astype(int)] = True
    if kind == "number":
        return numeric_column(inside.astype(float), CHUNKS)
    if kind == "missing":
        return numeric_column(np.where(inside, np.nan, np.random.default_rng(0).normal(size=ROWS)), CHUNKS)
    names = np.where(inside, "True", "False") if kind == "boolean" else np.resize(["a", "b", "c"], ROWS)
    return category_column(np.where(inside, "rare", names) if kind == "category" else names, CHUNKS)


def live(kind: str, rows: int, inside: int, column: ReferenceColumn) -> ColumnSummary:
    if kind == "number":
        return numeric_summary(np.repeat([0.0, 1.0], [rows - inside, inside]), fitted(np.array([0.0, 1.0])))
    if kind == "missing":
        values = np.quantile(np.random.default_rng(1).normal(size=ROWS), np.linspace(0, 1, rows - inside + 2)[1:-1])
        return numeric_summary(np.append(values, np.full(inside, np.nan)), fitted(values))
    if kind == "boolean":
        return category_summary({"False": rows - inside, "True": inside})
    each = (rows - inside) / 3
    return category_summary({"a": each, "b": each, "c": each, "rare": float(inside)})


def detected(kind: str, share: float, rows: int, inside: int, alpha: float = ALPHA) -> Detection:
    column = trained(kind, share)
    detector = Detector([column], 0.05)
    counts = Binner([column], detector.numeric, detector.sizes).place([live(kind, rows, inside, column)]).counts
    detection = detector.judge(counts, alpha, None)
    assert detector.may_alarm(counts) or not (detection.state == ALARM).any()
    return detection


KINDS = ("category", "boolean", "number", "missing")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("share", "rows", "inside", "alarm"),
    [
        (0.03, 1_000, 0, True),  # gone cold, in one hour
        (0.03, 300, 0, False),
        (0.03, 900, 0, True),
        (0.001, 24_000, 96, True),  # fraud x 4
        (0.001, 4_000, 16, False),
        (0.001, 100_000, 190, False),  # not doubled
        (0.001, 5_000, 0, False),  # five are expected: none is not beyond doubt
        (0.03, 100_000, 1_600, False),  # not halved
        (0.03, 1_000_000, 14_000, True),
        (0.05, 100_000, 9_000, False),  # four points are within the tolerance, and not twice as many
        (0.0, 1_000, 10, True),  # never in training
        (0.0, 1_000, 4, False),  # too few to tell
        (0.0, 100_000, 150, False),  # never in training, and .15% is little
    ],
)
def test_rare_events_alarm_when_they_double_or_halve(
    kind: str, share: float, rows: int, inside: int, alarm: bool
) -> None:
    """Categories, flags of any type, and missing rows alike; never without five rows expected or seen."""
    if not share and kind in ("category", "boolean", "number"):
        pytest.skip("a value never seen is novelty, or beyond the training range")
    state = detected(kind, share, rows, inside).state
    assert (state[ASPECTS.index(MISSING) if kind == "missing" else 0, 0] == ALARM) == alarm
    assert (state == ALARM).any() == alarm


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_told_is_what_decided(kind: str) -> None:
    """The lower bound, a share of rows, is beyond what is tolerated: as many again, or half of them."""
    for inside, tolerated in ((0, 0.015), (100, 0.03)):
        detection = detected(kind, 0.03, 1_000, inside)
        events = detection.events
        at = int(events.highest[1 if kind == "missing" else 0])
        assert events.required[at] == pytest.approx(tolerated, rel=0.01)
        assert events.lower_bound[at] > events.required[at]
        assert events.lower_bound[at] <= events.move.distance[at]


def test_a_wider_tolerance_is_for_rare_events_as_well() -> None:
    """A column that was given one is left alone; one with a narrower tolerance is not."""
    column = trained("boolean", 0.03)
    for tolerance, alarm in ((0.2, False), (0.05, True), (0.001, True)):
        detector = Detector([column], 0.05, tolerances=np.array([tolerance]))
        summary = live("boolean", 1_000, 0, column)
        counts = Binner([column], detector.numeric, detector.sizes).place([summary]).counts
        assert (detector.judge(counts, ALPHA, None).state == ALARM).any() == alarm


def test_values_beyond_the_training_range_of_codes() -> None:
    """Codes and counts have few values: another one is told as an unknown category is. Of measurements it is not."""
    codes = numeric_column(np.resize([0.0, 1.0, 2.0, 3.0], ROWS), CHUNKS)
    measured = numeric_column(np.random.default_rng(0).normal(size=ROWS), CHUNKS)
    for column, values, alarm in (
        (codes, np.append(np.resize([0.0, 1.0, 2.0, 3.0], 990), np.full(10, 4.0)), True),
        (codes, np.append(np.resize([0.0, 1.0, 2.0, 3.0], 996), np.full(4, 4.0)), False),
        (measured, np.append(np.random.default_rng(1).normal(size=990), np.full(10, 4.3)), False),
    ):
        detector = Detector([column], 0.05)
        counts = Binner([column], detector.numeric, detector.sizes).place([numeric_summary(values)]).counts
        assert (detector.judge(counts, ALPHA, None).state == ALARM).any() == alarm


def alarming(share: float, rows: int) -> tuple[list[int], float]:
    """Every count of a category that is an alarm, and the false alarms that its ratio is allowed."""
    column = trained("category", share)
    detector = Detector([column], 0.05)
    x = np.arange(rows + 1)
    found = []
    for inside in x.tolist():
        counts = Binner([column], detector.numeric, detector.sizes).place([live("category", rows, inside, column)])
        if (
            detector.rare.may_alarm(*detector.counted(counts.counts)[:2])
            and (detector.judge(counts.counts, ALPHA, None).state == ALARM).any()
        ):
            found.append(inside)
    return found, ALPHA


@pytest.mark.parametrize("rows", [100, 400])
@pytest.mark.parametrize("share", [0.001, 0.01, 0.03, 0.08])
def test_chance_alarms_as_rarely_as_the_budget_says(share: float, rows: int) -> None:
    """By the binomial distribution itself, at training's rate and a tenth above and below it."""
    found, allowed = alarming(share, rows)

    assert found
    for rate in (0.9 * share, share, 1.1 * share):
        assert sum(binom.pmf(found, rows, rate)) <= allowed


def events_of(chunks: np.ndarray) -> RareEvents:
    """Of one flag, by rows and events in each chunk."""
    column = category_column(np.array(["a", "b"]), 1)
    bins = np.column_stack((chunks[:, 0] - chunks[:, 1], chunks[:, 1], np.zeros(len(chunks))))
    names = ("a", "b")
    made = ReferenceColumn(column.key, "string", "category", _summary(bins), np.zeros(0), names, bins, {})
    return Detector([made], 0.05).rare


def _summary(bins: np.ndarray) -> ColumnSummary:
    total = bins.sum(axis=0)
    return category_summary({"a": float(total[0]), "b": float(total[1])})


def found(rare: RareEvents, x: float, rows: float, chunks: float | None = None, season: float = 0.0) -> bool:
    aspects = len(ASPECTS)
    counts = np.array([rows - x, x, 0.0, *np.zeros(len(STATES))])
    everywhere = np.full(len(counts), 1.0)
    stretch = Stretch(chunks, season * everywhere, everywhere)
    return len(rare.find(counts, np.full(aspects, rows), np.full(aspects, ALPHA), stretch).ratio) > 0


def test_a_rate_that_wanders_may_wander() -> None:
    """Where training's chunks of an hour go from a third to twice the mean, an hour may, and a day of them may not."""
    random = np.random.default_rng(0)
    rates = 0.03 * np.exp(random.normal(0.0, 0.5, 128))
    steady, wandering = (
        events_of(np.column_stack((np.full(128, 1_000.0), random.poisson(1_000 * each, 128)))) for each in (0.03, rates)
    )
    for rare, hour, day in ((steady, True, True), (wandering, False, True)):
        assert found(rare, 90.0, 1_000.0, chunks=1.0) == hour
        assert found(rare, 24 * 90.0, 24_000.0, chunks=24.0) == day


def test_bursts_count_as_few() -> None:
    """Events that come twenty at a time: five bursts are not a hundred events, in chunks with a time or without."""
    random = np.random.default_rng(0)
    bursts = events_of(np.column_stack((np.full(128, 1_000.0), 20.0 * random.poisson(1.5, 128))))
    singles = events_of(np.column_stack((np.full(128, 1_000.0), random.poisson(30.0, 128))))
    for chunks in (None, 1.0):
        assert found(singles, 100.0, 1_000.0, chunks)
        assert not found(bursts, 100.0, 1_000.0, chunks)


def test_what_a_season_makes_is_no_doubling() -> None:
    """Where a stream swings by a point and a half, a rate of 3% has to be beyond 7.5%, and may be nothing at all."""
    rare = events_of(np.column_stack((np.full(128, 400.0), np.full(128, 12.0))))
    assert found(rare, 90.0, 1_000.0)
    assert found(rare, 0.0, 1_000.0)
    assert not found(rare, 90.0, 1_000.0, season=0.015)
    assert not found(rare, 0.0, 1_000.0, season=0.015)
    assert found(rare, 120.0, 1_000.0, season=0.015)


def test_few_chunks_tell_little() -> None:
    """With four of them a rate of three times as much is no proof, and nothing at all in place of thousands is."""
    few: Mapping[int, RareEvents] = {
        chunks: events_of(np.column_stack((np.full(chunks, 12_500.0), np.full(chunks, 375.0)))) for chunks in (4, 128)
    }
    assert found(few[128], 90.0, 1_000.0)
    assert not found(few[4], 90.0, 1_000.0)


def test_sampled_rows_count_as_their_effective_number() -> None:
    """One row in fifty, weighted by fifty: twenty events of weight fifty are no thousand."""
    column = trained("category", 0.03)
    detector = Detector([column], 0.05)

    def state(squares: float) -> bool:
        bins = np.array([3_300.0, 3_300.0, 3_400.0, 0.0, 0.0])
        rows = np.array([10_000.0])
        counts = BinnedCounts(bins, np.zeros(1), np.zeros((len(STATES), 1)), rows, np.array([squares]))
        return bool((detector.judge(counts, ALPHA, None).state == ALARM).any())

    assert state(10_000.0)
    assert not state(10_000.0 * 50)


def test_several_horizons_at_once_are_each_as_alone() -> None:
    """Of different lengths, rows and counts, with chunks of some duration or without."""
    rare = events_of(np.column_stack((np.full(128, 400.0), np.random.default_rng(0).poisson(12, 128))))
    x, rows = np.array([0.0, 30.0, 90.0, 300.0]), np.array([1_000.0, 1_000.0, 1_000.0, 4_000.0])
    nothing = np.zeros(1 + len(STATES))
    counts = np.array([[n - each, each, *nothing] for each, n in zip(x, rows, strict=True)])[:, : 3 + len(STATES)]
    for chunks in (None, np.array([1.0, 2.0, 4.0, 8.0])):
        stretch = Stretch(chunks, np.zeros(counts.shape), np.ones(counts.shape))
        together = rare.find(
            counts, np.repeat(rows[:, None], len(ASPECTS), axis=1), np.full(len(ASPECTS), ALPHA), stretch
        )
        alone = [
            found(rare, each, n, None if chunks is None else float(chunks[i]))
            for i, (each, n) in enumerate(zip(x, rows, strict=True))
        ]
        assert alone == [i in together.where[0] for i in range(4)]
        assert alone.count(True) == 3
