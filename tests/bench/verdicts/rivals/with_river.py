"""River's ADWIN on every column, row by row, first on the training rows. Its default: delta = .002.

Categories are numbered from the most frequent one on. A window is in alarm where a detector found a change in it.
"""

from typing import Any

import numpy as np
from river.drift import ADWIN

Columns = dict[str, Any]


class Rule:
    def __init__(self, columns: Columns, rows: int) -> None:
        self._codes = {name: _codes(values) for name, values in columns.items() if values.dtype == object}
        self._detectors = {name: ADWIN() for name in columns}
        self.window(columns)

    def window(self, columns: Columns) -> list[str]:
        return [name for name, values in columns.items() if self._found(name, values)]

    def _found(self, name: str, values: Any) -> bool:
        codes, detector, found = self._codes.get(name), self._detectors[name], False
        for value in values.tolist():
            number = codes.get(value, len(codes)) if codes is not None else value
            if number == number:  # noqa: PLR0124  # not NaN
                detector.update(number)
                found = found or detector.drift_detected
        return found


def _codes(values: Any) -> dict[str, int]:
    names, rows = np.unique(values.astype(str), return_counts=True)
    return {name: code for code, name in enumerate(names[np.argsort(-rows, kind="stable")].tolist())}
