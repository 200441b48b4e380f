"""Takes some rows out of a capture: a row batch copies only what is sent."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftline.records import Capture

Rows = NDArray[np.int64]


def select_rows(capture: Capture, rows: Rows) -> Capture:
    """A capture of only these rows, [n] numbers in ascending order; of what has no rows, the same."""
    select = _SELECTORS.get(capture.kind)
    if select is None or (len(rows) == capture.rows == 1):
        return capture
    return select(capture, rows)


def _bytes(capture: Capture, rows: Rows) -> Capture:
    size = len(capture.payload) // capture.rows
    table = np.frombuffer(capture.payload, np.uint8).reshape(capture.rows, size)
    return _as_bytes(capture, table[rows].tobytes(), rows)


def _pooled(capture: Capture, rows: Rows) -> Capture:
    return _as_bytes(capture, np.ascontiguousarray(capture.payload.array[rows]).tobytes(), rows)


def _as_bytes(capture: Capture, payload: bytes, rows: Rows) -> Capture:
    return Capture("bytes", payload, len(rows), capture.layout, capture.names, len(payload))


def _grid(capture: Capture, rows: Rows) -> Capture:
    grid, inner = capture.payload
    return _with(capture, (grid, select_rows(inner, rows)), rows)


def _parts(capture: Capture, rows: Rows) -> Capture:
    """Of each part that has as many rows as the whole."""
    parts = capture.payload.items()
    kept = {name: select_rows(part, rows) for name, part in parts if part.rows == capture.rows}
    return _with(capture, kept, rows)._replace(layout=(capture.layout, tuple(kept)))


def _pandas(capture: Capture, rows: Rows) -> Capture:
    return _with(capture, capture.payload.iloc[rows], rows)


def _columns(capture: Capture, rows: Rows) -> Capture:
    return _with(capture, [_items(column, rows) for column in capture.payload], rows)


def _sparse(capture: Capture, rows: Rows) -> Capture:
    from scipy.sparse import csr_matrix

    chosen = csr_matrix(capture.payload, shape=(capture.rows, capture.layout))[rows]
    return _with(capture, (chosen.data, chosen.indices, chosen.indptr), rows)


def _objects(capture: Capture, rows: Rows) -> Capture:
    array = capture.payload
    return _with(capture, array[rows] if array.ndim else array, rows)


def _sequence(capture: Capture, rows: Rows) -> Capture:
    return _with(capture, _items(capture.payload, rows), rows)


def _items(values: Sequence[Any] | NDArray[Any], rows: Rows) -> Any:
    return values[rows] if isinstance(values, np.ndarray) else [values[row] for row in rows.tolist()]


def _with(capture: Capture, payload: Any, rows: Rows) -> Capture:
    return capture._replace(payload=payload, rows=len(rows))


_SELECTORS: Final[dict[str, Callable[[Capture, Rows], Capture]]] = {
    "bytes": _bytes,
    "pooled": _pooled,
    "grid": _grid,
    "record": _parts,
    "heads": _parts,
    "pandas": _pandas,
    "columns": _columns,
    "sparse": _sparse,
    "objects": _objects,
    "values": _sequence,
    "rows": _sequence,
    "records": _sequence,
}
"""By kind of capture. What is opaque or lost has no rows to take."""
