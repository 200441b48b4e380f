"""The tolerance is kept, and what exceeds it is found: the short form of `python -m bench.verdicts.tolerance`."""

from statistics import median

import pytest

from bench.verdicts.tolerance import TOLERANCE, Columns, delays, openings, soon

WEEK = 168
"""Hours: of thirty columns 5,040, which are 42 days of five."""


@pytest.fixture(scope="module")
def normal() -> Columns:
    return Columns(30, rows=100_000)


@pytest.mark.parametrize(("size", "rate", "most"), [(5, 300, 3), (5, 1_000, 3), (30, 300, 1), (30, 1_000, 1)])
def test_moves_within_the_tolerance_stay_within_the_budget(normal: Columns, size: int, rate: int, most: int) -> None:
    """Four fifths of it, in every column: one page in 30 days, of which these are 1.4 for five columns, .2 for thirty.

    With a bound at 95 % of the event that moved most there were dozens.
    """
    assert openings(normal, 0.8 * TOLERANCE, rate, size, WEEK) <= most


@pytest.mark.parametrize("share", [0.3, 0.1])
def test_a_category_is_as_far_as_a_reader_subtracts(share: float) -> None:
    """Four points are within five, whether a category is frequent or not; magnified they were seven."""
    assert openings(Columns(10, share, rows=50_000), 0.04, 1_000, 5, WEEK) <= 1


@pytest.mark.parametrize(("size", "least"), [(5, 0.9), (30, 0.8)])
def test_twice_the_tolerance_is_found_within_two_windows(normal: Columns, size: int, least: float) -> None:
    """Of 1,000 rows, in most columns; by no rule in more than about half of them in the first (Neyman and Pearson)."""
    found = delays(normal, 2.0 * TOLERANCE, 1_000, size)

    assert sum(delay <= 2 for delay in found) >= least * len(found)


@pytest.mark.parametrize(("size", "least"), [(5, 0.9), (30, 0.82)])
def test_six_weeks_of_50_000_rows_find_about_as_much(size: int, least: float) -> None:
    """The noise in how much 128 chunks vary is taken for no season: with it these were .83 and .7."""
    few = Columns(30, rows=50_000, chunks=128, days=42.0)

    assert soon(few, 2.0 * TOLERANCE, 1_000, size, windows=2, seeds=6) >= least


@pytest.mark.parametrize(
    ("tolerances", "rate", "windows"), [(2, 5_000, 1), (3, 1_000, 1), (4, 300, 1), (3, 300, 2), (4, 150, 2)]
)
def test_more_is_found_as_soon_as_ever(normal: Columns, tolerances: int, rate: int, windows: int) -> None:
    """From three tolerances on, and from 5,000 rows on, the proof costs no time; in few rows one more window."""
    assert median(delays(normal, tolerances * TOLERANCE, rate, 5)) <= windows
