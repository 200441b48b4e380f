"""The verdicts against a stream's own first window: only overwhelming, sudden moves are alarms."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from driftline.sketch.arrays import BoolArray
from driftline.sketch.time_units import SECOND
from driftline_processor.monitors.drift.binning.binned_counts import BinnedCounts
from driftline_processor.monitors.drift.binning.describe import numbers
from driftline_processor.monitors.drift.binning.stacked_intervals import StackedIntervals
from driftline_processor.monitors.drift.detection.closing import HALF
from driftline_processor.monitors.drift.detection.column_baseline import ASPECTS
from driftline_processor.monitors.drift.detection.detector import Detector
from driftline_processor.monitors.drift.detection.horizon import Judged
from driftline_processor.monitors.drift.detection.sudden import (
    CALM,
    OVERWHELMING,
    Moves,
    Shape,
    is_constant,
    is_proven_calm,
    may_be_clock,
    moves,
    reference_counts,
)
from driftline_processor.monitors.drift.explain.verdicts import Explainer
from driftline_processor.monitors.drift.history.calm_windows import CalmWindows
from driftline_processor.monitors.drift.history.trailing_windows import StreamWindow, slides
from driftline_processor.records import ColumnSummary, Reference
from driftline_processor.verdicts.verdict import ClosingEvidence, OpenAlarm, State, Verdict

RECENT: Final = 3
"""Windows after which a column may have gone anywhere in between."""

RESCALED: Final = 2.0
"""Of a column of which no more than the first window is known: a clock moves, and keeps its width; a unit does not."""


class Stream(NamedTuple):
    """A window in its stream, and the alarms that are open, by the number of their column."""

    window: StreamWindow
    alarms: Mapping[int, OpenAlarm]


class ProvisionalJudge:
    """Judges the windows of a stream against its first one."""

    def __init__(self, reference: Reference, detector: Detector, explainer: Explainer) -> None:
        columns = list(reference.columns.values())
        self._explainer = explainer
        self._shape = Shape(detector.starts, detector.sizes, detector.apart)
        self._counts = reference_counts(columns).vector
        self._ended = round(float(reference.ends[-1]) * SECOND)
        self._proven = np.array([is_proven_calm(column) for column in columns])
        self._clock = np.array([may_be_clock(column) for column in columns])
        self._sizes = [_sizes(column.summary) for column in columns]

    def verdicts(
        self, verdicts: Sequence[Verdict], window: Judged, held: Sequence[ColumnSummary], stream: Stream
    ) -> list[Verdict]:
        """What is left of the verdicts on a window, and what is found of sudden moves.

        An alarm is one until most of what moved is over.
        """
        trailing = stream.window.trailing
        if trailing.calm is None:
            trailing.calm = CalmWindows.begin(self._counts, self._ended, self._proven, self._clock)
        counts = window.horizon.counts
        moved = self._moved(counts, trailing.calm)
        sudden = self._sudden(moved, trailing.calm, held, stream)
        judged = [
            self._alarm(window, moved, sudden[:, i], i, held[i])
            if sudden[:, i].any()
            else _quiet(each, moved, i, stream)
            for i, each in enumerate(verdicts)
        ]
        if not slides(stream.window.window):
            self._learn(trailing.calm, counts, judged, stream)
        return judged

    def _moved(self, counts: BinnedCounts, calm: CalmWindows) -> Moves:
        """From one of the last two calm windows, whichever is farther."""
        columns = len(self._shape.sizes)
        newer, older = (
            moves(counts, BinnedCounts.of_vector(vector, columns), self._shape) for vector in (calm.newer, calm.older)
        )
        farther = newer.least >= older.least
        return Moves(*(np.where(farther, one, other) for one, other in zip(newer, older, strict=True)))

    def _sudden(self, moved: Moves, calm: CalmWindows, held: Sequence[ColumnSummary], stream: Stream) -> BoolArray:
        """Where most rows moved, by aspect and column."""
        window = stream.window.window
        sudden = moved.least > OVERWHELMING
        recent = window.start - calm.ended <= RECENT * (window.end - window.start)
        known = np.isin(np.arange(len(held)), list(stream.alarms)) | recent
        sudden[0] &= known & ~calm.clock & ~self._was_constant(calm) & ~self._was_moving(calm)
        for i in np.flatnonzero(sudden[0] & ~calm.proven).tolist():
            sudden[0, i] = self._rescaled(i, held[i])
        return sudden

    def _was_constant(self, calm: CalmWindows) -> BoolArray:
        return is_constant(BinnedCounts.of_vector(calm.newer, len(self._shape.sizes)), self._shape)

    def _was_moving(self, calm: CalmWindows) -> BoolArray:
        older, oldest = (BinnedCounts.of_vector(each, len(self._shape.sizes)) for each in (calm.older, calm.oldest))
        return np.asarray(moves(older, oldest, self._shape).distance[0] > CALM)

    def _rescaled(self, column: int, summary: ColumnSummary) -> bool:
        sizes = zip(self._sizes[column], _sizes(summary), strict=True)
        return all(
            before > 0.0 and after > 0.0 and not 1.0 / RESCALED < after / before < RESCALED for before, after in sizes
        )

    def _alarm(self, window: Judged, moved: Moves, sudden: BoolArray, column: int, summary: ColumnSummary) -> Verdict:
        """Of the aspect that moved farthest. sudden: by aspect."""
        aspect = int(np.where(sudden, moved.least[:, column], -1.0).argmax())
        least = float(moved.least[aspect, column])
        return Verdict(
            aspect=ASPECTS[aspect],
            state=State.ALARM,
            distance=float(moved.distance[aspect, column]),
            lower_bound=least,
            tolerance=OVERWHELMING,
            score=least / OVERWHELMING,
            reasons=self._explainer.moves(window, column, aspect, summary),
            duration=window.horizon.duration,
            largest_bound=least,
        )

    def _learn(self, calm: CalmWindows, counts: BinnedCounts, judged: Sequence[Verdict], stream: Stream) -> None:
        """Which columns are clocks, and what the calm ones held."""
        last = moves(counts, BinnedCounts.of_vector(calm.newer, len(judged)), self._shape)
        quiet = np.array([verdict.state is not State.ALARM for verdict in judged])
        quiet &= ~np.isin(np.arange(len(judged)), list(stream.alarms))
        calm.clock |= quiet & (last.least[0] > OVERWHELMING)
        calm.proven |= quiet & ~calm.clock & (last.distance[0] < CALM) & ~self._was_constant(calm)
        calm.advance(counts.vector, stream.window.window.end, quiet & (counts.rows > 0.0), self._shape.sizes)


def _quiet(verdict: Verdict, moved: Moves, column: int, stream: Stream) -> Verdict:
    """The verdict on a column that did not move suddenly, with what closes its alarm."""
    alarm, start = stream.alarms.get(column), stream.window.window.start
    if verdict.state is State.ALARM:
        verdict = replace(verdict, state=State.WARNING, score=min(verdict.score, 1.0))
    left = float(moved.most[:, column].max())
    over = alarm is not None and start >= alarm.opened and left <= HALF * alarm.largest_bound
    return replace(verdict, closing=ClosingEvidence(start, left) if over else None)


def _sizes(summary: ColumnSummary) -> tuple[float, float]:
    """From the 5th to the 95th percentile, and from zero to the farther of them."""
    (found,) = numbers(StackedIntervals.of([summary.intervals]))
    low, high = (found["p05"], found["p95"]) if found else (0.0, 0.0)
    return high - low, max(abs(low), abs(high))
