"""The first rows of a capture, for a span: read on the caller's thread, and only where a span is recorded."""

from typing import Any

import numpy as np

from driftline import columns
from driftline.columns import Block
from driftline.prediction import Capture, Column, Model


def first_rows(taken: Capture, rows: int) -> Block | None:
    """At most `rows` rows as columns; None where nothing can be read."""
    return next(columns.join([head_of(taken, rows)]), None)


def only_row(taken: Capture) -> list[Any] | None:
    """The numbers of a single row; None where the capture is anything else."""
    if taken.kind != "bytes" or taken.rows != 1:
        return None
    dtype, _ = taken.layout
    return np.frombuffer(taken.payload, dtype).tolist() if dtype.kind in "fiub" else None


def output_columns(model: Model, operation: str, taken: Capture, rows: int) -> list[Column]:
    """Named outputs of the first rows."""
    found = []
    for head, suffix, part in heads(taken):
        block = first_rows(part, rows)
        if block is not None:
            named = model.outputs(operation, block.columns, head)
            found += [column._replace(name=column.name + suffix) for column in named]
    return found


def heads(taken: Capture) -> list[tuple[int | str, str, Capture]]:
    """The outputs in a capture: the key of each, what follows its columns' names, and its own capture."""
    if taken.kind != "heads":
        return [(0, "", taken)]
    several = len(taken.payload) > 1
    return [(head, f".{head}" if several else "", part) for head, part in taken.payload.items()]


def head_of(taken: Capture, rows: int) -> Capture:
    """The capture of the first rows alone."""
    if taken.rows <= rows or taken.payload is None:
        return taken
    kept: Any
    if taken.kind == "record":
        kept = {name: head_of(part, rows) for name, part in taken.payload.items()}
    elif taken.kind == "bytes":
        kept = taken.payload[: len(taken.payload) // taken.rows * rows]
    elif taken.kind == "lease":
        return taken._replace(kind="objects", payload=taken.payload.array[:rows], rows=rows)
    elif taken.kind == "pandas":
        kept = taken.payload.iloc[:rows]
    elif taken.kind == "columns":
        kept = [column[:rows] for column in taken.payload]
    elif taken.kind == "sparse":
        data, indices, indptr = taken.payload
        kept = (data[: indptr[rows]], indices[: indptr[rows]], indptr[: rows + 1])
    else:
        kept = taken.payload[:rows]
    return taken._replace(payload=kept, rows=rows)
