"""The server that server_overhead measures: FastAPI and scikit-learn, one row of 30 floats a request.

Started with `MODEL=linear|forest|batch uvicorn bench.served:app`, with `opentelemetry-instrument` before it or not.
"""

import os
from typing import Any, Final

import numpy as np
from fastapi import FastAPI
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from bench.rig import FEATURES

ROWS: Final = {"linear": 1, "forest": 1, "batch": 1000}

_RANDOM: Final = np.random.default_rng(0)
_X: Final = _RANDOM.normal(size=(5_000, FEATURES))
_KIND: Final = os.environ["MODEL"]


def _model() -> Any:
    made = RandomForestClassifier(20, max_depth=8, random_state=0) if _KIND == "forest" else LogisticRegression()
    return made.fit(_X, _X[:, :3].sum(axis=1) > 0)


app = FastAPI()
_fitted = _model()
_rows: Final = _X[: ROWS[_KIND]].tolist()


@app.get("/")
async def predict() -> dict[str, int]:
    """Parses rows and predicts them, as a service does; the body is made here, to keep the client out of the figure."""
    return {"positive": int(_fitted.predict(np.asarray(_rows)).sum())}
