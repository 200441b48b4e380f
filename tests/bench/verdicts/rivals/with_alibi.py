"""alibi-detect's TabularDrift with its defaults: p < .05, Bonferroni over columns; the columns below that level.

It takes no text and no missing values: categories are numbered, a missing number becomes the training mean.
"""

from typing import Any

import numpy as np
from alibi_detect.cd import TabularDrift

Columns = dict[str, Any]


class Rule:
    def __init__(self, columns: Columns, rows: int) -> None:
        self._names = list(columns)
        self._codes = {name: _codes(values) for name, values in columns.items() if values.dtype == object}
        self._means = {n: float(np.nanmean(v)) for n, v in columns.items() if n not in self._codes}
        categories = {i: None for i, n in enumerate(self._names) if n in self._codes}
        self._detector = TabularDrift(self._matrix(columns), p_val=0.05, categories_per_feature=categories or None)

    def window(self, columns: Columns) -> list[str]:
        found = self._detector.predict(self._matrix(columns), return_p_val=True)["data"]
        level = 0.05 / len(self._names)
        return [name for name, p in zip(self._names, found["p_val"].tolist(), strict=True) if p < level]

    def _matrix(self, columns: Columns) -> Any:
        return np.stack([self._numbers(name, columns[name]) for name in self._names], axis=1).astype(np.float32)

    def _numbers(self, name: str, values: Any) -> Any:
        codes = self._codes.get(name)
        if codes is None:
            return np.where(np.isnan(values), self._means[name], values)
        return np.array([codes.get(str(value), len(codes)) for value in values], float)


def _codes(values: Any) -> dict[str, int]:
    return {name: code for code, name in enumerate(np.unique(values.astype(str)).tolist())}
