"""BinSets: which sets of bins a verdict is about."""

import numpy as np
import pytest

from driftline_processor.monitors.drift.detection.tested_sets import (
    Family,
    category_events,
    numeric_events,
    state_events,
)


def test_a_full_numeric_column_has_every_prefix_and_the_dyadic_intervals() -> None:
    """32 bins and the two outside of them make 33 prefixes, 4 + 8 + 17 intervals and 3 pairs of tails."""
    families = [event.family for event in numeric_events(34).items]

    assert families.count(Family.PREFIX) == 33
    assert families.count(Family.INTERVAL) == 4 + 8 + 17
    assert families.count(Family.TAILS) == 3


@pytest.mark.parametrize("bins", [1, 2, 3, 5, 9, 34])
def test_sums_are_those_of_the_named_cells(bins: int) -> None:
    """The count of an event is the count of its bins, whatever the number of bins."""
    counts = np.random.default_rng(bins).integers(0, 100, bins).astype(float)
    events = numeric_events(bins)

    sums = events.sums(counts)

    for event, found in zip(events.items, sums, strict=True):
        inside = counts[event.first : event.last].sum()
        assert found == (counts.sum() - inside if event.family is Family.TAILS else inside)


def test_every_category_is_an_event() -> None:
    """A categorical column has one event a bin; a state has one, "it"."""
    counts = np.array([3.0, 5.0, 7.0])

    assert category_events(3).sums(counts).tolist() == [3.0, 5.0, 7.0]
    assert state_events().sums(counts[:2]).tolist() == [5.0]


@pytest.mark.parametrize("bins", [2, 5, 34])
def test_members_are_the_cells_that_are_summed(bins: int) -> None:
    """The matrix of bins and events counts what the sums do."""
    counts, events = np.random.default_rng(bins).integers(0, 100, bins).astype(float), numeric_events(bins)

    assert counts @ events.members(np.ones(len(events), bool)) == pytest.approx(events.sums(counts))


def test_ranks_are_the_chance_that_a_value_exceeds_one_of_training() -> None:
    """Half where nothing moved; ties count half. The variance is that of the ranks."""
    random = np.random.default_rng(0)
    trained, live = (random.integers(0, 6, size) for size in (3_000, 500))
    counts = [np.bincount(x, minlength=6).astype(float) for x in (trained, live)]
    shares = counts[0] / 3_000
    events = numeric_events(6).with_ranks(shares)
    above, ties = ((op(live[:, None], trained)).mean() for op in (np.greater, np.equal))
    ranks = (trained[:, None] > trained).mean(axis=1) + (trained[:, None] == trained).mean(axis=1) / 2

    assert events.sums(shares)[-1] == pytest.approx(0.5)
    assert events.sums(counts[1])[-1] / 500 == pytest.approx(above + ties / 2)
    assert events.variance(events.sums(shares), shares)[-1] == pytest.approx(ranks.var())
    np.testing.assert_array_equal(events.sums(counts[1])[:-1], numeric_events(6).sums(counts[1]))
