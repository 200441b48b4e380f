"""A model server as people write it: nothing in this file knows of OpenTelemetry or Driftline."""

import os

import joblib
import pandas as pd
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

model = joblib.load(os.environ["MODEL"])
app = FastAPI()


class Customer(BaseModel):
    age: float
    income: float
    distance: float
    plan: str


@app.get("/health")
def health() -> str:
    return "ok"


@app.post("/predict")
def predict(customers: list[Customer]) -> list[str]:
    frame = pd.DataFrame([customer.model_dump() for customer in customers])
    return [str(label) for label in model.predict(frame)]


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ["PORT"]), log_level="warning")
