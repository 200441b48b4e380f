"""A window against a reference: every column aligned, described, and judged."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from driftline.semconv import MISSING, NON_FINITE, WRONG_TYPE
from driftline_processor.alignment import Aligned, CategoryCells, NumericCells
from driftline_processor.distribution import class_shares, numbers
from driftline_processor.records import (
    ColumnKey,
    ColumnResult,
    FloatArray,
    Reference,
    ReferenceColumn,
    State,
    Tally,
    Verdict,
)
from driftline_processor.statistics import STATISTICS, View
from driftline_processor.statistics.view import NUMERIC
from driftline_processor.statistics.wasserstein import reference_spread
from driftline_processor.verdict.decision import Assessment, Baseline, assess, decide
from driftline_processor.verdict.events import category_events, numeric_events, state_events
from driftline_processor.verdict.novelty import Unseen, assess_novelty, unseen_categories, unseen_numbers
from driftline_processor.verdict.wording import describe_category, describe_novelty, describe_range, moved

VALUE = "value"
STATES = (MISSING, NON_FINITE, WRONG_TYPE)

BUDGET = {VALUE: 0.7, MISSING: 0.1, NON_FINITE: 0.1, WRONG_TYPE: 0.1}
"""How the false alarms that a column may raise are split over its aspects: values have the most ways to go wrong."""

MOST_ALPHA = 0.001
"""False alarms allowed for one column in one evaluation, at most: rare evaluations would get a tenth each otherwise."""

LOUDNESS = (State.HEALTHY, State.INSUFFICIENT_DATA, State.WARNING, State.ALARM)

TINY_ALPHA = 1e-300


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """A reference, prepared for the windows to come; columns are prepared when they are first needed."""

    reference: Reference
    tolerance: float
    chunk: float | None  # mean duration of a chunk in seconds, where the reference has a clock
    _columns: dict[ColumnKey, "ColumnComparison"] = field(default_factory=dict)

    @classmethod
    def of(cls, reference: Reference, tolerance: float) -> "Comparison":
        """Prepare `reference`; `tolerance` is the distance that does not matter yet, a share of rows."""
        chunk = float((reference.ends - reference.starts).mean()) if reference.clock and len(reference.starts) else 0.0
        return cls(reference, tolerance, chunk if chunk > 0.0 else None)

    def window(self, tallies: Mapping[ColumnKey, Tally], budget: float, duration: int) -> tuple[ColumnResult, ...]:
        """Judge a window of `duration` nanoseconds, with `budget` false alarms allowed in all of its columns together.

        Columns of the reference come first, those without rows too; columns that it does not know are described only.
        """
        alpha = min(budget / max(len(self.reference.columns), 1), MOST_ALPHA)
        chunks = None if self.chunk is None else duration / 1e9 / self.chunk
        known = (self._column(key).result(tallies.get(key, Tally()), alpha, chunks) for key in self.reference.columns)
        unknown = {key: tally for key, tally in tallies.items() if key not in self.reference.columns}
        return (*known, *describe_window(unknown))

    def _column(self, key: ColumnKey) -> "ColumnComparison":
        if key not in self._columns:
            self._columns[key] = ColumnComparison.of(self.reference.columns[key], self.tolerance)
        return self._columns[key]


def describe_window(tallies: Mapping[ColumnKey, Tally]) -> tuple[ColumnResult, ...]:
    """What columns hold, where there is nothing to compare them with."""
    return tuple(
        ColumnResult(
            column=key,
            rows=tally.rows,
            effective_rows=tally.rows * kish(tally),
            reference_rows=0.0,
            statistics={},
            distribution=numbers(tally),
            shares=class_shares(tally.categories),
            verdict=None,
        )
        for key, tally in tallies.items()
    )


def kish(tally: Tally) -> float:
    """Effective rows per row: (sum w)²/sum w² over sum w (Kish 1965); 1 where nothing was sampled."""
    return tally.rows / tally.squares if tally.squares else 1.0


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
        single = sum(n <= 1 for name, n in column.tally.categories.items() if name not in set(column.categories))
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
            verdict=max(verdicts, key=lambda verdict: (LOUDNESS.index(verdict.state), verdict.score)),
        )

    def _value_verdict(self, aligned: Aligned, scale: float, alpha: float, chunks: float | None) -> Verdict:
        rows = aligned.rows * scale
        if self.value is None or not rows:
            return _no_data(VALUE, self.tolerance)
        each = max(alpha * BUDGET[VALUE] / (len(self.value.events) + 1), TINY_ALPHA)
        assessment = assess(self.value, aligned.cells * scale, rows, each, chunks)
        assessment = assessment.joined(assess_novelty(self.unseen, aligned.novel_rows * scale, rows, each))
        return _verdict(VALUE, assessment, self.tolerance, self._describe(assessment, aligned))

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
                verdicts.append(_verdict(state, assessment, self.tolerance, what))
        return verdicts

    def _describe(self, assessment: Assessment, aligned: Aligned) -> str:
        assert self.value is not None
        loudest = int(np.argmax(assessment.score))
        before, after = float(assessment.expected[loudest]), float(assessment.shares[loudest])
        if loudest == len(self.value.events):
            return describe_novelty(aligned.novel, after)
        if isinstance(self.cells, NumericCells):
            return describe_range(self.value.events.items[loudest], self.cells.edges, before, after)
        if loudest in aligned.guessed:
            pooled = list(aligned.guessed)
            before, after = (float(shares[pooled].sum()) for shares in (assessment.expected, assessment.shares))
            return describe_category(None, before, after)
        return describe_category(self.cells.names[loudest] if loudest < self.cells.others else None, before, after)

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


def _verdict(aspect: str, assessment: Assessment, tolerance: float, event: str) -> Verdict:
    loudest = int(np.argmax(assessment.score))
    return Verdict(
        aspect=aspect,
        state=decide(assessment, tolerance),
        distance=float(assessment.distance[loudest]),
        lower_bound=max(float(assessment.lower_bound[loudest]), 0.0),
        tolerance=float(assessment.required[loudest]),
        score=max(float(assessment.score[loudest]), 0.0),
        event=event,
    )


def _no_data(aspect: str, tolerance: float) -> Verdict:
    return Verdict(aspect, State.INSUFFICIENT_DATA, 0.0, 0.0, tolerance, 0.0, "no rows")
