"""One column of a window against the same column of a reference: aligned, described, and judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from driftline.semconv import MISSING, NON_FINITE, WRONG_TYPE
from driftline_processor.alignment import Aligned, CategoryCells, NumericCells
from driftline_processor.distribution import class_shares, kish, numbers
from driftline_processor.records import ColumnResult, FloatArray, ReferenceColumn, State, Tally, Verdict
from driftline_processor.statistics import STATISTICS, View
from driftline_processor.statistics.view import NUMERIC
from driftline_processor.statistics.wasserstein import reference_spread
from driftline_processor.verdict.decision import Assessment, Baseline, assess, decide
from driftline_processor.verdict.events import category_events, numeric_events, state_events
from driftline_processor.verdict.novelty import Unseen, assess_novelty, unseen_categories, unseen_numbers
from driftline_processor.verdict.wording import describe_category, describe_novelty, describe_range, moved

VALUE = "value"
STATES = (MISSING, NON_FINITE, WRONG_TYPE)

BUDGET = {VALUE: 0.6, MISSING: 0.2, NON_FINITE: 0.1, WRONG_TYPE: 0.1}
"""How the false alarms that a column may raise are split over its aspects: values have the most ways to go wrong."""

LOUDNESS = (State.HEALTHY, State.INSUFFICIENT_DATA, State.WARNING, State.ALARM)

TINY_ALPHA = 1e-300


@dataclass(frozen=True, slots=True, eq=False)
class ColumnComparison:
    """One column of a reference, prepared: cells, events, natural variation. `value` is None where it held no rows."""

    column: ReferenceColumn
    tolerance: float
    cells: NumericCells | CategoryCells
    counts: FloatArray
    spread: float
    value: Baseline | None
    unseen: Unseen
    states: Mapping[str, Baseline]

    @classmethod
    def of(cls, column: ReferenceColumn, tolerance: float) -> "ColumnComparison":
        numeric = column.kind == NUMERIC
        counts = column.chunks.sum(axis=0)
        rows = float(counts.sum())
        events = (numeric_events if numeric else category_events)(len(counts))
        listed = set(column.categories)
        single = sum(rows <= 1.0 for name, rows in column.tally.categories.items() if name not in listed)
        return cls(
            column=column,
            tolerance=tolerance,
            cells=(NumericCells if numeric else CategoryCells)(column),
            counts=counts,
            spread=reference_spread(column.tally.intervals),
            value=Baseline.of(column.chunks, events, tolerance, ordered=numeric) if rows else None,
            unseen=unseen_numbers(rows, tolerance) if numeric else unseen_categories(column.chunks, single, tolerance),
            states={state: _state_baseline(column, state, tolerance) for state in STATES},
        )

    def result(self, tally: Tally, alpha: float, chunks: float | None) -> ColumnResult:
        """Describe and judge what the column held in a window."""
        aligned = self.cells.place(tally)
        scale = kish(tally)
        verdicts = [self._value_verdict(aligned, scale, alpha, chunks)]
        if tally.rows:
            verdicts += self._state_verdicts(tally, aligned, scale, alpha, chunks)
        return ColumnResult(
            column=self.column.key,
            rows=tally.rows,
            effective_rows=tally.rows * scale,
            reference_rows=self.column.tally.rows,
            statistics=self._statistics(tally, aligned, scale),
            distribution=numbers(tally),
            shares=class_shares(self._classes(tally, aligned)),
            verdict=_loudest(verdicts),
        )

    def _value_verdict(self, aligned: Aligned, scale: float, alpha: float, chunks: float | None) -> Verdict:
        rows = aligned.rows * scale
        if self.value is None or not rows:
            return _no_data(VALUE, self.tolerance)
        each = max(alpha * BUDGET[VALUE] / (len(self.value.events) + 1), TINY_ALPHA)
        novelty = assess_novelty(self.unseen, aligned.novel_rows * scale, rows, each)
        assessment = novelty.joined(assess(self.value, aligned.cells * scale, rows, each, chunks))
        return _verdict(VALUE, assessment, rows, self.tolerance, self._describe(assessment, aligned))

    def _state_verdicts(
        self, tally: Tally, aligned: Aligned, scale: float, alpha: float, chunks: float | None
    ) -> list[Verdict]:
        """The states that occur, on either side: two cells each, "not it" and "it"."""
        found = {state: tally.states.get(state, 0.0) for state in STATES}
        found[WRONG_TYPE] += aligned.mistyped
        rows = tally.rows * scale
        verdicts = []
        for state, baseline in self.states.items():
            x = min(found[state] * scale, rows)
            if (x or baseline.shares[0]) and baseline.rows:
                each = max(alpha * BUDGET[state], TINY_ALPHA)
                assessment = assess(baseline, np.array([rows - x, x]), rows, each, chunks)
                what = moved(state.replace("_", " "), float(assessment.expected[0]), float(assessment.shares[0]))
                verdicts.append(_verdict(state, assessment, rows, self.tolerance, what))
        return verdicts

    def _describe(self, assessment: Assessment, aligned: Aligned) -> str:
        """The loudest event in words; novelty comes first, then the events of `value`."""
        assert self.value is not None
        loudest = assessment.loudest
        before, after = float(assessment.expected[loudest]), float(assessment.shares[loudest])
        if loudest == 0:
            return describe_novelty(aligned.novel, after)
        event = self.value.events.items[loudest - 1]
        if isinstance(self.cells, NumericCells):
            return describe_range(event, self.cells.edges, before, after)
        if event.first in aligned.guessed:
            pooled = np.array(aligned.guessed) + 1
            before, after = (float(shares[pooled].sum()) for shares in (assessment.expected, assessment.shares))
            return describe_category(None, before, after)
        name = self.cells.names[event.first] if event.first < self.cells.others else None
        return describe_category(name, before, after)

    def _statistics(self, tally: Tally, aligned: Aligned, scale: float) -> dict[str, float]:
        reference, window = self.counts, aligned.cells * scale
        if isinstance(self.cells, CategoryCells):
            reference, window = np.append(reference, 0.0), np.append(window, aligned.novel_rows * scale)
        view = View.of(
            self.cells.kind,
            reference,
            window,
            self.column.tally.intervals,
            tally.intervals,
            spread=self.spread,
            reference_missing=_missing(self.column.tally),
            window_missing=_missing(tally),
        )
        values = ((each.name, each.compute(view)) for each in STATISTICS if view.kind in each.kinds)
        return {name: value for name, value in values if value is not None}

    def _classes(self, tally: Tally, aligned: Aligned) -> Mapping[str, float]:
        """Rows by class: as they were sent, or by the numbers that stand for classes."""
        if isinstance(self.cells, NumericCells) or not tally.intervals.total or not len(self.cells.codes.values):
            return tally.categories
        named = zip(self.cells.names, aligned.cells, strict=False)
        return {name: float(rows) for name, rows in named if rows}


def _state_baseline(column: ReferenceColumn, state: str, tolerance: float) -> Baseline:
    """A state as a column of two cells; one that training never had is a constant."""
    never = np.array([[column.tally.rows, 0.0]])
    return Baseline.of(column.states.get(state, never), state_events(), tolerance, ordered=False)


def _missing(tally: Tally) -> float | None:
    return tally.states.get(MISSING, 0.0) / tally.rows if tally.rows else None


def _verdict(aspect: str, assessment: Assessment, rows: float, tolerance: float, event: str) -> Verdict:
    loudest = assessment.loudest
    state = decide(assessment, rows, tolerance)
    return Verdict(
        aspect=aspect,
        state=state,
        distance=float(assessment.distance[loudest]),
        lower_bound=max(float(assessment.lower_bound[loudest]), 0.0),
        tolerance=float(assessment.required[loudest]),
        score=max(float(assessment.score[loudest]), 0.0),
        event=event,
        base_bound=None if state is State.INSUFFICIENT_DATA else max(assessment.beyond_nature(tolerance), 0.0),
    )


def _loudest(verdicts: Sequence[Verdict]) -> Verdict:
    """The worst verdict; where several aspects are in alarm its text names all of them."""
    ranked = sorted(verdicts, key=lambda verdict: (LOUDNESS.index(verdict.state), verdict.score), reverse=True)
    alarms = [verdict.event for verdict in ranked if verdict.state is State.ALARM]
    bounds = [verdict.base_bound for verdict in verdicts if verdict.base_bound is not None]
    return replace(
        ranked[0],
        event="; ".join(alarms) if len(alarms) > 1 else ranked[0].event,
        base_bound=max(bounds) if len(bounds) == len(verdicts) else None,
    )


def _no_data(aspect: str, tolerance: float) -> Verdict:
    return Verdict(aspect, State.INSUFFICIENT_DATA, 0.0, 0.0, tolerance, 0.0, "no rows")
