"""Middleware: the id of a request becomes that of its rows, whatever runs the endpoint."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import flask
import httpx
import numpy as np
import pytest
from fastapi import BackgroundTasks, FastAPI
from sklearn.linear_model import LogisticRegression
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import StreamingResponse

import driftline
from driftline.middleware import ASGIMiddleware, WSGIMiddleware
from driftline.rows.keys import hash_ids, row_keys
from telemetry import Telemetry

X = np.random.default_rng(0).normal(size=(40, 3))
MODEL = LogisticRegression().fit(X, X[:, 0] > 0)
REQUESTS = 200


def key(identity: Any, row: int = 0) -> int:
    return int(row_keys(hash_ids([identity]).hashes, row)[0])


def predict(rows: int = 1) -> str:
    MODEL.predict(X[:rows])
    return str(driftline.prediction_id())


@pytest.fixture
def sent(instrumented: Callable[..., Telemetry]) -> Callable[[], dict[int, str]]:
    """The keys of all rows that were sent, by the last call that they may be of."""
    telemetry = instrumented(rows="all")

    def keys() -> dict[int, str]:
        telemetry.flush()
        return {key: each.batch.last for each in telemetry.row_batches() for key in each.batch.table.keys.tolist()}

    return keys


async def outer(request: Any, call_next: Callable[[Any], Awaitable[Any]]) -> Any:
    return await call_next(request)


def application() -> FastAPI:
    app = FastAPI()
    app.add_middleware(BaseHTTPMiddleware, dispatch=outer)
    app.add_middleware(ASGIMiddleware)
    app.add_middleware(BaseHTTPMiddleware, dispatch=outer)

    @app.get("/thread")
    def in_a_thread() -> str:
        return predict()

    @app.get("/task")
    async def in_the_task() -> str:
        await asyncio.sleep(0)
        made = predict()
        await asyncio.sleep(0)
        return made

    @app.get("/two")
    def two_calls() -> str:
        predict(3)
        return predict()

    @app.get("/none")
    def no_call() -> str:
        return ""

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def parts() -> Any:
            yield predict()

        return StreamingResponse(parts())

    @app.get("/pool")
    def another_pool() -> str:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(predict).result()

    @app.get("/later")
    def later(tasks: BackgroundTasks) -> str:
        tasks.add_task(predict)
        return predict()

    return app


def get(paths: list[tuple[str, str | None]]) -> list[httpx.Response]:
    async def all_at_once() -> list[httpx.Response]:
        transport = httpx.ASGITransport(application())
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            headers = [{} if identity is None else {"X-Request-ID": identity} for _, identity in paths]
            calls = [client.get(path, headers=each) for (path, _), each in zip(paths, headers, strict=True)]
            return await asyncio.gather(*calls)

    return asyncio.run(all_at_once())


def test_each_of_200_requests_has_its_own_id(sent: Callable[[], dict[int, str]]) -> None:
    """At once, in threads and tasks, below and above BaseHTTPMiddleware; the answer tells the prediction's id."""
    ids = [f"order-{number}" for number in range(REQUESTS)]
    answers = get([(("/thread", "/task")[number % 2], identity) for number, identity in enumerate(ids)])

    made = [answer.headers["x-prediction-id"] for answer in answers]
    assert made == [answer.json() for answer in answers]
    assert len(set(made)) == REQUESTS
    assert sent().keys() == set(map(key, ids))


def test_several_calls_of_a_request_have_its_id(sent: Callable[[], dict[int, str]]) -> None:
    """Rows of one call are told apart by their numbers; the answer tells the last call's id."""
    (answer,) = get([("/two", "a")])

    assert answer.headers["x-prediction-id"] == answer.json()
    assert sent().keys() == {key("a", row) for row in range(3)}


def test_without_a_header_rows_have_the_ids_of_their_calls(sent: Callable[[], dict[int, str]]) -> None:
    """The answer tells them all the same; without a prediction it tells nothing."""
    given, empty = get([("/thread", None), ("/none", "b")])

    assert "x-prediction-id" not in empty.headers
    assert sent().keys() == {key(given.headers["x-prediction-id"])}


def test_what_a_stream_predicts_has_the_id(sent: Callable[[], dict[int, str]]) -> None:
    """Though its headers may be gone by then."""
    get([("/stream", "c")])
    assert sent().keys() == {key("c")}


def test_a_pool_of_ones_own_loses_the_id(sent: Callable[[], dict[int, str]]) -> None:
    """Its rows have the ids of their calls, never another request's."""
    (answer,) = get([("/pool", "d")])
    assert sent().keys() == {key(answer.json())}


def test_background_tasks_belong_to_their_request(sent: Callable[[], dict[int, str]]) -> None:
    """They run before the request is over."""
    get([("/later", "e")])
    assert sent().keys() == {key("e")}


def test_a_task_that_outlives_its_request_has_no_id_of_it(sent: Callable[[], dict[int, str]]) -> None:
    """A worker that the first request starts serves others, too."""

    async def request() -> "asyncio.Task[str]":
        with driftline.identified("f"):
            task = asyncio.create_task(worker())
            await asyncio.sleep(0)
        return task

    async def worker() -> str:
        await gate.wait()
        return predict()

    async def run() -> str:
        task = await request()
        gate.set()
        return await task

    gate = asyncio.Event()
    made = asyncio.run(run())
    assert sent().keys() == {key(made)}


def test_other_protocols_pass(sent: Callable[[], dict[int, str]]) -> None:
    """Websockets and lifespans are none of its business."""
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    asyncio.run(ASGIMiddleware(app)({"type": "websocket"}, None, None))  # type: ignore[arg-type]
    assert seen == ["websocket"]


@pytest.fixture
def client() -> Any:
    app = flask.Flask("test")
    app.wsgi_app = WSGIMiddleware(app.wsgi_app, header="X-Order", answer="X-Made")  # type: ignore[method-assign]

    @app.get("/")
    def index() -> str:
        return predict()

    @app.get("/generator")
    def generator() -> Any:
        return flask.Response(predict() for _ in range(1))

    @app.get("/fails")
    def fails() -> str:
        predict()
        raise RuntimeError

    return app


def test_flask(client: Any, sent: Callable[[], dict[int, str]]) -> None:
    """200 requests in threads; headers under names of one's own."""

    def one(number: int) -> tuple[str, str]:
        answer = client.test_client().get("/", headers={"X-Order": str(number)})
        return answer.headers["X-Made"], answer.text

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(one, range(REQUESTS)))

    assert all(header == text for header, text in made)
    assert sent().keys() == {key(number) for number in range(REQUESTS)}


def test_flask_generators_have_the_ids_of_their_calls(client: Any, sent: Callable[[], dict[int, str]]) -> None:
    """They run when the request is over for Python."""
    answer = client.test_client().get("/generator", headers={"X-Order": "7"})
    assert "X-Made" not in answer.headers
    assert sent().keys() == {key(answer.text)}


def test_an_error_answers_with_the_id_as_well(client: Any, sent: Callable[[], dict[int, str]]) -> None:
    """The prediction was made; and the next request of the thread has no id of this one."""
    answer = client.test_client().get("/fails", headers={"X-Order": "7"})
    assert answer.status_code == 500
    assert len(answer.headers["X-Made"]) == 32
    plain = predict()
    assert sent().keys() == {key(7), key(plain)}
