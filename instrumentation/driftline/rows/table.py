"""Rows by column: a key and a time each, and the values of inputs and outputs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftline.rows.keys import Words
from driftline.sketch.arrays import IntArray

INPUT: Final = "input"
OUTPUT: Final = "output"
CODE: Final = "code"
LABEL: Final = "label"

_LARGEST_EXACT: Final = 1 << 53


class RowColumn(NamedTuple):
    """A column of rows.

    role: INPUT, OUTPUT, CODE for an input by the bins of a reference, or LABEL, of rows joined with their outcomes.
    """

    role: str
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class RowTable:
    """keys: [rows]. times: [rows], Unix nanoseconds. columns: [rows] each, of any dtype."""

    keys: Words
    times: IntArray
    columns: Mapping[RowColumn, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.keys)

    @classmethod
    def empty(cls) -> "RowTable":
        return cls(np.zeros(0, np.uint64), np.zeros(0, np.int64), {})

    @property
    def size(self) -> int:
        """Bytes held; of objects, their pointers."""
        return self.keys.nbytes + self.times.nbytes + sum(values.nbytes for values in self.columns.values())

    def chosen(self, which: NDArray[Any]) -> "RowTable":
        """Some of the rows: a mask or their numbers."""
        columns = {column: values[which] for column, values in self.columns.items()}
        return RowTable(self.keys[which], self.times[which], columns)

    @classmethod
    def joined(cls, tables: Sequence["RowTable"]) -> "RowTable":
        """One after the other; in a column that some lack, their values are missing."""
        if len(tables) < 2:
            return tables[0] if tables else cls.empty()
        names = dict.fromkeys(column for table in tables for column in table.columns)
        lengths = [len(table) for table in tables]
        return cls(
            np.concatenate([table.keys for table in tables]),
            np.concatenate([table.times for table in tables]),
            {column: _end_to_end([table.columns.get(column) for table in tables], lengths) for column in names},
        )


def _end_to_end(parts: Sequence[NDArray[Any] | None], lengths: Iterable[int]) -> NDArray[Any]:
    """Join arrays; None stands for so many missing values. Values keep their types: 1, True and "1" differ."""
    there = [part for part in parts if part is not None]
    dtype = np.result_type(*there) if len({part.dtype.kind for part in there}) == 1 else np.dtype(object)
    if len(there) < len(parts):
        dtype = _with_missing(dtype, there)
    filled = [_missing(dtype, rows) if part is None else part for part, rows in zip(parts, lengths, strict=True)]
    return np.concatenate([_as_objects(part) if dtype.kind == "O" else part.astype(dtype) for part in filled])


def _with_missing(dtype: "np.dtype[Any]", parts: Iterable[NDArray[Any]]) -> "np.dtype[Any]":
    """The dtype that holds missing values, too."""
    if dtype.kind in "fcmMO":
        return dtype
    exact = dtype.kind in "iu" and all((np.abs(part.astype(np.float64)) < _LARGEST_EXACT).all() for part in parts)
    return np.dtype(np.float64 if exact else object)


def _missing(dtype: "np.dtype[Any]", rows: int) -> NDArray[Any]:
    return np.full(rows, None if dtype.kind == "O" else np.nan if dtype.kind in "fc" else "NaT", dtype)


def _as_objects(part: NDArray[Any]) -> NDArray[Any]:
    objects = np.empty(len(part), object)
    objects[:] = part.tolist() if part.dtype.kind not in "mM" else list(part)
    return objects
