"""Panes of event time, the watermark that closes them, and the windows over them."""

from dataclasses import replace

import pytest

from driftline_processor.engine.windows import SlidingWindows
from driftline_processor.records import Window
from engine_records import AGE, MINUTE, SECOND, START, span


def panes(size: int = 5, lateness: int = MINUTE) -> SlidingWindows:
    return SlidingWindows(size=size * MINUTE, step=MINUTE, lateness=lateness)


def put(held: SlidingWindows, time: int, operation: str = "predict") -> bool:
    pane = held.pane(time)
    if pane is not None:
        pane.add_spans(replace(span(0, time, {"age": 1.0}), operation=operation), [AGE])
    return pane is not None


def test_a_point_on_a_bound_belongs_to_the_pane_that_ends_there() -> None:
    """A point counts what came before it."""
    held = panes()
    put(held, START + MINUTE)
    put(held, START + MINUTE + 1)

    assert sorted(held.by_start) == [START, START + MINUTE]


def test_windows_slide_by_a_step_and_hold_the_panes_of_their_size() -> None:
    """Each complete pane ends a window; a window holds `size` of event time."""
    held = panes(2)
    for minute in range(4):
        put(held, START + minute * MINUTE + SECOND)
    seen = [(window, held.contents(window).rows) for window in held.close(idle=False)]

    assert seen == [
        (Window(START - MINUTE, START + MINUTE), 1),
        (Window(START, START + 2 * MINUTE), 2),
    ]


def test_no_window_is_given_twice() -> None:
    """Closing again without new data gives nothing."""
    held = panes()
    for minute in range(4):
        put(held, START + minute * MINUTE + SECOND)

    assert list(held.close(idle=False))
    assert not list(held.close(idle=False))


def test_rows_within_the_lateness_are_counted_and_later_ones_are_not() -> None:
    """A pane takes rows until the newest event time is `lateness` past its end."""
    held = panes()
    put(held, START + SECOND)
    put(held, START + 2 * MINUTE - 1)
    assert put(held, START + 2 * SECOND)

    put(held, START + 2 * MINUTE)
    assert not put(held, START + 3 * SECOND)


def test_lateness_does_not_depend_on_when_windows_are_closed() -> None:
    """The records alone decide what is late: a replay gives the same answer."""
    eager, lazy = panes(), panes()
    times = [START + second * SECOND for second in (5, 100, 20, 200, 110, 90, 250, 130)]
    taken = []
    for time in times:
        taken.append((put(eager, time), put(lazy, time)))
        list(eager.close(idle=False))

    assert all(one == other for one, other in taken)
    assert (False, False) in taken


def test_an_idle_model_is_closed_up_to_its_last_pane_and_no_further() -> None:
    """Without a newer event the watermark passes the last data, and later windows over it are not told."""
    held = panes()
    put(held, START + SECOND)

    assert [window.end for window in held.close(idle=True)] == [START + MINUTE]
    assert not list(held.close(idle=True))


def test_a_gap_of_years_costs_no_window() -> None:
    """Only windows that hold something are judged."""
    held = panes()
    put(held, 10 * SECOND)
    put(held, START + 1)
    put(held, START + 2 * MINUTE)

    assert len(list(held.close(idle=False))) == 6


def test_panes_that_no_window_reaches_are_dropped() -> None:
    """What is held is bounded by the size of a window and the lateness."""
    held = panes()
    for minute in range(60):
        put(held, START + minute * MINUTE + SECOND)
        list(held.close(idle=False))

    assert len(held.by_start) <= 7


@pytest.mark.parametrize("lateness", [0, MINUTE])
def test_points_of_one_moment_share_their_fate(lateness: int) -> None:
    """Also without any lateness, and exactly on a bound: the first of an export must not close its own pane."""
    held = panes(lateness=lateness)
    put(held, START + SECOND)

    assert put(held, START + MINUTE)
    assert put(held, START + MINUTE)


def test_a_column_is_taken_from_the_operation_that_saw_most_of_it() -> None:
    """In each window anew; rows that went through two operations are not counted twice."""
    held = panes(2)
    put(held, START + SECOND, "predict")
    for _ in range(3):
        put(held, START + SECOND, "predict_proba")
    for _ in range(4):
        put(held, START + MINUTE + SECOND, "predict")
    first, both = (held.contents(Window(START - MINUTE, START + i * MINUTE)) for i in (1, 2))

    assert (first.rows, first.columns[AGE].rows) == (3, 3)
    assert (both.rows, both.columns[AGE].rows) == (5, 5)


def test_a_sender_without_a_counter_of_rows_is_measured_by_its_fullest_column() -> None:
    """Not every foreign sender counts rows beside its columns."""
    held = panes()
    put(held, START + SECOND)
    pane = held.pane(START + SECOND)
    assert pane is not None
    pane.rows.clear()

    assert held.contents(Window(START, START + MINUTE)).rows == 1


def test_traces_are_spread_over_the_window() -> None:
    """Each pane of the window gives some, in turns; which ones does not depend on the order in which they came."""
    held = panes()
    for minute in range(6):
        pane = held.pane(START + minute * MINUTE + 1)
        assert pane is not None
        pane.traces = [f"{minute}{letter}" for letter in "ab"]
    window = Window(START + MINUTE, START + 6 * MINUTE)

    assert held.traces(window) == ("1a", "2a", "3a", "4a", "5a")
    assert held.traces(Window(START, START + 2 * MINUTE)) == ("0a", "1a", "0b", "1b")


def test_a_window_lasts_from_its_first_rows_to_its_last() -> None:
    """A stream that has just begun fills a part of its window: it varies as that part does, not as the whole."""
    held = panes()
    put(held, START + 3 * MINUTE + SECOND)
    put(held, START + 4 * MINUTE + SECOND)
    assert held.covered(Window(START, START + 5 * MINUTE)) == 2 * MINUTE
    assert held.covered(Window(START + 4 * MINUTE, START + 9 * MINUTE)) == MINUTE
    assert held.covered(Window(START - 5 * MINUTE, START)) == 0
