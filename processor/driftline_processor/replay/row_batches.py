"""The rows of a replay as row batches: every row, with its label, as if all had been sampled and joined."""

from collections.abc import Mapping
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftline.rows.batch import RowBatch
from driftline.rows.table import INPUT, LABEL, OUTPUT, RowColumn, RowTable
from driftline.semconv import TARGET_INPUT, TARGET_LABEL, TARGET_OUTPUT
from driftline.sketch.arrays import IntArray
from driftline.sketch.splitmix import splitmix64
from driftline_processor.records import ColumnKey, ModelKey, ModelRows

_OPERATION = "predict"
_ROLES = {TARGET_INPUT: INPUT, TARGET_OUTPUT: OUTPUT, TARGET_LABEL: LABEL}


class RowBatches:
    """Batches of one model, numbered."""

    def __init__(self, model: ModelKey) -> None:
        self._model = model
        self._batches = count(1)
        self._rows = 0

    def of(self, values: Mapping[ColumnKey, NDArray[Any]], times: IntArray) -> ModelRows:
        """Rows of one step. values: of each column, [rows]. times: Unix nanoseconds, [rows]."""
        keys = splitmix64(np.arange(self._rows, self._rows + len(times), dtype=np.uint64))
        self._rows += len(times)
        columns = {
            RowColumn(_ROLES[key.target], key.name): held for key, held in values.items() if key.target in _ROLES
        }
        batch = RowBatch(f"replay.{next(self._batches)}", 0, len(times), RowTable(keys, times, columns))
        return ModelRows(self._model, _OPERATION, batch)
