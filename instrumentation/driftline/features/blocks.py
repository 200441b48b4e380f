"""Joins captures into blocks of many rows with one contiguous array per column. Runs in the background."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftline.capture.torch_arrays import widened
from driftline.records import LOST, Capture
from driftline.sketch.values import UNREADABLE, text_of

BLOCK_ROWS: Final = 16384
"""Rows per block: enough to amortise numpy's call overhead, few enough to stay in the CPU cache."""

_CACHED: Final = 2**19
"""Bytes of columns transposed at a time: they are still in the cache when they are counted."""

_SMALL_FRAME: Final = 64
"""Rows up to which frames are joined as objects: splitting a frame into columns costs more than its values."""

ColumnArrays = Sequence[NDArray[Any]]


class ColumnBlock(NamedTuple):
    """Some rows, column by column. names: as they came with the data, None without any."""

    columns: ColumnArrays
    rows: int
    names: tuple[str, ...] | None = None


def join(captures: Sequence[Capture]) -> Iterator[ColumnBlock]:
    """The rows of captures of one kind, layout and names, in order, as blocks of at most BLOCK_ROWS rows."""
    return READERS[captures[0].kind](captures)


def column_names(names: Any) -> tuple[str, ...] | None:
    """Names as unique strings: repeated ones are numbered. None for a frame without names."""
    if names is None:
        return None
    texts = [text_of(name) for name in names]
    if are_positions(texts):
        return None  # the default column numbers of a frame without names
    if len(set(texts)) == len(texts):
        return tuple(texts)
    seen: dict[str, int] = {}
    unique = []
    for text in texts:
        count = seen.get(text, 0)
        seen[text] = count + 1
        unique.append(f"{text}.{count}" if count else text)
    return tuple(unique)


def are_positions(names: Sequence[str]) -> bool:
    """Whether names are "0", "1", …: what a frame without names has, also once it was written to a file."""
    return all(name == str(position) for position, name in enumerate(names))


