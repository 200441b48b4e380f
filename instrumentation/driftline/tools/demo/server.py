"""An ordinary model server, without any code of OpenTelemetry or Driftline.

Started with `MODEL=model.joblib opentelemetry-instrument uvicorn driftline.tools.demo.server:app`.
"""

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI(title="Diabetes progression")


@lru_cache(maxsize=1)
def load(path: str, _changed: int) -> Any:
    return joblib.load(path)


def current_model() -> Any:
    """The model of the file, loaded anew when the file has changed."""
    path = os.environ["MODEL"]
    return load(path, Path(path).stat().st_mtime_ns)


current_model()  # a model that does not load ends the start, not the first request


class Patient(BaseModel):
    """The features of a patient."""

    age: float
    sex: float
    bmi: float
    blood_pressure: float
    cholesterol: float
    ldl: float
    hdl: float
    cholesterol_ratio: float
    log_triglycerides: float
    glucose: float


class Progression(BaseModel):
    """The prediction for a patient; severe: its probability."""

    outcome: str
    severe: float


@app.get("/health")
def health() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/predict")
def predict(patients: list[Patient]) -> list[Progression]:
    model = current_model()
    rows = pd.DataFrame([patient.model_dump() for patient in patients])
    severe = model.predict_proba(rows)[:, 1]
    return [Progression(outcome=model.classes_[int(p > 0.5)], severe=p) for p in severe]
