"""Many columns that move a little together are one page, through real sketches and the real engine."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from bench.verdicts.made import clock
from bench.verdicts.ours import Driftline
from bench.verdicts.stream import Columns, Stream
from driftline.semconv import TARGET_BLOCK
from driftline_processor.records import AlarmChange, AlarmEvent

ROWS = 20_000
"""Of training data."""


def moving(
    columns: int,
    moved: int,
    by: float,
    n: int,
    *,
    rho: float = 0.0,
    alike: bool = True,
    name: str = "emb_{}",
    quiet: int = 4,
    until: int = 6,
    after: int = 0,
    seed: int = 0,
    timed: bool = True,
) -> Stream:
    """Columns in groups of up to sixteen that are correlated so; some of them move by so many standard deviations.

    alike: all in one direction. quiet: windows before the move; until: of its end; after: windows after that.
    """
    random = np.random.default_rng(seed)
    group = np.arange(columns) // 16
    signs = np.ones(columns) if alike else random.choice([-1.0, 1.0], columns)
    shift = by * signs * (np.arange(columns) % max(columns // moved, 1) == 0)
    names = [name.format(i) for i in range(columns)]

    def rows(number: int) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
        common = random.normal(size=(number, int(group[-1]) + 1))[:, group]
        return np.sqrt(rho) * common + np.sqrt(1.0 - rho) * random.normal(size=(number, columns))

    def named(values: "np.ndarray[tuple[int, int], np.dtype[np.float64]]") -> Columns:
        return dict(zip(names, np.ascontiguousarray(values.T), strict=True))

    def windows() -> Iterator[Columns]:
        for window in range(until + after):
            yield named(rows(n) + (shift if quiet <= window < until else 0.0))

    reference = named(rows(ROWS))
    onsets = {each: quiet for each, by in zip(names, shift, strict=True) if by}
    return Stream(reference, windows, n, onsets, times=clock(ROWS) if timed else None)


def alarms(stream: Stream) -> list[list[AlarmEvent]]:
    """The changes of alarms in each window."""
    ours = Driftline()
    ours.fit(stream)
    found = []
    for rows in stream.windows():
        ours.window(rows)
        found.append([event for result in ours.results for event in result.alarms])
    return found


@pytest.mark.parametrize(
    ("n", "rho", "alike"), [(200, 0.0, True), (200, 0.3, False), (1_000, 0.7, True), (5_000, 0.3, True)]
)
def test_an_embedding_that_moves_a_little_is_one_page(n: int, rho: float, alike: bool) -> None:
    """128 dimensions by .2 standard deviations, in the first window; of single ones 27 were told."""
    *before, first, later = alarms(moving(128, 128, 0.2, n, rho=rho, alike=alike))
    (event,) = first

    assert not any(before)
    assert (event.change, event.column) == (AlarmChange.OPENED, (TARGET_BLOCK, "emb"))
    assert event.verdict.distance == pytest.approx(0.08, abs=0.015)
    assert "columns moved together, by about" in event.summary
    assert not any(event.change is AlarmChange.OPENED for event in later)


def test_thirty_columns_with_names_of_their_own_too() -> None:
    """The block is that of all inputs; who moved little is told by it alone, whatever its own verdict."""
    *before, first, later, after = alarms(moving(30, 30, 0.2, 1_000, name="f{}_rate", after=1))
    (opened,), (closed,) = first, after

    assert not any(before)
    assert (opened.column, opened.change) == ((TARGET_BLOCK, "inputs"), AlarmChange.OPENED)
    assert not later
    assert (closed.column, closed.change) == ((TARGET_BLOCK, "inputs"), AlarmChange.CLOSED)


def test_few_columns_that_move_much_are_told_by_themselves() -> None:
    """Three of thirty by one standard deviation: three pages, and none of the block."""
    *before, first, later = alarms(moving(30, 3, 1.0, 1_000, name="x{}"))

    assert not any(before)
    assert sorted(event.column.name for event in first) == ["x0", "x10", "x20"]
    assert not later


def test_what_no_column_may_do_is_no_matter_of_their_number() -> None:
    """All by .01 standard deviations, which are .4 points: nothing is told, however many rows prove it."""
    assert not any(alarms(moving(16, 16, 0.01, 1_000_000, quiet=1, until=3, timed=False)))


def test_columns_that_all_move_much_are_told_by_themselves() -> None:
    """Of a block with names none is left to be judged together: twelve pages, and the windows are judged."""
    *before, first, later = alarms(moving(12, 12, 2.0, 1_000, name="{}_rate"))

    assert not any(before)
    assert {event.column.target for event in first} == {"input"}
    assert len(first) == 12
    assert not later


WORDS = [f"{a}{b}{c}" for a in "bcdfgklm" for b in "aeio" for c in ("rk", "nt", "st", "ld")]
"""128 names of which no two are numbered alike."""


def named(stream: Stream, names: list[str]) -> Stream:
    """The same columns by other names."""
    of = dict(zip(stream.reference, names, strict=True))

    def windows() -> Iterator[Columns]:
        for rows in stream.windows():
            yield {of[name]: x for name, x in rows.items()}

    reference = {of[name]: x for name, x in stream.reference.items()}
    onsets = {of[name]: at for name, at in stream.onsets.items()}
    return replace(stream, reference=reference, windows=windows, onsets=onsets)


def test_an_embedding_without_numbers_is_one_page_too() -> None:
    """Its groups of correlated columns are told by the alarm of them all."""
    *before, first, later = alarms(named(moving(128, 128, 0.2, 1_000, rho=0.7, alike=False), WORDS))
    (event,) = first

    assert not any(before)
    assert (event.change, event.column) == (AlarmChange.OPENED, (TARGET_BLOCK, "inputs"))
    assert not any(event.change is AlarmChange.OPENED for event in later)


def test_correlated_columns_that_move_a_little_alone() -> None:
    """Sixteen of 128: all inputs together do not prove it in 500 rows, the group that the training data shows does."""
    healthy = named(moving(128, 128, 0.0, 500, rho=0.7), WORDS)

    def windows() -> Iterator[Columns]:
        for window, rows in enumerate(healthy.windows()):
            yield {name: x + 0.3 * (window >= 4 and name in WORDS[:16]) for name, x in rows.items()}

    *before, first, later = alarms(replace(healthy, windows=windows))

    assert not any(before)
    assert [event.column for event in first] == [(TARGET_BLOCK, "bark and 15 correlated")]
    assert not later
