"""A new model calls everybody mild: its training labels had lost most of the severe ones."""

from pathlib import Path
from typing import Final

import joblib
import numpy as np
from sklearn.ensemble import RandomForestClassifier

from driftline.reference.profile_column import ColumnKey
from driftline.semconv import CONFIDENCE, PREDICTION, SCORE, TARGET_OUTPUT
from driftline.tools.demo.patients import load_patients
from driftline.tools.demo.scenario import Expected, Scenario

KEPT: Final = 0.1
"""Share of the severe outcomes that the new model was shown as such."""


def deploy(model_file: Path) -> None:
    """Replaces the model as a deployment would: no request sees half a file."""
    patients, outcome = load_patients()
    lost = (outcome == "severe") & (np.random.default_rng(0).random(len(outcome)) >= KEPT)
    model = RandomForestClassifier(n_estimators=50, min_samples_leaf=25, random_state=0)
    new = model_file.with_suffix(".new")
    joblib.dump(model.fit(patients, np.where(lost, "mild", outcome)), new)
    new.replace(model_file)


SCENARIO: Final = Scenario(
    name="output-collapse",
    expected=Expected(
        ColumnKey(TARGET_OUTPUT, PREDICTION),
        also=frozenset({ColumnKey(TARGET_OUTPUT, CONFIDENCE), ColumnKey(TARGET_OUTPUT, SCORE)}),
    ),
    coming="A new model, trained on damaged labels, is deployed",
    lasting="The new model has been calling everybody mild",
    begun="the new model was deployed",
    deploy=deploy,
)
