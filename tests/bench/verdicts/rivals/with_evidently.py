"""Evidently's drift of columns with its defaults: a test or a distance by rows and kind, and that one's threshold.

Its own choice and its own decision, without the histograms around them that `DataDriftPreset` draws: the same verdicts
in a fraction of the time.
"""

from typing import Any

import pandas as pd
from evidently.legacy.calculations.stattests import get_stattest

Columns = dict[str, Any]


class Rule:
    def __init__(self, columns: Columns, rows: int) -> None:
        self._reference = {name: pd.Series(values).dropna() for name, values in columns.items()}
        self._kinds = {name: "cat" if values.dtype == object else "num" for name, values in columns.items()}

    def window(self, columns: Columns) -> list[str]:
        return [name for name, values in columns.items() if self._drifted(name, pd.Series(values).dropna())]

    def _drifted(self, name: str, current: pd.Series) -> bool:
        kind, reference = self._kinds[name], self._reference[name]
        if current.empty:
            return False
        return bool(get_stattest(reference, current, kind, None)(reference, current, kind, None).drifted)
