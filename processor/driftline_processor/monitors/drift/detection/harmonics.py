"""The time of day, as the training data knows it: what each bin's share does in 24 hours, by a few harmonics.

Chunks of several hours say nothing of a single hour. Many of them, at all times of the day, do: each is the mean of its
hours, and a sum of sines fitted to these means (harmonic regression, Bloomfield 2000, ch. 4) is the share at any time.
A window is then judged without what the time of day does, and the chunks without it show how much the rest varies.

A share is a mean over rows, of chunks as of windows: so are the means of the sines, with the pace at which rows come.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import fdtrc

from driftline.sketch.arrays import FloatArray, IntArray
from driftline.sketch.time_units import DAY_SECONDS
from driftline_processor.monitors.drift.detection.daily_pace import PART_SECONDS, PARTS, DailyPace, waves

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

DIRECTIONS: Final = 3.0
"""In so many directions, about, the bins of a column move by themselves."""


@dataclass(frozen=True, slots=True, eq=False)
class DailyCycle:
    """What the time of day does to shares of bins: a sum of waves, less `offset`, their mean over all rows, [bins].

    waves: of each harmonic the sine, then of each the cosine, [2 * harmonics, bins]; zero where there is no season.
    paces: of the rows, one or more; pace: the number of that of each bin, [bins].
    """

    waves: FloatArray
    offset: FloatArray
    paces: tuple[DailyPace, ...]
    pace: IntArray

    @classmethod
    def of(cls, waves: FloatArray, offset: FloatArray, pace: DailyPace) -> "DailyCycle":
        """Of one column."""
        return cls(waves, offset, (pace,), np.zeros(len(offset), np.int64))

    @classmethod
    def none(cls, harmonics: int, bins: int) -> "DailyCycle":
        return cls.of(np.zeros((2 * harmonics, bins)), np.zeros(bins), DailyPace.even())

    @classmethod
    def stack(cls, parts: Sequence["DailyCycle"]) -> "DailyCycle":
        """The bins of all parts, one after the other."""
        numbers = {pace: i for i, pace in enumerate(dict.fromkeys(pace for part in parts for pace in part.paces))}
        pace = [np.array([numbers[each] for each in part.paces])[part.pace] for part in parts]
        return cls(
            np.concatenate([part.waves for part in parts], axis=1),
            np.concatenate([part.offset for part in parts]),
            tuple(numbers),
            np.concatenate(pace),
        )

    def __bool__(self) -> bool:
        """Whether there is a season."""
        return bool(self.waves.any())

    @property
    def parameters(self) -> int:
        """Numbers that were fitted to each bin."""
        return len(self.waves)

    def shifts(self, starts: FloatArray, ends: FloatArray) -> FloatArray:
        """By how much shares are others than in the whole, in each stretch of time, [stretches, bins].

        Over the rows of a stretch, which come at training's pace.
        """
        return self._of_bins(np.stack([pace.means(starts, ends, self._harmonics) for pace in self.paces]))

    def shift(self, starts: FloatArray, ends: FloatArray, rows: FloatArray) -> FloatArray:
        """The same in stretches together that hold so many rows each, [bins]."""
        means = []
        for pace in self.paces:
            held = rows * pace.valued_share(starts, ends)
            held = held if held.any() else np.ones(len(rows))
            means.append(held @ pace.means(starts, ends, self._harmonics) / held.sum())
        return np.asarray(self._of_bins(np.stack(means)[:, None])[0])

    def of_day(self) -> FloatArray:
        """Shifts at times of the day, [times, bins]; none at those of which the training data tells nothing."""
        at = (np.arange(PARTS, dtype=np.float64) + 0.5) * PART_SECONDS
        shifts = self._of_bins(np.stack([waves(at, self._harmonics)] * len(self.paces)))
        busy = np.stack([pace.busy for pace in self.paces])
        return np.where(busy[self.pace].T, shifts, 0.0)

    def divided(self, parts: FloatArray) -> "DailyCycle":
        """Of one column, its last bin in parts, each with its share of that."""
        last = self.waves[:, -1:] * parts
        return DailyCycle.of(
            np.concatenate((self.waves[:, :-1], last), axis=1),
            np.concatenate((self.offset[:-1], self.offset[-1] * parts)),
            self.paces[0],
        )

    @property
    def _harmonics(self) -> int:
        return len(self.waves) // 2

    def _of_bins(self, means: FloatArray) -> FloatArray:
        """From means of the waves by pace, [paces, stretches, 2 * harmonics]."""
        return np.asarray(np.einsum("bsw,wb->sb", means[self.pace], self.waves) - self.offset)


def known_harmonics(starts: FloatArray, ends: FloatArray) -> int:
    """Waves of which chunks tell that begin and end at these times, Unix seconds; 0 where nothing is known of a day."""
    if len(starts) < FEWEST_CHUNKS or ends.max() - starts.min() < CYCLES * DAY_SECONDS:
        return 0
    length = float((ends - starts).mean())
    left = [abs(np.sinc(wave * length / DAY_SECONDS)) for wave in range(1, HARMONICS + 1)]
    return next((wave for wave, part in enumerate(left) if part < LEFT), HARMONICS)


def fit_cycle(
    chunks: FloatArray, starts: FloatArray, ends: FloatArray, rows: FloatArray | None = None
) -> tuple[DailyCycle, FloatArray]:
    """Of a column, from counts by chunk and bin, and when each chunk was, Unix seconds.

    And the counts without it: each chunk, and each bin over all of them, holds as many rows as before. Weighted least
    squares, chunks by their rows. A season counts only where the variance that it explains is no chance: F of all bins
    together, each in units of its own share, in about DIRECTIONS of them. rows: of each chunk, with those without a
    value; None where all have one.
    """
    harmonics = known_harmonics(starts, ends)
    valued, nothing = chunks.sum(axis=1), DailyCycle.none(harmonics, chunks.shape[1])
    total, seen = float(valued.sum()), chunks.sum(axis=0) > 0.0
    parameters, rest = 2 * harmonics, np.count_nonzero(valued) - 2 * harmonics - 1
    if not harmonics or rest < FEWEST_CHUNKS / 2 or np.count_nonzero(seen) < 2:
        return nothing, chunks
    shares = chunks.sum(axis=0) / total
    pace = DailyPace.fitted(valued, valued if rows is None else rows, starts, ends)
    means = pace.means(starts, ends, harmonics)
    center = valued @ means / total
    root = np.sqrt(valued)[:, None]
    moved = root * (chunks / np.maximum(valued, 1.0)[:, None] - shares)
    fitted = np.linalg.lstsq(root * (means - center), moved, rcond=None)[0]
    season = (means - center) @ fitted
    before, after = ((x[:, seen] ** 2 / shares[seen]).sum() for x in (moved, moved - root * season))
    ratio = (before - after) / parameters / max(after / rest, 1e-300)
    directions = min(DIRECTIONS, np.count_nonzero(seen) - 1.0)
    if fdtrc(parameters * directions, rest * directions, ratio) > SPURIOUS:
        return nothing, chunks
    return DailyCycle.of(fitted, center @ fitted, pace), chunks - valued[:, None] * season
