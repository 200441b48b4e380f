"""Which pairs of inputs a reference holds, and their rows: a bounded number, by rules that the same data answers alike.

A pair is worth its place where the columns go together, as that may end, and where they do not, as that may begin.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from driftline.profiling.plan import PlannedColumn
from driftline.reference.column_types import BOOLEAN, FLOAT, INTEGER, PAIR
from driftline.reference.profile_column import ColumnKey, ProfileColumn
from driftline.semconv import OPPOSITE, SAME, TARGET_INPUT, TARGET_PAIR
from driftline.sketch.arrays import FloatArray, IntArray
from driftline.sketch.pairs import Pair, Pairs
from driftline.sketch.splitmix import splitmix64

MOST_PAIRS: Final = 48
"""Pairs of a reference: all of ten columns. Each takes a column's share of the false alarms, and 2.6 kB."""

MOST_MEMBERS: Final = 256
"""Columns that are looked at: of 5,000 there are twelve million pairs."""

SMALLER_SIDE: Final = 0.1
"""Of a column's rows: where fewer lie on one side, the column is all but constant, and goes together with nothing."""

FEWEST_ROWS: Final = 0.1
"""Of the sample, with a number in both columns."""

_SIDES: Final = (SAME, OPPOSITE)


def may_be_member(column: PlannedColumn) -> bool:
    """Whether it is an input of numbers that say how much. Times always move."""
    numeric = column.kind in (FLOAT, INTEGER, BOOLEAN) and not column.declared
    return column.key.target == TARGET_INPUT and numeric


def choose_pairs(sample: Mapping[str, FloatArray]) -> list[Pair]:
    """All pairs where there are few; else half of them the most associated ones, half so that each column is in one.

    sample: rows of each column that may be a member, [rows] each, NaN where missing.
    """
    thresholds = {name: found for name, x in _some(sample).items() if (found := threshold(x)) is not None}
    names = list(thresholds)
    if len(names) < 2:
        return []
    first, second, association = _associations([sample[name] for name in names], [*thresholds.values()])
    if len(first) > MOST_PAIRS:
        chosen = _chosen(first, second, association)
        first, second = first[chosen], second[chosen]
    return [
        Pair((names[i], names[j]), (thresholds[names[i]], thresholds[names[j]]))
        for i, j in zip(first.tolist(), second.tolist(), strict=True)
    ]


def threshold(x: FloatArray) -> float | None:
    """The value that parts a column best in two halves; None where no value does it well.

    Between two values of the data, as a value that arrives in single precision must lie on the side that it lay on.
    """
    values, rows = np.unique(x[np.isfinite(x)], return_counts=True)
    if len(values) < 2:
        return None
    below, total = np.cumsum(rows)[:-1], rows.sum()
    at = int(np.abs(2 * below - total).argmin())
    if min(below[at], total - below[at]) < SMALLER_SIDE * total:
        return None
    low, high = float(values[at]), float(values[at + 1])
    middle = low / 2 + high / 2
    return middle if low <= middle < high else low


def _some(sample: Mapping[str, FloatArray]) -> Mapping[str, FloatArray]:
    """At most MOST_MEMBERS columns, in their order."""
    kept = np.sort(np.argsort(splitmix64(np.arange(len(sample), dtype=np.uint64)))[:MOST_MEMBERS])
    names = list(sample)
    return {names[i]: sample[names[i]] for i in kept.tolist()}


def _associations(columns: Sequence[FloatArray], thresholds: Sequence[float]) -> tuple[IntArray, IntArray, FloatArray]:
    """All pairs of columns that share rows, and how far each is from independence.

    The mean product of sides, each -1 or 1, without that of their means. Sums are of whole numbers, so they are exact.
    """
    x = np.stack(columns)
    sides = np.where(np.isnan(x), 0.0, np.where(x > np.array(thresholds)[:, None], 1.0, -1.0)).astype(np.float32)
    held = np.abs(sides)
    rows = (held @ held.T).astype(np.float64)
    means = (sides.sum(axis=1) / held.sum(axis=1)).astype(np.float64)
    first, second = np.triu_indices(len(columns), 1)
    shared = rows[first, second] >= FEWEST_ROWS * x.shape[1]
    first, second = first[shared], second[shared]
    products = (sides @ sides.T).astype(np.float64)[first, second] / rows[first, second]
    return first, second, np.abs(products - means[first] * means[second])


def _chosen(first: IntArray, second: IntArray, association: FloatArray) -> IntArray:
    """MOST_PAIRS of the pairs, in their order."""
    strongest = np.argsort(-association, kind="stable")[: MOST_PAIRS // 2]
    used = np.bincount(np.concatenate((first[strongest], second[strongest])), minlength=int(second.max()) + 1)
    taken = np.zeros(len(first), bool)
    taken[strongest] = True
    order = np.argsort(splitmix64(np.arange(len(first), dtype=np.uint64)))
    for _ in range(MOST_PAIRS - len(strongest)):
        rarest = order[np.where(taken, np.inf, used[first] + used[second])[order].argmin()]
        taken[rarest] = True
        used[first[rarest]] += 1
        used[second[rarest]] += 1
    return np.flatnonzero(taken)


class PairCounter:
    """Rows of all pairs, in the whole and in the chunks: counted as they are in serving."""

    def __init__(self, pairs: Sequence[Pair], columns: Mapping[str, PlannedColumn], chunks: int) -> None:
        self._pairs = {pair.name: pair for pair in pairs}
        self._counter = Pairs(self._pairs)
        self._members = {name: columns[name] for pair in pairs for name in pair.members}
        self._rows = {name: np.zeros(len(_SIDES), np.int64) for name in self._pairs}
        self._bins = {name: np.zeros((chunks, len(_SIDES) + 1), np.int64) for name in self._pairs}

    def add(self, batch: Any, chunk: IntArray) -> None:
        """Rows of a record batch. chunk: of each row, [rows], -1 for rows in none."""
        if not len(chunk) or not self._pairs:
            return
        order = np.argsort(chunk, kind="stable")
        chunk = chunk[order]
        values = {name: column.numbers(batch)[order] for name, column in self._members.items()}
        bounds = np.flatnonzero(np.diff(chunk)) + 1
        for first, last in zip([0, *bounds.tolist()], [*bounds.tolist(), len(chunk)], strict=True):
            at = int(chunk[first])
            for name, counted in self._counter.count({name: x[first:last] for name, x in values.items()}):
                rows = [counted[side] for side in _SIDES]
                self._rows[name] += rows
                if at >= 0:
                    self._bins[name][at, :-1] += rows

    def results(self, without: Sequence[str]) -> tuple[ProfileColumn, ...]:
        """The pairs as columns; none with a member that has been left out."""
        kept = {name: pair for name, pair in self._pairs.items() if not any(each in without for each in pair.members)}
        return tuple(self._result(name, pair) for name, pair in kept.items())

    def _result(self, name: str, pair: Pair) -> ProfileColumn:
        rows = dict(zip(_SIDES, self._rows[name].tolist(), strict=True))
        return ProfileColumn(
            ColumnKey(TARGET_PAIR, name),
            PAIR,
            sum(rows.values()),
            None,
            {side: count for side, count in rows.items() if count},
            {},
            np.zeros(0),
            _SIDES,
            self._bins[name],
            {},
            pair,
        )
