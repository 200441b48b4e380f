"""The buckets of an output, fixed by its first window, and what shares of a window's rows lie in them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np

from driftline.semconv import MISSING, NON_FINITE
from driftline.sketch import cut_bins, project
from driftline.sketch.arrays import FloatArray
from driftline_processor.records import ColumnSummary
from driftline_processor.verdicts.reasons import Bound, Moved, Region

NAMES: Final = 128
"""Classes that are told apart."""

WIDTHS: Final = (1, 2, 4, 8)
"""Neighbouring cells of numbers that are a bucket together."""

DIGITS: Final = 3

ABSENT: Final = "absent"
"""The bucket of rows without a usable value. Those of classes are called `=` and the class, of ranges `first:last`."""


class BucketShares(NamedTuple):
    """shares: by bucket. rows: as many as tell as much (Kish), with a value or without."""

    shares: dict[str, float]
    rows: float


@dataclass(frozen=True)
class Buckets:
    """edges: upper edges of all cells of numbers but the last; none where the output has classes."""

    edges: FloatArray

    @classmethod
    def of(cls, summary: ColumnSummary) -> "Buckets":
        numeric = summary.intervals.total >= sum(summary.categories.values())
        return cls(cut_bins(summary.intervals) if numeric and summary.intervals.total else np.zeros(0))

    def shares(self, summary: ColumnSummary) -> BucketShares:
        """Of all rows; a value's share is of those with one."""
        rows = summary.rows**2 / summary.squares if summary.squares else summary.rows
        missing = sum(summary.states.get(state, 0.0) for state in (MISSING, NON_FINITE))
        found = {ABSENT: missing / summary.rows} if summary.rows else {}
        counted = self._ranges(summary) if len(self.edges) else _classes(summary.categories)
        total = summary.intervals.total if len(self.edges) else sum(summary.categories.values())
        if total > 0.0:
            found |= {name: count / total for name, count in counted}
        return BucketShares(found, rows)

    def _ranges(self, summary: ColumnSummary) -> Iterator[tuple[str, float]]:
        counts = project(summary.intervals, self.edges)
        below = np.append(0.0, np.cumsum(counts))
        for name, (first, last) in self._spans.items():
            yield name, float(below[last] - below[first])

    @cached_property
    def _spans(self) -> Mapping[str, tuple[int, int]]:
        """First cell, and the one after the last, of each range; the narrow ones first."""
        cells = len(self.edges) + 1
        spans = ((first, first + width) for width in WIDTHS for first in range(cells - width + 1))
        return {f"{first}:{last}": (first, last) for first, last in spans if last - first < cells}

    def moved(self, name: str, before: float, after: float) -> Moved:
        """The reason that tells of a bucket."""
        if name == ABSENT:
            return Moved(Region.STATE, before, after, name=MISSING)
        if name.startswith("="):
            return Moved(Region.CATEGORY, before, after, name=name[1:])
        low, high = self.ends(name)
        region = Region.UP_TO if low is None else Region.ABOVE if high is None else Region.WITHIN
        return Moved(region, before, after, _bound(low), _bound(high))

    def ends(self, name: str) -> tuple[float | None, float | None]:
        """Of a range: above the first, up to the second."""
        first, last = self._spans[name]
        low = float(self.edges[first - 1]) if first else None
        return low, float(self.edges[last - 1]) if last <= len(self.edges) else None


def _bound(end: float | None) -> Bound | None:
    return None if end is None else Bound(end, DIGITS)


def _classes(categories: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    """The most frequent ones."""
    for name in sorted(categories, key=lambda name: (-categories[name], name))[:NAMES]:
        yield f"={name}", categories[name]
