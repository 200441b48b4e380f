"""What a method said of a stream, held against the truth: one scorer over every method."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, Protocol

from scipy.stats import poisson

from bench.verdicts.said import BESIDE, Said
from bench.verdicts.stream import DAY, Columns, Stream

PAGES: Final = 1 / 30
"""The budget: false alarms a day."""

TOGETHER: Final = "any column"
"""What is scored of a drift that no column has by itself."""

MOST: Final = 0.001
"""False alarms of a column in a window, at most: long windows get no more."""


class Method(Protocol):
    """For one stream. kept: bytes that it keeps of the training data. seconds: CPU time for windows so far."""

    kept: int
    seconds: float

    def fit(self, stream: Stream) -> None: ...

    def window(self, rows: Columns) -> Said: ...


@dataclass(frozen=True, slots=True)
class Score:
    """Sums over the windows of a stream, and over its seeds once they are added.

    Of columns without a drift (yet), windows by column: quiet, and of them those in alarm, false; pages: of false
    alarms, and budget: those allowed. Of columns with one: drifted, windows by column after its onset, and of them
    found, in alarm; moved, columns; soon, those told of within two windows; missed, never; delay, windows until each
    was told of, all of them where it was missed. named: columns told of after the first onset; right: of them, drifted.
    seasons: windows by column of which a method said that it is the season.
    """

    windows: int = 0
    quiet: int = 0
    false: int = 0
    pages: int = 0
    budget: float = 0.0
    drifted: int = 0
    found: int = 0
    moved: int = 0
    soon: int = 0
    missed: int = 0
    delay: int = 0
    named: int = 0
    right: int = 0
    seasons: int = 0
    kept: int = 0
    seconds: float = 0.0

    def __add__(self, other: "Score") -> "Score":
        return Score(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    @property
    def mean_delay(self) -> float:
        """Windows from the first that drifts to the first alarm: 0 where that is the same."""
        return self.delay / self.moved if self.moved else 0.0

    @property
    def within_budget(self) -> bool:
        """Whether so many pages are to be expected once in twenty streams, if as many as allowed are raised."""
        return not self.pages or poisson_tail(self.pages, self.budget) >= 0.05

    @property
    def false_rate(self) -> float:
        return self.false / self.quiet if self.quiet else 0.0

    @property
    def power(self) -> float:
        return self.found / self.drifted if self.drifted else 0.0

    def as_json(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self)}


def poisson_tail(count: int, mean: float) -> float:
    """The probability of `count` or more events where `mean` are expected."""
    return float(poisson.sf(count - 1, mean))


def score(stream: Stream, said: Sequence[Said], method: Method) -> Score:
    """Of what a method said of each window, in order."""
    onsets = stream.onsets
    if stream.anywhere:
        said, onsets = [_together(each) for each in said], {TOGETHER: min(onsets.values())}
    known = frozenset(onsets if stream.anywhere else stream.reference)
    opened = known.union(*(each.opened for each in said))
    columns = sorted(name for name in opened if stream.unclaimed.isdisjoint(_parts(name)))
    days = len(said) * stream.length / DAY
    budget = min(PAGES * days, MOST * len(said) * len(columns) * stream.slides)
    total = Score(windows=len(said), budget=budget, kept=method.kept, seconds=method.seconds)
    total += Score(seasons=sum(len(each.seasons) for each in said))
    for name in columns:
        onset = min(onsets.get(part, len(said)) for part in _parts(name))
        total += _quiet(name, said[:onset])
        if name in known and onset < len(said):
            total += _drift([name in _named_in(each.alarmed) for each in said[onset:]])
    return total + _named(onsets, stream.unclaimed, said)


def _parts(name: str) -> list[str]:
    """The columns of a pair, which drifts when one of them does; else the column itself."""
    return name.split(BESIDE)


def _named_in(alarmed: frozenset[str]) -> frozenset[str]:
    """Columns in alarm, alone or as one of a pair."""
    return alarmed.union(*map(_parts, alarmed))


def _together(said: Said) -> Said:
    """All columns as one."""
    alarmed, opened = (frozenset({TOGETHER} if each else ()) for each in (said.alarmed, said.opened))
    return Said(alarmed, opened)


def _quiet(name: str, said: Sequence[Said]) -> Score:
    in_alarm, pages = sum(name in each.alarmed for each in said), sum(name in each.opened for each in said)
    return Score(quiet=len(said), false=in_alarm, pages=pages)


def _drift(in_alarm: Sequence[bool]) -> Score:
    after = len(in_alarm)
    delay = in_alarm.index(True) if True in in_alarm else after
    return Score(drifted=after, found=sum(in_alarm), moved=1, soon=delay < 2, missed=delay == after, delay=delay)


def _named(onsets: Mapping[str, int], unclaimed: frozenset[str], said: Sequence[Said]) -> Score:
    first = min(onsets.values(), default=len(said))
    opened = frozenset[str]().union(*(each.opened for each in said[first:]))
    named = [name for name in opened if unclaimed.isdisjoint(_parts(name))]
    return Score(named=len(named), right=sum(not onsets.keys().isdisjoint(_parts(name)) for name in named))
