"""An ordinary model server, without any code of OpenTelemetry or Driftline.

Started with `MODEL=model.joblib opentelemetry-instrument uvicorn driftline.tools.demo.server:app`.
"""

import os

import joblib
import pandas as pd
from fastapi import FastAPI
from pydantic import BaseModel

model = joblib.load(os.environ["MODEL"])
app = FastAPI(title="Diabetes progression")


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
    rows = pd.DataFrame([patient.model_dump() for patient in patients])
    severe = model.predict_proba(rows)[:, 1]
    return [Progression(outcome=model.classes_[int(p > 0.5)], severe=p) for p in severe]
