"""The segments of one model: windows of rows in, findings that open, go on and close."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from driftline.segments.lattice import Codes
from driftline.segments.training import SegmentTraining
from driftline.sketch.arrays import FloatArray, IntArray
from driftline_processor.monitors.segments.aftermath import counted_again, is_over
from driftline_processor.monitors.segments.candidate import WEAK, Candidate, Key
from driftline_processor.monitors.segments.counts import WindowCounter
from driftline_processor.monitors.segments.judge import Bench
from driftline_processor.monitors.segments.shadows import without_shadows
from driftline_processor.monitors.segments.spans import LEVELS, Look, Pace, Spans
from driftline_processor.monitors.segments.stories import cold, not_told_by_columns, not_told_by_outputs, told_once

MOST_TOLD: Final = 20
"""Findings of a model that are open together; others are only counted."""

RECENT: Final = 20_000
"""Rows whose codes are kept, in memory only: by them it is known which segments overlap."""

MEMORY: Final = 2**LEVELS
"""Windows: no stretch is longer."""

FORGET_UNDATED: Final = 64
"""Windows after which a weak segment of unknown age is not listed any more."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A segment that stands out. opened: number of the window after it was found; level: length of the stretch.

    dated: training is large enough to say that it was not so before: else it is listed, and is no alarm.
    """

    candidate: Candidate
    opened: int
    level: int
    dated: bool = True


class Update(NamedTuple):
    """What a window changed. open: all findings, by expected harm. closed: in this window. more: beyond MOST_TOLD."""

    open: tuple[Finding, ...]
    undated: tuple[Finding, ...]
    closed: tuple[Finding, ...]
    more: int


NOTHING: Final = Update((), (), (), 0)


class Memory(NamedTuple):
    """What a monitor has found: all that another one has to know to go on, but for the counts of its stretches.

    windows: that it has seen. pending: first looks, to be confirmed by a second. more: as of an Update.
    """

    windows: int
    open: tuple[Finding, ...]
    undated: tuple[Finding, ...]
    pending: Mapping[Key, int]
    more: int


class SegmentMonitor:
    """Counts, judges and remembers. Its memory is bounded: 25 MB for 30 columns."""

    def __init__(
        self, training: SegmentTraining, pace: Pace, *, min_rows: float = 0.0, most_told: int = MOST_TOLD
    ) -> None:
        """min_rows: rows below which no segment is told, for privacy."""
        self.training = training
        self._bench = Bench.of(training)
        self._counter = WindowCounter(training)
        self._spans = Spans(self._bench, pace)
        self._recent: list[Codes] = []
        self._min_rows, self._most_told = min_rows, most_told
        self._open: dict[Key, Finding] = {}
        self._undated: dict[int, Finding] = {}
        self._past: list[tuple[int, Candidate]] = []
        self._more = 0

    @property
    def memory(self) -> Memory:
        """What it has found."""
        found = tuple(self._open.values()), tuple(self._undated.values())
        return Memory(self._spans.windows, *found, dict(self._spans.pending), self._more)

    def go_on(self, memory: Memory) -> None:
        """Goes on with what another monitor of the same training has found."""
        self._spans.go_on(memory.windows, memory.pending)
        later = self._spans.windows - memory.windows
        self._open = {each.candidate.key: each for each in memory.open}
        self._undated = {each.candidate.cell: replace(each, opened=each.opened + later) for each in memory.undated}
        self._more = memory.more

    def observe(
        self,
        codes: Codes,
        status: IntArray,
        weights: FloatArray | None = None,
        alarmed: Collection[str] = (),
        *,
        effect: float = 1.0,
        unsure: bool = False,
    ) -> Update:
        """Count and judge one window.

        Args:
            codes: [rows, columns].
            status: of each row, [rows].
            weights: how many rows each stands for, [rows]; None for one each.
            alarmed: names of columns whose own alarm is open.
            effect: rows that repeat count as so many times fewer.
            unsure: whether the alarm of the confidence is open: what fell with it is no news.

        """
        if not len(codes):
            return self._update(())
        self._remember(codes)
        stretch = self._counter.count(codes, status, weights, effect)
        columns = {i for i, column in enumerate(self.training.columns) if set(column.sources).intersection(alarmed)}
        closed: list[Finding] = []
        looks = list(self._spans.add(stretch))
        suspects = {each.key: each for look in looks for each in look.suspects}
        for look in looks:
            closed += self._close(look)
            self._open_new(look, columns, suspects, unsure=unsure)
        return self._update([each for each in closed if each.candidate.key not in self._open])

    def _remember(self, codes: Codes) -> None:
        self._recent.append(codes[-RECENT:])
        while len(self._recent) > 1 and sum(map(len, self._recent)) - len(self._recent[0]) >= RECENT:
            self._recent.pop(0)

    def _close(self, look: Look) -> list[Finding]:
        """Findings of which half has gone, by rows that came after they were found."""
        later = [each for each in self._open.values() if each.level <= look.level and each.opened <= look.first]
        over = [each for each in later if is_over(self._bench, look.stretch, each.candidate)]
        for each in over:
            del self._open[each.candidate.key]
            self._past.append((look.last, each.candidate))
        return over

    def _open_new(
        self, look: Look, alarmed: Collection[int], suspects: Mapping[Key, Candidate], *, unsure: bool
    ) -> None:
        """suspects: of all lengths, by which a candidate may be explained before they are confirmed themselves."""
        lattice, last = self._bench.lattice, look.last
        seen = {each.key: each for each in look.candidates}
        for key, held in self._open.items():
            if key in seen and look.level >= held.level:
                self._open[key] = replace(held, candidate=replace(seen[key], kind=held.candidate.kind))
        told = [self._counted(look, each.candidate) for each in self._open.values()]
        over = [self._counted(look, each) for each in self._over(look)]
        known = {*self._open, *(each.key for each in over)}
        news = [each for each in look.candidates if each.key not in known and self._may_be_told(each, look)]
        news = not_told_by_outputs(news) if unsure else news
        news = cold(not_told_by_columns(lattice, news, alarmed), told)
        rows = np.concatenate(self._recent)
        others = {
            each.key: each for each in self._unconfirmed(look, suspects.values(), {*known, *(n.key for n in news)})
        }
        shown = without_shadows(lattice, [*news, *others.values()], rows, [*told, *over])
        alone = told_once(lattice, [each for each in shown if each.key not in others], [*told, *over])
        self._more += max(len(alone) - self._room, 0)
        for each in sorted(alone, key=lambda each: -each.harm)[: self._room]:
            self._open[each.key] = Finding(each, last, look.level)
        self._list(look, rows)

    def _counted(self, look: Look, candidate: Candidate) -> Candidate:
        return counted_again(self._bench, look.stretch, candidate)

    def _unconfirmed(self, look: Look, suspects: Iterable[Candidate], known: Collection[Key]) -> Iterator[Candidate]:
        """Weak segments that a second look has yet to confirm, by the rows of a stretch."""
        return (self._counted(look, each) for each in suspects if each.family == WEAK and each.key not in known)

    def _over(self, look: Look) -> list[Candidate]:
        """What is over, but still in a stretch: it and its shadows are no news."""
        self._past = [each for each in self._past if each[0] > look.last - MEMORY]
        return [each for closed, each in self._past if closed > look.first]

    def _list(self, look: Look, rows: Codes) -> None:
        """Weak segments of which training is too small to say since when."""
        lattice = self._bench.lattice
        old = look.last - FORGET_UNDATED
        self._undated = {cell: each for cell, each in self._undated.items() if each.opened > old}
        told = [each.candidate for each in self._open.values() if each.candidate.family == WEAK]
        news = [each for each in look.undated if self._may_be_told(each, look)]
        for each in without_shadows(lattice, news, rows, told)[: self._most_told]:
            self._undated[each.cell] = Finding(each, look.last, look.level, dated=False)

    @property
    def _room(self) -> int:
        return max(self._most_told - len(self._open), 0)

    def _may_be_told(self, candidate: Candidate, look: Look) -> bool:
        weight = look.stretch.weight / max(self._bench.rows(look.stretch), 1e-9)
        rows = max(candidate.rows, candidate.reference_share * self._bench.rows(look.stretch))
        return rows * weight >= self._min_rows

    def _update(self, closed: Sequence[Finding]) -> Update:
        told = sorted(self._open.values(), key=lambda each: -each.candidate.harm)
        shown = {each.candidate.cell for each in told}
        undated = [each for cell, each in self._undated.items() if cell not in shown]
        more = max(len(undated) - (self._most_told - len(told)), 0)
        return Update(tuple(told), tuple(undated[: self._most_told - len(told)]), tuple(closed), self._more + more)
