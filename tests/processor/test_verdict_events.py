"""Events: which sets of cells a verdict is about."""

import numpy as np
import pytest
from numpy.typing import NDArray

from driftline_processor.verdict.events import (
    MAGNIFICATION,
    Family,
    category_events,
    magnify,
    numeric_events,
    state_events,
)


def test_a_full_numeric_column_has_every_prefix_and_the_dyadic_intervals() -> None:
    """32 cells and the two outside of them make 33 prefixes, 4 + 8 + 17 intervals and 3 pairs of tails."""
    families = [event.family for event in numeric_events(34).items]

    assert families.count(Family.PREFIX) == 33
    assert families.count(Family.INTERVAL) == 4 + 8 + 17
    assert families.count(Family.TAILS) == 3


@pytest.mark.parametrize("cells", [1, 2, 3, 5, 9, 34])
def test_sums_are_those_of_the_named_cells(cells: int) -> None:
    """The count of an event is the count of its cells, whatever the number of cells."""
    counts = np.random.default_rng(cells).integers(0, 100, cells).astype(float)
    events = numeric_events(cells)

    sums = events.sums(counts)

    for event, found in zip(events.items, sums, strict=True):
        inside = counts[event.first : event.last].sum()
        assert found == (counts.sum() - inside if event.family is Family.TAILS else inside)


def test_every_category_is_an_event() -> None:
    """A categorical column has one event a cell; a state has one, "it"."""
    counts = np.array([3.0, 5.0, 7.0])

    assert category_events(3).sums(counts).tolist() == [3.0, 5.0, 7.0]
    assert state_events().sums(counts[:2]).tolist() == [5.0]


def test_tails_are_magnified_and_only_so_far() -> None:
    """A prefix counts once at one half and 1.6 times in the far tail; an interval always once."""
    events = numeric_events(34)
    prefixes = np.array([event.family is Family.PREFIX for event in events.items])

    def magnified(share: float) -> NDArray[np.float64]:
        return magnify(np.full(len(events), share), events.magnified)

    assert magnified(0.5) == pytest.approx(1.0)
    assert magnified(1e-4)[prefixes] == pytest.approx(MAGNIFICATION)
    assert magnified(1e-4)[~prefixes] == pytest.approx(1.0)


@pytest.mark.parametrize("cells", [2, 5, 34])
def test_members_are_the_cells_that_are_summed(cells: int) -> None:
    """The matrix of cells and events counts what the sums do."""
    counts, events = np.random.default_rng(cells).integers(0, 100, cells).astype(float), numeric_events(cells)

    assert counts @ events.members(np.ones(len(events), bool)) == pytest.approx(events.sums(counts))
