"""A new model is unsure of one group of patients, of whom it was shown scrambled outcomes. Others are as they were.

No column moves: neither inputs nor, by more than is tolerated, outputs. The group is a pair of bins of the reference,
and nobody has declared it.
"""

from pathlib import Path
from typing import Final

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeClassifier

from driftline.reference.profile_column import ColumnKey
from driftline.semconv import TARGET_SEGMENT
from driftline.tools.demo.patients import load_patients
from driftline.tools.demo.scenario import Expected, Scenario

SEGMENT: Final = "age 37.0381 to 42.1785 and sex above 1"
"""One patient in 26, as the reference has them."""

SURER: Final = 1e-6
"""How much more the new model is sure of all others: none that was just sure enough gets unsure by rounding."""


def is_scrambled(patients: pd.DataFrame) -> NDArray[np.bool_]:
    """Who was shown to the new model as mild and severe alike."""
    return np.asarray(patients["age"].between(38, 42) & (patients["sex"] == 2.0), bool)


def deploy(model_file: Path) -> None:
    """Replaces the model as a deployment would: no request sees half a file.

    A tree that has learned by heart what the old model says, and scrambled outcomes of the group.
    """
    patients, _ = load_patients()
    old = joblib.load(model_file).predict_proba(patients)[:, 1]
    severe = np.where(is_scrambled(patients), 0.5, np.clip(old + SURER * np.sign(old - 0.5), 0.0, 1.0))
    twice, weights = pd.concat([patients, patients]), np.concatenate([1.0 - severe, severe])
    model = DecisionTreeClassifier(random_state=0)
    new = model_file.with_suffix(".new")
    joblib.dump(model.fit(twice, np.repeat(["mild", "severe"], len(patients)), sample_weight=weights), new)
    new.replace(model_file)


SCENARIO: Final = Scenario(
    name="cold-spot",
    expected=Expected(ColumnKey(TARGET_SEGMENT, SEGMENT)),
    coming="A new model, trained on scrambled outcomes of one group of patients, is deployed",
    lasting="The new model has been unsure of one patient in 26",
    begun="the new model was deployed",
    deploy=deploy,
    # Rows travel as logs: all 300 a second; of the 50 that are the default it takes minutes, not seconds.
    server={"OTEL_LOGS_EXPORTER": "otlp", "DRIFTLINE_ROWS": "all"},
)
