"""The short form of `make bench-verdicts`: ours on a few seeded streams, through real sketches and the real engine."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from bench.verdicts.days import calendar
from bench.verdicts.made import (
    KINDS,
    autocorrelated,
    categories,
    daily,
    drift,
    levels,
    normal,
    rare,
    retries,
    swapped,
    zipf,
)
from bench.verdicts.ours import Driftline
from bench.verdicts.said import BESIDE
from bench.verdicts.score import Score, score
from bench.verdicts.stream import DAY, Columns, Stream
from driftline_processor.records import AlarmChange

SHIFTED = {"θ/2": 0.0627, "2θ": 0.2513}
"""Means of normal columns whose Kolmogorov-Smirnov distance to the standard one is so many tolerances."""


def judged(stream: Stream) -> Score:
    ours = Driftline()
    ours.fit(stream)
    return score(stream, [ours.window(rows) for rows in stream.windows()], ours)


def shifted(size: str) -> Callable[..., Stream]:
    return partial(drift, normal(), normal(SHIFTED[size]))


@pytest.mark.parametrize(
    "stream",
    [
        partial(autocorrelated, 0.9, 1000, 0, windows=48),
        partial(autocorrelated, 0.99, 50, 0, windows=96),
        partial(daily, 1000, 0, windows=72),
        partial(drift, categories(zipf(50)), categories(zipf(50)), 1000, 0, quiet=4, after_windows=4),
        partial(calendar, DAY, 1, windows=72),
        partial(calendar, DAY // 2, 3, windows=48),
    ],
    ids=["AR(1) .9", "AR(1) .99, 50 rows", "daily cycle", "50 categories", "holidays by day", "holidays by half day"],
)
def test_nothing_happens_and_nothing_is_said(stream: Callable[[], Stream]) -> None:
    """No page on null streams, whether rows are many or few, hang together or follow the hour."""
    found = judged(stream())

    assert found.quiet + found.drifted >= 200
    assert (found.pages, found.found) == (0, 0)


def test_what_does_not_matter_is_left_alone() -> None:
    """A shift of half the tolerance alarms in one of twenty windows at most, however many rows prove it."""
    for rows in (1_000, 50_000):
        assert judged(shifted("θ/2")(rows, seed=0, quiet=4, after_windows=2)).power <= 0.05


@pytest.mark.parametrize(
    ("stream", "rows", "soon"),
    [
        (shifted("2θ"), 2_000, 0.9),
        *(
            (partial(drift, *KINDS[name]), 1_000, 1.0)
            for name in ("lognormal x1.5", "mode 10 %", "unit change", "constant", "2 decimals to none")
        ),
        (partial(drift, *KINDS["variance x1.5"]), 2_000, 0.9),
        (partial(drift, *KINDS["missing 10 to 22 %"]), 1_000, 0.9),
        (partial(drift, *KINDS["k=50, one bin + 10 points"]), 1_000, 0.9),
    ],
    ids=["2θ", "lognormal", "mode", "units", "constant", "decimals", "variance", "missing", "category"],
)
def test_what_matters_is_found_and_named(stream: Callable[..., Stream], rows: int, soon: float) -> None:
    """Within two windows, in nine of ten columns at least; and of quiet columns none is named.

    Where a block of columns moves, a column may be told of by it alone.
    """
    found = judged(stream(rows, seed=0, quiet=4, after_windows=2))

    assert found.soon >= soon * found.moved > 0
    assert found.pages == 0
    assert found.right == found.named >= 0.9 * (found.moved - found.missed)


@pytest.mark.parametrize("rows", [200, 1000])
def test_retries_are_duplicates_and_nothing_else(rows: int) -> None:
    """Of 36 columns none is told of, in hours in which rows come up to 25 times."""
    ours, stream = Driftline(), retries(rows, 0, windows=24)
    ours.fit(stream)

    assert frozenset().union(*(ours.window(each).opened for each in stream.windows())) == {"duplicates"}


def test_what_is_rare_is_found_by_its_ratio() -> None:
    """Flags, categories and missing rows of 3 % that have gone, in two hours; .1 % that become .4 in most of a day."""
    cold = judged(rare(0.03, 0, after=0.0, windows=8, onset=4, columns=9))
    risen = judged(rare(0.001, 1, after=0.004, windows=28, onset=4, columns=9))

    assert (cold.missed, cold.soon, cold.pages) == (0, cold.moved, 0)
    assert risen.missed <= risen.moved / 2
    assert risen.pages == 0


def test_columns_in_each_others_place() -> None:
    """Both are named, and none of the eight others."""
    found = judged(swapped(1000, seed=0))

    assert (found.missed, found.delay, found.pages, found.right, found.named) == (0, 0, 0, 2, 2)


def test_a_level_that_training_never_saw() -> None:
    """It alarms in its first window, between known levels as beyond them; the return of a known one never does."""
    for seed in (0, 1):
        found = judged(levels(seed))

        assert (found.missed, found.delay, found.pages) == (0, 0, 0)


def test_a_step_under_a_daily_cycle() -> None:
    """Chunks of eight hours tell the time of day: a step is found in its first hours, and nothing else."""
    found = judged(daily(1000, seed=0, windows=60, step=48))

    assert (found.missed, found.pages) == (0, 0)
    assert found.delay <= 2
    assert found.power >= 0.8


def test_columns_that_share_a_season_part_in_no_hour() -> None:
    """Over a day they go together, in an hour they do not: of their pairs whole days tell, where nothing changed."""
    ours, stream = Driftline(), daily(1000, seed=0, shuffled=True, windows=48, swing=1.0)
    ours.fit(stream)
    opened = frozenset[str]().union(*(ours.window(rows).opened for rows in stream.windows()))

    assert not {name for name in opened if BESIDE in name}


@pytest.mark.parametrize("levels", [(10, 10, 10), (4, 4, 4, 4, 4), (30, 30)])
def test_retries_in_a_small_table_are_duplicates_too(levels: tuple[int, ...]) -> None:
    """About a thousand rows are possible: 1,500 rows are 60 of them 25 times, and no column moved."""
    random = np.random.default_rng(0)
    shares = [random.dirichlet(np.full(level, 3.0)) for level in levels]

    def table(rows: int, times: int = 1) -> Columns:
        drawn = [np.repeat(random.choice(len(each), rows, p=each), times) for each in shares]
        return {f"c{place}_kind": np.array([f"v{x}" for x in values]) for place, values in enumerate(drawn)}

    stream = Stream(
        table(20_000), lambda: iter([*[table(1_500) for _ in range(6)], table(60, 25), table(1_500)]), 1_500
    )
    ours = Driftline()
    ours.fit(stream)
    told = []
    for rows in stream.windows():
        ours.window(rows)
        opened = [event for result in ours.results for event in result.alarms if event.change is AlarmChange.OPENED]
        told.append([event.column.name for event in opened])

    assert told == [[]] * 6 + [["duplicates"], []]
