"""The data of training and traffic: scikit-learn's 442 diabetes patients, in clinical units.

Traffic and training log are drawn from the same patients with replacement, so that healthy traffic has no drift: two
halves of 221 patients would differ by more than the tolerance and rightly raise alarms.
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
"""scikit-learn's column names → those that a clinic would use."""

SEVERE: Final = 140.0
"""Disease progression after a year (25 to 346) above which a patient counts as severe: about half of them."""


@dataclass(frozen=True, slots=True)
class UnitChange:
    """A feature that starts to arrive in another unit: `new = old / divisor`."""

    feature: str
    old: str
    new: str
    divisor: float

    def apply(self, rows: pd.DataFrame) -> pd.DataFrame:
        """A copy of the rows with the feature in the new unit."""
        changed: pd.DataFrame = rows.copy()
        changed[self.feature] /= self.divisor
        return changed


FAULT: Final = UnitChange(feature="ldl", old="mg/dL", new="mmol/L", divisor=38.67)
"""What breaks. Laboratories report cholesterol in mmol/L in most countries, in mg/dL in the United States.

The forest of `training.py` rarely splits on LDL: the other unit changes one prediction in a hundred, and class shares
and scores move by less than the tolerance. Outputs, latency and errors show nothing, so the expected result is one
alarm, although the reference holds the outputs too.
"""


def load_patients() -> tuple[pd.DataFrame, NDArray[np.str_]]:
    """The features of all patients, one row each, and their outcomes, `mild` or `severe`."""
    data = load_diabetes(as_frame=True, scaled=False)
    outcome = np.where(data.target > SEVERE, "severe", "mild")
    features: pd.DataFrame = data.data.rename(columns=FEATURES)[list(FEATURES.values())].astype(float)
    return features, outcome
