"""Reads the first rows of a capture for a span, on the caller's thread and only if a span is recorded."""

from typing import Any

import numpy as np

from driftline.features import columns
from driftline.features.blocks import ColumnBlock
from driftline.records import Capture, ModelFacts, NamedColumn


def first_rows(model: ModelFacts, taken: Capture, rows: int) -> ColumnBlock | None:
    """At most `rows` rows as named columns; None if they cannot be read, or not yet."""
    return columns.joined(list(columns.inputs(model, [head_of(taken, rows)]))) if has_arrived(taken) else None


def only_row(model: ModelFacts, taken: Capture) -> list[Any] | None:
    """The numbers of a one-row table; None for any other capture."""
    if taken.kind != "bytes" or taken.rows != 1 or not columns.is_table(model, taken):
        return None
    dtype, _ = taken.layout
    return np.frombuffer(taken.payload, dtype).tolist() if dtype.kind in "fiub" else None


def output_columns(model: ModelFacts, operation: str, taken: Capture, rows: int) -> list[NamedColumn]:
    """Named output columns of the first rows."""
    return list(columns.outputs(model, operation, [head_of(taken, rows)])) if has_arrived(taken) else []


def has_arrived(taken: Capture) -> bool:
    """Whether it can be read without blocking: copies from another device may still be in flight."""
    if taken.kind in ("record", "heads"):
        return all(has_arrived(part) for part in taken.payload.values())
    if taken.kind == "grid":
        return has_arrived(taken.payload[1])
    return taken.kind != "pooled" or taken.payload.has_arrived


def head_of(taken: Capture, rows: int) -> Capture:
    """A capture of only the first rows."""
    if taken.rows <= rows or taken.payload is None:
        return taken
    kept: Any
    if taken.kind in ("record", "heads"):
        kept = {name: head_of(part, rows) for name, part in taken.payload.items()}
    elif taken.kind == "grid":
        grid, inner = taken.payload
        kept = grid, head_of(inner, rows)
    elif taken.kind == "bytes":
        kept = taken.payload[: len(taken.payload) // taken.rows * rows]
    elif taken.kind == "pooled":
        kept = taken.payload.array[:rows]
        kept = np.ascontiguousarray(kept).tobytes()
        return Capture("bytes", kept, rows, taken.layout, taken.names, len(kept))
    elif taken.kind == "pandas":
        kept = taken.payload.iloc[:rows]
    elif taken.kind == "columns":
        kept = [column[:rows] for column in taken.payload]
    elif taken.kind == "sparse":
        data, indices, indptr = taken.payload
        kept = (data[: indptr[rows]], indices[: indptr[rows]], indptr[: rows + 1])
    else:
        kept = taken.payload[:rows]
    return Capture(taken.kind, kept, rows, taken.layout, taken.names, taken.size)
