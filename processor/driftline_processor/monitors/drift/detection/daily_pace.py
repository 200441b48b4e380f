"""The pace of the training data: how many rows come at each time of the day, and the means of waves over these rows.

Shares are means over rows. What the time of day does to a window or to a chunk is therefore the mean over *its rows*,
not over its time: an hour without rows has no say, and a busy one has much.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from scipy.optimize import nnls

from driftline.sketch.arrays import BoolArray, FloatArray, IntArray
from driftline.sketch.time_units import DAY_SECONDS

PARTS: Final = 48
"""Of a day, in each of which rows come at one pace."""

PART_SECONDS: Final = DAY_SECONDS / PARTS

SMOOTH: Final = 0.2
"""Weight of the second differences of neighbouring parts: with chunks of equal length some parts are never apart."""

QUIETEST: Final = 0.02
"""The slowest pace that tells of a time of the day, of the mean one."""

SOME: Final = 1e-9
"""The slowest pace, of the mean one: a window that lies within closed hours has a mean, too."""

SHORTEST: Final = 1.0
"""Seconds that a mean is over, at least."""


@dataclass(frozen=True, eq=False)
class DailyPace:
    """Rows by part of the day, of a mean of 1: all of them, and those with a value of the column, [PARTS]."""

    rows: FloatArray
    valued: FloatArray

    @classmethod
    def even(cls) -> "DailyPace":
        return _EVEN

    @classmethod
    def fitted(cls, valued: FloatArray, rows: FloatArray, starts: FloatArray, ends: FloatArray) -> "DailyPace":
        """From the rows of each chunk, and when these were, Unix seconds.

        Args:
            valued: Rows with a value of the column.
            rows: All rows.
            starts: Of each chunk.
            ends: Of each chunk.

        """
        return _fitted(*(np.asarray(each, float).tobytes() for each in (valued, rows, starts, ends)))

    @property
    def busy(self) -> BoolArray:
        """Parts of the day of which the data tells."""
        return np.asarray(self.valued > QUIETEST * self.valued.mean(), bool)

    def means(self, starts: FloatArray, ends: FloatArray, harmonics: int) -> FloatArray:
        """Means of the waves over the rows with a value that come between these times, [stretches, 2 * harmonics]."""
        first = starts % DAY_SECONDS
        last = first + np.maximum(ends - starts, SHORTEST)
        integral = self._waves_until(last, harmonics) - self._waves_until(first, harmonics)
        return np.asarray(integral / self._valued_between(first, last)[:, None])

    def valued_share(self, starts: FloatArray, ends: FloatArray) -> FloatArray:
        """Of the rows that come between these times: those with a value of the column, [stretches]."""
        if self.valued is self.rows:
            return np.ones(len(starts))
        first = starts % DAY_SECONDS
        last = first + np.maximum(ends - starts, SHORTEST)
        rows = _until(self.rows, last) - _until(self.rows, first)
        return np.asarray(np.minimum(self._valued_between(first, last) / rows, 1.0))

    def _valued_between(self, first: FloatArray, last: FloatArray) -> FloatArray:
        return np.asarray(_until(self.valued, last) - _until(self.valued, first))

    def _waves_until(self, times: FloatArray, harmonics: int) -> FloatArray:
        """Integrals of the waves, weighted by the pace, from midnight on, [times, 2 * harmonics]."""
        days, part, rest = _place(times)
        primitive, before = _at_edges(harmonics), _integrals(self, harmonics)
        within = _primitives(rest, harmonics) - primitive[part]
        return np.asarray(days[:, None] * before[-1] + before[part] + self.valued[part, None] * within)


def _until(pace: FloatArray, times: FloatArray) -> FloatArray:
    """Rows from midnight on, in seconds at the mean pace, [times]."""
    days, part, rest = _place(times)
    before = np.concatenate(([0.0], np.cumsum(pace) * PART_SECONDS))
    return np.asarray(days * before[-1] + before[part] + pace[part] * (rest - part * PART_SECONDS))


def _place(times: FloatArray) -> tuple[FloatArray, IntArray, FloatArray]:
    """Whole days, part of the day, and seconds of it."""
    days, rest = np.divmod(times, DAY_SECONDS)
    return days, np.minimum((rest / PART_SECONDS).astype(np.int64), PARTS - 1), rest


def waves(times: FloatArray, harmonics: int) -> FloatArray:
    """The sine of each wave, then the cosine, [times, 2 * harmonics]."""
    angle = times[:, None] * _frequency(harmonics)
    return np.concatenate((np.sin(angle), np.cos(angle)), axis=1)


def _primitives(times: FloatArray, harmonics: int) -> FloatArray:
    frequency = _frequency(harmonics)
    angle = times[:, None] * frequency
    return np.concatenate((-np.cos(angle) / frequency, np.sin(angle) / frequency), axis=1)


@lru_cache(maxsize=8)
def _at_edges(harmonics: int) -> FloatArray:
    """Of the parts of a day, [PARTS + 1, 2 * harmonics]."""
    return _primitives(np.arange(PARTS + 1, dtype=np.float64) * PART_SECONDS, harmonics)


@lru_cache(maxsize=256)
def _integrals(pace: DailyPace, harmonics: int) -> FloatArray:
    """Of the waves, weighted by the pace, from midnight to the edges of the parts, [PARTS + 1, 2 * harmonics]."""
    whole = np.cumsum(pace.valued[:, None] * np.diff(_at_edges(harmonics), axis=0), axis=0)
    return np.concatenate((np.zeros((1, 2 * harmonics)), whole))


def _frequency(harmonics: int) -> FloatArray:
    return np.asarray(np.arange(1.0, harmonics + 1) * (2.0 * np.pi / DAY_SECONDS), np.float64)


@lru_cache(maxsize=256)
def _fitted(valued: bytes, rows: bytes, starts: bytes, ends: bytes) -> DailyPace:
    """Most columns have a value in every row, and so the same pace."""
    times = [np.frombuffer(each) for each in (starts, ends)]
    every = _pace(np.frombuffer(rows), *times)
    return DailyPace(every, every if valued == rows else _pace(np.frombuffer(valued), *times))


def _pace(rows: FloatArray, starts: FloatArray, ends: FloatArray) -> FloatArray:
    """Non-negative least squares, chunks by their rows (Lawson and Hanson 1974, ch. 23), nearly without a penalty."""
    if not rows.any():
        return np.ones(PARTS)
    root, mean = np.sqrt(np.maximum(rows, 1.0)), rows.sum() / (ends - starts).sum()
    bends = np.eye(PARTS) - (np.roll(np.eye(PARTS), 1, axis=0) + np.roll(np.eye(PARTS), -1, axis=0)) / 2.0
    design = (_overlaps(starts, ends) * mean / root[:, None], bends * 2.0 * SMOOTH * np.sqrt(rows.sum() / PARTS))
    found = nnls(np.concatenate(design), np.concatenate((rows / root, np.zeros(PARTS))))[0]
    return np.asarray(np.maximum(found / found.mean(), SOME))


def _overlaps(starts: FloatArray, ends: FloatArray) -> FloatArray:
    """Seconds that each stretch shares with each part of the day, [stretches, PARTS]."""
    first = starts % DAY_SECONDS
    return np.stack([_until(part, first + ends - starts) - _until(part, first) for part in np.eye(PARTS)], axis=1)


_EVEN: Final = DailyPace(np.ones(PARTS), np.ones(PARTS))
