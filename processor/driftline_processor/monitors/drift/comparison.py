"""A window against a reference: every column binned, described, and judged over all horizons that end with it."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from driftline.reference.column_types import INTEGER
from driftline.semconv import TARGET_PAIR
from driftline.sketch.arrays import BoolArray, FloatArray
from driftline_processor.monitors.drift.binning.binner import BinnedWindow, Binner
from driftline_processor.monitors.drift.binning.decimal_columns import DecimalColumns
from driftline_processor.monitors.drift.binning.reading import WindowReader, with_label
from driftline_processor.monitors.drift.detection.budget_allocation import BudgetAllocation
from driftline_processor.monitors.drift.detection.closing import closing_evidence
from driftline_processor.monitors.drift.detection.column_baseline import timeless
from driftline_processor.monitors.drift.detection.detector import Detector
from driftline_processor.monitors.drift.detection.horizon import Horizon, Judged, judge_all
from driftline_processor.monitors.drift.detection.pair_margins import has_one_value
from driftline_processor.monitors.drift.explain.decimal_verdicts import closing_with_decimals, with_decimals
from driftline_processor.monitors.drift.explain.describe import ReasonFinder
from driftline_processor.monitors.drift.explain.verdicts import Explainer
from driftline_processor.monitors.drift.history.trailing_windows import StreamWindow
from driftline_processor.monitors.drift.joint.block_monitor import BlockVerdict, JointMonitor
from driftline_processor.monitors.drift.joint.blocks import find_blocks
from driftline_processor.monitors.drift.joint.levels import has_level
from driftline_processor.monitors.drift.provisional import ProvisionalJudge, Stream
from driftline_processor.monitors.drift.results import ColumnResults, describe_window
from driftline_processor.monitors.drift.season.calendar import Calendar
from driftline_processor.monitors.drift.season.policy import Season, season_policy
from driftline_processor.monitors.drift.season.rebin_by_day import by_day
from driftline_processor.monitors.drift.season.stretch_levels import StretchReader
from driftline_processor.monitors.drift.stream_horizons import StreamHorizons
from driftline_processor.records import ColumnKey, ColumnResult, ColumnSummary, Reference
from driftline_processor.reference.tolerances import column_tolerances
from driftline_processor.verdicts.verdict import ClosingEvidence, OpenAlarm, Verdict

APART = 0.25
"""Numbers are one where they are less apart, in margins of the training data: buckets of a sketch are as wide."""


class PlacedWindow(NamedTuple):
    """What a window held of the columns of a reference, as read and in its bins.

    judged: which of them are. constant: which members of pairs have one value, so that the pair has no data,
    [2, pairs].
    """

    held: Sequence[ColumnSummary]
    binned: BinnedWindow
    judged: BoolArray
    constant: BoolArray


class Judgement(NamedTuple):
    """Of each column of a reference, and of each block of columns.

    detectable: what is found in every other window, NaN without rows, [columns].
    """

    verdicts: list[Verdict]
    detectable: FloatArray
    blocks: list[BlockVerdict]


class Comparison:
    """A reference, prepared for the windows to come."""

    def __init__(
        self,
        reference: Reference,
        tolerance: float,
        own: Mapping[str, float],
        *,
        timed: bool,
        stretches: StretchReader | None = None,
    ) -> None:
        """stretches: of a comparison with the same reference, to share."""
        self.reference, self.tolerance = reference, tolerance
        self._own, self._timed = own, timed
        tolerances = column_tolerances(reference, tolerance, own)
        told, chunk = list(reference.columns.values()), _chunk(reference)
        self._chunk = chunk if chunk > 0.0 else None
        if not told:
            return
        self._decimals = DecimalColumns(told)
        columns, of_decimals = [*told, *self._decimals.columns], self._decimals.of
        self._place_of_decimals = {i: len(told) + place for place, i in enumerate(of_decimals)}
        tolerances = np.append(tolerances, tolerances[of_decimals])
        times = (reference.starts, reference.ends)
        self._keys = tuple(reference.columns)
        self._owners = (*self._keys, *(self._keys[i] for i in of_decimals))
        self._reader = WindowReader(told)
        self._detector = Detector(columns, tolerance, *(times if timed and self._chunk else ()), tolerances=tolerances)
        self._binner = Binner(columns, self._detector.numeric, self._detector.sizes)
        self._results = ColumnResults(columns, self._binner, len(told))
        seen = zip(np.flatnonzero(self._detector.numeric).tolist(), self._binner.numbers.seen, strict=True)
        self._resolution = {i: APART * each.margin for i, each in seen}
        days = by_day([timeless(column, *times) for column in columns] if timed and self._chunk else columns, chunk)
        daily = None if days is None else Detector(days, tolerance, tolerances=tolerances)
        self._stretches = stretches or StretchReader(self._detector)
        reader = self._stretches
        self._season = season_policy(self._detector, self._owners, daily, chunk, tolerance, stretches=reader)
        detectors = [each for each in (self._detector, daily) if each is not None]
        levels = has_level(self._detector)[: len(told)].tolist()
        named, clusters = ([each.block for each in told], [each.cluster for each in told])
        blocks = [] if reference.provisional else find_blocks(self._keys, levels, named, clusters)
        self._joint = JointMonitor(blocks, self._keys, detectors, self._chunk)
        pairs = [key.target == TARGET_PAIR for key in self._keys]
        self._allocation = BudgetAllocation(pairs, len(self._joint.blocks), of_decimals)
        self._horizons = StreamHorizons(reference.id, self._detector, self._chunk, every=bool(self._joint.blocks))
        calendar = Calendar(*times) if self._chunk else Calendar(np.zeros(0), np.zeros(0))
        whole = [i for i, column in enumerate(columns) if column.type == INTEGER]
        decimals = self._place_of_decimals.values()
        numbers, categories = self._binner.numbers, self._binner.categories
        reasons = ReasonFinder(self._detector, numbers, categories, calendar, whole, decimals=decimals)
        self._explainer = Explainer(reference, self._detector, reasons, timed=self._chunk is not None)
        provisional = reference.provisional and self._chunk is not None
        self._provisional = ProvisionalJudge(reference, self._detector, self._explainer) if provisional else None

    @classmethod
    def of(
        cls,
        reference: Reference,
        tolerance: float,
        *,
        timed: bool = False,
        tolerances: Mapping[str, float] = MappingProxyType({}),
    ) -> "Comparison":
        """Prepare `reference`; `tolerance` is the distance that does not matter yet, a share of rows.

        timed: all windows will come with their stream, and so with a time of day. tolerances: of some columns, by name
        or pattern, before those of the reference.
        """
        return cls(reference, tolerance, tolerances, timed=timed)

    def at(self, tolerance: float) -> "Comparison":
        """The same with another tolerance, for all columns without one of their own."""
        if tolerance == self.tolerance or not self.reference.columns:
            return self
        return Comparison(self.reference, tolerance, self._own, timed=self._timed, stretches=self._stretches)

    def window(
        self,
        summaries: Mapping[ColumnKey, ColumnSummary],
        budget: float,
        duration: int,
        stream: StreamWindow | None = None,
    ) -> tuple[ColumnResult, ...]:
        """Judge a window.

        Args:
            summaries: What the window held, by column.
            budget: False alarms allowed in all columns together; as many are allowed in each longer horizon.
            duration: Of the window, nanoseconds.
            stream: The window in its stream, whose longer horizons that end with it are judged as well.

        Returns:
            The columns of the reference first, those without rows too; columns that it does not know are described
            only.

        """
        summaries = with_label(summaries, self.reference)
        unknown = {key: summary for key, summary in summaries.items() if key not in self.reference.columns}
        if not self.reference.columns:
            return describe_window(unknown)
        placed = self.place(summaries)
        judgement = self.judge(placed, budget, duration, stream)
        blocks = self._joint.results(judgement.blocks, placed.held, self.reference)
        told = self._results.of_window(
            placed.held, placed.binned, placed.judged, judgement.verdicts, judgement.detectable
        )
        return (*told, *blocks, *describe_window(unknown))

    def place(self, summaries: Mapping[ColumnKey, ColumnSummary]) -> PlacedWindow:
        """What a window held, in bins that are the same at every tolerance."""
        read = self._reader.read([summaries.get(key, NOTHING) for key in self._keys])
        held = [*read, *self._decimals.held(read)]
        # Not every server counts pairs.
        judged = np.array([key.target != TARGET_PAIR or key in summaries for key in self._keys])
        constant = self._constant(held)[self._detector.pairing.members]
        binned, both = self._binner.place(held), np.asarray(constant.any(axis=0), bool)
        counts = self._detector.pairing.without(binned.counts, both, self._detector.starts)
        return PlacedWindow(held, binned._replace(counts=counts), judged, constant)

    def _constant(self, held: Sequence[ColumnSummary]) -> BoolArray:
        """Members of pairs that have one value in the window: nothing shows how they go with another, [columns]."""
        constant = np.zeros(len(held), bool)
        for i in np.unique(self._detector.pairing.members).tolist():
            constant[i] = has_one_value(held[i], self._resolution.get(i, 0.0))
        return constant

    def judge(
        self, placed: PlacedWindow, budget: float, duration: int, stream: StreamWindow | None = None
    ) -> Judgement:
        """Judge what `place` has read: all horizons that end with the window. Arguments as of `window`."""
        judged = self._judged(*self._begin(placed, duration, stream), placed, budget)
        held, alarms, eligible, window = placed.held, self._open(stream), self._eligible(stream), judged[0].detection
        known = len(self._keys)
        if self._provisional is not None and stream is not None:
            verdicts = self._explainer.verdicts(judged, held, {}, eligible)
            verdicts = self._provisional.verdicts(verdicts, judged[0], held, Stream(stream, alarms))
        else:
            verdicts = self._explainer.verdicts(judged, held, self._closing(judged, alarms), eligible)
        verdicts = with_decimals(self._explainer.of_pairs(verdicts, placed.constant), self._decimals.of)
        blocks = self._joint.verdicts(judged, self._allocation.of_block(budget), stream)
        verdicts = self._joint.explained(verdicts, blocks, stream)
        detectable = np.where(window.valued, self._detector.unseen_below(window), np.nan)
        return Judgement(verdicts, detectable[:known], blocks)

    def changes(
        self, placed: PlacedWindow, budget: float, duration: int, stream: StreamWindow
    ) -> dict[ColumnKey, Verdict]:
        """The verdicts of `judge` as far as they open or close alarms, those of blocks too."""
        if self._provisional is not None:
            return dict(zip(self._keys, self.judge(placed, budget, duration, stream).verdicts, strict=True))
        season, horizons = self._begin(placed, duration, stream)
        watched = stream.alarms or season.observes or self._joint.blocks  # many columns move within their tolerances
        if not watched and len(horizons) == 1 and not horizons[0].may_alarm:
            return self._keyed(self._explainer.quiet(duration)[: len(self._keys)], ())
        judged = self._judged(season, horizons, placed, budget)
        closing = self._closing(judged, self._open(stream))
        verdicts = self._explainer.changes(judged, placed.held, closing, self._eligible(stream))
        verdicts = with_decimals(self._explainer.of_pairs(verdicts, placed.constant), self._decimals.of)
        blocks = self._joint.verdicts(judged, self._allocation.of_block(budget), stream)
        return self._keyed(self._joint.explained(verdicts, blocks, stream), blocks)

    def _keyed(self, verdicts: Sequence[Verdict], blocks: Sequence[BlockVerdict]) -> dict[ColumnKey, Verdict]:
        of_columns = dict(zip(self._keys, verdicts, strict=True))
        return of_columns | {block.key: verdict for block, verdict in blocks}

    def _begin(self, placed: PlacedWindow, duration: int, stream: StreamWindow | None) -> tuple[Season, list[Horizon]]:
        """The season of the window, and all horizons that end with it; the window is the first."""
        counts = placed.binned.counts
        if stream is not None:
            stream.trailing.follow(self.reference.id, stream.window, len(counts.vector))
        season = self._season.begin(stream)
        return season, list(self._horizons.of(counts, duration, stream, season))

    def _judged(self, season: Season, horizons: Sequence[Horizon], placed: PlacedWindow, budget: float) -> list[Judged]:
        judged = judge_all(horizons, self._allocation.of_columns(budget, placed.judged))
        season.observe(judged[0])
        return judged

    def _eligible(self, stream: StreamWindow | None) -> Callable[[int, int], bool]:
        """Whether a column is judged in a horizon that begins at some time."""
        if stream is None:
            return lambda _column, _start: True

        def eligible(column: int, start: int) -> bool:
            keys = (*self._joint.blocks_of.get(column, ()), self._owners[column])
            return all(stream.trailing.eligible(key, start) for key in keys)

        return eligible

    def _open(self, stream: StreamWindow | None) -> dict[int, OpenAlarm]:
        """The open alarms, by the number of their column."""
        alarms = {} if stream is None else stream.alarms
        return {i: alarms[key] for i, key in enumerate(self._keys) if key in alarms} if alarms else {}

    def _closing(self, judged: Sequence[Judged], alarms: Mapping[int, OpenAlarm]) -> dict[int, ClosingEvidence]:
        """What closes open alarms, by the number of their column, and of that of its decimals."""
        place = self._place_of_decimals
        of_decimals = {place[i]: alarm for i, alarm in alarms.items() if i in place}
        return closing_with_decimals(closing_evidence(judged, {**alarms, **of_decimals}), alarms, place)


def _chunk(reference: Reference) -> float:
    """Mean duration of the chunks, seconds; 0 where the reference has no timestamps."""
    timed = reference.has_timestamps and len(reference.starts)
    return float((reference.ends - reference.starts).mean()) if timed else 0.0


NOTHING = ColumnSummary()
