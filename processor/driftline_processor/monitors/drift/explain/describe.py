"""What a detection says of a column, in words."""

from collections.abc import Mapping, Sequence

import numpy as np

from driftline.semconv import OPPOSITE
from driftline_processor.monitors.drift.binning.bins import CategoryCells, NumericCells
from driftline_processor.monitors.drift.detection.column_baseline import ASPECTS
from driftline_processor.monitors.drift.detection.decision import ALARM
from driftline_processor.monitors.drift.detection.detector import Detection, Detector
from driftline_processor.monitors.drift.explain.wording import (
    describe_category,
    describe_diffuse,
    describe_limit,
    describe_novelty,
    describe_pair,
    describe_range,
    describe_season,
    moved,
    span,
)
from driftline_processor.monitors.drift.season.calendar import Season, in_season
from driftline_processor.records import ColumnSummary


class Naming:
    """The names of all events of a reference. `place`: of a numeric column among the numeric ones."""

    def __init__(
        self, judge: Detector, numbers: NumericCells, categories: Mapping[int, CategoryCells], season: Season
    ) -> None:
        self._detector, self._numbers, self._categories, self._season = judge, numbers, categories, season
        self._place = {int(column): place for place, column in enumerate(np.flatnonzero(judge.numeric))}
        self._first = judge.baseline.sizes.cumsum() - judge.baseline.sizes

    def describe(self, detection: Detection, column: int, aspect: int, summary: ColumnSummary) -> str:
        """What speaks loudest; where several aspects are in alarm, all of them, the loudest first."""
        alarms = [i for i in range(len(ASPECTS)) if detection.state[i, column] == ALARM and i != aspect]
        alarms.sort(key=lambda i: -detection.score[i, column])
        return "; ".join(self._moved(detection, column, i, summary) for i in (aspect, *alarms))

    def limit(self, column: int, move: float) -> str:
        """What the verdict on a column's values cannot see."""
        measured = self._detector.baseline.variation.levels
        chunks = int(measured.degrees[0, column]) + 1 if len(measured.degrees) and measured.measured[column] else 1
        return describe_limit(move, chunks)

    def season(self, detection: Detection, column: int, start: float, end: float) -> str:
        """Whether a column's values are as they were in training at the same time; nothing where they are not."""
        at = int(detection.events.loudest[column])
        within = at - int(self._first[column])
        whole, after = float(detection.events.expected[at]), _shares(detection, at)[1]
        chunks = self._detector.chunks[column]
        if column not in self._place and within >= chunks.shape[1]:
            return ""  # a category that is known in the whole alone
        for cycle, alike in self._season.alike(start, end):
            cells = chunks[alike].sum(axis=0)
            if cells.sum():
                known = self._detector.events[column].sums(cells) if column in self._place else cells
                share = float(known[within] / cells.sum())
                if in_season(after, whole, share):
                    return describe_season(cycle, share)
        return ""

    def _moved(self, detection: Detection, column: int, aspect: int, summary: ColumnSummary) -> str:
        series = aspect * len(self._detector.sizes) + column
        at = int(detection.events.loudest[series])
        before, after = _shares(detection, at)
        if aspect:
            return moved(ASPECTS[aspect].replace("_", " "), before, after)
        if detection.new[column]:
            return describe_novelty(self._novel(column, summary), float(detection.novelty.shares[column]))
        if detection.spread[column]:
            return describe_diffuse(float(detection.diffuse.distance[column]))
        return self._value(detection, column, summary)

    def _value(self, detection: Detection, column: int, summary: ColumnSummary) -> str:
        """Which of the values that training has seen moved."""
        events, series = detection.events, column
        at = int(events.loudest[series])
        before, after = _shares(detection, at)
        event = self._detector.events[column].items[at - int(self._first[series])]
        if column in self._place:
            return describe_range(event, self._numbers.edges[self._place[column]], before, after)
        cells = self._categories[column]
        if cells.pair is not None:
            opposite = event.first < cells.others and cells.names[event.first] == OPPOSITE
            return describe_pair(cells.pair.members, *((1.0 - before, 1.0 - after) if opposite else (before, after)))
        guessed = cells.place(summary).guessed
        alone = event.last - event.first == 1
        if alone and event.first in guessed:
            pooled = np.array(guessed) + int(self._first[series])
            before, after = (float(shares[pooled].sum()) for shares in (events.expected, events.shares))
            return describe_category(None, before, after)
        named = alone and event.first < cells.others
        return describe_category(cells.names[event.first] if named else None, before, after)

    def _novel(self, column: int, summary: ColumnSummary) -> Sequence[str]:
        if column not in self._place:
            return self._categories[column].place(summary).novel
        novel = self._numbers.seen[self._place[column]].beyond(summary.intervals)
        return (span(float(novel.lower.min()), float(novel.upper.max())),) if len(novel) else ()


def _shares(detection: Detection, event: int) -> tuple[float, float]:
    """The share of an event in training, at this time of the day, and in the window."""
    events, time = detection.events, float(detection.at_the_time[event])
    expected, found = (min(max(float(shares[event]) + time, 0.0), 1.0) for shares in (events.expected, events.shares))
    return expected, found
