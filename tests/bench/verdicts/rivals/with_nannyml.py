"""NannyML's UnivariateDriftCalculator with its defaults: Jensen-Shannon, three standard deviations over the chunks.

Chunks of the training data are as long as windows; of a window longer than an eighth of it there are eight.
"""

from typing import Any

import nannyml
import pandas as pd

Columns = dict[str, Any]


class Rule:
    def __init__(self, columns: Columns, rows: int) -> None:
        length = len(next(iter(columns.values())))
        chunk = min(rows, length // 8)
        self._names = list(columns)
        self._calculator = nannyml.UnivariateDriftCalculator(
            column_names=self._names, chunk_size=chunk, treat_as_categorical=[]
        )
        self._calculator.chunker = nannyml.chunk.SizeBasedChunker(chunk_size=chunk, incomplete="drop")
        self._calculator.fit(_frame(columns))

    def window(self, columns: Columns) -> list[str]:
        frame = _frame(columns)
        self._calculator.chunker = nannyml.chunk.CountBasedChunker(chunk_number=1)
        found = self._calculator.calculate(frame).filter(period="analysis").to_df()
        return [name for name in self._names if found[name]["jensen_shannon"]["alert"].any()]


def _frame(columns: Columns) -> pd.DataFrame:
    return pd.DataFrame(columns)
