"""Findings as verdicts on columns of their own: they open alarms, join incidents and are told as all others are."""

from collections.abc import Iterator
from typing import Final

from driftline.segments.training import SegmentTraining
from driftline.semconv import TARGET_SEGMENT
from driftline_processor.monitors.segments.candidate import DRIFT, WEAK, Candidate
from driftline_processor.monitors.segments.judge import RATIO
from driftline_processor.monitors.segments.monitor import Finding, Update
from driftline_processor.records import ColumnKey, ColumnResult, Window
from driftline_processor.verdicts.reasons import SegmentStandsOut
from driftline_processor.verdicts.verdict import ClosingEvidence, State, Verdict

LEAST: Final = 0.01
"""Of the rows: findings that are tolerated less are ranked as if so much were."""


def results(training: SegmentTraining, update: Update, window: Window, step: int) -> Iterator[ColumnResult]:
    """The findings of a window. step: nanoseconds of what the monitor counts as a window."""
    for finding in update.open:
        yield _result(training, finding, _verdict(training, finding, step, State.ALARM, None))
    for finding in update.closed:
        closing = ClosingEvidence(window.start, 0.0)
        yield _result(training, finding, _verdict(training, finding, step, State.HEALTHY, closing))
    for finding in update.undated:
        yield _result(training, finding, _verdict(training, finding, step, State.WARNING, None))


def key_of(training: SegmentTraining, candidate: Candidate) -> ColumnKey:
    """The name of a finding: the same as long as it is open."""
    codes = training.lattice.where(candidate.cell)
    name = " and ".join(training.columns[column].named(code) for column, code in codes.items())
    moved = candidate.family == DRIFT and candidate.aspect is not None
    return ColumnKey(TARGET_SEGMENT, f"{training.columns[candidate.aspect or 0].name} where {name}" if moved else name)


def where(training: SegmentTraining, candidate: Candidate) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns of a segment, and the bin or category of each."""
    codes = training.lattice.where(candidate.cell)
    columns = [training.columns[column] for column in codes]
    labels = tuple(column.label(code) for column, code in zip(columns, codes.values(), strict=True))
    return tuple(column.name for column in columns), labels


def _verdict(
    training: SegmentTraining, finding: Finding, step: int, state: State, closing: ClosingEvidence | None
) -> Verdict:
    told, candidate = finding.candidate.told, finding.candidate
    distance = min(abs(told.value - told.elsewhere), 1.0)
    surely = min(told.surely, 1.0)
    alarmed = state is State.ALARM
    return Verdict(
        aspect=candidate.kind,
        state=state,
        distance=distance if closing is None else 0.0,
        lower_bound=surely if alarmed else 0.0,
        tolerance=told.tolerated,
        score=max(surely / max(told.tolerated, LEAST), 1.0 + 1e-9) if alarmed else 0.5,
        reasons=() if closing is not None else (_reason(training, finding),),
        duration=step * 2**finding.level,
        largest_bound=surely if alarmed else 0.0,
        closing=closing,
        asked=RATIO,  # a segment is told once, and again only as another kind
    )


def _reason(training: SegmentTraining, finding: Finding) -> SegmentStandsOut:
    candidate = finding.candidate
    columns, labels = where(training, candidate)
    aspect, inside = "", ""
    if candidate.aspect is not None:
        column = training.columns[candidate.aspect]
        aspect, inside = column.name, _range(column.label(candidate.codes[0]), column.label(candidate.codes[1]))
    return SegmentStandsOut(
        segment=candidate.kind,
        columns=columns,
        labels=labels,
        measure=candidate.measure if candidate.family in {WEAK, DRIFT} else "share",
        rows=candidate.rows,
        share=candidate.share,
        reference_share=candidate.reference_share,
        value=candidate.told.value,
        elsewhere=candidate.told.elsewhere,
        low=candidate.told.low,
        high=candidate.told.high,
        dated=finding.dated,
        aspect=aspect,
        inside=inside,
    )


def _range(low: str, high: str) -> str:
    """Codes of a column from one to another, as one range.

    >>> _range("up to 3", "5 to 7"), _range("2 to 3", "2 to 3"), _range("a", "b")
    ('up to 7', '2 to 3', 'a … b')
    """
    if low == high:
        return low
    if low.startswith("up to ") and " to " in high:
        return f"up to {high.split(' to ')[1]}"
    return f"{low} … {high}"


def _result(training: SegmentTraining, finding: Finding, verdict: Verdict) -> ColumnResult:
    candidate = finding.candidate
    return ColumnResult(
        column=key_of(training, candidate),
        rows=candidate.rows,
        effective_rows=candidate.rows,
        reference_rows=candidate.reference_share * training.rows,
        statistics={},
        distribution={},
        shares={},
        verdict=verdict,
    )
