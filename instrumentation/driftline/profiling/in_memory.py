"""Data in memory as a table: data frames, arrays, Arrow tables, dictionaries of arrays."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from driftline.profiling.arrow_types import kind_of
from driftline.profiling.files import InMemory
from driftline.profiling.tensors import summarized
from driftline.reference.column_types import UNUSABLE
from driftline.reference.errors import ProfileError
from driftline.sketch.values import as_number, category_name, class_name, is_missing, read_number

NAME = "X"

_NOT_ARROW = frozenset({"Int128", "UInt128", "Object"})
"""Types of polars that Arrow lacks."""


def in_memory(
    data: Any, beside: Mapping[str, Any], kind: str | None = None, unknown_token: int | None = None
) -> InMemory:
    """`data` with the columns of `beside` appended, [rows] each. kind, unknown_token: see `driftline.profile`.

    Raises:
        ProfileError: it is no table, or a column has another number of rows.

    """
    table = _arrow(data, kind, unknown_token)
    for name, values in beside.items():
        column = _column(_one_dimensional(name, values))
        if len(column) != table.num_rows and table.num_columns:
            raise ProfileError(
                f"{name}: must have a value for each of the {table.num_rows} rows of X (got {len(column)})"
            )
        table = table.append_column(name, column) if table.num_columns else pa.table({name: column})
    return InMemory(NAME, table)


def _arrow(data: Any, kind: str | None, unknown_token: int | None) -> Any:
    if isinstance(data, (pa.Table, pa.RecordBatch)):
        return pa.table(data)
    if hasattr(data, "tocsc"):
        return _of_sparse(data.tocsc())
    if _is_of(data, Mapping):
        return _of_records(data)
    if not hasattr(data, "columns") and (found := summarized(data, kind, unknown_token)) is not None:
        return _of_columns(found)
    return _of_table(data)


def _of_table(data: Any) -> Any:
    if isinstance(data, Mapping):
        return _of_columns({str(name): _one_dimensional(str(name), values) for name, values in data.items()})
    if hasattr(data, "columns") and hasattr(data, "dtypes"):
        return _of_frame(data)
    if hasattr(data, "__arrow_c_stream__"):
        return pa.table(data)
    if _is_of(data, (list, tuple)):
        return _of_columns({f"x{i}": list(column) for i, column in enumerate(zip(*data, strict=True))})
    return _of_array(np.asarray(data))


def _is_of(data: Any, row: type | tuple[type, ...]) -> bool:
    """Whether the data is a list of such rows."""
    return isinstance(data, (list, tuple)) and len(data) > 0 and isinstance(data[0], row)


def _of_frame(frame: Any) -> Any:
    """A pandas or polars data frame; columns by position, as names may occur twice."""
    if hasattr(frame, "to_arrow"):
        return _of_polars(frame)
    names = [str(name) for name in frame.columns]
    arrays = [_column(frame.iloc[:, i]) for i in range(len(names))]
    return pa.Table.from_arrays(arrays, names=names)


def _of_polars(frame: Any) -> Any:
    arrays = [
        _column(each.to_arrow()) if each.dtype.base_type().__name__ not in _NOT_ARROW else _of_objects(each.to_list())
        for each in frame
    ]
    return pa.Table.from_arrays(arrays, names=frame.columns)


def _of_records(rows: Sequence[Mapping[Any, Any]]) -> Any:
    """Rows that are dictionaries: a column for each key; a row without it has no value there."""
    keys = dict.fromkeys(key for row in rows for key in row)
    return _of_columns({str(key): [row.get(key) for row in rows] for key in keys})


def _of_sparse(matrix: Any) -> Any:
    """The columns of a SciPy sparse matrix, one dense at a time."""
    return _of_columns({f"x{i}": matrix[:, [i]].toarray()[:, 0] for i in range(matrix.shape[1])})


def _of_array(array: Any) -> Any:
    """[rows, features], or one feature; named as scikit-learn names features without a name."""
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise ProfileError(f"X: must be a table, [rows, features], or rows of more dimensions (got {array.ndim})")
    return _of_columns({f"x{i}": array[:, i] for i in range(array.shape[1])})


def _of_columns(columns: Mapping[str, Any]) -> Any:
    arrays = {name: _column(values) for name, values in columns.items()}
    if len({len(array) for array in arrays.values()}) > 1:
        lengths = ", ".join(f"{name!r} {len(array)}" for name, array in arrays.items())
        raise ProfileError(f"X: all columns must have as many rows (got {lengths})")
    return pa.table(arrays)


def _one_dimensional(name: str, values: Any) -> Any:
    if isinstance(values, (pa.Array, pa.ChunkedArray)):
        return values
    shape = np.shape(values)
    if len(shape) == 2 and shape[1] == 1:
        return np.asarray(values)[:, 0]
    if len(shape) != 1:
        raise ProfileError(f"{name}: must have one value a row (got shape {shape})")
    return values


def _column(values: Any) -> Any:
    """An Arrow array; a column of objects that Arrow cannot type, or not without loss, is read value by value."""
    if isinstance(values, (pa.Array, pa.ChunkedArray)):
        return values
    if isinstance(values, np.ndarray) and values.dtype.kind in "SV":
        values = values.tolist()
    try:
        column = pa.array(values, from_pandas=True)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return _of_objects(list(values))
    return column if kind_of(column.type) != UNUSABLE or _is_nested(column.type) else _of_objects(list(values))


def _is_nested(arrow_type: Any) -> bool:
    """Lists and structures are neither numbers nor categories."""
    return bool(pa.types.is_nested(arrow_type))


def _of_objects(values: list[Any]) -> Any:
    """Numbers if there are no others, else texts: named as the sketch of a server names them."""
    known = [None if is_missing(value) else value for value in values]
    numbers = [None if value is None else _number(value) for value in known]
    if not any(isinstance(number, str) for number in numbers):
        return pa.array(numbers, pa.float64(), from_pandas=True)
    return pa.array([None if value is None else _name(value) for value in known], pa.large_string())


def _number(value: Any) -> float | str | None:
    """Its number, or its text; None for a value that has neither."""
    try:
        number = read_number(value) if isinstance(value, str) else as_number(value)
        return category_name(value) if number is None else number
    except Exception:  # noqa: BLE001  # values may be anything
        return None


def _name(value: Any) -> str | None:
    try:
        return class_name(value)
    except Exception:  # noqa: BLE001  # values may be anything
        return None
