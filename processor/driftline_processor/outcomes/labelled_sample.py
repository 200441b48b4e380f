"""The predictions of a model that have a label, or a figure: a bounded sample of the newest."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftline.rows.body import decode_table, encode_table
from driftline.rows.sampling import RANGE, bottom_threshold, kept, weight
from driftline.rows.table import OUTPUT, RowColumn, RowTable
from driftline_processor.outcomes.tables import SCORES, joined

MOST_ROWS: Final = 100_000
"""Rows of a sample; of more, those with the greatest keys, each with a greater weight."""

LABEL_VALUE: Final = RowColumn(OUTPUT, "label")
LABEL_TEXT: Final = RowColumn(OUTPUT, "label text")
"""What became true, a number or else a text; the other columns are those of waiting rows."""

_PART: Final = 50_000


@dataclass(slots=True)
class LabelledSample:
    """tables: joined rows, in the order in which they were joined: of those of one key the last holds.

    Of `predict` and `predict_proba` of one id, the row with a score does.
    """

    tables: list[RowTable] = field(default_factory=list)
    threshold: int = 0

    def add(self, table: RowTable) -> None:
        self.tables.append(table.chosen(kept(table.keys, self.threshold)))

    def table(self, before: int) -> RowTable:
        """One row of each key, of predictions since then. before: Unix nanoseconds; older rows are forgotten."""
        table = joined(self.tables)
        if len(table):
            table = table.chosen(table.times >= before)
        if len(table):
            scored = np.isfinite(table.columns[SCORES].astype(np.float64))
            order = np.lexsort((np.arange(len(table)), scored, table.keys))
            last = np.append(table.keys[order][1:] != table.keys[order][:-1], np.True_)
            table = table.chosen(np.sort(order[last]))
        if len(table) > MOST_ROWS:
            self.threshold = max(self.threshold, bottom_threshold(table.keys, MOST_ROWS))
            table = table.chosen(kept(table.keys, self.threshold))
        self.tables = [table] if len(table) else []
        return table

    @property
    def thinning(self) -> float:
        """Rows that each stands for, besides its own weight."""
        return weight(self.threshold)

    def pack(self) -> dict[str, Any]:
        """As plain values."""
        return {"threshold": self.threshold, "parts": pack_parts(self.tables)}

    @classmethod
    def unpack(cls, packed: Any) -> "LabelledSample":
        """The inverse of `pack`."""
        return cls(unpack_parts(packed["parts"]), min(packed["threshold"], RANGE))


def pack_parts(tables: Sequence[RowTable]) -> list[Any]:
    """Tables in bodies that are small enough to be read again: texts as numbers, each with the list of them."""
    table = joined(tables)
    texts = {column: values for column, values in table.columns.items() if values.dtype.kind == "O"}
    coded = {column: _coded(values) for column, values in texts.items()}
    plain = RowTable(table.keys, table.times, {**table.columns, **{column: each[0] for column, each in coded.items()}})
    parts = (np.arange(at, min(at + _PART, len(table))) for at in range(0, len(table), _PART))
    names = [(*column, listed) for column, (_, listed) in coded.items()]
    return [(encode_table(plain.chosen(part)), names) for part in parts]


def unpack_parts(packed: Sequence[Any]) -> list[RowTable]:
    """The inverse of `pack_parts`."""
    return [_named(decode_table(body), names) for body, names in packed]


def _named(table: RowTable, names: Sequence[Any]) -> RowTable:
    texts = {}
    for role, name, listed in names:
        known = np.empty(len(listed), object)
        known[:] = listed
        texts[RowColumn(role, name)] = known[table.columns[RowColumn(role, name)]]
    return RowTable(table.keys, table.times, {**table.columns, **texts})


def _coded(values: NDArray[Any]) -> tuple[NDArray[np.uint32], list[Any]]:
    places: dict[Any, int] = {}
    codes = np.array([places.setdefault(each, len(places)) for each in values.tolist()], np.uint32)
    return codes, list(places)
