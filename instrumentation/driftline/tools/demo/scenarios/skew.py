"""Serving puts a default where training has the measured value: the same feature, computed in two ways."""

from typing import Final

import numpy as np
import pandas as pd

from driftline.reference.profile_column import ColumnKey
from driftline.semconv import TARGET_INPUT
from driftline.tools.demo.patients import FAULT
from driftline.tools.demo.scenario import Expected, Scenario

_DEFAULT: Final = -1.0
_SHARE: Final = 0.25
"""One pod of four has the other code."""

_PODS: Final = np.random.default_rng(0)


def _served(rows: pd.DataFrame) -> pd.DataFrame:
    """A copy of the rows, as several pods serve them."""
    changed: pd.DataFrame = rows.copy()
    changed.loc[_PODS.random(len(rows)) < _SHARE, FAULT.feature] = _DEFAULT
    return changed


SCENARIO: Final = Scenario(
    name="skew",
    expected=Expected(ColumnKey(TARGET_INPUT, FAULT.feature)),
    coming=f"one pod of four serves {FAULT.feature} as {_DEFAULT:g}, which training has measured",
    lasting=f"one pod of four has been serving {FAULT.feature} as {_DEFAULT:g}",
    begun="the pod was deployed",
    change=_served,
)
