"""Words: what moved, for people."""

import numpy as np
import pytest

from driftline_processor.monitors.drift.detection.tested_sets import Event, Family
from driftline_processor.monitors.drift.explain.wording import (
    describe_category,
    describe_novelty,
    describe_range,
    edge,
    percent,
)

EDGES = np.array([-2.0, 0.0, 3.2, 7.5])


@pytest.mark.parametrize(
    ("event", "before", "after", "text"),
    [
        (Event(Family.PREFIX, 0, 3), 0.8, 0.65, "share above 3.2: 20 % → 35 %"),
        (Event(Family.PREFIX, 0, 3), 0.65, 0.8, "share up to 3.2: 65 % → 80 %"),
        (Event(Family.PREFIX, 0, 1), 0.0, 0.12, "share below the training minimum -2: 0 % → 12 %"),
        (Event(Family.PREFIX, 0, 4), 1.0, 0.93, "share above the training maximum 7.5: 0 % → 7 %"),
        (Event(Family.INTERVAL, 2, 3), 0.1, 0.2, "share in 0 to 3.2: 10 % → 20 %"),
        (Event(Family.INTERVAL, 0, 2), 0.1, 0.2, "share up to 0: 10 % → 20 %"),
        (Event(Family.INTERVAL, 3, 5), 0.1, 0.2, "share above 3.2: 10 % → 20 %"),
        (Event(Family.TAILS, 2, 3), 0.1, 0.2, "share outside 0 to 3.2: 10 % → 20 %"),
    ],
)
def test_ranges(event: Event, before: float, after: float, text: str) -> None:
    """A numeric event is named by the side that grew, with its bounds."""
    assert describe_range(event, EDGES, before, after) == text


def test_categories() -> None:
    """A category is named; those without a cell of their own are told together."""
    assert describe_category("web", 0.1, 0.01) == "share of 'web': 10 % → 1 %"
    assert describe_category(None, 0.0, 0.5) == "share of all other categories: 0 % → 50 %"


def test_new_values_are_named_and_the_rest_counted() -> None:
    """Three names at most, then how many more."""
    assert describe_novelty(("a", "b"), 0.004) == "values never seen in training: 0.4 % (a, b)"
    assert describe_novelty(tuple("abcde"), 0.5) == "values never seen in training: 50 % (a, b, c and 2 more)"
    assert describe_novelty((), 0.5) == "values never seen in training: 50 %"


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0 %"), (1, "100 %"), (0.352, "35 %"), (0.0123, "1.2 %"), (2e-5, "0.002 %")]
)
def test_shares(share: float, text: str) -> None:
    """Two digits are enough."""
    assert percent(share) == text


def test_edges_have_the_digits_that_tell_them_apart() -> None:
    """Neighbours that differ in the seventh digit are written with seven."""
    edges = np.array([1_600_000_000.0, 1_600_000_100.0, 1_700_000_000.0])

    assert edge(edges, 1) == "1600000100"
    assert edge(EDGES, 2) == "3.2"
