"""Columns as JSON: what moved, from what share to which, and the histograms that show it."""

from dataclasses import replace

import numpy as np
import pytest

from driftline_processor.encode.documents import column_document, histogram_document, named_columns
from driftline_processor.records import ColumnKey, ColumnResult, Histogram
from driftline_processor.verdicts.reasons import Bound, DetectionLimit, ManyCategories, Moved, NeverSeen, Reason, Region
from driftline_processor.verdicts.verdict import State, Verdict

ABOVE = Moved(Region.ABOVE, 0.2, 0.35, Bound(3.2, 2))


def column(*reasons: Reason, name: str = "age", target: str = "input") -> ColumnResult:
    verdict = Verdict("value", State.ALARM, 0.15, 0.1, 0.05, 2.0, reasons)
    return ColumnResult(ColumnKey(target, name), 500.0, 500.0, 10_000.0, {}, {}, {}, verdict, "a1", type="float")


@pytest.mark.parametrize(
    ("reasons", "moved"),
    [
        ((ABOVE,), ("above", 0.2, 0.35, "up")),
        ((replace(ABOVE, before=0.35, after=0.2), DetectionLimit(0.1, 30)), ("above", 0.35, 0.2, "down")),
        ((NeverSeen(0.02, ("50%",)),), ("never_seen", 0.0, 0.02, None)),
        ((ManyCategories(0.3),), ("many_categories", None, None, None)),
        ((DetectionLimit(0.1, 30),), (None, None, None, None)),
    ],
)
def test_the_first_event_of_a_verdict_is_told(reasons: tuple[Reason, ...], moved: tuple[object, ...]) -> None:
    """A reason that is no event says nothing of before and after."""
    document = column_document(column(*reasons))
    assert tuple(document[name] for name in ("event", "before", "after", "direction")) == moved


def test_a_column_without_a_verdict_has_no_event() -> None:
    """All that a verdict says is null."""
    document = column_document(replace(column(), verdict=None, alarm=None))
    told = (
        "distance",
        "lower_bound",
        "tolerance",
        "state",
        "sentence",
        "event",
        "before",
        "after",
        "direction",
        "reasons",
    )
    assert {document[name] for name in told} == {None}
    assert document["rows"] == 500.0


def test_histograms_have_few_bins_that_lose_no_row() -> None:
    """Of a thousand bins, at most 33 are left; both ends and all shares stay."""
    generator = np.random.default_rng(1)
    edges = np.sort(generator.lognormal(size=999))
    reference, current = (np.append(0.0, generator.dirichlet(np.ones(999))) for _ in range(2))
    document = histogram_document(Histogram(edges, reference, current))
    assert len(document["reference"]) == len(document["current"]) == len(document["edges"]) + 1 <= 35
    assert sum(document["reference"]) == pytest.approx(1.0, abs=1e-4)
    assert sum(document["current"]) == pytest.approx(1.0, abs=1e-4)
    assert document["edges"][0] == pytest.approx(edges[0], rel=1e-5)
    assert document["edges"][-1] == pytest.approx(edges[-1], rel=1e-5)


def test_few_bins_stay_as_they_are() -> None:
    """Three bins of a narrow column."""
    parts = np.array([0.0, 0.75, 0.25]), np.array([0.5, 0.25, 0.25])
    document = histogram_document(Histogram(np.array([1.0, 2.0]), *parts))
    assert document == {"edges": [1.0, 2.0], "reference": [0.0, 0.75, 0.25], "current": [0.5, 0.25, 0.25]}


def test_columns_of_one_name_are_told_apart() -> None:
    """By what they are."""
    named = named_columns([column(name="score"), column(name="score", target="output"), column()])
    assert list(named) == ["input.score", "output.score", "age"]
