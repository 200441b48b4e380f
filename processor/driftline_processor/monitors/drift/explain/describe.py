"""What moved in a column, as reasons."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from math import ceil, floor

import numpy as np

from driftline.semconv import OPPOSITE
from driftline.sketch.arrays import FloatArray
from driftline_processor.monitors.drift.binning.bins import CategoryBins, NumericBins
from driftline_processor.monitors.drift.detection.column_baseline import ASPECTS
from driftline_processor.monitors.drift.detection.decision import ALARM
from driftline_processor.monitors.drift.detection.detector import Detector
from driftline_processor.monitors.drift.detection.horizon import Judged
from driftline_processor.monitors.drift.detection.tested_sets import BinSet, Family
from driftline_processor.monitors.drift.season.calendar import Calendar, in_season
from driftline_processor.records import ColumnSummary
from driftline_processor.verdicts.numbers import distinct_digits
from driftline_processor.verdicts.reasons import (
    FALSE,
    TRUE,
    Bound,
    ChangedDecimals,
    DetectionLimit,
    InSeason,
    ManyCategories,
    Moved,
    NeverSeen,
    Reason,
    Region,
)

NAMED = 3
"""Never seen categories that are named; the rest is counted."""


class ReasonFinder:
    """Names the events of a reference. whole: the columns of whole numbers. decimals: the columns of decimals.

    `_place`: of a numeric column among the numeric ones.
    """

    def __init__(
        self,
        detector: Detector,
        numbers: NumericBins,
        categories: Mapping[int, CategoryBins],
        calendar: Calendar,
        whole: Collection[int] = (),
        *,
        decimals: Collection[int] = (),
    ) -> None:
        self._detector, self._numbers, self._categories, self._calendar = detector, numbers, categories, calendar
        self._whole, self._decimals = frozenset(whole), frozenset(decimals)
        self._place = {int(column): place for place, column in enumerate(np.flatnonzero(detector.numeric))}
        self._first = detector.baseline.sizes.cumsum() - detector.baseline.sizes

    def moves(self, judged: Judged, column: int, aspect: int, summary: ColumnSummary) -> tuple[Reason, ...]:
        """What moved in an aspect, and in all others that are in alarm, by descending score."""
        detection = judged.detection
        alarms = [i for i in range(len(ASPECTS)) if detection.state[i, column] == ALARM and i != aspect]
        alarms.sort(key=lambda i: -detection.score[i, column])
        return tuple(self._moved(judged, column, i, summary) for i in (aspect, *alarms))

    def limit(self, column: int, move: float) -> DetectionLimit:
        """What the verdict on a column's values cannot see."""
        measured = self._detector.baseline.variation.levels
        chunks = int(measured.degrees[0, column]) + 1 if len(measured.degrees) and measured.measured[column] else 1
        return DetectionLimit(min(move, 1.0), chunks)

    def season(self, judged: Judged, column: int, start: float, end: float) -> InSeason | None:
        """Whether a column's values are as they were in training at the same time; None where they are not."""
        detection = judged.detection
        at = int(detection.events.highest[column])
        within = at - int(self._first[column])
        whole, after = float(detection.events.move.before[at]), _shares(judged, at)[1]
        chunks = self._detector.chunks[column]
        if column not in self._place and within >= chunks.shape[1]:
            return None  # a category that is known in the whole alone
        for cycle, alike in self._calendar.alike(start, end):
            bins = chunks[alike].sum(axis=0)
            if bins.sum():
                ordered = column in self._place or column in self._decimals
                known = self._detector.events[column].sums(bins) if ordered else bins
                share = float(known[within] / bins.sum())
                if in_season(after, whole, share):
                    return InSeason(cycle, share)
        return None

    def _moved(self, judged: Judged, column: int, aspect: int, summary: ColumnSummary) -> Reason:
        detection = judged.detection
        if aspect:
            at = int(detection.events.highest[aspect * len(self._detector.sizes) + column])
            return Moved(Region.STATE, *_shares(judged, at), name=ASPECTS[aspect])
        if column in self._decimals:
            return self._of_decimals(judged, column)
        if detection.new[column]:
            return self._never_seen(column, summary, float(detection.novelty.move.after[column]))
        if detection.spread[column]:
            return ManyCategories(float(detection.diffuse.move.distance[column]))
        return self._of_values(judged, column, summary)

    def _of_values(self, judged: Judged, column: int, summary: ColumnSummary) -> Moved:
        """Which of the values that training has seen moved."""
        at = int(judged.detection.events.highest[column])
        before, after = _shares(judged, at)
        event = self._detector.events[column].items[at - int(self._first[column])]
        if column in self._place:
            rare = judged.detection.events.rare
            of_few = before < 0.5 if rare is not None and rare[at] else None
            moved = moved_range(event, self._numbers.edges[self._place[column]], before, after, of_few)
            return in_whole_numbers(moved) if column in self._whole else moved
        bins = self._categories[column]
        if bins.pair is not None:
            opposite = event.first < bins.others and bins.names[event.first] == OPPOSITE
            shares = (1.0 - before, 1.0 - after) if opposite else (before, after)
            return Moved(Region.SAME_SIDE, *shares, members=bins.pair.members)
        alone = event.last - event.first == 1
        guessed = bins.place(summary).guessed
        if alone and event.first in guessed:
            pooled = np.array(guessed) + int(self._first[column])
            move = judged.detection.events.move
            return moved_category(None, *(float(shares[pooled].sum()) for shares in (move.before, move.after)))
        named = alone and event.first < bins.others
        if named and bins.names[event.first] == FALSE and set(bins.names) == {TRUE, FALSE}:
            return moved_category(TRUE, 1.0 - before, 1.0 - after)
        return moved_category(bins.names[event.first] if named else None, before, after)

    def _of_decimals(self, judged: Judged, column: int) -> ChangedDecimals:
        """Which decimals have become most frequent, and the share of rows with as few, or as many."""
        names, first = self._categories[column].names, int(self._first[column])
        up_to = np.array([_shares(judged, first + place) for place in range(len(names))])
        usual, now = np.diff(up_to, axis=0, prepend=0.0).T
        before, after = up_to[int(judged.detection.events.highest[column]) - first].tolist()
        if after < before:
            before, after = 1.0 - before, 1.0 - after
        return ChangedDecimals(names[int(usual.argmax())], names[int((now - usual).argmax())], before, after)

    def _never_seen(self, column: int, summary: ColumnSummary, share: float) -> NeverSeen:
        if column not in self._place:
            novel = self._categories[column].place(summary).novel
            return NeverSeen(share, novel[:NAMED], max(len(novel) - NAMED, 0))
        beyond = self._numbers.seen[self._place[column]].beyond(summary.intervals)
        if not len(beyond):
            return NeverSeen(share)
        low, high = float(beyond.lower.min()), float(beyond.upper.max())
        if column in self._whole and ceil(low) <= floor(high):
            low, high = float(ceil(low)), float(floor(high))
        return NeverSeen(share, low=low, high=high)


