"""The data of the end-to-end tests: customers who stay or leave, a model that tells which, a client of its server."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import joblib
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

NUMBERS = ["age", "income", "distance"]
FEATURES = [*NUMBERS, "plan"]
MILES = 1.609
"""Kilometres in a mile."""

TRAINING_ROWS = 20_000
TRAINING_DAYS = 30


def draw(rows: int, random: np.random.Generator) -> pd.DataFrame:
    """Customers drawn independently, all from one distribution; distances are in kilometres."""
    return pd.DataFrame(
        {
            "age": random.normal(45, 12, rows),
            "income": random.lognormal(10, 0.5, rows),
            "distance": random.gamma(4, 5, rows),
            "plan": random.choice(["basic", "family", "premium"], rows, p=[0.5, 0.3, 0.2]),
        }
    )


def in_miles(customers: pd.DataFrame) -> pd.DataFrame:
    """The same customers, as sent by a client that has changed its unit."""
    return customers.assign(distance=customers.distance / MILES)


def richer_with_age(customers: pd.DataFrame) -> pd.DataFrame:
    """The same ages and the same incomes, put together otherwise: the older, the richer."""
    by_age = np.argsort(np.argsort(customers.age))
    return customers.assign(income=np.sort(customers.income)[by_age])


def train(folder: Path) -> tuple[Path, Path]:
    """A fitted model (joblib), and the log of the data that it was trained on (Parquet).

    Whether a customer leaves does not depend on the distance, so that a change in it moves nothing else.
    """
    random = np.random.default_rng(7)
    customers = draw(TRAINING_ROWS, random)
    leaving = (customers.age < 40) & (customers.plan != "premium") | (random.random(TRAINING_ROWS) < 0.1)
    labels = np.where(leaving, "leaves", "stays")
    model = _pipeline().fit(customers, labels)
    end = time.time()
    seconds = np.linspace(end - TRAINING_DAYS * 86_400, end, TRAINING_ROWS, endpoint=False)
    log = customers.assign(time=pd.to_datetime(seconds, unit="s"), label=labels, predicted=model.predict(customers))
    joblib.dump(model, folder / "model.joblib")
    log.to_parquet(folder / "train.parquet", index=False)
    return folder / "model.joblib", folder / "train.parquet"


def _pipeline() -> Pipeline:
    encode = make_column_transformer((StandardScaler(), NUMBERS), (OneHotEncoder(), ["plan"]))
    return make_pipeline(encode, LogisticRegression())


class Client:
    """Sends customers to the server over one connection; `rows` counts those answered, `calls` the requests."""

    def __init__(self, port: int) -> None:
        self.rows = self.calls = 0
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False)

    def __enter__(self) -> "Client":  # noqa: PYI034  # typing.Self is 3.11's
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def predict(self, customers: pd.DataFrame) -> list[str]:
        answer = self._http.post("/predict", json=customers.to_dict("records")).raise_for_status().json()
        self.rows += len(answer)
        self.calls += 1
        return list(answer)


def batches(seed: int) -> Iterator[pd.DataFrame]:
    """Endless requests of one to a hundred customers each."""
    random = np.random.default_rng(seed)
    while True:
        yield draw(int(random.choice([1, 20, 50, 100])), random)
