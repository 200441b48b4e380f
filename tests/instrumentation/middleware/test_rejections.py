"""Refused calls as HTTP answers, in FastAPI and Flask."""

from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient
from flask import Flask, request
from sklearn.linear_model import LinearRegression

import driftline
from driftline.middleware.rejections import RejectionMiddleware, flask_problem
from telemetry import Telemetry

TRAINING = np.random.default_rng(2).normal(size=(1000, 2))
BAD = [[0.0, 0.0], [0.0, 1e6]]


@pytest.fixture
def model(telemetry: Telemetry) -> Any:
    del telemetry
    model = LinearRegression().fit(TRAINING, TRAINING[:, 0])
    driftline.check(model, reference=driftline.profile(TRAINING), mode="reject")
    return model


def fastapi_answer(model: Any, path: str, rows: list[list[float]]) -> Any:
    app = FastAPI()
    app.add_middleware(RejectionMiddleware)

    @app.post("/async")
    async def in_the_loop(rows: list[list[float]]) -> list[float]:
        return model.predict(rows).tolist()

    @app.post("/thread")
    def in_a_thread(rows: list[list[float]]) -> list[float]:
        return model.predict(rows).tolist()

    @app.post("/stream")
    def streamed(rows: list[list[float]]) -> StreamingResponse:
        return StreamingResponse(str(model.predict(part)) for part in (rows[:1], rows))

    return TestClient(app).post(path, json=rows)


def flask_answer(model: Any, path: str, rows: list[list[float]]) -> Any:
    app = Flask(__name__)
    app.register_error_handler(driftline.InputRejected, flask_problem)

    @app.post(path)
    def predict() -> list[float]:
        return model.predict(request.json).tolist()

    return app.test_client().post(path, json=rows)


@pytest.mark.parametrize(
    ("answer", "path"), [(fastapi_answer, "/async"), (fastapi_answer, "/thread"), (flask_answer, "/")]
)
def test_a_refused_request_is_a_problem(model: Any, answer: Any, path: str) -> None:
    """422, of the media type, with column, rule and rows; a healthy request is answered as ever."""
    good, bad = answer(model, path, BAD[:1]), answer(model, path, BAD)

    assert good.status_code == 200
    assert bad.status_code == 422
    assert bad.headers["content-type"] == "application/problem+json"
    document = bad.json() if callable(bad.json) else bad.json
    assert document["status"] == 422
    assert "x1 must be from" in document["detail"]
    (error,) = document["errors"]
    assert {name: error[name] for name in ("column", "rule", "row_count", "rows")} == {
        "column": "x1",
        "rule": "range",
        "row_count": 1,
        "rows": [1],
    }


def test_an_answer_that_has_begun_is_not_replaced(model: Any) -> None:
    """The error reaches the server, as without the middleware."""
    with pytest.raises(driftline.InputRejected):
        fastapi_answer(model, "/stream", BAD)
