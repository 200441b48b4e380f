"""Whether the rows of a window repeat more than those of training: one finding, and what it means for the columns.

Rows that occur k times each say as much as one k-th of them. Of rows that occur differently often, that is sum m² / sum
m, the mean number of occurrences of a row (Kish 1965): the design effect, by which a column's rows count as fewer.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from statistics import NormalDist
from typing import Final, NamedTuple, TypeAlias

from driftline.reference.row_repeats import RowRepeats
from driftline.semconv import TARGET_ROWS
from driftline.sketch import Intervals
from driftline_processor.monitors.duplicates.concentration import concentration
from driftline_processor.monitors.duplicates.natural import CONCENTRATION, NaturalRepeats
from driftline_processor.monitors.duplicates.repetition import Repetition
from driftline_processor.records import ColumnKey, ColumnResult, ColumnSummary, Reference, Window
from driftline_processor.verdicts.reasons import NoRows, Reason, Repeated
from driftline_processor.verdicts.verdict import ClosingEvidence, OpenAlarm, State, Verdict

DUPLICATES: Final = ColumnKey(TARGET_ROWS, "duplicates")
"""The key of the finding."""

ASPECT: Final = "duplicates"

MATERIAL: Final = 0.05
"""Share of the rows that tell nothing new, from which on columns count as fewer."""

SURE: Final = 3.0
"""Standard errors, for that."""

TINY: Final = 1e-12
"""The least level: no evidence is ever surer."""

ABOUT: Final = 1.2
"""A share in one window is about that in several if it is less than so many times as large."""

FEWEST: Final = 20
"""Rows that tell nothing new, for an alarm."""


class Found(NamedTuple):
    """What the rows of a window say.

    results: the finding. design_effect: of the columns. reason: how rows repeat, where they do. hot: share of the rows
    that a few rows are, which may move a column so far. by_values: columns that drift to few values may have done it.
    """

    results: tuple[ColumnResult, ...] = ()
    design_effect: float = 1.0
    reason: Repeated | None = None
    hot: float = 0.0
    by_values: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """tolerance: share of rows. alpha: false alarms allowed in one evaluation."""

    tolerance: float
    alpha: float


class Held(NamedTuple):
    """What a window held: rows by hash, by the digest of the columns that they consist of, and the columns."""

    hashed: Mapping[str, ColumnSummary]
    columns: Mapping[ColumnKey, ColumnSummary]


Summaries: TypeAlias = Mapping[ColumnKey, ColumnSummary]


def split(columns: Summaries) -> tuple[Summaries, Mapping[str, ColumnSummary]]:
    """Columns, and rows by hash, by the digest of the columns that they consist of."""
    others = {key: summary for key, summary in columns.items() if key.target != TARGET_ROWS}
    return others, {key.name: summary for key, summary in columns.items() if key.target == TARGET_ROWS}


def find(held: Held, reference: Reference, window: Window, limits: Limits, alarm: OpenAlarm | None) -> Found:
    """Judge rows by hash; nothing where the reference does not know how often rows of the same columns repeat."""
    rows = held.hashed
    known = [(summary.rows, inputs) for inputs, summary in rows.items() if inputs in reference.row_repeats]
    filled = [each for each in known if each[0] > 0.0]
    if not filled:
        return Found((_result(0.0, 0.0, 0.0, _nothing(limits)),)) if alarm is not None else Found()
    inputs = max(filled)[1]
    training, found = reference.row_repeats[inputs], _repetition(rows[inputs])
    natural = _natural(training)
    denser = concentration(held.columns, reference) if natural.chance > 0.0 else 1.0
    verdict = _verdict(found, natural, limits, denser)
    if found.of_few_values:
        verdict = _at_most_warning(verdict)
    if alarm is not None and window.start >= alarm.opened and verdict.distance <= verdict.tolerance:
        verdict = replace(verdict, closing=ClosingEvidence(window.start, 0.0))
    verdict = replace(verdict, duration=window.end - window.start)
    effect = _design_effect(found, natural, denser)
    result = _result(found.rows, found.effective, float(training.buckets.sum()), verdict)
    rare = (
        natural.most(found.sampled, CONCENTRATION) < 1.0
    )  # else values that drift to a few categories are many rows, too
    hot = found.hot if verdict.state is State.ALARM and rare else 0.0
    return Found((result,), effect, _reason(found, natural) if effect > 1.0 else None, hot, natural.chance > 0.0)


@lru_cache(maxsize=64)
def _natural(training: RowRepeats) -> NaturalRepeats:
    """Of each reference in use."""
    return NaturalRepeats.of(training)


@lru_cache(maxsize=1)
def _repetition(rows: ColumnSummary) -> Repetition:
    """Of a window: at other tolerances the same is asked of it."""
    return Repetition.of(rows)


def as_distinct(columns: Summaries, found: Found) -> Summaries:
    """The columns as so many rows as tell as much: also beside other windows, in which rows do not repeat."""
    if found.design_effect == 1.0:
        return columns
    return {key: _scaled(each, 1.0 / found.design_effect) for key, each in columns.items()}


def _scaled(summary: ColumnSummary, by: float) -> ColumnSummary:
    lower, upper, weight = summary.intervals.lower, summary.intervals.upper, summary.intervals.weight
    return ColumnSummary(
        Intervals(lower, upper, weight * by),
        {name: rows * by for name, rows in summary.categories.items()},
        {name: rows * by for name, rows in summary.states.items()},
        summary.rows * by,
        summary.squares * by,
        {level: rows * by for level, rows in summary.decimals.items()},
    )


def explained(results: Iterable[ColumnResult], columns: Summaries, found: Found) -> tuple[ColumnResult, ...]:
    """The results of columns with all of their rows, and the finding.

    Columns that are not healthy say that rows repeat. What a few rows that are many may have moved is reported once.
    """
    if found.reason is None:
        return (*results, *found.results)
    told = [_told(each, found.reason, found.hot) for each in results]
    held = (replace(each, rows=columns[each.column].rows) if each.column in columns else each for each in told)
    moved = any(each.verdict is not None and each.verdict.state is State.ALARM for each in told)
    return (*held, *(_at_most_warned(each) if moved and found.by_values else each for each in found.results))


def _at_most_warned(result: ColumnResult) -> ColumnResult:
    return result if result.verdict is None else replace(result, verdict=_at_most_warning(result.verdict))


def _told(result: ColumnResult, reason: Reason, hot: float) -> ColumnResult:
    verdict = result.verdict
    if verdict is None or verdict.state is State.HEALTHY or not result.rows:
        return result
    verdict = replace(verdict, reasons=(*verdict.reasons, reason))
    return replace(result, verdict=_at_most_warning(verdict) if verdict.distance <= ABOUT * hot else verdict)


def _at_most_warning(verdict: Verdict) -> Verdict:
    if verdict.state is not State.ALARM:
        return verdict
    return replace(verdict, state=State.WARNING, score=min(verdict.score, 1.0))


def _verdict(found: Repetition, natural: NaturalRepeats, limits: Limits, denser: float) -> Verdict:
    errors = -NormalDist().inv_cdf(max(limits.alpha, TINY))
    usual = natural.usual(found.sampled)
    natural_share = _share(natural.most(found.sampled, denser), usual)
    distance, lower_bound = _share(found.repeats, usual), _share(found.at_least(errors), usual)
    tolerance = min(limits.tolerance + natural_share, 1.0)
    state = State.HEALTHY
    if lower_bound > natural_share:
        many = found.sampled * distance >= FEWEST
        state = State.ALARM if lower_bound > tolerance and many else State.WARNING
    return Verdict(
        aspect=ASPECT,
        state=state,
        distance=distance,
        lower_bound=lower_bound,
        tolerance=tolerance,
        score=lower_bound / tolerance if state is State.ALARM else min(lower_bound / tolerance, 1.0),
        reasons=() if state is State.HEALTHY else (_reason(found, natural),),
        largest_bound=lower_bound if state is State.ALARM else 0.0,
    )


def _share(repeats: float, usual: float) -> float:
    """Of the rows: those that tell nothing new, where each comes again so often, and so often in training."""
    return 1.0 - (1.0 + usual) / (1.0 + max(repeats, usual))


def _design_effect(found: Repetition, natural: NaturalRepeats, denser: float) -> float:
    """Against training, whose own copies are in the variation of its chunks."""
    chance = natural.by_chance(found.sampled, denser, together=1.0)
    if found.of_few_values or _share(found.at_least(SURE), natural.copies + chance) <= MATERIAL:
        return 1.0
    return max((1.0 + found.repeats - chance) / (1.0 + natural.copies), 1.0)


def _reason(found: Repetition, natural: NaturalRepeats) -> Repeated:
    usual = 1.0 + natural.usual(found.sampled)
    most = found.most if found.by_one_row else None
    return Repeated(1.0 + found.repeats, usual, found.rows, found.effective, most)


def _nothing(limits: Limits) -> Verdict:
    return Verdict(ASPECT, State.INSUFFICIENT_DATA, 0.0, 0.0, limits.tolerance, 0.0, (NoRows(),))


def _result(rows: float, effective: float, reference_rows: float, verdict: Verdict) -> ColumnResult:
    return ColumnResult(DUPLICATES, rows, effective, reference_rows, {}, {}, {}, verdict)
