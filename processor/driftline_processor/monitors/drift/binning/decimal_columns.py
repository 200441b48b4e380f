"""The decimals of a numeric column as a column of their own: by categories, and in chunks, as all that is judged."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from driftline.reference.column_types import STRING
from driftline.sketch.arrays import FloatArray
from driftline.sketch.decimals import AT_LEAST, EXACT, LEVELS
from driftline_processor.records import ColumnKey, ColumnSummary, ReferenceColumn

DECIMALS: Final = "decimals"
"""The aspect of a column, and the target of a column of decimals, which never leaves the comparison."""

_FIRST: Final = EXACT.index("1")
"""From here on, a number is not whole."""

_UNKNOWN: Final = 0.02
"""Share of the training data's fractions from which on it matters that they have so many decimals or more."""


class DecimalColumns:
    """Those of a reference whose decimals are known. of: the numbers of their columns. columns: their decimals."""

    def __init__(self, columns: Sequence[ReferenceColumn]) -> None:
        known = [(i, each, each.decimals) for i, each in enumerate(columns) if each.decimals is not None]
        found = [(i, each, _Levels(decimals)) for i, each, decimals in known if decimals.any()]
        self.of = [i for i, _, _ in found]
        self._levels = [levels for _, _, levels in found]
        self.columns = [levels.column(each) for _, each, levels in found]

    def held(self, summaries: Sequence[ColumnSummary]) -> list[ColumnSummary]:
        """What a window held of the columns of decimals. summaries: of all columns."""
        return [levels.held(summaries[i]) for i, levels in zip(self.of, self._levels, strict=True)]


class _Levels:
    """The levels that are told apart in a column: of numbers whose type was too coarse in training, not the last."""

    def __init__(self, decimals: FloatArray) -> None:
        """decimals: training's, [chunks, LEVELS]."""
        rows = decimals.sum(axis=0)
        self._usual = rows[_FIRST : len(EXACT)]
        coarse = np.flatnonzero(rows[len(EXACT) :] > _UNKNOWN * rows[_FIRST:].sum())
        last = _FIRST + int(coarse[0]) if len(coarse) else len(EXACT) - 1
        self._names = (*EXACT[:last], AT_LEAST[last - _FIRST] if len(coarse) else EXACT[-1])
        self._chunks = np.array([self._rows(chunk) for chunk in decimals])

    def column(self, of: ReferenceColumn) -> ReferenceColumn:
        """The decimals of a column of the reference."""
        rows = self._chunks.sum(axis=0)
        total = float(rows.sum())
        categories = dict(zip(self._names, rows.tolist(), strict=True))
        return replace(
            of,
            key=ColumnKey(DECIMALS, of.key.name),
            type=STRING,
            kind="category",
            summary=ColumnSummary(categories=categories, rows=total, squares=total),
            edges=np.zeros(0),
            categories=self._names,
            chunks=np.column_stack((self._chunks, np.zeros(len(self._chunks)))),
            states={},
            decimals=None,
        )

    def held(self, summary: ColumnSummary) -> ColumnSummary:
        """The decimals of a column in a window; its numbers tell as much as their rows do."""
        if not summary.decimals:
            return _NOTHING
        rows = self._rows(np.array([summary.decimals.get(level, 0.0) for level in LEVELS]))
        total = float(rows.sum())
        weight = summary.squares / summary.rows if summary.rows else 1.0
        categories = dict(zip(self._names, rows.tolist(), strict=True))
        return ColumnSummary(categories=categories, rows=total, squares=total * weight)

    def _rows(self, decimals: FloatArray) -> FloatArray:
        """Rows by level. What has so many decimals or more is spread over these as in training."""
        exact = decimals[: len(EXACT)].copy()
        for place in np.flatnonzero(decimals[len(EXACT) :]).tolist():
            usual = self._usual[place:]
            share = usual / usual.sum() if usual.any() else np.arange(len(usual)) == len(usual) - 1
            exact[_FIRST + place :] += decimals[len(EXACT) + place] * share
        last = len(self._names) - 1
        return np.append(exact[:last], exact[last:].sum())


_NOTHING: Final = ColumnSummary()
