"""What a data scientist hands over: the model and the data it was trained on."""

import time
from pathlib import Path
from typing import Final

import joblib
import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier

from driftline.tools.demo.patients import load_patients

ROWS: Final = 50_000
DAYS: Final = 30
SEED: Final = 0

TIMESTAMP: Final = "time"
LABEL: Final = "outcome"
PREDICTION: Final = "predicted"
SCORE: Final = "probability"


def train() -> RandomForestClassifier:
    """A random forest that classifies progression as severe or mild."""
    patients, outcome = load_patients()
    return RandomForestClassifier(n_estimators=50, min_samples_leaf=25, random_state=SEED).fit(patients, outcome)


def training_log(model: RandomForestClassifier, end: float) -> pd.DataFrame:
    """ROWS patients over the DAYS before `end` (Unix seconds), in order of time.

    The columns are the time, the features, the outcome, the predicted class and the probability of the second class.
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
    """Train a model and write it (joblib) and its training log (Parquet)."""
    model = train()
    joblib.dump(model, model_file)
    training_log(model, time.time()).to_parquet(log_file, index=False)
