"""What the chunks of the training data show of columns together: scores of blocks of 1, 2, 4, ... adjacent chunks.

A score is how far a block is from the whole, over its standard error. What single columns do by nature is taken out
with their own curves (`overdispersion`); what they do together stays, in the mean of the squares of scores and in the
products of blocks.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log2
from typing import Final, NamedTuple

import numpy as np

from driftline.sketch.arrays import FloatArray, IntArray
from driftline_processor.monitors.drift.detection.detector import Detector
from driftline_processor.monitors.drift.joint.levels import FREED, level_events
from driftline_processor.monitors.drift.joint.null import Traces

FEWEST_BLOCKS: Final = 16
"""Blocks of a level, at least."""

SURELY: Final = 2.0
"""Standard errors."""


class ScoreLevel(NamedTuple):
    """Blocks of so many rows: their scores, [blocks, columns], what they show, and the part of nature in them.

    excess: by how much the mean square of the scores exceeds 1, surely, a row. raw: the same of scores in which nature
    is not taken out.
    """

    rows: float
    scores: FloatArray
    traces: Traces
    excess: float
    raw: float
    natural: float


class Chance(NamedTuple):
    """What chance and nature make of a stretch: the traces of the correlation of its scores.

    scores: of blocks of about its length, [blocks, columns]; widened: what a combination of columns varies more by than
    these show, at worst. degrees: of freedom, of one direction.
    """

    traces: Traces
    scores: FloatArray
    widened: float
    degrees: float


@dataclass(frozen=True, eq=False)
class ChunkScores:
    """Of a block of columns; levels: of 1, 2, 4, ... chunks, one at least."""

    levels: tuple[ScoreLevel, ...]

    @classmethod
    def of(cls, detector: Detector, members: Sequence[int], *, timed: bool) -> "ChunkScores | None":
        """None where the chunks are too few to tell of columns together. timed: they have timestamps."""
        found = tuple(_levels(detector, np.array(members), timed=timed))
        return cls(found) if found else None

    def chance(self, rows: float, chunks: float | None, natural: float) -> Chance:
        """Of a stretch of so many rows, and of chunks where there are timestamps.

        natural: the part of nature in its variance.
        """
        level = self._level(rows, chunks)
        excess = max(each.excess for each in self.levels) * rows * self.freed(chunks)
        traces = self._traces(level, natural, excess)
        widened = max(1.0 + excess, float(np.sqrt(traces.second / level.traces.second)))
        return Chance(traces, level.scores, widened, len(self.levels[0].scores) - 1.0)

    def _level(self, rows: float, chunks: float | None) -> ScoreLevel:
        """The level nearest to a stretch of so many chunks; without timestamps, of so many rows."""
        if chunks is not None:
            return self.levels[min(round(log2(max(chunks, 1.0))), len(self.levels) - 1)]
        sizes = np.log([level.rows for level in self.levels])
        return self.levels[int(np.abs(sizes - np.log(max(rows, 1.0))).argmin())]

    def freed(self, chunks: float | None) -> float:
        """What the variance by nature is multiplied by in a stretch of so many chunks.

        What halves from one chunk to two has come and gone within chunks: it was more in parts of them.
        """
        if chunks is None or chunks >= 1.0 or len(self.levels) < 2:
            return FREED
        first, second = (max(level.raw, 0.0) for level in self.levels[:2])
        falls = min(max(first / second, 1.0), 2.0) if second > 0.0 else 2.0
        return FREED * (falls ** -log2(max(chunks, 1e-3)) if first > 0.0 else 1.0)

    def _traces(self, level: ScoreLevel, natural: float, excess: float) -> Traces:
        """Of scores of which nature makes such a part of the variance, in excess by so much; at worst all in one."""
        widest = max((each.traces for each in self.levels), key=lambda traces: traces.second)
        columns = widest.first
        second, third = (max(level.traces.second, widest.second), max(level.traces.third, widest.third))
        if natural > 1.25 * max(each.natural for each in self.levels):
            together = natural**2 * min(
                columns**2, max(each.traces.second / max(each.natural, 1e-3) ** 2 for each in self.levels)
            )
            second, third = max(second, together), max(third, together**1.5)
        common = columns * excess
        return Traces(columns * (1.0 + excess), second + common**2, third + common**3)


def _levels(detector: Detector, members: IntArray, *, timed: bool) -> Iterator[ScoreLevel]:
    at = level_events(detector)[members]
    baseline = detector.baseline
    rows = np.stack([detector.levels[i].rows for i in members], axis=1)
    moved = np.stack([detector.levels[i].excess for i in members], axis=1)
    chunks = 1.0
    while len(rows) >= FEWEST_BLOCKS:
        full = rows.max(axis=1) > 0.0
        if full.sum() < FEWEST_BLOCKS:
            return
        size, held = np.ones(len(baseline.sizes)), np.maximum(rows[full], 1.0)
        size[members] = held.mean(axis=0)
        inflation = baseline.variation.inflation(size, chunks if timed else None)[at]
        yield _level(held, moved[full] / np.sqrt(held * baseline.spread[at]), inflation)
        half, chunks = len(rows) // 2, 2.0 * chunks
        rows, moved = (each[: 2 * half].reshape(half, 2, -1).sum(axis=1) for each in (rows, moved))


def _level(rows: FloatArray, scores: FloatArray, inflation: FloatArray) -> ScoreLevel:
    """scores: by sampling alone."""
    size, blocks = float(rows.mean()), len(scores)
    corrected = blocks / (blocks - 1.0)
    width = 1.0 + FREED * (inflation - 1.0)
    own = scores / np.sqrt(width)
    raw = float((scores**2).mean()) * corrected - 1.0
    excess = float((own**2).mean()) * corrected - 1.0
    traces = Traces.of(own / np.sqrt(np.maximum((own**2).mean(axis=0), 1e-12)))
    error = np.sqrt(2.0 * traces.second / blocks) / traces.first
    excess, raw = (each / size if each > SURELY * error else 0.0 for each in (excess, raw))
    return ScoreLevel(size, own, traces, excess, raw, float((1.0 - 1.0 / width).mean()))
