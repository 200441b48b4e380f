"""Rare events: what has more than doubled, or halved, beyond any doubt.

A tolerance in points of share cannot see that a category of 3% has gone, or that fraud has gone up from .1 to .4%. So
events that are rare in training are judged by the ratio of their rate to training's as well, within a part of the
false-alarm budget that is theirs. Such an alarm needs relevance, a 95% bound of the ratio by sampling beyond two, and
evidence in two steps of half the budget each: training's rate may have wandered as far as its chunks show, on a log
scale, and the count is then tested against that rate, conditionally on both counts (Przyborowski and Wilenski 1940),
which is exact however few they are. An event that comes in bursts, as holidays do, is absent in between: few of it are
no finding where stretches of training that are no longer had as few.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc, ndtri

from driftline.sketch.arrays import BoolArray, FloatArray, IntArray
from driftline_processor.monitors.drift.detection.assessment import Z95
from driftline_processor.monitors.drift.detection.baseline import Baseline
from driftline_processor.monitors.drift.detection.overdispersion import FEWEST_DEGREES
from driftline_processor.monitors.drift.detection.significance import critical_value

RARE: Final = 0.1
"""The largest share, of an event or of all but it, that is judged by its ratio as well."""

RATIO: Final = 2.0

MOST_TOLERATED: Final = 0.05
"""The widest tolerance of a column whose rare events are judged so: one that has more is to be left alone."""

BUDGET: Final = 0.25
"""Of the false alarms of a column that has rare events: for those by their ratio."""

FEWEST: Final = 5.0
"""Rows that are expected or seen, at least. Of what training has seen less often no ratio is known."""

UNKNOWN: Final = 1 / 25
"""Of the tolerance: what a share has to rise by where its ratio is not known, as for categories never seen."""

LEAST_VARIATION: Final = 0.1
"""Standard deviation of the logarithm of any rate over time, at least: fifty events cannot show as little."""

FEWEST_KNOWN: Final = 48.0
"""Degrees of freedom of that variation, at least: with those of nine chunks nothing would be beyond doubt."""

SURE: Final = 3.0
"""Standard errors beyond which the variation between chunks is more than counting."""

POOLED: Final = 3
"""Rare events of a column from which on they tell together how much each varies, beyond two standard errors."""


class RareFindings(NamedTuple):
    """Events that have multiplied beyond doubt, and in shares of rows how far at least, and how far tolerated.

    where: their places among [..., events]. ratio: |z| over its critical value, above 1.
    """

    where: tuple[IntArray, ...]
    lower_bound: FloatArray
    tolerance: FloatArray
    ratio: FloatArray

    def among(self, events: BoolArray) -> "RareFindings":
        """Those that are some events of the baseline, [..., events]."""
        kept = events[self.where]
        where = tuple(place[kept] for place in self.where)
        return RareFindings(where, self.lower_bound[kept], self.tolerance[kept], self.ratio[kept])


class _Counts(NamedTuple):
    """Effective rows in rare events or in all but them, [..., rare], of so many; and what that says of their ratio.

    rises: whether there are more than expected. bound: the 95% bound of the share on the side of training's; near: the
    share that it has to be beyond.
    """

    few: FloatArray
    rows: FloatArray
    rises: BoolArray
    bound: FloatArray
    near: FloatArray


@dataclass(frozen=True, slots=True)
class Stretch:
    """How long horizons are, in chunks where both sides have timestamps, [...]; and what a season may make.

    season, design_effect: [..., events].
    """

    chunks: ArrayLike | None
    season: FloatArray
    design_effect: FloatArray


class RareEvents:
    """The events of a baseline that are judged by their ratio. eligible: those that may be, [events]."""

    def __init__(self, baseline: Baseline, eligible: BoolArray) -> None:
        p = baseline.shares
        self.events: IntArray = np.flatnonzero(eligible & (np.minimum(p, 1.0 - p) < RARE) & ~baseline.by_ranks)
        at = self.events
        self._column: IntArray = baseline.column[at]
        self._others = p[at] > 0.5
        self._p, self._trained = np.minimum(p, 1.0 - p)[at], baseline.by_event[at]
        self._known = self._p * self._trained >= FEWEST
        self._unknown_from = UNKNOWN * baseline.tolerance[at]
        self._inflation = baseline.daily_inflation[at]
        self._few_chunks = baseline.variation.few[self._column]
        self.of_column: IntArray = np.bincount(self._column, minlength=len(baseline.sizes)).astype(np.int64)
        self.tests = self._number_of_tests()
        self._rows, self._degrees, self._variation = self._measured(baseline)
        levels = baseline.variation.levels
        self._least = levels.least[:, at] if len(levels.rows) else np.full((1, len(at)), np.inf)

    def _number_of_tests(self) -> IntArray:
        """Of each column: sets of numbers, and what is left without them, are often the same rows, [columns]."""
        distinct = np.unique(np.column_stack((self._column, np.round(self._p * self._trained))), axis=0)
        tests: IntArray = np.bincount(distinct[:, 0].astype(np.int64), minlength=len(self.of_column)).astype(np.int64)
        return tests

    def _measured(self, baseline: Baseline) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Rows and degrees of freedom by level of chunks, and squared coefficients of variation, [levels, rare]."""
        levels, column = baseline.variation.levels, self._column
        if not len(levels.rows):
            nothing = np.zeros((1, len(column)))
            return nothing + 1.0, nothing, nothing
        rows, degrees = levels.rows[:, column], levels.degrees[:, column]
        expected = np.maximum(rows * self._p, 1e-9)
        excess = (levels.own[:, self.events] - 1.0) * (1.0 - self._p)
        error = np.sqrt(2.0 / (degrees + 1.0) + 1.0 / ((degrees + 1.0) * expected))
        own = np.where(excess > SURE * error, excess / expected, 0.0)
        most = np.maximum(own, self._pooled(excess, error, expected))
        return rows, degrees, np.maximum.accumulate(most[::-1], axis=0)[::-1]  # no longer stretch varies more

    def _pooled(self, excess: FloatArray, error: FloatArray, expected: FloatArray) -> FloatArray:
        """What the rare events of a column show together, where they are several."""

        def together(values: FloatArray) -> FloatArray:
            return np.array([np.bincount(self._column, each, len(self.of_column)) for each in values])

        weight = np.maximum(together(expected**2), 1e-300)
        pooled, chance = together(excess * expected) / weight, np.sqrt(together((error * expected) ** 2)) / weight
        sure = (pooled > 2.0 * chance) & (self.of_column >= POOLED)
        return np.asarray(np.where(sure, pooled, 0.0)[:, self._column])

    def tolerated(self, tolerance: FloatArray, after: FloatArray) -> FloatArray:
        """What shares may be off where an alarm by a ratio was open, [..., events].

        tolerance: else, [events]; after: the shares.
        """
        p, at = self._p, self.events
        few = np.where(self._others, 1.0 - after[..., at], after[..., at])
        most = np.where(self._known, (RATIO - 1.0) * p, np.maximum((RATIO - 1.0) * p, self._unknown_from))
        off = np.where(few > p, most, np.where(self._known, p - p / RATIO, 1.0))
        least = tolerance + np.zeros_like(after)
        least[..., at] = np.minimum(least[..., at], off)
        return np.asarray(least)

    def may_alarm(self, x: FloatArray, rows: FloatArray) -> BoolArray:
        """Whether the ratio of any has a bound beyond RATIO, [...].

        x: effective rows in each event, [..., events]; rows: of each column, [..., columns].
        """
        nothing = np.zeros(len(self.events))
        counts = self._counts(x, rows, nothing + 1.0, nothing)
        return np.asarray(self._relevant(counts).any(axis=-1))

    def find(self, x: FloatArray, rows: FloatArray, alpha: FloatArray, stretch: Stretch) -> RareFindings:
        """The events that have multiplied.

        Args:
            x: Effective rows in each event of the baseline, [..., events].
            rows: Effective rows of each column, [..., columns].
            alpha: False alarms allowed in each rare event of a column, [columns].
            stretch: How long that is, and what a season may make of it.

        """
        season, effect = (each.take(self.events, axis=-1) for each in (stretch.season, stretch.design_effect))
        counts = self._counts(x, rows, np.maximum(effect, 1.0) * self._inflation, season)
        at = np.nonzero(self._relevant(counts))
        half = np.maximum(alpha[self._column[at[-1]]] / 2.0, 1e-300)
        chance = self._chance(counts, at, half, stretch.chunks, np.broadcast_to(season, counts.few.shape)[at])
        ratio = np.where(chance <= half, ndtri(np.maximum(chance, 1e-300)) / ndtri(half), 0.0)
        found = ratio >= 1.0
        beyond, near = (np.abs(each[at] - self._p[at[-1]])[found] for each in (counts.bound, counts.near))
        where = (*(place[found] for place in at[:-1]), self.events[at[-1][found]])
        return RareFindings(where, beyond, near, np.maximum(ratio[found], 1.0 + 1e-9))

    def _counts(self, x: FloatArray, rows: FloatArray, effect: FloatArray, season: FloatArray) -> _Counts:
        """effect, season: [..., rare]."""
        n, inside = rows.take(self._column, axis=-1), x.take(self.events, axis=-1)
        x = np.clip(np.where(self._others, n - inside, inside), 0.0, n) / effect
        n = n / effect
        p, N = self._p, self._trained
        rises = x > p * n
        trained = np.where(self._known, 1.0 / (p * N + 0.5), 0.0)
        width = np.exp(Z95 * np.sqrt(1.0 / (x + 0.5) + trained))
        bound = (x + 0.5) / n * np.where(rises, 1.0 / width, width)
        doubled = np.where(self._known, RATIO * (p + 0.5 / N), np.maximum(RATIO * p, p + self._unknown_from)) + season
        return _Counts(x, n, rises, bound, np.where(rises, doubled, (p + 0.5 / N) / RATIO - season))

    def _relevant(self, counts: _Counts) -> BoolArray:
        beyond = np.where(counts.rises, counts.bound > counts.near, counts.bound < counts.near)
        enough = np.maximum(counts.few, np.where(self._known, self._p * counts.rows, 0.0)) >= FEWEST
        return np.asarray(beyond & enough & (counts.rises | self._known))

    def _chance(
        self, counts: _Counts, at: tuple[IntArray, ...], half: FloatArray, chunks: ArrayLike | None, season: FloatArray
    ) -> FloatArray:
        """The probability of counts as far off, where training's rate has wandered as far as it may."""
        x, n, rises, rare = counts.few[at], counts.rows[at], counts.rises[at], at[-1]
        N = self._trained[rare]
        lasting = (
            None if chunks is None else np.broadcast_to(np.asarray(chunks, float)[..., None], counts.few.shape)[at]
        )
        deviation, degrees = self._wandering(rare, n, lasting)
        far = critical_value(2.0 * half, degrees) * deviation
        X = np.maximum(self._p[rare] + np.where(rises, season, -season), 0.0) * N
        exposure = n / N * np.exp(np.where(rises, far, -far))
        live = exposure / (1.0 + exposure)
        more = betainc(np.maximum(x, 1e-9), X + 1.0, live)
        less = betainc(np.maximum(X, 1e-9), x + 1.0, 1.0 - live)
        shown = x / n >= self._least[self._level(n, rare, lasting), rare] / RATIO
        return np.asarray(np.where(rises, more, np.where(shown, 1.0, less)))

    def _level(self, n: FloatArray, rare: IntArray, chunks: FloatArray | None) -> IntArray:
        """The longest blocks of training that are no longer."""
        return self._place(n, rare, chunks).astype(np.int64)

    def _place(self, n: FloatArray, rare: IntArray, chunks: FloatArray | None) -> FloatArray:
        """Between the levels of training's blocks; the last of them for all that is longer."""
        size = n / self._rows[0, rare] if chunks is None else chunks
        return np.asarray(np.minimum(np.log2(np.maximum(size, 1.0)), len(self._rows) - 1))

    def _wandering(self, rare: IntArray, n: FloatArray, chunks: FloatArray | None) -> tuple[FloatArray, FloatArray]:
        """Standard deviation of the logarithm of a rate over so long, and degrees of freedom behind it."""
        finest, last = self._rows[0, rare], len(self._rows) - 1
        place = self._place(n, rare, chunks)
        low = place.astype(np.int64)
        high, part = np.minimum(low + 1, last), place - low
        squared = self._variation[low, rare] * (1.0 - part) + self._variation[high, rare] * part
        if chunks is None:  # fewer rows than a chunk has: what bursts do to it, they do to them
            squared = squared * np.maximum(finest / np.maximum(n, 1.0), 1.0)
        deviation = np.sqrt(np.log1p(squared))
        degrees = np.maximum(self._degrees[np.rint(place).astype(np.int64), rare], FEWEST_KNOWN)
        degrees = np.where(deviation > LEAST_VARIATION, degrees, np.inf)  # the least is not estimated
        return np.maximum(deviation, LEAST_VARIATION), np.where(self._few_chunks[rare], FEWEST_DEGREES, degrees)
