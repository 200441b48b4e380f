"""The blocks of a reference, judged over all horizons of a window; a column that a block tells of needs no alarm."""

from collections.abc import Container, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from driftline.reference.chunks import COARSE
from driftline.sketch.arrays import BoolArray
from driftline.sketch.time_units import DAY
from driftline_processor.monitors.drift.binning.binned_counts import BinnedCounts
from driftline_processor.monitors.drift.detection.column_baseline import VALUE
from driftline_processor.monitors.drift.detection.decision import BAND, EXCLUDED
from driftline_processor.monitors.drift.detection.detector import Detection, Detector
from driftline_processor.monitors.drift.detection.horizon import Horizon, Judged, Reach
from driftline_processor.monitors.drift.history.stream_history import TimedCounts
from driftline_processor.monitors.drift.history.trailing_windows import StreamWindow
from driftline_processor.monitors.drift.joint.blocks import Block
from driftline_processor.monitors.drift.joint.chunk_scores import ChunkScores
from driftline_processor.monitors.drift.joint.joint_shift import JointShift, joint_shift
from driftline_processor.monitors.drift.joint.levels import level_events, level_shifts, shifts
from driftline_processor.monitors.drift.season.alarm_parts import healthy
from driftline_processor.records import ColumnKey, ColumnResult, ColumnSummary, Reference
from driftline_processor.verdicts.reasons import ExplainedByBlock, ManyColumns, NeverSeen, NoRows, Reason, Recovered
from driftline_processor.verdicts.verdict import ClosingEvidence, OpenAlarm, State, Verdict

HALF: Final = 0.5
"""As a column's alarm, one of a block closes when at most so much of what was surely there is left."""

SETTLED: Final = 3
"""Hours in a row at training's level after which a stream is known to stay there."""

SETTLED_AT: Final = 0.7
"""Of the tolerance: at most so far from training is a settled stream. A sine stays there for SETTLED hours only where
its height is about the tolerance."""


LITTLE: Final = 3.0
"""Tolerances that a column may have moved by to be told of by its block alone."""

STANDS_OUT: Final = 2.0
"""The same of a dimension that means nothing by itself, in typical moves of its block."""


MORE: Final = 1.5
"""So many times the columns of its parts in alarm must have moved for a block to get an alarm too."""


class Assessed(NamedTuple):
    """A horizon, what it says of a block, and whether its effective rows are too few to call it healthy."""

    horizon: Horizon
    shift: JointShift
    few: bool

    @property
    def state(self) -> State:
        """A warning: columns moved together beyond chance, but not surely by what matters."""
        if self.shift.score > 1.0:
            return State.ALARM
        if self.shift.evidence > 1.0 and self.shift.many:
            return State.WARNING
        return State.INSUFFICIENT_DATA if self.few else State.HEALTHY


class BlockVerdict(NamedTuple):
    """A block, and what is said of it in a window."""

    block: Block
    verdict: Verdict


