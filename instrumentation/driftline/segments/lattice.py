"""The lattice of cells: every code of every column, and every pair of codes of chosen pairs of columns."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftline.sketch.arrays import FloatArray, IntArray

CODES: Final = 10
"""Codes of a column: nine cells of its values, and one for rows without a value and for all other categories."""

PAIR: Final = CODES * CODES

MOST_PAIRED: Final = 30
"""Columns of which all pairs are counted: 300 single cells and 43,500 of pairs."""

_ROWS_AT_ONCE: Final = 8192

Codes = NDArray[np.uint8]


class Lattice:
    """Cells in order: the codes of each column, then of each pair the codes of both, row by row.

    Attributes:
        columns: number of columns.
        first, second: the columns of each pair, [pairs].
        singles: number of cells of single columns.
        cells: number of all cells.

    """

    def __init__(self, columns: int, paired: Sequence[int] | None = None) -> None:
        """paired: columns whose pairs are counted; None for the first MOST_PAIRED."""
        chosen = np.array(sorted(range(min(columns, MOST_PAIRED)) if paired is None else paired), np.int64)
        one, other = np.triu_indices(len(chosen), 1)
        self.columns = columns
        self.first, self.second = chosen[one], chosen[other]
        self.paired = tuple(chosen.tolist())
        self.singles = columns * CODES
        self.cells = self.singles + len(self.first) * PAIR

    def count(self, codes: Codes, status: IntArray, statuses: int, weights: FloatArray | None = None) -> FloatArray:
        """Rows, or their weights, by cell and status, [cells, statuses]; additive over rows.

        One `bincount` a pair in blocks of rows that stay in the cache: a fused one over all pairs takes four times as
        long. 30 columns and 100,000 rows take a quarter of a second.

        Args:
            codes: [rows, columns], below CODES.
            status: [rows], below `statuses`.
            statuses: their number.
            weights: how many rows each stands for, [rows].

        """
        ones = np.zeros((self.columns, CODES * statuses))
        pairs = np.zeros((len(self.first), PAIR * statuses))
        for start in range(0, len(codes), _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            high = np.ascontiguousarray(codes[part].T.astype(np.int64))
            low = high * statuses + status[part]
            high *= CODES * statuses
            weight = None if weights is None else weights[part]
            for column in range(self.columns):
                ones[column] += np.bincount(low[column], weight, CODES * statuses)
            for pair, (i, j) in enumerate(zip(self.first.tolist(), self.second.tolist(), strict=True)):
                pairs[pair] += np.bincount(high[i] + low[j], weight, PAIR * statuses)
        return np.concatenate([ones.reshape(-1, statuses), pairs.reshape(-1, statuses)])

    def tables(self, cells: NDArray[Any]) -> NDArray[Any]:
        """The pairs of something that is known of each cell, [pairs, CODES, CODES]."""
        return cells[self.singles :].reshape(-1, CODES, CODES)

    def margins(self, cells: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Of each pair, the single cells of its first and its second column, [pairs, CODES] each."""
        singles = cells[: self.singles].reshape(self.columns, CODES)
        return singles[self.first], singles[self.second]

    def only(self, kept: Sequence[int]) -> "Lattice":
        """The lattice of some of the columns."""
        place = {old: new for new, old in enumerate(kept)}
        return Lattice(len(kept), [place[i] for i in self.paired if i in place])

    def cells_of(self, kept: Sequence[int]) -> IntArray:
        """The cells of some of the columns, in the order of the lattice of these alone."""
        chosen = np.array(kept)
        singles = (chosen[:, None] * CODES + np.arange(CODES)).ravel()
        pairs = self.pairs_of(kept)
        return np.concatenate([singles, (self.singles + pairs[:, None] * PAIR + np.arange(PAIR)).ravel()])

    def pairs_of(self, kept: Sequence[int]) -> IntArray:
        """The numbers of the pairs of some of the columns."""
        chosen = np.array(kept)
        return np.flatnonzero(np.isin(self.first, chosen) & np.isin(self.second, chosen))

    def rows(self, cells: NDArray[Any]) -> float:
        """The sum over all rows: every row has one code in the first column."""
        return float(cells[:CODES].sum())

    def where(self, cell: int) -> Mapping[int, int]:
        """The columns of a cell, and the code of each."""
        if cell < self.singles:
            return {cell // CODES: cell % CODES}
        pair, place = divmod(cell - self.singles, PAIR)
        return {int(self.first[pair]): place // CODES, int(self.second[pair]): place % CODES}

    def parents(self) -> tuple[IntArray, IntArray]:
        """The single cells that each cell lies in, [cells] each; a single cell lies in itself."""
        own = np.arange(self.singles)
        place = np.arange(PAIR)
        first = self.first[:, None] * CODES + place // CODES
        second = self.second[:, None] * CODES + place % CODES
        return np.concatenate([own, first.ravel()]), np.concatenate([own, second.ravel()])

    def holds(self, codes: Codes, cell: int) -> NDArray[np.bool_]:
        """Which rows lie in a cell. codes: [rows, columns]."""
        found = np.ones(len(codes), bool)
        for column, code in self.where(cell).items():
            found &= codes[:, column] == code
        return found


def raked(tables: FloatArray, first: FloatArray, second: FloatArray, rounds: int = 6) -> FloatArray:
    """Tables fitted to other margins: what goes with what stays as it is (iterative proportional fitting).

    Source: Deming & Stephan 1940.

    Args:
        tables: [pairs, CODES, CODES].
        first: wanted sums of the rows of each table, [pairs, CODES].
        second: of its columns, [pairs, CODES].
        rounds: of fitting.

    """
    across = np.ones_like(second)
    along = np.ones_like(first)
    for _ in range(rounds):
        along = first / np.maximum(np.matmul(tables, across[..., None])[..., 0], 1e-9)
        across = second / np.maximum(np.matmul(along[:, None, :], tables)[:, 0, :], 1e-9)
    return np.asarray(tables * along[..., None] * across[:, None, :])
