"""Stretches of growing length that end with each window, what is found in them, and what a second look confirms.

The budget is our own allocation (Bonferroni over cells, kinds, lengths and the evaluations of a month; Dunn 1961): it
bounds the chance of any false finding in a month, and never starves as online procedures with decaying levels do.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from driftline_processor.monitors.segments.candidate import Candidate, Key
from driftline_processor.monitors.segments.counts import Stretch
from driftline_processor.monitors.segments.inside import inside
from driftline_processor.monitors.segments.judge import CONFIRM, Bench, Level
from driftline_processor.monitors.segments.shares import shares
from driftline_processor.monitors.segments.weak import weak

LEVELS: Final = 10
"""Stretches of 1, 2, 4 … 512 windows: at most 20 are held."""

CONFIRMED_WITHIN: Final = 4 * 2**LEVELS
"""Windows after a first look in which a second one may confirm it: two of the longest stretches, and a restart."""

TESTS: Final = 4
"""Errors, confidence, shares, and drift inside segments share the budget."""

BUDGET: Final = 0.05
"""Of a month in which one false alarm is allowed: the chance that segments report anything."""


class Pace(NamedTuple):
    """windows: in the period of the budget. budget: false findings allowed in it. chunk: in windows; 0: count rows."""

    windows: float
    budget: float
    chunk: float

    def alpha(self, level: int) -> float:
        """Of one evaluation of one kind in stretches of 2 ** level windows, at the second look."""
        evaluations = self.windows if level == 0 else 2.0 * self.windows / 2**level
        return min(self.budget / TESTS / LEVELS / max(evaluations, 1.0) * CONFIRM, 0.05)


class Look(NamedTuple):
    """A stretch and what stands out in it. first, last: numbers of its windows, the last one excluded.

    candidates: that an earlier look has found, too. suspects: all, with or without an earlier one.
    """

    level: int
    first: int
    last: int
    stretch: Stretch
    candidates: list[Candidate]
    suspects: list[Candidate]
    undated: list[Candidate]


class Spans:
    """The stretches of one model. Dyadic ones, and two neighbours that make none of the next length."""

    def __init__(self, bench: Bench, pace: Pace) -> None:
        self._bench, self._pace = bench, pace
        self._open: list[Stretch | None] = [None] * LEVELS
        self._before: list[Stretch | None] = [None] * LEVELS
        self.pending: dict[Key, int] = {}
        """First looks that found something, by the number of the window after them."""
        self.windows = 0

    def go_on(self, windows: int, pending: Mapping[Key, int]) -> None:
        """After so many windows of another process: stretches begin anew, where all lengths do."""
        longest = 2 ** (LEVELS - 1)
        self.windows = -(-windows // longest) * longest
        self.pending = dict(pending)

    def add(self, stretch: Stretch) -> Iterator[Look]:
        """The stretches that end with a window, with what a second look confirms; the shortest first."""
        self.windows += 1
        for level, whole in list(self._complete(stretch)):
            yield self._look(level, whole)

    def _complete(self, stretch: Stretch) -> Iterator[tuple[int, Stretch]]:
        for level in range(LEVELS):
            held = self._open[level]
            stretch = stretch if held is None else held + stretch
            if self.windows % 2**level:
                self._open[level] = stretch
                return
            self._open[level] = None
            yield level, stretch
            before = self._before[level]
            if before is not None and (self.windows >> level) % 2 and level + 1 < LEVELS:
                yield level + 1, before + stretch
            self._before[level] = stretch

    def _look(self, level: int, stretch: Stretch) -> Look:
        bench, evaluated = self._bench, Level(self._pace.alpha(level), self._duration(level, stretch))
        weakness = weak(bench, stretch, evaluated)
        every = [*weakness.candidates, *shares(bench, stretch, evaluated), *inside(bench, stretch, evaluated)]
        first, last = self.windows - 2**level, self.windows
        confirmed = [each for each in every if self.pending.get(each.key, last) <= first]
        self.pending = {key: seen for key, seen in self.pending.items() if seen > last - CONFIRMED_WITHIN}
        for each in every:
            if each.strict:
                self.pending.setdefault(each.key, last)
        return Look(level, first, last, stretch, confirmed, every, weakness.undated)

    def _duration(self, level: int, stretch: Stretch) -> float:
        """In chunks of the reference."""
        if self._pace.chunk:
            return float(2**level / self._pace.chunk)
        training = self._bench.training
        return self._bench.rows(stretch) / max(training.rows / max(training.chunks, 1), 1.0)
