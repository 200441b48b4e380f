"""What a data scientist leaves behind: a model, and the log of what it was trained on."""

import time
from pathlib import Path
from typing import Final

import joblib
import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier

from driftline.demo.patients import load_patients

ROWS: Final = 50_000
DAYS: Final = 30
SEED: Final = 0

TIMESTAMP: Final = "time"
LABEL: Final = "outcome"
PREDICTION: Final = "predicted"
SCORE: Final = "probability"


def train() -> RandomForestClassifier:
    """A forest that tells severe progression from mild."""
    patients, outcome = load_patients()
    return RandomForestClassifier(n_estimators=50, min_samples_leaf=25, random_state=SEED).fit(patients, outcome)


def training_log(model: RandomForestClassifier, end: float) -> pd.DataFrame:
    """ROWS patients as the model met them in the DAYS before `end` (unix seconds), in order of time.

    The columns are the features, the time, the outcome, the class predicted and the probability of the second class.
    """
    patients, outcome = load_patients()
    scores = model.predict_proba(patients)[:, 1]
    drawn = np.random.default_rng(SEED).integers(len(patients), size=ROWS)
    seconds = np.linspace(end - DAYS * 86_400, end, ROWS, endpoint=False)
    log: pd.DataFrame = patients.iloc[drawn].reset_index(drop=True)
    log.insert(0, TIMESTAMP, pd.to_datetime(seconds, unit="s"))
    log[LABEL] = outcome[drawn]
    log[PREDICTION] = model.classes_[(scores > 0.5).astype(int)][drawn]
    log[SCORE] = scores[drawn]
    return log


def save_training(model_file: Path, log_file: Path) -> None:
    """Train, and write the model (joblib) and the training log (Parquet)."""
    model = train()
    joblib.dump(model, model_file)
    training_log(model, time.time()).to_parquet(log_file, index=False)
