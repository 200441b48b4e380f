"""How every figure is measured: variants take turns, each round gives one ratio, and their median is the figure."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

ROUNDS: Final = 31
"""Odd, so that the median is one of the rounds."""

_CONFIDENCE: Final = 0.95

Samples = Mapping[str, NDArray[np.float64]]  # variant -> what each round measured, [rounds]


@dataclass(frozen=True, slots=True)
class Figure:
    """A ratio that is held to a gate, and to a goal beyond it.

    measure: the ratio of every round, [rounds]. at_least: greater is better. against: the competitor, for people.
    """

    name: str
    against: str
    gate: float
    goal: float
    measure: Callable[[], NDArray[np.float64]]
    at_least: bool = False

    def meets(self, ratio: float, limit: float) -> bool:
        return ratio >= limit if self.at_least else ratio <= limit


@dataclass(frozen=True, slots=True)
class Result:
    """A figure measured: the median of its rounds, and an interval that holds the true median with 95 %."""

    figure: Figure
    ratio: float
    low: float
    high: float

    @classmethod
    def of(cls, figure: Figure, ratios: NDArray[np.float64]) -> "Result":
        return cls(figure, float(np.median(ratios)), *median_interval(ratios))

    @property
    def holds(self) -> bool:
        return self.figure.meets(self.ratio, self.figure.gate)

    @property
    def reaches_goal(self) -> bool:
        return self.figure.meets(self.ratio, self.figure.goal)

    def as_json(self) -> dict[str, Any]:
        figure = self.figure
        return {
            "ratio": self.ratio,
            "low": self.low,
            "high": self.high,
            "gate": figure.gate,
            "goal": figure.goal,
            "holds": self.holds,
            "against": figure.against,
        }


def interleaved(variants: Mapping[str, Callable[[], float]], rounds: int = ROUNDS) -> Samples:
    """Every variant once a round, each time beginning with the next one; one round before that is not counted.

    What else the machine does then hits all variants alike. A variant measures itself: it returns seconds.
    """
    names = list(variants)
    samples: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds + 1):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            measured = variants[name]()
            if turn:
                samples[name].append(measured)
    return {name: np.array(measured) for name, measured in samples.items()}


def median_interval(values: NDArray[np.float64], confidence: float = _CONFIDENCE) -> tuple[float, float]:
    """An interval for the median that assumes nothing of the distribution: two order statistics.

    The k-th smallest and k-th largest of n hold the median with 1 - 2 P(B < k), B binomial (n, 1/2). The whole range
    where n is too small. Source: Conover, Practical Nonparametric Statistics, 3.2.
    """
    ordered, n = np.sort(values), len(values)
    k, outside = 0, 0.0
    while k < n // 2 and 2 * (outside + math.comb(n, k) / 2**n) <= 1 - confidence:
        outside += math.comb(n, k) / 2**n
        k += 1
    k = max(k - 1, 0)
    return float(ordered[k]), float(ordered[n - 1 - k])


def call_times(call: Callable[[], object], calls: int) -> NDArray[np.float64]:
    """Seconds of each of so many calls, [calls]."""
    now, times = time.perf_counter, np.empty(calls)
    for i in range(calls):
        start = now()
        call()
        times[i] = now() - start
    return times


def typical(call: Callable[[], object], calls: int) -> float:
    """The median of so many calls, in seconds: what a caller usually waits."""
    return float(np.median(call_times(call, calls)))


def table(results: Sequence[Result]) -> Table:
    """What holds and what does not, for people."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for heading, justify in {"figure": "left", "ratio": "right", "95 %": "right", "gate": "right"}.items():
        shown.add_column(heading, justify=justify, no_wrap=True)  # type: ignore[arg-type]  # rich's Literal
    for heading in ("goal", "", "against"):
        shown.add_column(heading, no_wrap=heading != "against")
    for each in results:
        figure, sign = each.figure, "≥" if each.figure.at_least else "≤"
        said = "goal" if each.reaches_goal else "holds" if each.holds else "MISSED"
        interval = f"{each.low:.3g}–{each.high:.3g}"
        limits = f"{sign} {figure.gate:g}", f"{sign} {figure.goal:g}"
        shown.add_row(figure.name, f"{each.ratio:.3g}", interval, *limits, said, figure.against)
    return shown
