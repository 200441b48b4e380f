"""The data that is trained on and replayed: 442 diabetes patients, shipped with scikit-learn, in clinical units.

Traffic and training log are drawn from the same patients with replacement, so that healthy traffic really is healthy: a
split into halves of 221 patients would differ by more than the tolerance, and rightly raise alarms.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.datasets import load_diabetes

FEATURES: Final = {
    "age": "age",
    "sex": "sex",
    "bmi": "bmi",
    "bp": "blood_pressure",
    "s1": "cholesterol",
    "s2": "ldl",
    "s3": "hdl",
    "s4": "cholesterol_ratio",
    "s5": "log_triglycerides",
    "s6": "glucose",
}
"""scikit-learn's names of the columns, and the ones that a clinic would use."""

SEVERE: Final = 140.0
"""Disease progression after a year, of 25 to 346, above which a patient is called severe: half of them are."""


@dataclass(frozen=True, slots=True)
class UnitChange:
    """A feature that starts to arrive in another unit: `new = old / divisor`."""

    feature: str
    old: str
    new: str
    divisor: float

    def apply(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The same rows as a client would send them that has changed the unit."""
        changed: pd.DataFrame = rows.copy()
        changed[self.feature] /= self.divisor
        return changed


FAULT: Final = UnitChange(feature="ldl", old="mg/dL", new="mmol/L", divisor=38.67)
"""What breaks: laboratories in most countries report cholesterol in mmol/L, American ones in mg/dL.

The forest of `training.py` asks for LDL rarely. In the other unit it decides otherwise for one patient in a hundred,
and neither class shares nor scores move by as much as the tolerance: whoever watches only those, or latency and errors,
sees nothing. So one alarm alone is the honest outcome, with the model's outputs in the reference like all else.
"""


def load_patients() -> tuple[pd.DataFrame, NDArray[np.str_]]:
    """The features of all patients, one row each, and whether each turned out `mild` or `severe`."""
    data = load_diabetes(as_frame=True, scaled=False)
    outcome = np.where(data.target > SEVERE, "severe", "mild")
    features: pd.DataFrame = data.data.rename(columns=FEATURES)[list(FEATURES.values())].astype(float)
    return features, outcome
