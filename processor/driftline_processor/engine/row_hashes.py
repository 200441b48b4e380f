"""Rows of spans by a hash, as a model server counts those that it sketches."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftline.semconv import TARGET_INPUT, TARGET_ROWS
from driftline.sketch.arrays import FloatArray
from driftline.sketch.row_hash import bucket_values, row_buckets
from driftline_processor.records import ColumnKey, ColumnValues, ExampleRows


def hashed_rows(spans: ExampleRows) -> tuple[ColumnKey, FloatArray] | None:
    """The key of these rows by hash, and a number in the bucket of each; None for rows without inputs."""
    inputs = {key.name: _array(values) for key, values in spans.columns.items() if key.target == TARGET_INPUT}
    found = row_buckets(inputs)
    return None if found is None else (ColumnKey(TARGET_ROWS, found[0]), bucket_values(found[1]))


def _array(values: ColumnValues) -> NDArray[Any]:
    if isinstance(values, np.ndarray):
        return values
    array = np.empty(len(values), object)
    array[:] = values
    return array
