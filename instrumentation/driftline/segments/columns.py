"""The few codes of a column of the lattice: the reference's bins joined to nine cells, or its nine commonest values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftline.rows.codes import WRONG_TYPE_CODE, CodedColumn
from driftline.segments.declared import parsed
from driftline.segments.lattice import CODES, Codes
from driftline.sketch.arrays import FloatArray

NONE: Final = CODES - 1
"""The code of a row without a value; where all others are taken, also of a category that has none of its own."""

CELLS: Final = CODES - 1

OTHER: Final = "other"
MISSING: Final = "missing"
OTHER_OR_MISSING: Final = "other or missing"


@dataclass(frozen=True, slots=True)
class SegmentColumn:
    """A column of the lattice.

    name: of the input, or the condition. cuts: upper edges of all its cells but the last, of numbers. categories: with
    a code of their own. condition: of a segment that was declared, whose codes are 0 outside and 1 inside. whole:
    numbers are integers.
    """

    name: str
    cuts: tuple[float, ...] | None = None
    categories: tuple[str, ...] = ()
    condition: str | None = None
    whole: bool = False

    @property
    def sources(self) -> tuple[str, ...]:
        """The inputs that it is made from."""
        return (self.name,) if self.condition is None else parsed(self.condition).names

    def codes_of_condition(self, columns: Mapping[str, NDArray[Any]], rows: int) -> Codes:
        """Whether the condition holds for each row, [rows]; where that is unknown the row is outside.

        columns: values of all `sources`, [rows] each.
        """
        assert self.condition is not None
        return np.asarray(parsed(self.condition).truth(columns, rows) == 1.0, np.uint8)

    def named(self, code: int) -> str:
        """The rows with a code, in words.

        >>> SegmentColumn("age", (30.0, 50.0)).named(1), SegmentColumn("plan", None, ("basic",)).named(0)
        ('age 30 to 50', 'plan = basic')
        >>> elderly = SegmentColumn("age >= 65", condition="age >= 65")
        >>> elderly.named(1), elderly.named(0)
        ('age >= 65', 'not (age >= 65)')
        """
        if self.condition is not None:
            return self.condition if code == 1 else f"not ({self.condition})"
        label = self.label(code)
        return f"{self.name} {label}" if self.cuts is not None and code != NONE else f"{self.name} = {label}"

    def codes(self, values: NDArray[Any]) -> Codes:
        """The code of each value, [rows] of any dtype."""
        edges = None if self.cuts is None else np.array(self.cuts)
        found = CodedColumn(edges, self.categories).codes(values)
        return np.where(found >= WRONG_TYPE_CODE, NONE, np.minimum(found, NONE)).astype(np.uint8)

    def codes_of_bins(self, bins: NDArray[np.uint8], edges: FloatArray | None) -> Codes:
        """The same of values that came as codes by the bins of a reference.

        Args:
            bins: as `CodedColumn.codes` makes them, [rows].
            edges: upper edges of all bins but the last; None of categories, the first of which are ours.

        """
        if edges is None:
            table = np.minimum(np.arange(256), len(self.categories))
        else:
            uppers = np.append(edges, np.inf)
            inside = np.searchsorted(np.array(self.cuts or ()), uppers, "left")
            table = inside[np.minimum(np.arange(256), len(uppers) - 1)]
        table = np.where(np.arange(256) >= WRONG_TYPE_CODE, NONE, np.minimum(table, NONE))
        return table.astype(np.uint8)[bins]

    def label(self, code: int) -> str:
        """A code in words.

        >>> SegmentColumn("age", (30.0, 50.0)).label(1)
        '30 to 50'
        >>> SegmentColumn("plan", None, ("basic", "gold")).label(1)
        'gold'
        """
        if self.condition is not None:
            return "yes" if code == 1 else "no"
        if code == NONE:
            return OTHER_OR_MISSING if len(self.categories) == CELLS else MISSING
        if self.cuts is None:
            return self.categories[code] if code < len(self.categories) else OTHER
        return _range(self.cuts, code, whole=self.whole)


def _range(cuts: Sequence[float], code: int, *, whole: bool) -> str:
    low = cuts[code - 1] if code else None
    high = cuts[code] if code < len(cuts) else None
    if whole and low is not None and high is not None:
        low, high = np.floor(low) + 1, np.floor(high)
        if low == high:
            return f"{low:.6g}"
    elif whole:
        low, high = (None if each is None else np.floor(each) for each in (low, high))
    if low is None or high is None:
        return "all" if low is high else f"up to {high:.6g}" if low is None else f"above {low:.6g}"
    return f"{low:.6g} to {high:.6g}"


def cut_at(edges: FloatArray, rows: FloatArray) -> tuple[float, ...]:
    """Some edges of bins, between which about equal numbers of rows lie: at most CELLS - 1.

    Args:
        edges: upper edges of all bins but the last, [bins - 1].
        rows: of each bin, [bins].

    """
    below = np.cumsum(rows)[:-1]
    total = float(rows.sum())
    inner = np.flatnonzero((below > 0) & (below < total))
    if not len(inner):
        return ()
    wanted = np.arange(1, CELLS) * total / CELLS
    nearest = np.abs(below[inner][None, :] - wanted[:, None]).argmin(axis=1)
    return tuple(float(each) for each in edges[inner[np.unique(nearest)]])
