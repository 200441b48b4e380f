"""What is judged: a window by itself, or the windows of a longer time that ends with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cached_property
from typing import NamedTuple

import numpy as np

from driftline.sketch.arrays import FloatArray
from driftline_processor.monitors.drift.binning.binned_counts import BinnedCounts
from driftline_processor.monitors.drift.detection.assessment import of_horizon
from driftline_processor.monitors.drift.detection.decision import SeasonalAllowance
from driftline_processor.monitors.drift.detection.detector import Detection, Detector
from driftline_processor.records import Window


class Reach(Enum):
    """How far back a horizon goes."""

    WINDOW = auto()
    TRAILING = auto()  # the last 2, 4, ... 32 windows
    DAY = auto()  # the last 24 hours
    WEEK = auto()  # the last seven days


@dataclass(frozen=True, eq=False)
class Horizon:
    """Windows that are judged together, and how.

    start, duration: nanoseconds. counts: of all of them together. detector: of the reference, or of its whole days.
    chunks: the duration in chunks of the detector's reference, where both have timestamps. allowance: what the stream
    does by itself, where the reference cannot tell. at: when it was, where `counts` are without the time of day; hours:
    in what proportion its rows came in each hour, by its start, where that is known. spent: of the false alarms that
    moves within the tolerance may raise, how many times the even part.
    """

    reach: Reach
    start: int
    duration: int
    counts: BinnedCounts
    detector: Detector
    chunks: float | None
    allowance: SeasonalAllowance | None = None
    at: Window | None = None
    hours: Mapping[int, float] = field(default_factory=dict)
    spent: float = 1.0

    @property
    def may_alarm(self) -> bool:
        """Whether anything moved beyond its tolerance."""
        return bool(self.detector.may_alarm(self.counts))

    @cached_property
    def at_the_time(self) -> FloatArray:
        """By how much shares are others at this time of the day than in the whole, [events]; `counts` are without."""
        return self.detector.at_the_time(self.at, self.hours)


class Judged(NamedTuple):
    """A horizon, and what was detected in it."""

    horizon: Horizon
    detection: Detection


def judge_all(horizons: Sequence[Horizon], alpha: FloatArray) -> list[Judged]:
    """All horizons that end with a window; those of one detector at once.

    alpha: false alarms allowed in each column, [columns].
    """
    found: dict[Horizon, Detection] = {}
    for detector in dict.fromkeys(each.detector for each in horizons):
        of = [each for each in horizons if each.detector is detector]
        if len(of) == 1:
            found[of[0]] = _judged_alone(of[0], alpha)
            continue
        counts, allowance = BinnedCounts.stack([each.counts for each in of]), [each.allowance for each in of]
        chunks = None if of[0].chunks is None else np.array([each.chunks for each in of], float)
        spent = np.array([each.spent for each in of])
        together = detector.judge(counts, alpha, chunks, SeasonalAllowance.stack(allowance), spent=spent)
        found |= {each: of_horizon(together, place) for place, each in enumerate(of)}
    return [Judged(each, found[each]) for each in horizons]


def _judged_alone(horizon: Horizon, alpha: FloatArray) -> Detection:
    counts, chunks, allowance = horizon.counts, horizon.chunks, horizon.allowance
    return horizon.detector.judge(counts, alpha, chunks, allowance, spent=horizon.spent)


def in_chunks(duration: int, chunk: float | None) -> float | None:
    """Nanoseconds in chunks of so many seconds; None without timestamps."""
    return None if chunk is None else duration / 1e9 / chunk
