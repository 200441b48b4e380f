"""A model server on FastAPI, as people write it."""

import os

from fastapi import FastAPI
from models import LOAD

predict_rows = LOAD[os.environ["FRAMEWORK"]]()
app = FastAPI()


@app.get("/health")
def health() -> int:
    return os.getpid()


@app.post("/predict")
def predict(rows: list[list[float]]) -> list[int]:
    return predict_rows(rows)
