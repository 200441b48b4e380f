"""A service that predicts. Nothing in it is Driftline's but the id that ties a later diagnosis to the answer."""

from typing import Annotated

import joblib
import pandas as pd
from fastapi import Body, FastAPI

import driftline

model = joblib.load("model.joblib")
app = FastAPI()


@app.post("/patients/{patient}")
def predict(patient: str, measured: Annotated[dict[str, float], Body()]) -> dict[str, float]:
    with driftline.identified([patient]):
        probabilities = model.predict_proba(pd.DataFrame([measured]))[0]
    return dict(zip(model.classes_, probabilities.tolist(), strict=True))


@app.put("/patients/{patient}/diagnosis")
def diagnosed(patient: str, diagnosis: Annotated[str, Body()]) -> None:
    driftline.record_outcome(patient, label=diagnosis)
