"""Data in memory as a table: data frames, arrays, Arrow tables, dictionaries of arrays."""

from collections.abc import Mapping
from math import isnan
from typing import Any

import numpy as np
import pyarrow as pa

from driftline.profiling.files import InMemory
from driftline.profiling.tensors import summarized
from driftline.reference.errors import ProfileError

NAME = "X"


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
    if not hasattr(data, "columns") and (found := summarized(data, kind, unknown_token)) is not None:
        return _of_columns(found)
    if isinstance(data, Mapping):
        return _of_columns({str(name): _one_dimensional(str(name), values) for name, values in data.items()})
    if hasattr(data, "columns") and hasattr(data, "dtypes"):
        return _of_frame(data)
    if hasattr(data, "__arrow_c_stream__"):
        return pa.table(data)
    return _of_array(np.asarray(data))


def _of_frame(frame: Any) -> Any:
    """A pandas or polars data frame; columns by position, as names may occur twice."""
    if hasattr(frame, "to_arrow"):
        return frame.to_arrow()
    names = [str(name) for name in frame.columns]
    arrays = [_column(frame.iloc[:, i]) for i in range(len(names))]
    return pa.Table.from_arrays(arrays, names=names)


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
    """An Arrow array; a column of objects that Arrow cannot type becomes one of numbers, or else of texts."""
    if isinstance(values, (pa.Array, pa.ChunkedArray)):
        return values
    if isinstance(values, np.ndarray) and values.dtype.kind in "SV":
        values = values.astype(str)
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        return _of_objects(list(values))


def _of_objects(values: list[Any]) -> Any:
    present = [None if _missing(value) else value for value in values]
    try:
        return pa.array([None if value is None else float(value) for value in present], pa.float64())
    except (TypeError, ValueError):
        return pa.array([None if value is None else str(value) for value in present], pa.large_string())


def _missing(value: Any) -> bool:
    return value is None or type(value).__name__ in ("NaTType", "NAType") or (isinstance(value, float) and isnan(value))
