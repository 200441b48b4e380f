"""Evidence on one cell against training: exact tests of counts, and what nature does to rates anyway."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc, ndtr, ndtri, stdtr, stdtrit

from driftline.segments.training import SegmentTraining
from driftline.sketch.arrays import BoolArray, FloatArray

FEWEST_DEGREES = 48
"""Of freedom of a variation: a t distribution with the few that a short reference has would silence everything."""

NINETY_FIVE = 1.645
"""Standard errors of a one-sided bound."""


def tail(x: FloatArray, trained: FloatArray, exposure: ArrayLike, *, upper: bool) -> FloatArray:
    """Probability of counts as extreme as x where the rate is training's: the conditional test of two Poisson counts.

    Given their sum, x is binomial with exposure / (1 + exposure): exact, with training's own noise in it.
    Source: Przyborowski & Wilenski 1940.

    Args:
        x: events that were seen.
        trained: events in training.
        exposure: how many times training's were to be expected.
        upper: whether many are extreme, else few.

    """
    ratio = np.asarray(exposure, np.float64)
    share = ratio / (1.0 + ratio)
    if upper:
        return np.where(x <= 0, 1.0, betainc(np.maximum(x, 1e-9), trained + 1.0, share))
    return np.asarray(betainc(trained + 1e-9, x + 1.0, 1.0 - share))


def beyond_nature(
    x: FloatArray, trained: FloatArray, exposure: ArrayLike, nature: "Nature", alpha: ArrayLike, *, upper: bool
) -> BoolArray:
    """Whether counts are beyond chance and beyond what rates do by themselves, each at half of alpha.

    The rate may have wandered by so many standard deviations, on the logarithmic scale; the count is then tested at
    what it may have wandered to. alpha: of each cell, or of all.
    """
    half = np.asarray(alpha, np.float64) / 2.0
    wandered = np.where(nature.deviation > 0, -stdtrit(nature.degrees, half) * nature.deviation, 0.0)
    ratio = np.asarray(exposure) * np.exp(wandered if upper else -wandered)
    return np.asarray(tail(x, trained, ratio, upper=upper) < half)


def ratio_bound(x: FloatArray, expected: FloatArray, trained: FloatArray, *, upper: bool) -> FloatArray:
    """What a ratio to training surely is: its lower bound where it is a rise (`upper`), else its upper one."""
    width = NINETY_FIVE * np.sqrt(1.0 / (x + 0.5) + 1.0 / (trained + 0.5))
    return np.asarray((x + 0.5) / np.maximum(expected, 1e-9) * np.exp(-width if upper else width))


def probability(z: FloatArray, dispersion: FloatArray, degrees: float) -> FloatArray:
    """One-sided, of a deviation whose variance was inflated: where that was estimated, by Student's t."""
    return np.asarray(np.where(dispersion < 1.05, ndtr(-z), stdtr(degrees, -z)))


def deviation(p: FloatArray) -> FloatArray:
    """What a standard normal exceeds with probability p."""
    return np.asarray(-ndtri(np.clip(p, 1e-300, 1.0)))


class Nature(NamedTuple):
    """How much rates vary by themselves. deviation: of the logarithm of a rate. degrees: of freedom of that."""

    deviation: FloatArray
    degrees: float


class NaturalVariation:
    """Training's variation at any duration, between those that were measured. Longer spans never vary more."""

    def __init__(self, training: SegmentTraining) -> None:
        self._lattice, levels = training.lattice, training.variation
        self._durations = np.log([each.duration for each in levels]) if levels else np.zeros(0)
        self._stretches = [each.stretches for each in levels]
        names = ("shares", "low", "wrong", "pairs")
        self._levels = {name: _falling([getattr(each, name) for each in levels]) for name in names}

    def squared(self, name: str, duration: float) -> FloatArray:
        """Squared coefficients of variation of cells, or of `pairs` the excess a row. duration: in chunks."""
        levels = self._levels[name]
        if not len(levels):
            size = self._lattice.singles
            return np.zeros((2, len(self._lattice.first), size // self._lattice.columns) if name == "pairs" else size)
        place = float(np.interp(np.log(max(duration, 1e-9)), self._durations, np.arange(len(levels))))
        low, high = int(place), min(int(place) + 1, len(levels) - 1)
        return np.asarray(levels[low] * (1 - place + low) + levels[high] * (place - low))

    def degrees(self, duration: float) -> float:
        """Of freedom of the variation at a duration."""
        if not self._stretches:
            return float(FEWEST_DEGREES)
        place = round(float(np.interp(np.log(max(duration, 1e-9)), self._durations, np.arange(len(self._stretches)))))
        return float(max(self._stretches[place] - 1, FEWEST_DEGREES))


def _falling(levels: list[FloatArray]) -> FloatArray:
    return np.maximum.accumulate(np.array(levels)[::-1], axis=0)[::-1] if levels else np.zeros(0)
