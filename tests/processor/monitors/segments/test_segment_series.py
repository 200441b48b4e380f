"""The series of a model's segments are bounded, and tell of no few rows."""

import pytest

from driftline_processor.monitors.segments.series import bounded
from driftline_processor.records import SegmentResult


def segments(*rows: float, trained: float | None = 0.01) -> list[SegmentResult]:
    return [SegmentResult(f"s{i}", "weak", each, each / 10_000, trained) for i, each in enumerate(rows)]


def test_the_rest_is_one_sum() -> None:
    """The first ones are told, in their order."""
    *told, other = bounded(segments(500, 400, 300, 200), most=2)
    assert [each.name for each in told] == ["s0", "s1"]
    assert (other.name, other.kind, other.rows) == ("other", "other", 500)
    assert (other.share, other.reference_share) == (pytest.approx(0.05), pytest.approx(0.02))
    assert other.figures == {}


def test_there_is_no_other_without_a_rest() -> None:
    """And none that says less than all of it."""
    assert [each.name for each in bounded(segments(5, 4), most=2)] == ["s0", "s1"]
    assert bounded(segments(5, 4, trained=None), most=0)[0].reference_share is None


def test_few_rows_are_in_no_series_and_in_no_sum() -> None:
    """Else the sum of one would tell them. None at all is not few."""
    told = bounded(segments(500, 49, 0, 200), most=2, min_rows=50)
    assert [(each.name, each.rows) for each in told] == [("s0", 500), ("s2", 0), ("other", 200)]