class TableColumns(Sequence[NDArray[Any]]):
    """The contiguous columns of a table, [rows, columns], transposed a few at a time as they are accessed."""

    def __init__(self, table: NDArray[Any]) -> None:
        self._table = table
        self._at_once = max(1, _CACHED // max(1, len(table) * table.itemsize))
        self._first, self._cut = 0, np.ascontiguousarray(table[:, : self._at_once].T)

    def __len__(self) -> int:
        return int(self._table.shape[1])

    def __getitem__(self, position: Any) -> Any:
        if not 0 <= position < len(self):
            raise IndexError(position)
        if not self._first <= position < self._first + len(self._cut):
            self._first = position - position % self._at_once
            self._cut = np.ascontiguousarray(self._table[:, self._first : self._first + self._at_once].T)
        return self._cut[position - self._first]


def _join_arrays(captures: Sequence[Capture]) -> Iterator[ColumnBlock]:
    names = column_names(captures[0].names)
    for part in _batches([_as_table(_array(each)) for each in captures]):
        width = part[0].shape[1]
        rows = sum(len(each) for each in part)
        if len(part) == 1:
            yield ColumnBlock(TableColumns(part[0]), rows, names)
            continue
        columns = np.empty((width, rows), part[0].dtype)
        np.concatenate([each.T for each in part], axis=1, out=columns)
        yield ColumnBlock(list(columns), rows, names)


def _join_bytes(captures: Sequence[Capture]) -> Iterator[ColumnBlock]:
    """Join many single rows with one copy of their bytes."""
    names = column_names(captures[0].names)
    for array in arrays(captures):
        table = _as_table(array)
        for first in range(0, len(table), BLOCK_ROWS):
            part = table[first : first + BLOCK_ROWS]
            yield ColumnBlock(TableColumns(part), len(part), names)


def arrays(captures: Sequence[Capture]) -> Iterator[NDArray[Any]]:
    """The arrays, [rows, ...], of captures of one kind and layout; single rows joined."""
    if captures[0].kind != "bytes":
        yield from map(_array, captures)
        return
    dtype, shape = captures[0].layout
    for start in range(0, len(captures), BLOCK_ROWS):
        part = captures[start : start + BLOCK_ROWS]
        joined = b"".join([each.payload for each in part])
        rows = -1 if math.prod(shape) else sum(each.rows for each in part)  # rows without values have no bytes to count
        yield widened(np.frombuffer(joined, dtype)).reshape(rows, *shape)


def _batches(tables: Iterable[NDArray[Any]]) -> Iterator[list[NDArray[Any]]]:
    """Split and group tables into lists of at most BLOCK_ROWS rows."""
    gathered: list[NDArray[Any]] = []
    rows = 0
    for table in tables:
        for start in range(0, len(table), BLOCK_ROWS):
            part = table[start : start + BLOCK_ROWS]
            if rows + len(part) > BLOCK_ROWS:
                yield gathered
                gathered, rows = [], 0
            gathered.append(part)
            rows += len(part)
    if gathered:
        yield gathered


def _array(capture: Capture) -> NDArray[Any]:
    array: NDArray[Any]
    if capture.kind == "bytes":
        dtype, shape = capture.layout
        array = np.frombuffer(capture.payload, dtype).reshape(capture.rows, *shape)
    else:
        array = capture.payload.array if capture.kind == "pooled" else capture.payload
    return widened(array)


def _as_table(array: NDArray[Any]) -> NDArray[Any]:
    """As [rows, columns]: a vector is one column; rows of more dimensions are flattened."""
    if array.ndim == 2:
        return array
    if array.ndim < 2:
        return array.reshape(-1, 1)
    return array.reshape(len(array), math.prod(array.shape[1:]))


def _join_values(captures: Sequence[Capture]) -> Iterator[ColumnBlock]:
    values = [value for each in captures for value in each.payload]
    for start in range(0, len(values), BLOCK_ROWS):
        part = values[start : start + BLOCK_ROWS]
        yield ColumnBlock([_objects(part)], len(part))


def _join_rows(captures: Sequence[Capture]) -> Iterator[ColumnBlock]:
    rows = [row for each in captures for row in each.payload]
    for start in range(0, len(rows), BLOCK_ROWS):
        part = rows[start : start + BLOCK_ROWS]
        yield ColumnBlock([_objects(column) for column in zip(*part, strict=False)], len(part))


def _join_records(captures: Sequence[Capture]) -> Iterator[ColumnBlock]:
    """Rows that are dictionaries: a column for each key; a row without it has no value there."""
    rows = [row for each in captures for row in each.payload]
    for start in range(0, len(rows), BLOCK_ROWS):
        part = rows[start : start + BLOCK_ROWS]
        keys = list(dict.fromkeys(key for row in part for key in row))
        columns = [_objects([row.get(key) for row in part]) for key in keys]
        yield ColumnBlock(columns, len(part), tuple(map(text_of, keys)))


def _objects(values: Sequence[Any]) -> NDArray[Any]:
    """A numeric array of numbers, an object array of anything else."""
    kinds = set(map(type, values))
    try:
        if len(kinds) == 1 and kinds <= {float, int, bool}:
            return np.array(values)  # very large integers give an object array
        if kinds <= {float, int, bool}:
            return np.array(values, np.float64)
    except OverflowError:
        pass  # an integer beyond all floats among floats
    array = np.empty(len(values), object)
    array[:] = values
    return array


def _join_frames(captures: Sequence[Capture]) -> Iterator[ColumnBlock]:
    names = column_names(captures[0].names)
    for small, alike in groupby(captures, lambda each: each.rows <= _SMALL_FRAME):
        if small:
            yield from _small_frame_blocks([_small_table(each.payload) for each in alike], names)
            continue
        for each in alike:
            yield from _frame_blocks(each, names)


def _small_frame_blocks(tables: Sequence[NDArray[Any]], names: tuple[str, ...] | None) -> Iterator[ColumnBlock]:
    for part in _batches(tables):
        table = np.concatenate(part)
        yield ColumnBlock([_objects(column) for column in table.T.tolist()], len(table), names)


def _small_table(frame: Any) -> NDArray[Any]:
    try:
        table: NDArray[Any] = frame.to_numpy(dtype=object)
    except Exception:  # noqa: BLE001  # a column of a foreign type: it takes no other column along
        table = np.empty(frame.shape, object)
        for position in range(frame.shape[1]):
            table[:, position] = _series(frame.iloc[:, position])
    return table


def _frame_blocks(capture: Capture, names: tuple[str, ...] | None) -> Iterator[ColumnBlock]:
    for start in range(0, capture.rows, BLOCK_ROWS):
        part = capture.payload.iloc[start : start + BLOCK_ROWS]
        columns = [_series(part.iloc[:, position]) for position in range(part.shape[1])]
        yield ColumnBlock(columns, len(part), names)


def _series(series: Any) -> NDArray[Any]:
    """A pandas column as an array: numbers and times as they are, nullable ones with NaN or NaT, the rest as objects.

    One that cannot be read is an array of UNREADABLE.
    """
    kind = getattr(series.dtype, "kind", "O")
    for read in (_READ_SERIES.get(kind, _series_of_objects), _series_of_objects):
        try:
            return read(series)
        except Exception:  # noqa: BLE001, PERF203, S112  # columns may be of any foreign type
            continue
    return np.full(len(series), UNREADABLE, object)


def _series_of_numbers(series: Any) -> NDArray[Any]:
    plain = isinstance(series.dtype, np.dtype)
    return np.asarray(series.to_numpy() if plain else series.to_numpy(dtype="float64", na_value=np.nan))


def _series_of_times(series: Any) -> NDArray[Any]:
    if series.dt.tz is not None:  # keep the instant
        series = series.dt.tz_convert("UTC").dt.tz_localize(None)
    return np.asarray(series.to_numpy() if isinstance(series.dtype, np.dtype) else series.to_numpy("datetime64[us]"))


def _series_of_objects(series: Any) -> NDArray[Any]:
    return np.asarray(series.to_numpy(dtype=object))


_READ_SERIES: Final[dict[str, Callable[[Any], NDArray[Any]]]] = {
    **dict.fromkeys("fiub", _series_of_numbers),
    "M": _series_of_times,
}


def _join_columns(captures: Sequence[Capture]) -> Iterator[ColumnBlock]:
    for each in captures:
        names = column_names(each.names)
        columns = [column if isinstance(column, np.ndarray) else _objects(column) for column in each.payload]
        for start in range(0, each.rows, BLOCK_ROWS):
            part = [column[start : start + BLOCK_ROWS] for column in columns]
            yield ColumnBlock(part, min(BLOCK_ROWS, each.rows - start), names)


def _join_sparse(captures: Sequence[Capture]) -> Iterator[ColumnBlock]:
    from scipy.sparse import csr_matrix, vstack

    matrices = [csr_matrix(each.payload, shape=(each.rows, each.layout)) for each in captures]
    matrix = vstack(matrices, "csr") if len(matrices) > 1 else matrices[0]
    for start in range(0, matrix.shape[0], BLOCK_ROWS):
        part = matrix[start : start + BLOCK_ROWS].tocsc()
        part.sum_duplicates()
        yield ColumnBlock(_DenseColumns(part), part.shape[0])


class _DenseColumns(Sequence[Any]):
    """The columns of a sparse matrix, each made dense only when accessed."""

    def __init__(self, matrix: Any) -> None:
        self._matrix = matrix

    def __len__(self) -> int:
        return int(self._matrix.shape[1])

    def __getitem__(self, position: Any) -> Any:
        matrix = self._matrix
        if not 0 <= position < len(self):
            raise IndexError(position)
        stored = slice(matrix.indptr[position], matrix.indptr[position + 1])
        column = np.zeros(matrix.shape[0], matrix.dtype)
        column[matrix.indices[stored]] = matrix.data[stored]
        return column


def _join_nothing(captures: Sequence[Capture]) -> Iterator[ColumnBlock]:
    del captures
    return iter(())


READERS: Final[dict[str, Callable[[Sequence[Capture]], Iterator[ColumnBlock]]]] = {
    "bytes": _join_bytes,
    "pooled": _join_arrays,
    "objects": _join_arrays,
    "values": _join_values,
    "rows": _join_rows,
    "pandas": _join_frames,
    "records": _join_records,
    "columns": _join_columns,
    "sparse": _join_sparse,
    "opaque": _join_nothing,
    LOST: _join_nothing,
}