class JointMonitor:
    """The blocks of a reference."""

    def __init__(
        self, blocks: Sequence[Block], keys: Sequence[ColumnKey], detectors: Sequence[Detector], chunk: float | None
    ) -> None:
        """Of a reference of these columns, in chunks of so many seconds; None without timestamps.

        detectors: of the reference, and of its whole days where they are judged.
        """
        self._keys, self._timed = keys, chunk is not None
        detector, *_ = detectors
        self._scores = {
            (id(each), block.key): scores
            for each in detectors
            for block in blocks
            if (scores := ChunkScores.of(each, block.members, timed=self._timed)) is not None
        }
        self.blocks = [block for block in blocks if (id(detector), block.key) in self._scores]
        self._tolerances = {
            block.key: float(np.median(detector.tolerances[list(block.members)])) for block in self.blocks
        }
        self.blocks_of: dict[int, list[ColumnKey]] = {}
        for block in self.blocks:
            for i in block.members:
                self.blocks_of.setdefault(i, []).append(block.key)
        self._timeless = {
            block.key for block in self.blocks if chunk is None or chunk > COARSE or _have_a_season(block, detector)
        }
        self._events = {block.key: level_events(detector)[list(block.members)] for block in self.blocks}

    def verdicts(self, judged: Sequence[Judged], alpha: float, stream: StreamWindow | None) -> list[BlockVerdict]:
        """One for each block, of a window, the first of `judged`, and of the longer horizons that end with it.

        alpha: false alarms allowed in each block.
        """
        found = [self._verdict(block, judged, alpha, stream) for block in self.blocks]
        alarms = {} if stream is None else stream.alarms
        found = [each._replace(verdict=_as_its_parts(*each, self.blocks, alarms)) for each in found]
        alarmed = {block.key for block, verdict in found if _tells(block, verdict, alarms)}
        return [each._replace(verdict=_as_part(*each, alarmed, alarms)) for each in found]

    def explained(
        self, verdicts: Sequence[Verdict], blocks: Sequence[BlockVerdict], stream: StreamWindow | None
    ) -> list[Verdict]:
        """The verdicts on columns; one that moves as its block does, and has no alarm yet, needs none of its own."""
        found, alarms = list(verdicts), {} if stream is None else stream.alarms
        for block, verdict in blocks:
            if not _tells(block, verdict, alarms):
                continue
            for i in block.members:
                if self._keys[i] not in alarms and self._as_block(found[i], block, verdict):
                    found[i] = _explained(found[i], block.key)
        return found

    def _as_block(self, verdict: Verdict, block: Block, of_block: Verdict) -> bool:
        """Whether an alarm of a column is no more than what its block tells."""
        little = LITTLE * self._tolerances[block.key]
        most = max(little, STANDS_OUT * of_block.distance) if block.dimensions else little
        new = any(isinstance(reason, NeverSeen) for reason in verdict.reasons)
        alarmed = verdict.state is State.ALARM and verdict.aspect == VALUE
        return alarmed and not new and verdict.block is None and verdict.lower_bound <= most

    def results(
        self, blocks: Sequence[BlockVerdict], held: Sequence[ColumnSummary], reference: Reference
    ) -> list[ColumnResult]:
        """As columns, each with the rows of its fullest member."""
        trained = [column.summary.rows for column in reference.columns.values()]
        return [_result(block, verdict, held, trained) for block, verdict in blocks]

    def _verdict(
        self, block: Block, judged: Sequence[Judged], alpha: float, stream: StreamWindow | None
    ) -> BlockVerdict:
        tolerance = self._tolerances[block.key]
        window, *longer = (self._assessed(block, each, alpha, stream) for each in judged)
        if window is None:
            return BlockVerdict(block, _without_rows(judged[0], tolerance))
        best, found = window, [window, *(each for each in longer if each is not None)]
        alarm = None if stream is None else stream.alarms.get(block.key)
        closing = None if alarm is None else _closing(found, alarm, tolerance)
        for each in found:
            keys = (block.key,) if block.part_of is None else (block.key, block.part_of)
            eligible = stream is None or all(stream.trailing.eligible(key, each.horizon.start) for key in keys)
            if eligible and closing is None and each.shift.score > max(best.shift.score, 1.0):
                best = each
        reasons = self._reasons(block, best)
        if best is not window and window.state is State.HEALTHY:
            reasons = (*reasons, Recovered())
        return BlockVerdict(block, replace(_verdict(best, reasons, closing), asked=tolerance))

    def _assessed(self, block: Block, judged: Judged, alpha: float, stream: StreamWindow | None) -> Assessed | None:
        (horizon, detection), members = judged, list(block.members)
        scores = self._scores.get((id(horizon.detector), block.key))
        if scores is None or not detection.valued[members].any():
            return None
        chunks = horizon.chunks if self._timed else None
        events = self._events[block.key]
        counted = detection.valued[members] & ~self._by_themselves(block, detection)
        moved = shifts(detection.events, events, counted, scores.freed(chunks))
        tolerance, rows = self._tolerances[block.key], _rows(horizon.counts, members)
        shift = joint_shift(moved, scores.chance(rows, chunks, moved.natural), horizon.spent * alpha, tolerance)
        within_a_day = horizon.allowance is not None and horizon.reach in {Reach.WINDOW, Reach.TRAILING}
        if shift.score > 1.0 and within_a_day and block.key in self._timeless:
            shift = shift.tolerating(self._season(block, horizon, stream, alpha))
        return Assessed(horizon, shift, BAND / np.sqrt(max(rows, 1.0)) > EXCLUDED * tolerance)

    def _by_themselves(self, block: Block, detection: Detection) -> BoolArray:
        """Columns with a meaning that moved by more than a little: their own alarms tell of them, [members]."""
        much = detection.largest_bound[list(block.members)] > LITTLE * self._tolerances[block.key]
        return much & (not block.dimensions)

    def _season(self, block: Block, horizon: Horizon, stream: StreamWindow | None, alpha: float) -> float:
        """What the time of day may make of a whole block where the reference cannot tell: what the last day shows.

        Infinite in a stream that has neither shown a day nor stayed at training's level, and in spans of several
        windows: yesterday's hours at this time are not known any more.
        """
        history = None if stream is None else stream.trailing.history
        if history is None or horizon.reach is Reach.TRAILING:
            return np.inf
        hours = [hour for hour in history.hours if hour.end <= horizon.start]
        shown = [self._hour(block, horizon.detector, hour, alpha) for hour in hours]
        level = SETTLED_AT * self._tolerances[block.key]
        near = [shift.level and shift.upper_bound <= level for shift in shown]
        settled = any(all(near[i : i + SETTLED]) for i in range(len(near) - SETTLED + 1))
        if not settled and horizon.start - history.begun < DAY:
            return np.inf
        kept = healthy(hours, history.alarms.get(block.key, ()))
        return max((shift.surely for hour, shift in zip(hours, shown, strict=True) if hour in kept), default=0.0)

    def _hour(self, block: Block, detector: Detector, hour: TimedCounts, alpha: float) -> JointShift:
        counts = BinnedCounts.of_vector(np.asarray(hour.counts, float), len(detector.sizes))
        members = list(block.members)
        moved = level_shifts(detector, counts, self._events[block.key], (counts.rows * counts.effective)[members])
        chance = self._scores[id(detector), block.key].chance(_rows(counts, members), None, moved.natural)
        return joint_shift(moved, chance, alpha, self._tolerances[block.key])

    def _reasons(self, block: Block, assessed: Assessed) -> tuple[Reason, ...]:
        if assessed.state not in {State.ALARM, State.WARNING}:
            return ()
        shift = assessed.shift
        names = tuple(self._keys[block.members[i]].name for i in shift.most)
        return (ManyColumns(round(shift.moved), len(block.members), shift.distance, names),)


