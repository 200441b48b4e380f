"""Reads the first rows of a capture for a span, on the caller's thread and only if a span is recorded."""

from typing import Any, Final

import numpy as np

from driftline.features import columns
from driftline.features.blocks import ColumnBlock
from driftline.records import Capture, ModelFacts, NamedColumn

_WIDEST: Final = 8
"""Bytes of an unsigned integer that may exceed OTLP's signed ones."""


def first_rows(model: ModelFacts, capture: Capture, rows: int) -> ColumnBlock | None:
    """At most `rows` rows as named columns; None if they cannot be read, or not yet."""
    return columns.joined(list(columns.inputs(model, [head_of(capture, rows)]))) if has_arrived(capture) else None


def only_row(model: ModelFacts, capture: Capture) -> list[Any] | None:
    """The numbers of a one-row table; None for any other capture, and for numbers that no attribute may hold."""
    if capture.kind != "bytes" or capture.rows != 1 or not columns.is_table(model, capture):
        return None
    dtype, _ = capture.layout
    fits = dtype.kind in "fib" or (dtype.kind == "u" and dtype.itemsize < _WIDEST)
    return np.frombuffer(capture.payload, dtype).tolist() if fits else None


def output_columns(model: ModelFacts, operation: str, capture: Capture, rows: int) -> list[NamedColumn]:
    """Named output columns of the first rows."""
    return list(columns.outputs(model, operation, [head_of(capture, rows)])) if has_arrived(capture) else []


def has_arrived(capture: Capture) -> bool:
    """Whether it can be read without blocking: copies from another device may still be in flight."""
    if capture.kind in ("record", "heads"):
        return all(has_arrived(part) for part in capture.payload.values())
    if capture.kind == "grid":
        return has_arrived(capture.payload[1])
    return capture.kind != "pooled" or capture.payload.has_arrived


def head_of(capture: Capture, rows: int) -> Capture:
    """A capture of only the first rows."""
    if capture.rows <= rows or capture.payload is None:
        return capture
    kept: Any
    if capture.kind in ("record", "heads"):
        kept = {name: head_of(part, rows) for name, part in capture.payload.items()}
    elif capture.kind == "grid":
        grid, inner = capture.payload
        kept = grid, head_of(inner, rows)
    elif capture.kind == "bytes":
        kept = capture.payload[: len(capture.payload) // capture.rows * rows]
    elif capture.kind == "pooled":
        kept = capture.payload.array[:rows]
        kept = np.ascontiguousarray(kept).tobytes()
        return Capture("bytes", kept, rows, capture.layout, capture.names, len(kept))
    elif capture.kind == "pandas":
        kept = capture.payload.iloc[:rows]
    elif capture.kind == "columns":
        kept = [column[:rows] for column in capture.payload]
    elif capture.kind == "sparse":
        data, indices, indptr = capture.payload
        kept = (data[: indptr[rows]], indices[: indptr[rows]], indptr[: rows + 1])
    else:
        kept = capture.payload[:rows]
    return Capture(capture.kind, kept, rows, capture.layout, capture.names, capture.size)
