"""Row batches as one table for other tools: Parquet or CSV."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftline.rows.otlp import SentBatch
from driftline.rows.table import RowTable

_MICROSECONDS: Final = "datetime64[us]"


def columns_of(sent: Sequence[SentBatch]) -> dict[str, NDArray[Any]]:
    """All rows by column: key, time, weight, model, version, operation, and `input.`, `output.` and `code.` columns."""
    lengths = [len(each.batch.table) for each in sent]
    table = RowTable.joined([each.batch.table for each in sent])
    found: dict[str, NDArray[Any]] = {
        "key": table.keys,
        "time": table.times.view("datetime64[ns]").astype(_MICROSECONDS),
        "weight": np.repeat(np.array([each.batch.weight for each in sent], np.float64), lengths),
        "model": np.repeat(np.array([each.model for each in sent], object), lengths),
        "version": np.repeat(np.array([each.version for each in sent], object), lengths),
        "operation": np.repeat(np.array([each.operation for each in sent], object), lengths),
    }
    return found | {f"{column.role}.{column.name}": values for column, values in table.columns.items()}


def write_parquet(columns: dict[str, NDArray[Any]], path: Path) -> None:
    """Write a Parquet file; a column of several types as text."""
    import pyarrow as pa
    from pyarrow import parquet

    arrays = {name: pa.array(_of_one_type(values)) for name, values in columns.items()}
    parquet.write_table(pa.table(arrays), path)


def _of_one_type(values: NDArray[Any]) -> Any:
    if values.dtype.kind != "O":
        return values
    items = values.tolist()
    kinds = {type(item) for item in items if item is not None}
    fits = len(kinds) <= 1 and not (kinds == {int} and any(abs(item) >= 1 << 63 for item in items if item is not None))
    return items if fits else [None if item is None else str(item) for item in items]


def write_csv(columns: dict[str, NDArray[Any]], path: Path) -> None:
    """Write a CSV file; missing values are empty."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*(map(_text, _items(values)) for values in columns.values()), strict=True))


def _items(values: NDArray[Any]) -> list[Any]:
    return np.datetime_as_string(values).tolist() if values.dtype.kind == "M" else values.tolist()  # type: ignore[no-any-return]


def _text(value: Any) -> Any:
    return "" if value is None or value != value or value == "NaT" else value  # noqa: PLR0124  (no NaN)
