"""All columns of a window judged at once: values, values never seen, and states, each a column of events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from driftline.sketch.arrays import BoolArray, FloatArray, IntArray
from driftline.sketch.time_units import HOUR
from driftline_processor.monitors.drift.binning.binned_counts import STATES, BinnedCounts
from driftline_processor.monitors.drift.binning.decimal_columns import DECIMALS
from driftline_processor.monitors.drift.detection.assessment import NEARLY, Z95, Assessment
from driftline_processor.monitors.drift.detection.baseline import Baseline
from driftline_processor.monitors.drift.detection.column_baseline import ASPECTS, BUDGET, prepare
from driftline_processor.monitors.drift.detection.decision import (
    ALARM,
    INSUFFICIENT,
    SeasonalAllowance,
    assess,
    decide,
)
from driftline_processor.monitors.drift.detection.event_counts import EventCounter, EventRows
from driftline_processor.monitors.drift.detection.harmonics import DailyCycle
from driftline_processor.monitors.drift.detection.novelty import Unseen, assess_novelty
from driftline_processor.monitors.drift.detection.pair_margins import PairMargins
from driftline_processor.monitors.drift.detection.rare import BUDGET as RARE_BUDGET
from driftline_processor.monitors.drift.detection.rare import MOST_TOLERATED, RareEvents, Stretch
from driftline_processor.monitors.drift.detection.total_variation import TotalVariation
from driftline_processor.monitors.drift.statistics.view import NUMERIC
from driftline_processor.records import ReferenceColumn, Window

ABSENT = -1
"""The state of an aspect that is not judged."""

TINY_ALPHA = 1e-300

FEW_VALUES = 32
"""Edges of bins below which each bin of a numeric column holds one value."""

NEVER: FloatArray = np.zeros(0)

ANY_TIME: Mapping[int, float] = MappingProxyType({})

ROUNDING = 1e-12
"""Of a share of rows: bounds that are computed in another order may differ by it."""


@dataclass(frozen=True, eq=False)
class Detection:
    """What a window, or several together, say of every column; arrays by aspect are [..., ASPECTS, columns].

    state: number of SEVERITY, or ABSENT. score: above 1 in alarm. new: whether never seen values have the highest score
    of a column's values; spread: whether only many categories together are in alarm; valued: whether it has values, on
    both sides, [columns].
    """

    events: Assessment
    novelty: Assessment
    diffuse: Assessment
    state: IntArray
    score: FloatArray
    new: BoolArray
    spread: BoolArray
    valued: BoolArray

    @cached_property
    def largest_bound(self) -> FloatArray:
        """The largest lower bound of the events of a column that are in alarm, 0 without any, [columns]."""
        bounds = [
            each.most(np.where(each.score > 1.0, each.move.sure, 0.0))
            for each in (self.events, self.novelty, self.diffuse)
        ]
        return np.asarray(np.max([*bounds[0].reshape(self.state.shape), *bounds[1:]], axis=0))


class Detector:
    """The columns of a reference, prepared. Events are numbered over all columns and aspects."""

    def __init__(
        self,
        columns: Sequence[ReferenceColumn],
        tolerance: float,
        starts: FloatArray = NEVER,
        ends: FloatArray = NEVER,
        *,
        tolerances: FloatArray | None = None,
    ) -> None:
        """Prepare the columns of a reference.

        Args:
            columns: The columns.
            tolerance: How far a column may move, a share of rows.
            starts: When chunks began, Unix seconds, to separate the time of day from what else moves.
            ends: When they ended.
            tolerances: Of each column, where they differ, [columns].

        """
        self.tolerances = np.full(len(columns), tolerance) if tolerances is None else tolerances
        of_each = zip(columns, self.tolerances.tolist(), strict=True)
        prepared = [prepare(column, tolerated, starts, ends) for column, tolerated in of_each]
        by_state = [each.states[i] for i in range(len(STATES)) for each in prepared]
        self.tolerance = tolerance
        self.baseline = Baseline.stack([*(each.values for each in prepared), *by_state])
        self.unseen = Unseen.stack([each.unseen for each in prepared])
        self.chunks = [each.chunks for each in prepared]
        self.events = [each.events for each in prepared]
        self.levels = [each.level for each in prepared]
        self.numeric = np.array([column.kind == NUMERIC for column in columns], bool)
        self.known = np.array([bool(column.chunks.sum()) for column in columns])
        self.apart = np.where(self.numeric, 0.0, 1.0)
        self.sizes = np.array([events.bins for events in self.events], np.int64)
        self.starts = np.cumsum(self.sizes) - self.sizes
        self.seasonal = np.array([bool(each.cycle) for each in prepared])
        self._cycle = DailyCycle.stack([each.cycle for each in prepared])
        self._middle = self._medians()
        first = np.cumsum(self.baseline.sizes) - self.baseline.sizes
        self.pairing = PairMargins(columns, self.baseline.shares, first[: len(columns)], self._middle)
        self._counter = EventCounter(self.events, self.baseline, self.apart, self.pairing)
        self._column = self._counter.column
        self._never = self.baseline.shares[len(self._column) :].reshape(len(STATES), -1) == 0.0
        of_decimals = np.array([column.key.target == DECIMALS for column in columns], bool)
        single = self._counter.last - self._counter.first == 1
        self._total_variation = TotalVariation(self.baseline, ~self.numeric & ~of_decimals, single, self.tolerances)
        self.rare = RareEvents(self.baseline, self._may_be_rare(columns))
        self._parts = self._parts_of_alpha(np.array([each.tests for each in prepared]))

    def _medians(self) -> IntArray:
        """The event of each column that parts its rows best in halves, [columns]."""
        ends = np.cumsum(self.baseline.sizes)[: len(self.sizes)]
        off = np.where(self.baseline.by_ranks, 1.0, np.abs(self.baseline.shares - 0.5))
        return ends - np.array([len(part) - int(part.argmin()) for part in np.split(off, ends)[:-1]], np.int64)

    def _parts_of_alpha(self, tests: IntArray) -> tuple[FloatArray, FloatArray]:
        """Of a column's false alarms: those of each event, and of all of an aspect, by aspect and column."""
        share = np.repeat([BUDGET[aspect] for aspect in ASPECTS], len(tests))
        tests = tests + 1 + self._total_variation.possible  # novelty, and diffuse change where that may be
        rare = self.rare.tests
        self._rare_part = share * RARE_BUDGET / np.maximum(rare, 1)
        share = share * np.where(rare > 0, 1.0 - RARE_BUDGET, 1.0)
        return share / np.append(tests, np.ones(len(STATES) * len(self.sizes))), share

    def _may_be_rare(self, columns: Sequence[ReferenceColumn]) -> BoolArray:
        """Events whose rate means something: pairs are judged by what their members leave of them, and some decimals
        are always rare.

        A column that was given a wide tolerance is to be left alone.

        Of ranges of numbers, beyond the training data only where that has few values, as flags and codes have.
        """
        baseline, column = self.baseline, self.baseline.column[: len(self._column)]
        pairs = np.array([column.pair is not None or column.key.target == DECIMALS for column in columns], bool)
        few_values = np.array([len(column.edges) < FEW_VALUES for column in columns], bool)
        wide = self.tolerances > MOST_TOLERATED
        possible = np.tile(~pairs & ~wide, len(ASPECTS))[baseline.column]
        p, numeric = baseline.shares[: len(column)], self.numeric[column]
        possible[: len(column)] &= np.where(
            numeric, ~baseline.unseen[: len(column)] | few_values[column], (p > 0.0) & (p < 1.0)
        )
        two = ~self.numeric & (np.bincount(column, p > 0.0, len(columns)) == 2)
        possible[: len(column)] &= ~two[column] | (p <= 0.5)  # of two that are all there is, one is the other
        return np.asarray(possible)

    def without_time(self, counts: BinnedCounts, window: Window, hours: Mapping[int, float] = ANY_TIME) -> BinnedCounts:
        """The counts of a window as they were without what the time of day does to them.

        hours: in what proportion its rows came in each hour, by its start, nanoseconds; else at training's pace.
        """
        if not self._cycle:
            return counts
        rows = np.add.reduceat(counts.bins, self.starts)
        return replace(counts, bins=counts.bins - np.repeat(rows, self.sizes) * self._shift(window, hours))

    def judge(
        self,
        counts: BinnedCounts,
        alpha: ArrayLike,
        chunks: ArrayLike | None,
        allowance: SeasonalAllowance | None = None,
        *,
        spent: ArrayLike = 1.0,
    ) -> Detection:
        """Judge a window, or several horizons at once.

        Args:
            counts: What it held, in the bins of the reference.
            alpha: False alarms allowed in each column, or by column, [columns].
            chunks: Its duration in chunks of the reference, where both have timestamps, [...].
            allowance: What the stream does by itself, by aspect and column, where the reference cannot tell.
            spent: How many times `alpha` may be spent on moves within the tolerance, [...].

        """
        columns = len(self.sizes)
        x, rows, novel = self.counted(counts)
        allowed = np.tile(np.broadcast_to(alpha, columns), len(ASPECTS))
        each, whole = (np.maximum(allowed * part, TINY_ALPHA) for part in self._parts)
        whole = np.asarray(spent, float)[..., None] * whole
        with_value = rows[..., :columns]
        rare = self.rare.find(x, rows, allowed * self._rare_part, self._stretch(chunks, allowance))
        events = assess(self.baseline, x, rows, each, chunks, of_column=whole, allowance=allowance, rare=rare)
        novelty = assess_novelty(self.unseen, novel, with_value, each[:columns], whole[..., :columns])
        diffuse = self._total_variation.assess(events, rows, each[:columns], whole[..., :columns], chunks)
        tolerances = np.tile(self.tolerances, len(ASPECTS))
        state = decide(events, rows, tolerances, self.tolerance)
        state = state.reshape(*rows.shape[:-1], len(ASPECTS), columns)
        new = decide(novelty, with_value, self.tolerances, self.tolerance)
        state[..., 0, :] = np.maximum(state[..., 0, :], new)
        valued = self.known & (counts.valued(self.starts, self.apart) > 0.0)
        absent = self._never & (counts.states <= 0.0) | (counts.rows <= 0.0)[..., None, :]
        return self._combined((events, novelty, diffuse), state, valued, absent)

    def _stretch(self, chunks: ArrayLike | None, allowance: SeasonalAllowance | None) -> Stretch:
        if allowance is None:
            nothing = np.zeros(len(self.baseline.shares))
            return Stretch(chunks, nothing, nothing)
        column = self.baseline.column
        season, effect = (each.take(column, axis=-1) for each in (allowance.season, allowance.design_effect))
        return Stretch(chunks, season, effect)

    def _combined(
        self,
        assessments: tuple[Assessment, Assessment, Assessment],
        state: IntArray,
        valued: BoolArray,
        absent: BoolArray,
    ) -> Detection:
        """Events, novelty and total variation of a column's values as one. absent: of [..., STATES, columns]."""
        events, novelty, diffuse = assessments
        score = np.maximum(events.most(events.score), 0.0).reshape(state.shape)
        both = np.maximum(score[..., 0, :], novelty.score)
        spread = (diffuse.score > 1.0) & (both <= 1.0)
        farther = novelty.move.distance >= events.most(events.move.distance)[..., : both.shape[-1]]
        new = np.where(both > 0.0, novelty.score >= NEARLY * both, farther)
        score[..., 0, :] = np.where(valued, np.where(spread, diffuse.score, both), 0.0)
        state[..., 0, :] = np.where(valued, np.where(spread, ALARM, state[..., 0, :]), INSUFFICIENT)
        state[..., 1:, :] = np.where(absent, ABSENT, state[..., 1:, :])
        return Detection(events, novelty, diffuse, state, score, new & ~spread, spread, valued)

    def unseen_below(self, detection: Detection) -> FloatArray:
        """The move at the middle of a column that is found every other time or so, a share of rows, [columns]."""
        return np.asarray(detection.events.detectable[self._middle])

    def counted(self, counts: BinnedCounts) -> EventRows:
        """Effective rows in each event."""
        return self._counter.count(counts)

    def may_alarm(self, counts: BinnedCounts, errors: float = Z95) -> BoolArray:
        """Whether anything moved beyond its tolerance by so many standard errors at least, [...]."""
        x, rows, novel = self.counted(counts)
        n = rows.take(self.baseline.column, axis=-1)
        q = np.minimum(np.maximum(x / n, 0.0), 1.0)
        far = self.baseline.distance(q) > self.baseline.tolerance
        if errors and far.any():
            far = self._surely(q, n, errors)
        moved = far.any(axis=-1) | self.rare.may_alarm(x, rows)
        new = novel / rows[..., : len(self.sizes)] - self.unseen.share > self.unseen.tolerance
        return np.asarray(moved | new.any(axis=-1) | self._total_variation.may_alarm(q, rows))

    def _surely(self, q: FloatArray, n: FloatArray, errors: float) -> BoolArray:
        """Events beyond their tolerance, [..., events]: rows that depend on each other, or vary, only tell less."""
        baseline = self.baseline
        least = errors * baseline.error(q, n) - ROUNDING
        return np.asarray(baseline.distance(q) - least > baseline.tolerance)

    def shares(self, counts: BinnedCounts) -> tuple[FloatArray, FloatArray]:
        """The share of rows in each event, and effective rows of its column, [..., events]."""
        x, rows, _ = self.counted(counts)
        n = rows.take(self.baseline.column, axis=-1)
        return x / n, n

    def at_the_time(self, window: Window | None, hours: Mapping[int, float]) -> FloatArray:
        """By how much shares are others at this time of the day than in the whole, as in `without_time`, [events]."""
        shift = np.zeros(len(self.baseline.shares))
        if self._cycle and window is not None:
            shift[: len(self._column)] = self._counter.sums(self._shift(window, hours))
        return shift

    def _shift(self, window: Window, hours: Mapping[int, float]) -> FloatArray:
        within = {start: rows for start, rows in hours.items() if start < window.end and start + HOUR > window.start}
        begun = np.array(list(within or [window.start]), float)
        ended = np.array([start + HOUR for start in within] or [window.end], float)
        starts, ends = np.maximum(begun, window.start) / 1e9, np.minimum(ended, window.end) / 1e9
        return self._cycle.shift(starts, ends, np.array(list(within.values()) or [1.0]))


def worst(detection: Detection) -> IntArray:
    """The aspect with the worst state, and of several the highest score, [columns]."""
    severity = detection.state * 1e6 + np.minimum(detection.score, 1e5)
    return np.asarray(severity.argmax(axis=0))
