"""Sudden moves: what alarms where the reference is but a stream's own first window.

Such a reference knows no day. A healthy stream leaves it within hours, and how much it varies cannot be told from a few
minutes. What no cycle and no growth explains is a move of most rows from one window to the next, in a column that has
changed little from one stretch to the next so far. Clocks, counters and the names of batches always do, and a column
that holds one value at a time may be a clock.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from driftline.sketch.arrays import BoolArray, FloatArray, IntArray
from driftline_processor.monitors.drift.binning.binned_counts import STATES, BinnedCounts
from driftline_processor.monitors.drift.statistics.view import NUMERIC
from driftline_processor.records import ReferenceColumn

OVERWHELMING: Final = 0.5
"""Share of rows that has moved for sure in an overwhelming move."""

ERRORS: Final = 4.0
"""Standard errors taken off a distance: over a month of windows of 30 columns chance makes none."""

CLOCK_ERRORS: Final = 2.0
"""Standard errors taken off where a column may be a clock: it need not be certain to be left alone."""

CALM: Final = 0.3
"""What a calm column may move from one stretch to the next."""

STEADY: Final = 0.15
"""What it may move from the first half of a window to the second."""

FEWEST_BINS: Final = 3
"""Bins that a numeric column has values in: of one in fewer a clock that is coarsely resolved cannot be told."""

CONSTANT: Final = 0.995
"""Share of rows at one value from which on a column holds one value at a time."""

_FEWEST: Final = 20.0
"""Rows of a stretch from which anything is told."""


class Moves(NamedTuple):
    """How far columns moved, by aspect and column: distances in shares of rows, and what they are at least and most."""

    distance: FloatArray
    least: FloatArray
    most: FloatArray


class Shape(NamedTuple):
    """Where the bins of columns are. apart: 1 for categorical ones, whose novel rows are in no bin, [columns]."""

    starts: IntArray
    sizes: IntArray
    apart: FloatArray


def moves(now: BinnedCounts, before: BinnedCounts, shape: Shape) -> Moves:
    """From one window to another: of numbers by Kolmogorov's distance, else of one category or of all new ones."""
    counts = [each.valued(shape.starts, shape.apart) for each in (now, before)]
    p, q = (
        each.bins / np.repeat(np.maximum(valued, 1e-9), shape.sizes)
        for each, valued in zip((now, before), counts, strict=True)
    )
    new, known = (
        each.novel * shape.apart / np.maximum(valued, 1e-9) for each, valued in zip((now, before), counts, strict=True)
    )
    both = (counts[0] > 0.0) & (counts[1] > 0.0)
    by_category = np.maximum(np.maximum.reduceat(np.abs(p - q), shape.starts), np.abs(new - known))
    values = np.where(both, np.where(shape.apart > 0.0, by_category, _kolmogorov(p - q, shape)), 0.0)
    states = [each.states / np.maximum(each.rows, 1e-9) for each in (now, before)]
    here = (now.rows > 0.0) & (before.rows > 0.0)
    distance = np.vstack((values, np.where(here, np.abs(states[0] - states[1]), 0.0)))
    rows = [
        np.vstack((valued, *(each.rows,) * len(STATES))) * each.effective
        for each, valued in zip((now, before), counts, strict=True)
    ]
    error = ERRORS * np.sqrt(sum(0.25 / np.maximum(each, 1e-9) for each in rows))
    return Moves(distance, distance - error, np.minimum(distance + error, 1.0))


def _kolmogorov(difference: FloatArray, shape: Shape) -> FloatArray:
    below = np.cumsum(difference)
    before = np.repeat(below[shape.starts] - difference[shape.starts], shape.sizes)
    return np.asarray(np.maximum.reduceat(np.abs(below - before), shape.starts))


def reference_counts(columns: Sequence[ReferenceColumn]) -> BinnedCounts:
    """What the reference itself held."""
    states = [[float(c.states[s][:, 1].sum()) if s in c.states else 0.0 for c in columns] for s in STATES]
    return BinnedCounts(
        bins=np.concatenate([column.chunks.sum(axis=0) for column in columns]),
        novel=np.zeros(len(columns)),
        states=np.array(states),
        rows=np.array([column.summary.rows for column in columns]),
        squares=np.array([column.summary.squares for column in columns]),
    )


def may_be_clock(column: ReferenceColumn) -> bool:
    """Whether it changes from each chunk to the next, or holds one value at a time."""
    counts = column.chunks[column.chunks.sum(axis=1) >= _FEWEST]
    if not len(counts):
        return False
    return bool((counts.max(axis=1) >= CONSTANT * counts.sum(axis=1)).all()) or _leaps(counts, column.kind)


def _leaps(counts: FloatArray, kind: str) -> bool:
    """Whether it moves from chunk to chunk, or from the first half of them to the second. counts: [chunk, bin]."""
    half = len(counts) // 2
    if half > 1 and _leap(counts[:half].sum(axis=0), counts[-half:].sum(axis=0), kind) > STEADY:
        return True
    return any(_leap(before, after, kind) > CALM for before, after in pairwise(counts))


def _leap(before: FloatArray, after: FloatArray, kind: str) -> float:
    step = after / after.sum() - before / before.sum()
    far = np.abs(np.cumsum(step) if kind == NUMERIC else step).max()
    return float(far - CLOCK_ERRORS * np.sqrt(0.25 / after.sum() + 0.25 / before.sum()))


def is_proven_calm(column: ReferenceColumn) -> bool:
    """Whether several of its chunks have shown that it is no clock."""
    return int((column.chunks.sum(axis=1) >= _FEWEST).sum()) > 1 and not may_be_clock(column)


def is_constant(window: BinnedCounts, shape: Shape) -> BoolArray:
    """Columns with one value in nearly all rows, or so few that they may be, [columns]."""
    valued = np.maximum(window.valued(shape.starts, shape.apart), 1e-9)
    most = np.maximum.reduceat(window.bins, shape.starts) >= CONSTANT * valued
    few = np.add.reduceat((window.bins > 0.0).astype(float), shape.starts) < FEWEST_BINS
    return np.asarray(most | (few & (shape.apart == 0.0)))
