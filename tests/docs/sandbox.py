"""What the blocks of code in the documentation find: files in a folder, names in Python, and free ports."""

import gzip
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

import driftline
from docs.pages import DOCS, ROOT
from e2e.processes import BIN, clean_environment, free_ports

PORTS: Final = (4317, 4318, 4319, 4327, 4337, 8000, 8888, 13133)
"""Ports in the text, for each of which a free one is put."""

ROWS: Final = 5_000
"""Of the training data; as many does `serve.py` give to the model."""

SERVE: Final = """
from sandbox_names import X, model

model.predict(X)
print("served")
"""

APP: Final = """
from fastapi import FastAPI
from sandbox_names import X, model

app = FastAPI()

@app.post("/predict")
def predict() -> list[bool]:
    return model.predict(X).tolist()
"""

WSGI: Final = """
from flask import Flask

app = Flask(__name__)
"""

NAMES: Final = """
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

train = pd.read_parquet("train.parquet")
X = train[["age", "income", "visits"]]
model = LogisticRegression().fit(X, train["churned"])

def explain(model, X):
    model.predict(X)

def log_prediction(identity):
    assert identity
"""
"""A trained model and its data; for all pages but those with names of their own."""

NAMES_BY_PAGE: Final = {
    "servers.md": "from flask import Flask\napp = Flask('app')\n",
    "pytorch.md": """
import numpy as np
import torch

import driftline

class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = torch.nn.Linear(8, 4)
        self.head = torch.nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.encoder(x))

    def predict(self, x):
        return self(x).argmax(1)

embeddings = np.random.default_rng(0).normal(size=(2_000, 8)).astype("float32")
model = Model().eval()

def predict(x):
    return model(x)
""",
}


def build(folder: Path) -> None:
    """The files that commands in the documentation read."""
    rows = customers()
    rows.to_parquet(folder / "train.parquet")
    profile = driftline.profile(rows, y="churned", model="churn", prediction="predicted", score="probability")
    for name in ("a.json", "b.json", "references/churn.reference.json", "references/car_loan.reference.json"):
        (folder / name).parent.mkdir(exist_ok=True)
        profile.save(folder / name)
    (folder / "logs").mkdir()
    rows.iloc[:2_500].to_parquet(folder / "logs" / "2019-03.parquet")
    rows.iloc[2_500:].to_parquet(folder / "logs" / "2019-04.parquet")
    with gzip.open(folder / "log.csv.gz", "wt") as file:
        rows.to_csv(file, index=False)
    shutil.copytree(ROOT / "collector-config", folder / "collector-config")
    for name, text in {"sandbox_names.py": NAMES, "serve.py": SERVE, "app.py": APP, "wsgi.py": WSGI}.items():
        (folder / name).write_text(text)
    (folder / "bin").mkdir()
    if (collector := ROOT / ".collector" / "otelcol").exists():
        (folder / "bin" / "otelcol-contrib").symlink_to(collector.resolve())


def customers(count: int = ROWS) -> pd.DataFrame:
    """Rows of training data, a minute apart."""
    random = np.random.default_rng(0)
    age, income = random.integers(18, 90, count), random.lognormal(10, 0.5, count)
    score = 1 / (1 + np.exp((age - 50) / 10))
    return pd.DataFrame(
        {
            "time": pd.date_range("2019-03-30", periods=count, freq="min"),
            "age": age,
            "income": income,
            "visits": random.poisson(3, count),
            "predicted": score > 0.5,
            "probability": score,
            "churned": random.random(count) < score,
        }
    )


class Ports:
    """A free port for each of PORTS; for OTLP that of `sink`."""

    def __init__(self, sink: int) -> None:
        self._free = dict(zip(PORTS, free_ports(len(PORTS)), strict=True)) | {4317: sink}

    def put_into(self, text: str) -> str:
        """The text with free ports instead of its own."""
        return re.sub(r"(?<=127\.0\.0\.1:)\d+", lambda found: str(self._free.get(int(found[0]), found[0])), text)

    def environment(self, folder: Path) -> Mapping[str, str]:
        """For commands that a block starts: they listen on free ports, install nothing, and wait for nobody."""
        free = {number: f"127.0.0.1:{port}" for number, port in self._free.items()}
        return clean_environment() | {
            "PATH": f"{folder / 'bin'}:{BIN}:{os.environ['PATH']}",
            "PIP_NO_INDEX": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PYTHONWARNINGS": "ignore",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{free[4317]}",
            "UVICORN_PORT": str(self._free[8000]),
            "GUNICORN_CMD_ARGS": f"--bind {free[8000]}",
            "OTELCOL_GRPC_LISTEN": free[4337],
            "OTELCOL_HTTP_LISTEN": free[4318],
            "OTELCOL_RESULTS_LISTEN": free[4319],
            "OTELCOL_HEALTH_LISTEN": free[13133],
            "OTELCOL_METRICS_PORT": str(self._free[8888]),
        }

    def configure(self, folder: Path) -> None:
        """The configuration files that commands name: the one that every user may begin with, and the guide's."""
        (folder / "processor.yaml").write_text(self.put_into("listen: 127.0.0.1:4327\n"))
        guide = (DOCS / "guides/declarative-config.md").read_text()
        (folder / "otel.yaml").write_text(self.put_into(guide.partition("```yaml\n")[2].partition("```")[0]))
