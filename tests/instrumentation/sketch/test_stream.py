from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from driftline.sketch import Layout, NumericPoints, NumericStream, fit_layout
from interval_statistics import mean

MINUTE = 60 * 10**9
BLOCK = 8_192


def normal(mean: float, n: int = 20_000, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(mean, 1, n)


def observe(stream: NumericStream, rows: NDArray[np.float64], now: int) -> None:
    """Rows as a server drains them, in blocks."""
    for start in range(0, len(rows), BLOCK):
        stream.observe(rows[start : start + BLOCK], now)


def test_nothing_observed_is_nothing_to_send() -> None:
    """No point without rows, also when an empty block came."""
    stream = NumericStream(0)
    stream.observe(np.zeros(0), 1)

    assert stream.collect(MINUTE) == []


def test_points_are_cumulative_from_a_fixed_start() -> None:
    """A steady column is one stream: the start stays, time and rows rise."""
    stream = NumericStream(100)
    for minute in range(1, 4):
        stream.observe(normal(0, seed=minute), minute * MINUTE - 5)
        (point,) = stream.collect(minute * MINUTE)
        stream.acknowledge()

        assert (point.start, point.time, point.points.rows) == (100, minute * MINUTE, 20_000 * minute)


def test_a_column_that_moves_begins_a_new_stream() -> None:
    """Before the first row of the new kind is counted: the old stream ends, the new one starts, at one time."""
    stream = NumericStream(0)
    stream.observe(normal(0), 10)
    stream.collect(MINUTE)
    stream.acknowledge()
    stream.observe(normal(0, 5_000, seed=1), MINUTE + 10)
    stream.observe(normal(10), MINUTE + 20)
    ended, current = stream.collect(2 * MINUTE)

    assert (ended.start, ended.time, ended.points.rows) == (0, MINUTE + 10, 25_000)
    assert (current.start, current.time, current.points.rows) == (MINUTE + 10, 2 * MINUTE, 20_000)
    assert current.points.out_of_range < 1_000


def test_an_ended_stream_is_sent_until_it_is_acknowledged() -> None:
    """Failed exports lose nothing, and what has arrived is not sent again."""
    stream = NumericStream(0)
    stream.observe(normal(0), 10)
    stream.collect(20)
    stream.observe(normal(10), 30)
    first = stream.collect(MINUTE)
    again = stream.collect(2 * MINUTE)

    assert [p.points.rows for p in first] == [20_000, 20_000]
    assert again[0] == first[0]
    stream.acknowledge()
    (current,) = stream.collect(3 * MINUTE)
    assert current.start == first[1].start
    assert current.points.rows == 20_000


def test_only_what_was_sent_is_acknowledged() -> None:
    """A stream that ends between a collection and its acknowledgement is still to come."""
    stream = NumericStream(0)
    stream.observe(normal(0), 10)
    stream.collect(MINUTE)
    stream.observe(normal(10), MINUTE + 10)
    stream.acknowledge()

    assert [p.points.rows for p in stream.collect(2 * MINUTE)] == [20_000, 20_000]


def test_no_row_is_lost_over_restarts_and_failed_exports() -> None:
    """The last point of every stream, whichever exports arrived, adds up to all rows."""
    rng = np.random.default_rng(0)
    stream, last, sent = NumericStream(0), dict[int, NumericPoints](), 0
    for minute in range(1, 40):
        rows = rng.normal(rng.choice([0, 50, 1_000, -3]), 1, int(rng.integers(1, 9_000)))
        stream.observe(rows, minute * MINUTE - 1)
        sent += len(rows)
        points = stream.collect(minute * MINUTE)
        if rng.random() < 0.5 or minute == 39:
            last |= {point.start: point.points for point in points}
            stream.acknowledge()

    assert len(last) > 2
    assert sum(points.rows for points in last.values()) == sent


def test_a_column_that_warms_up_slowly_is_fitted_again() -> None:
    """The first fit saw one row; one row a minute needs a handful of streams, each with twice the rows of the last."""
    stream, starts = NumericStream(0), set[int]()
    rows = normal(1_000, 3_000)
    for minute, row in enumerate(rows):
        stream.observe(np.array([row]), minute * MINUTE)
        points = stream.collect(minute * MINUTE + 1)
        starts |= {point.start for point in points}
        stream.acknowledge()

    assert 2 <= len(starts) <= 11
    assert points[-1].points.rows > 1_000


@pytest.mark.parametrize("odd", [np.nan, np.inf, 0.0])
def test_a_column_that_goes_missing_keeps_its_stream(odd: float) -> None:
    """No layout would count NaN, infinities or zeros any better."""
    stream = NumericStream(0)
    stream.observe(normal(1_000), 10)
    stream.collect(MINUTE)
    stream.acknowledge()
    for minute in range(1, 5):
        stream.observe(np.full(9_000, odd), minute * MINUTE + 10)
        (point,) = stream.collect((minute + 1) * MINUTE)
        stream.acknowledge()

        assert point.start == 0


@pytest.mark.parametrize("value", [1.0, 5.0, -3.0, 1e-6])
@pytest.mark.parametrize("share", [0.01, 0.1])
def test_a_column_that_began_with_zeros_keeps_its_later_value(value: float, share: float) -> None:
    """A flag that is set for the first time has its own mean, and not that of an octave."""
    stream = NumericStream(0)
    observe(stream, np.zeros(BLOCK), 10)
    stream.collect(MINUTE)
    stream.acknowledge()
    flags = np.where(np.arange(1_000) < 1_000 * share, value, 0.0)
    observe(stream, flags, MINUTE + 10)
    points = stream.collect(2 * MINUTE)
    rows = points[0].points.intervals().merge(*(point.points.intervals() for point in points[1:]))

    assert rows.total == BLOCK + 1_000
    assert mean(rows) * rows.total == pytest.approx(flags.sum(), rel=1e-5)


def test_a_column_that_moves_far_is_fitted_anew_once_its_sample_is_of_the_new_kind() -> None:
    """No layout resolves a half of both: the next export looks again, however long the column was at rest."""
    stream = NumericStream(0)
    for minute in range(40):
        observe(stream, normal(0, seed=minute), minute * MINUTE)
        stream.collect(minute * MINUTE + 1)
        stream.acknowledge()
    observe(stream, normal(1_000), 40 * MINUTE)
    stream.collect(41 * MINUTE)
    observe(stream, normal(1_000, seed=1), 41 * MINUTE)
    points = stream.collect(42 * MINUTE)

    assert sum(point.points.rows for point in points) == 42 * 20_000
    assert points[-1].start == 41 * MINUTE
    assert points[-1].points.out_of_range < 1_000


def test_fits_without_success_become_rare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A column that no layout resolves is not fitted again at every export."""
    rng, fits = np.random.default_rng(0), 0

    def fit(sample: NDArray[np.float64]) -> Layout:
        nonlocal fits
        fits += 1
        return fit_layout(sample)

    monkeypatch.setattr("driftline.sketch.stream.fit_layout", fit)
    stream = NumericStream(0)
    for minute in range(300):
        far_modes = np.where(rng.random(3_000) < 0.5, rng.normal(0, 1, 3_000), rng.normal(1e6, 1, 3_000))
        stream.observe(far_modes, minute * MINUTE)
        points = stream.collect(minute * MINUTE + 1)
        stream.acknowledge()

    assert 3 <= fits <= 20
    assert len(points) == 1


def test_times_rise_even_when_the_clock_does_not() -> None:
    """Points of one stream never share a time, streams never a start, and none ends before it starts."""
    stream, seen = NumericStream(1_000), list[tuple[int, int, int]]()
    for block, now in enumerate([1_000, 1_000, 500, 500, 400, 400]):
        stream.observe(normal(4.0 * block, seed=block), now)
        seen += [(point.start, point.time, point.points.rows) for point in stream.collect(now)]

    assert all(start < time for start, time, _ in seen)
    assert len({(start, time) for start, time, _ in seen}) == len(set(seen))
    ends = {start: max(t for s, t, _ in seen if s == start) for start, _, _ in seen}
    starts = sorted(ends)
    assert len(starts) > 3
    assert all(ends[a] <= b for a, b in pairwise(starts))


def test_ended_streams_are_bounded_while_nothing_is_acknowledged() -> None:
    """A column that moves on and on with the exporter down: its rows go to the tails, and none is lost."""
    stream, sent = NumericStream(0), 0
    for minute in range(60):
        stream.observe(normal(10.0 * 1.5**minute, 3_000, seed=minute), minute * MINUTE)
        points = stream.collect(minute * MINUTE + 1)
        sent += 3_000

    assert len(points) <= 17
    assert sum(point.points.rows for point in points) == sent
