"""The time of day, as the training data knows it: what each bin's share does in 24 hours, by a few harmonics.

Chunks of several hours say nothing of a single hour. Many of them, at all times of the day, do: each is the mean of its
hours, and a sum of sines fitted to these means (harmonic regression, Bloomfield 2000, ch. 4) is the share at any time.
A window is then judged without what the time of day does, and the chunks without it show how much the rest varies.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import fdtrc

from driftline.sketch.arrays import FloatArray
from driftline.sketch.time_units import DAY_SECONDS

CYCLES: Final = 3
"""Days or weeks that the training data must hold for a time of theirs to be known."""

FEWEST_CHUNKS: Final = 32
"""Chunks that harmonics are fitted to, at least."""

HARMONICS: Final = 3
"""Most waves in a day: with three of them a night and two peaks."""

LEFT: Final = 0.35
"""Of a wave's height in the means of chunks, at least: what long chunks have averaged out is not to be guessed."""

SPURIOUS: Final = 1e-6
"""Columns without a season that are taken to have one, at most."""

PARTS: Final = 24
"""Of each chunk, in which rows come at one pace."""

QUIETEST: Final = 0.02
"""The slowest pace at a time of the day, of the mean one."""

DIRECTIONS: Final = 3.0
"""In so many directions, about, the bins of a column move by themselves."""


@dataclass(frozen=True, slots=True, eq=False)
class DailyCycle:
    """What the time of day does to shares of bins: a sum of waves, less `offset`, their mean over all rows, [bins].

    waves: of each harmonic the sine, then of each the cosine, [2 * harmonics, bins]; zero where there is no season.
    """

    waves: FloatArray
    offset: FloatArray

    @classmethod
    def none(cls, harmonics: int, bins: int) -> "DailyCycle":
        return cls(np.zeros((2 * harmonics, bins)), np.zeros(bins))

    @classmethod
    def stack(cls, parts: Sequence["DailyCycle"]) -> "DailyCycle":
        """The bins of all parts, one after the other."""
        waves = np.concatenate([part.waves for part in parts], axis=1)
        return cls(waves, np.concatenate([part.offset for part in parts]))

    def __bool__(self) -> bool:
        """Whether there is a season."""
        return bool(self.waves.any())

    @property
    def parameters(self) -> int:
        """Numbers that were fitted to each bin."""
        return len(self.waves)

    def shifts(self, starts: FloatArray, ends: FloatArray) -> FloatArray:
        """By how much shares are others than in the whole, in the mean of each stretch of time, [stretches, bins]."""
        return np.asarray(_means(starts, ends, len(self.waves) // 2) @ self.waves - self.offset)

    def of_day(self, times: int = 24) -> FloatArray:
        """Shifts at so many times of the day, [times, bins]."""
        at = np.arange(times, dtype=np.float64) * (DAY_SECONDS / times)
        return self.shifts(at, at)

    def divided(self, parts: FloatArray) -> "DailyCycle":
        """Of one column, its last bin in parts, each with its share of that."""
        last = self.waves[:, -1:] * parts
        return DailyCycle(
            np.concatenate((self.waves[:, :-1], last), axis=1),
            np.concatenate((self.offset[:-1], self.offset[-1] * parts)),
        )


def known_harmonics(starts: FloatArray, ends: FloatArray) -> int:
    """Waves of which chunks tell that begin and end at these times, Unix seconds; 0 where nothing is known of a day."""
    if len(starts) < FEWEST_CHUNKS or ends.max() - starts.min() < CYCLES * DAY_SECONDS:
        return 0
    length = float((ends - starts).mean())
    left = [abs(np.sinc(wave * length / DAY_SECONDS)) for wave in range(1, HARMONICS + 1)]
    return next((wave for wave, part in enumerate(left) if part < LEFT), HARMONICS)


def fit_cycle(chunks: FloatArray, starts: FloatArray, ends: FloatArray) -> tuple[DailyCycle, FloatArray]:
    """Of a column, from counts by chunk and bin, and when each chunk was, Unix seconds.

    And the counts without it: each chunk, and each bin over all of them, holds as many rows as before. Weighted least
    squares, chunks by their rows. A season counts only where the variance that it explains is no chance: F of all bins
    together, each in units of its own share, in about DIRECTIONS of them.
    """
    harmonics = known_harmonics(starts, ends)
    rows, nothing = chunks.sum(axis=1), DailyCycle.none(harmonics, chunks.shape[1])
    total, seen = float(rows.sum()), chunks.sum(axis=0) > 0.0
    parameters, rest = 2 * harmonics, np.count_nonzero(rows) - 2 * harmonics - 1
    if not harmonics or rest < FEWEST_CHUNKS / 2 or np.count_nonzero(seen) < 2:
        return nothing, chunks
    shares = chunks.sum(axis=0) / total
    waves = _means_of_rows(rows, starts, ends, harmonics)
    center = rows @ waves / total
    root = np.sqrt(rows)[:, None]
    moved = root * (chunks / np.maximum(rows, 1.0)[:, None] - shares)
    fitted = np.linalg.lstsq(root * (waves - center), moved, rcond=None)[0]
    season = (waves - center) @ fitted
    before, after = ((x[:, seen] ** 2 / shares[seen]).sum() for x in (moved, moved - root * season))
    ratio = (before - after) / parameters / max(after / rest, 1e-300)
    directions = min(DIRECTIONS, np.count_nonzero(seen) - 1.0)
    if fdtrc(parameters * directions, rest * directions, ratio) > SPURIOUS:
        return nothing, chunks
    return DailyCycle(fitted, center @ fitted), chunks - rows[:, None] * season


def _means_of_rows(rows: FloatArray, starts: FloatArray, ends: FloatArray, harmonics: int) -> FloatArray:
    """Means of the waves over the rows of each chunk: more come at busy times, of which the chunks tell as well."""
    length = np.maximum(ends - starts, 1.0)
    design = np.column_stack((np.ones(len(rows)), _means(starts, ends, harmonics)))
    pace = np.linalg.lstsq(design, rows / length, rcond=None)[0]
    at = (starts[:, None] + length[:, None] * (np.arange(PARTS) + 0.5) / PARTS).ravel()
    waves = _means(at, at, harmonics)
    busy = np.maximum(pace[0] + waves @ pace[1:], QUIETEST * max(float(pace[0]), 0.0) + 1e-300)
    busy = busy.reshape(len(rows), PARTS, 1)
    return np.asarray((waves.reshape(len(rows), PARTS, -1) * busy).sum(axis=1) / busy.sum(axis=1))


def _means(starts: FloatArray, ends: FloatArray, harmonics: int) -> FloatArray:
    """Means of the waves over stretches of time, [stretches, 2 * harmonics]."""
    wave = np.arange(1, harmonics + 1) / DAY_SECONDS
    middle, length = (starts + ends) / 2.0, ends - starts
    angle = 2.0 * np.pi * (middle % DAY_SECONDS)[:, None] * wave
    flattened = np.sinc(length[:, None] * wave)  # the mean of a sine over a stretch
    return np.concatenate((np.sin(angle) * flattened, np.cos(angle) * flattened), axis=1)
