"""Reasons: what moved, of the events of a column."""

import numpy as np
import pytest

from driftline_processor.monitors.drift.detection.tested_sets import BinSet, Family
from driftline_processor.monitors.drift.explain.describe import in_whole_numbers, moved_category, moved_range
from driftline_processor.verdicts.reasons import Bound, Moved, Region
from driftline_processor.verdicts.wording import sentence

EDGES = np.array([-2.0, 0.0, 3.2, 7.5])


@pytest.mark.parametrize(
    ("event", "before", "after", "text"),
    [
        (BinSet(Family.PREFIX, 0, 3), 0.8, 0.65, "share above 3.2: 20% → 35%"),
        (BinSet(Family.PREFIX, 0, 3), 0.65, 0.8, "share up to 3.2: 65% → 80%"),
        (BinSet(Family.PREFIX, 0, 1), 0.0, 0.12, "share below the training minimum -2: 0% → 12%"),
        (BinSet(Family.PREFIX, 0, 4), 1.0, 0.93, "share above the training maximum 7.5: 0% → 7%"),
        (BinSet(Family.INTERVAL, 2, 3), 0.1, 0.2, "share in 0 to 3.2: 10% → 20%"),
        (BinSet(Family.INTERVAL, 0, 2), 0.1, 0.2, "share up to 0: 10% → 20%"),
        (BinSet(Family.INTERVAL, 3, 5), 0.1, 0.2, "share above 3.2: 10% → 20%"),
        (BinSet(Family.TAILS, 2, 3), 0.1, 0.2, "share outside 0 to 3.2: 10% → 20%"),
        (BinSet(Family.RANKS, 0, 5), 0.5, 0.76, "higher than in training in 76 of 100 comparisons"),
    ],
)
def test_ranges(event: BinSet, before: float, after: float, text: str) -> None:
    """A numeric event is named by the side that grew, with its bounds."""
    assert sentence((moved_range(event, EDGES, before, after),)) == text


WHOLE = np.array([-2.2250738585072014e-308, 1.0, 3.01832886, 1_700_000_123.4])


@pytest.mark.parametrize(
    ("event", "before", "after", "text"),
    [
        (BinSet(Family.PREFIX, 0, 1), 0.0, 0.12, "share below the training minimum 0: 0% → 12%"),
        (BinSet(Family.PREFIX, 0, 3), 0.65, 0.8, "share up to 3: 65% → 80%"),
        (BinSet(Family.PREFIX, 0, 3), 0.8, 0.65, "share above 3: 20% → 35%"),
        (BinSet(Family.PREFIX, 0, 4), 1.0, 0.93, "share above the training maximum 1700000123: 0% → 7%"),
        (BinSet(Family.INTERVAL, 2, 3), 0.1, 0.2, "share in 2 to 3: 10% → 20%"),
        (BinSet(Family.INTERVAL, 3, 4), 0.1, 0.2, "share in 4 to 1700000123: 10% → 20%"),
        (BinSet(Family.TAILS, 2, 3), 0.1, 0.2, "share outside 2 to 3: 10% → 20%"),
        (BinSet(Family.RANKS, 0, 5), 0.5, 0.76, "higher than in training in 76 of 100 comparisons"),
    ],
)
def test_ranges_of_whole_numbers(event: BinSet, before: float, after: float, text: str) -> None:
    """Counts and epochs are told by the numbers in a range, between which the edges lie."""
    assert sentence((in_whole_numbers(moved_range(event, WHOLE, before, after)),)) == text


def test_what_is_rare_is_named_itself() -> None:
    """A flag that has gone, not all the rows without it; else the side that has grown."""
    flag = np.array([-2.2250738585072014e-308, 0.0, 1.0])
    gone = moved_range(BinSet(Family.PREFIX, 0, 2), flag, 0.97, 1.0, itself=False)

    assert sentence((gone,)) == "share above 0: 3% → 0%"
    assert sentence((moved_range(BinSet(Family.PREFIX, 0, 2), flag, 0.97, 1.0),)) == "share up to 0: 97% → 100%"


def test_ranges_keep_their_exact_ends() -> None:
    """Digits are for people; the bound is the edge itself."""
    edges = np.array([0.123456, 9.0])

    assert moved_range(BinSet(Family.PREFIX, 0, 1), edges, 0.0, 0.5) == Moved(
        Region.BELOW_MINIMUM, 0.0, 0.5, high=Bound(0.123456, 3)
    )


def test_categories() -> None:
    """A category is named; those without a bin of their own are taken together."""
    assert sentence((moved_category("web", 0.1, 0.01),)) == "share of 'web': 10% → 1%"
    assert sentence((moved_category(None, 0.0, 0.5),)) == "share of all other categories: 0% → 50%"