def moved_range(event: BinSet, edges: FloatArray, before: float, after: float, itself: bool | None = None) -> Moved:
    """An event of a numeric column, of the bins between `edges`; the outer bins are beyond the training range.

    itself: whether what is below an edge is to be named, or what is above it; else it is the side that has grown.
    """
    if event.family is Family.RANKS:
        return Moved(Region.HIGHER_RANK, before, after)
    if event.family is Family.PREFIX:
        below = after > before if itself is None else itself
        return _moved_prefix(event.last - 1, edges, before, after, below=below)
    low = _bound(edges, event.first - 1) if event.first else None
    high = _bound(edges, event.last - 1) if event.last <= len(edges) else None
    if event.family is Family.TAILS:
        return Moved(Region.OUTSIDE, before, after, low, high)
    region = Region.UP_TO if low is None else Region.ABOVE if high is None else Region.WITHIN
    return Moved(region, before, after, low, high)


def in_whole_numbers(moved: Moved) -> Moved:
    """The same of whole numbers, between which edges lie: those above an edge begin with the next one."""
    begins = moved.region in (Region.WITHIN, Region.OUTSIDE)
    next_one = moved.region is Region.BELOW_MINIMUM
    return replace(moved, low=_whole(moved.low, beyond=begins), high=_whole(moved.high, beyond=next_one))


def _whole(end: Bound | None, *, beyond: bool) -> Bound | None:
    return None if end is None else Bound(float(floor(end.value) + beyond), 0)


def _moved_prefix(at: int, edges: FloatArray, before: float, after: float, *, below: bool) -> Moved:
    edge = _bound(edges, at)
    if below:
        return Moved(Region.UP_TO if at else Region.BELOW_MINIMUM, before, after, high=edge)
    region = Region.ABOVE_MAXIMUM if at == len(edges) - 1 else Region.ABOVE
    return Moved(region, 1.0 - before, 1.0 - after, low=edge)


def moved_category(name: str | None, before: float, after: float) -> Moved:
    """A category, or all of those that have no bin of their own."""
    return Moved(Region.OTHER_CATEGORIES if name is None else Region.CATEGORY, before, after, name=name)


def _bound(edges: FloatArray, at: int) -> Bound:
    return Bound(float(edges[at]), distinct_digits(edges, at))


def _shares(judged: Judged, event: int) -> tuple[float, float]:
    """The share of an event in training, at this time of the day, and in the window."""
    move, time = judged.detection.events.move, float(judged.horizon.at_the_time[event])
    before, after = (min(max(float(shares[event]) + time, 0.0), 1.0) for shares in (move.before, move.after))
    return before, after
