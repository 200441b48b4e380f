import ast
import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import httpx
import joblib
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier

from driftline.tools.demo.patients import FEATURES, load_patients
from driftline.tools.demo.training import train

SERVER = "driftline.tools.demo.server"


Predict = Callable[[pd.DataFrame], httpx.Response]


@pytest.fixture
def predict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Predict]:
    """Asks the server with the demo's model, without a process or a socket."""
    joblib.dump(train(), tmp_path / "model.joblib")
    monkeypatch.setenv("MODEL", str(tmp_path / "model.joblib"))
    transport = httpx.ASGITransport(import_module(SERVER).app)

    async def post(rows: pd.DataFrame) -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
            return await client.post("/predict", json=rows.to_dict("records"))

    yield lambda rows: asyncio.run(post(rows))
    del sys.modules[SERVER]


def test_it_serves_the_model_that_its_file_holds_now(predict: Predict) -> None:
    """A deployment replaces the file; the next request has the new model's answers."""
    rows = load_patients()[0].head(5)
    before = predict(rows).json()
    joblib.dump(DummyClassifier(strategy="prior").fit([[0], [1]], ["mild", "severe"]), os.environ["MODEL"])

    after = predict(rows).json()

    assert before != after
    assert {each["severe"] for each in after} == {0.5}


def test_it_imports_nothing_of_opentelemetry_or_driftline() -> None:
    """The server is one that nobody touched."""
    spec = find_spec(SERVER)
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for each in imports for alias in each.names} | {getattr(each, "module", "") for each in imports}

    assert not {name.split(".")[0] for name in names} & {"driftline", "opentelemetry"}


def test_it_answers_each_patient_with_the_models_own_words(predict: Predict) -> None:
    """DemoResult and probability are those that the model gives for the same rows."""
    rows = load_patients()[0].head(40)
    model = train()

    answer = predict(rows)

    assert answer.status_code == 200
    assert [each["outcome"] for each in answer.json()] == list(model.predict(rows))
    assert [each["severe"] for each in answer.json()] == list(model.predict_proba(rows)[:, 1])


def test_it_takes_the_features_of_the_data_set_in_their_order(predict: Predict) -> None:
    """The fields of a patient are the columns that the model was trained on."""
    assert list(import_module(SERVER).Patient.model_fields) == list(FEATURES.values())


def test_it_refuses_a_patient_without_a_feature(predict: Predict) -> None:
    """A row that lacks a column never reaches the model."""
    assert predict(load_patients()[0].head(1).drop(columns="bmi")).status_code == 422
