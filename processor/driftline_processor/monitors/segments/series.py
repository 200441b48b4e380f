"""The series of a model's segments: those that were declared, then those that stand out; the rest in one sum."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from driftline.semconv import OTHER_SEGMENTS, TARGET_SEGMENT
from driftline_processor.records import ColumnResult, SegmentFigure, SegmentResult
from driftline_processor.verdicts.reasons import SegmentStandsOut

MOST: Final = 20
"""Segments of a model with series of their own, unless the user says otherwise."""


def of_findings(columns: Iterable[ColumnResult]) -> Iterator[SegmentResult]:
    """Segments that stand out, from the results that tell them, in the same order."""
    for column in columns:
        if column.column.target != TARGET_SEGMENT or column.verdict is None:
            continue
        for reason in column.verdict.reasons:
            if isinstance(reason, SegmentStandsOut):
                yield _of_reason(column.column.name, reason)


def _of_reason(name: str, reason: SegmentStandsOut) -> SegmentResult:
    figure = SegmentFigure(reason.value, reason.elsewhere, reason.low, reason.high)
    share, before = reason.share, reason.reference_share
    return SegmentResult(name, reason.segment, reason.rows, share, before, {reason.measure: figure})


def bounded(segments: Sequence[SegmentResult], most: int = MOST, min_rows: float = 0.0) -> tuple[SegmentResult, ...]:
    """At most so many series, the first ones; all others are summed.

    min_rows: a segment that has rows, but fewer, is in no series, and in no sum that would tell them.
    """
    told = [each for each in segments if each.rows == 0.0 or each.rows >= min_rows]
    rest = told[most:]
    if not rest:
        return tuple(told)
    trained = [each.reference_share for each in rest if each.reference_share is not None]
    rows, share = sum(each.rows for each in rest), min(sum(each.share for each in rest), 1.0)
    before = min(sum(trained), 1.0) if len(trained) == len(rest) else None
    return (*told[:most], SegmentResult(OTHER_SEGMENTS, OTHER_SEGMENTS, rows, share, before))