def _tells(block: Block, verdict: Verdict, alarms: Container[ColumnKey]) -> bool:
    """Whether the block has an alarm of its own, or gets one."""
    goes_on = block.key in alarms and verdict.closing is None
    return goes_on or (verdict.state is State.ALARM and verdict.block is None)


def _as_part(block: Block, verdict: Verdict, alarmed: Container[ColumnKey], alarms: Container[ColumnKey]) -> Verdict:
    """The verdict on a block; that on a part of one with an alarm needs none of its own."""
    new = verdict.state is State.ALARM and block.key not in alarms
    return _explained(verdict, block.part_of) if new and block.part_of and block.part_of in alarmed else verdict


def _as_its_parts(block: Block, verdict: Verdict, blocks: Sequence[Block], alarms: Container[ColumnKey]) -> Verdict:
    """The verdict on a block; one that moves as open alarms of its parts tell needs none of its own."""
    parts = [part for part in blocks if part.part_of == block.key and part.key in alarms]
    moved = max((reason.moved for reason in verdict.reasons if isinstance(reason, ManyColumns)), default=0)
    told = moved <= MORE * sum(len(part.members) for part in parts)
    new = verdict.state is State.ALARM and block.key not in alarms
    return _explained(verdict, parts[0].key) if parts and told and new else verdict


def _explained(verdict: Verdict, block: ColumnKey) -> Verdict:
    return replace(verdict, reasons=(*verdict.reasons, ExplainedByBlock(block.name)), block=block.name)


def _without_rows(window: Judged, tolerance: float) -> Verdict:
    return Verdict(
        VALUE, State.INSUFFICIENT_DATA, 0.0, 0.0, tolerance, 0.0, (NoRows(),), window.horizon.duration, asked=tolerance
    )


def _result(block: Block, verdict: Verdict, held: Sequence[ColumnSummary], trained: Sequence[float]) -> ColumnResult:
    fullest = max((held[i] for i in block.members), key=lambda summary: summary.rows)
    return ColumnResult(
        column=block.key,
        rows=fullest.rows,
        effective_rows=fullest.rows**2 / fullest.squares if fullest.squares else fullest.rows,
        reference_rows=max(trained[i] for i in block.members),
        statistics={},
        distribution={},
        shares={},
        verdict=verdict,
    )


def _have_a_season(block: Block, detector: Detector) -> bool:
    """Whether most of its columns do: the reference's chunks tell no more than its main waves."""
    return bool(detector.seasonal[list(block.members)].mean() > HALF)


def _rows(counts: BinnedCounts, members: Sequence[int]) -> float:
    """Effective rows of most of the columns."""
    return float(np.median((counts.rows * counts.effective)[list(members)]))


def _closing(found: Sequence[Assessed], alarm: OpenAlarm, tolerance: float) -> ClosingEvidence | None:
    """By the shortest horizon since the alarm opened in which most of the move is surely gone."""
    for horizon, shift, _ in sorted(found, key=lambda each: -each.horizon.start):
        if shift.score > 1.0:
            return None
        left = shift.upper_bound if shift.upper_bound > tolerance else 0.0
        if horizon.start >= alarm.opened and left <= HALF * alarm.largest_bound:
            return ClosingEvidence(horizon.start, left)
    return None


def _verdict(assessed: Assessed, reasons: tuple[Reason, ...], closing: ClosingEvidence | None) -> Verdict:
    (horizon, shift, _), state = assessed, assessed.state
    return Verdict(
        aspect=VALUE,
        state=state,
        distance=shift.distance,
        lower_bound=shift.surely,
        tolerance=min(shift.tolerance, 1.0) if state is State.ALARM else max(min(shift.tolerance, 1.0), shift.surely),
        score=shift.score,
        reasons=reasons,
        duration=horizon.duration,
        largest_bound=shift.surely if state is State.ALARM else 0.0,
        closing=closing,
    )
