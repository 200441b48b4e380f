"""From what columns held to rows in the reference's bins: what makes windows of any layout comparable."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftline.reference.column_types import STRING
from driftline.semconv import OTHER
from driftline.sketch import Intervals, hashed
from driftline.sketch.arrays import FloatArray, IntArray
from driftline.sketch.spellings import numbers_named, other_spellings
from driftline.sketch.values import class_name, read_number
from driftline_processor.monitors.drift.binning.seen_numbers import SeenNumbers
from driftline_processor.monitors.drift.binning.stacked_intervals import StackedIntervals
from driftline_processor.records import ColumnSummary, ReferenceColumn
from driftline_processor.reference.category_bins import UNUSUAL, cell_rows, unlikeness
from driftline_processor.verdicts.numbers import number_range

ROUNDING = 1e-14
"""Share of a column's rows below which what lies between two values is rounding."""

FAR = float(np.finfo(np.float64).max) / 2
"""Lengths between ends beyond it may exceed the largest float."""


class BinnedNumbers(NamedTuple):
    """Numeric columns in the reference's bins: rows in each bin, and those at never seen values, [columns]."""

    bins: FloatArray
    novel: FloatArray


class NumericBins:
    """Bins of numeric columns, ranges between edges; those of one column after those of another."""

    def __init__(self, columns: Sequence[ReferenceColumn]) -> None:
        self.edges = [column.edges for column in columns]
        self.seen = [SeenNumbers(column.summary.intervals) for column in columns]
        self._masses_below = [_PriorMass(column.summary.intervals, column.edges) for column in columns]
        self._sizes = np.array([len(edges) + 1 for edges in self.edges], np.int64)
        self._offset = np.cumsum(self._sizes) - self._sizes
        self._stretches = np.array([len(seen.starts) for seen in self.seen], np.int64)
        self._stretch = np.cumsum(self._stretches) - self._stretches
        self._ends = _joined([seen.ends for seen in self.seen])
        # With one cut more in front of each column, bins and the cuts before them have the same place.
        self._cuts = _joined([np.append(-np.inf, edges / 2) for edges in self.edges])
        self._masses = _joined([np.append(-np.inf, mass.edges) for mass in self._masses_below])
        self._rounding = ROUNDING * np.array([mass.total for mass in self._masses_below])

    def place(self, stacked: StackedIntervals) -> BinnedNumbers:
        """A bucket over several bins is split as the reference is there."""
        if not len(stacked.lower):
            return BinnedNumbers(np.zeros(int(self._sizes.sum())), np.zeros(len(stacked)))
        lower, upper = list(stacked.parts(stacked.lower)), list(stacked.parts(stacked.upper))
        first = np.concatenate([e.searchsorted(x, "right") for e, x in zip(self.edges, lower, strict=True)])
        last = np.concatenate([e.searchsorted(x) for e, x in zip(self.edges, upper, strict=True)])
        whole = (first == last) | (stacked.lower / 2 == stacked.upper / 2)  # too narrow to be cut
        at = first + self._offset[stacked.column]
        bins = np.bincount(at[whole], stacked.weight[whole], self._sizes.sum()).astype(np.float64)
        if not whole.all():
            astride = np.flatnonzero(~whole)
            bins += self._split(stacked, astride, at[astride], (last - first)[astride] + 1)
        return BinnedNumbers(bins, self._novel(stacked, upper))

    def _novel(self, stacked: StackedIntervals, upper: Sequence[FloatArray]) -> FloatArray:
        """Rows in intervals that touch nothing seen."""
        below = np.concatenate([seen.starts.searchsorted(x) for seen, x in zip(self.seen, upper, strict=True)])
        stretch = np.maximum(below - 1, 0) + self._stretch[stacked.column]
        ends = np.append(self._ends, -np.inf)[np.minimum(stretch, len(self._ends))]
        new = (below == 0) | (ends <= stacked.lower)
        return np.bincount(stacked.column[new], stacked.weight[new], len(stacked)).astype(np.float64)

    def _split(self, stacked: StackedIntervals, astride: IntArray, first: IntArray, bins: IntArray) -> FloatArray:
        """The intervals `astride`, each over so many bins from its `first` on, in the proportion of the reference.

        By length where that has no rows.
        """
        column = stacked.column[astride]
        low, high = stacked.lower[astride] / 2, stacked.upper[astride] / 2  # halves: lengths beyond the largest float
        masses = self._mass(column, stacked.lower[astride], stacked.upper[astride])
        known = masses[1] - masses[0] > self._rounding[column]
        interval = np.repeat(np.arange(len(astride)), bins)
        within = np.arange(len(interval)) - np.repeat(np.cumsum(bins) - bins, bins)
        place = first[interval] + within
        start, end = within == 0, within == bins[interval] - 1
        after = np.minimum(place + 1, len(self._cuts) - 1)

        def pieces(cuts: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
            upper, lower = np.where(end, high[interval], cuts[after]), np.where(start, low[interval], cuts[place])
            return np.asarray(upper - lower)

        size = np.where(known[interval], pieces(self._masses, *masses), pieces(self._cuts, low, high))
        share = size / np.bincount(interval, size, len(astride))[interval]
        weight = stacked.weight[astride][interval] * share
        return np.bincount(place, weight, self._sizes.sum()).astype(np.float64)

    def _mass(self, column: IntArray, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Rows of the reference below each end."""
        bounds = column.searchsorted(np.arange(len(self._masses_below) + 1)).tolist()
        below = np.empty((2, len(column)))
        for i in np.unique(column).tolist():
            part = slice(bounds[i], bounds[i + 1])
            below[:, part] = self._masses_below[i].below(np.stack((low[part], high[part])))
        return below[0], below[1]


class _PriorMass:
    """Rows of the reference below a value, were they spread evenly inside each interval.

    Halves are taken only where lengths exceed the largest float: half of the smallest number, which bounds a column
    whose minimum is 0, is no bound any more.
    """

    def __init__(self, intervals: Intervals, edges: FloatArray) -> None:
        self.total = intervals.total
        stacked = StackedIntervals.of([intervals])
        if self.total and stacked.disjoint[0]:
            ended = np.cumsum(stacked.weight)
            ends = np.stack((stacked.lower, stacked.upper), axis=1).ravel()
            self.rows = np.stack((ended - stacked.weight, ended), axis=1).ravel()
        else:
            ends = np.unique(np.concatenate((intervals.lower, intervals.upper, [0.0])))
            parts = np.array_split(ends, len(ends) // 256 + 1)  # each needs [values, intervals]
            self.rows = np.concatenate([intervals.below(part) for part in parts])
        self.unit = 0.5 if np.abs(ends).max() > FAR else 1.0
        self.at = ends * self.unit
        self.edges = self.below(edges)

    def below(self, values: FloatArray) -> FloatArray:
        return np.asarray(np.interp(values * self.unit, self.at, self.rows))


def _joined(parts: Sequence[FloatArray]) -> FloatArray:
    return np.concatenate(parts) if parts else np.zeros(0)


@dataclass(frozen=True, slots=True, eq=False)
class BinnedCategories:
    """A categorical column in the reference's bins: rows by bin, and those that are in none of them.

    novel: names of categories that were never seen, the most frequent first. mistyped: rows of another type. guessed:
    bins whose rows the sender has not named.
    """

    bins: FloatArray
    novel_rows: float
    novel: tuple[str, ...]
    mistyped: float
    guessed: tuple[int, ...] = ()


class CategoryBins:
    """Bins of a categorical column: the categories that the reference names, and one for all others that it saw."""

    def __init__(self, column: ReferenceColumn) -> None:
        self.names = (*column.categories, *column.minor)
        self.pair = column.pair
        self.others = len(self.names)
        self.index = {name: place for place, name in enumerate(self.names)}
        self.index |= {name: self.others for name in column.summary.categories if name not in self.index}
        self._behind = {
            name: rows for name, rows in column.summary.categories.items() if self.index[name] == self.others
        }
        self._behind |= {hashed(name): rows for name, rows in self._behind.items() if name != OTHER}
        self.open = column.summary.categories.get(OTHER, 0.0) > 0.0  # training had more than it could name
        self.shares = cell_rows(column)
        self.codes = Codes.of({name: place for name, place in self.index.items() if name != OTHER})
        self._parsed = column.type != STRING  # its categories are numbers: 01 is the same as 1
        self.index = other_spellings(self.index) | self.index
        self.index |= {hashed(name): place for name, place in self.index.items()}

    def place(self, summary: ColumnSummary) -> BinnedCategories:
        """Numbers become the categories that they stand for; without codes they are of the wrong type."""
        bins, novel = self._named(summary.categories)
        mistyped = summary.intervals.total
        if len(self.codes.values):
            strange = self._add_codes(bins, summary.intervals)
            novel |= {name: rows + novel.get(name, 0.0) for name, rows in strange.items()}
            mistyped = 0.0
        unnamed = summary.categories.get(OTHER, 0.0)
        room = self._room(summary.categories) if unnamed else np.zeros(0)
        guessed = tuple(np.flatnonzero(room).tolist())
        if guessed:
            bins += unnamed * room / room.sum()
        novel_rows = float(sum(novel.values())) + (0.0 if guessed else unnamed)
        names = tuple(sorted(novel, key=lambda name: (-novel[name], name)))
        return BinnedCategories(bins, novel_rows, names, mistyped, guessed)

    def classes(self, categories: Mapping[str, float]) -> dict[str, float]:
        """Rows by category, in the spelling of the reference."""
        rows: dict[str, float] = {}
        for name, each in categories.items():
            place = self._place_of(name)
            known = self.names[place] if place is not None and place < self.others else name
            rows[known] = rows.get(known, 0.0) + each
        return rows

    def _add_codes(self, bins: FloatArray, numbers: Intervals) -> Mapping[str, float]:
        """Adds numbers to the bins that they stand for; returns those that stand for none, by name."""
        rows, strange = self.codes.place(numbers, self.shares)
        np.add.at(bins, self.codes.bins, rows)
        if self.open:
            bins[self.others] += sum(strange.values())
            return {}
        return strange

    def _named(self, categories: Mapping[str, float]) -> tuple[FloatArray, dict[str, float]]:
        """Rows by bin, and those of categories that the reference never saw."""
        bins = np.zeros(self.others + 1)
        novel: dict[str, float] = {}
        for name, rows in categories.items():
            if name == OTHER:
                continue
            place = self._place_of(name)
            if place is None and self.open:
                place = self.others
            if place is not None:
                bins[place] += rows
            elif rows:
                novel[name] = rows
        return bins, novel

    def _place_of(self, name: str) -> int | None:
        """The place of a category; None for one that the reference never saw."""
        place = self.index.get(name)
        if place is None and self._parsed and (number := read_number(name)) is not None:
            place = self.index.get(class_name(number))
        return place

    def _room(self, named: Mapping[str, float]) -> FloatArray:
        """Where rows of categories beyond the sender's bound may belong: the reference's rows of those not named.

        They are spread there in the reference's proportions, as a bucket over several bins is. Of the categories that
        share the last bin those that the sender has named take no room there.
        """
        room: FloatArray = self.shares.copy()
        room[[self.index[name] for name in named if name in self.index]] = 0.0
        behind = sum(self._behind.get(name, 0.0) for name in named if name != OTHER)
        room[self.others] = max(self.shares[self.others] - behind, 0.0)
        return room


@dataclass(frozen=True, slots=True, eq=False)
class Codes:
    """The numbers behind the categories of a column, ascending, and the bins of those."""

    values: FloatArray
    bins: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    @classmethod
    def of(cls, bins: Mapping[str, int]) -> "Codes":
        """Of categories with their bins. Of several that are one number, those count that are spelled most like it."""
        named = [(number, name) for name, number in zip(bins, numbers_named(bins).tolist(), strict=True)]
        best: dict[float, int] = {}
        for number, name in named:
            best[number] = min(best.get(number, UNUSUAL), unlikeness(name, number))
        found = sorted(
            (number, bins[name])
            for number, name in named
            if np.isfinite(number) and unlikeness(name, number) == best[number]
        )
        return cls(np.array([number for number, _ in found]), np.array([cell for _, cell in found], np.int64))

    def place(self, intervals: Intervals, shares: FloatArray) -> tuple[FloatArray, Mapping[str, float]]:
        """Rows of each code, and those at numbers that are none; a bucket over several codes is split by `shares`."""
        first = np.searchsorted(self.values, intervals.lower, "right")
        last = np.searchsorted(self.values, intervals.upper, "right")
        rows = np.zeros(len(self.values))
        alone = last - first == 1
        np.add.at(rows, first[alone], intervals.weight[alone])
        strange: dict[str, float] = {}
        for i in np.flatnonzero(~alone):
            if first[i] == last[i]:
                name = number_range(float(intervals.lower[i]), float(intervals.upper[i]))
                strange[name] = strange.get(name, 0.0) + float(intervals.weight[i])
            else:
                share = shares[self.bins[first[i] : last[i]]] + 1e-9
                rows[first[i] : last[i]] += intervals.weight[i] * share / share.sum()
        return rows, strange
