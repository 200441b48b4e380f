"""The status page over results of a replay: what an engine has judged, published to a board, asked in this process."""

import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import uvicorn

from driftline.profiling.plan import Roles
from driftline_processor.records import ModelKey, WindowResult
from driftline_processor.replay.settings import ReplayOptions
from driftline_processor.replay.setup import prepare_replay
from driftline_processor.web.app import Site, application
from driftline_processor.web.board import Board
from replay_data import AN_HOUR, logged, save_reference, write_parquet

HOUR = 3_600 * 10**9


def judged(folder: Path, hours: int = 12) -> list[WindowResult]:
    """The windows of so many hours of predictions; from the fourth hour on the age comes in months."""
    reference = save_reference(folder / "churn.json")
    data = logged(hours, seed=1)
    data["age"] = [x and 12 * x if i >= 4 * AN_HOUR else x for i, x in enumerate(data["age"])]
    path = write_parquet(folder / "broken.parquet", data)
    options = ReplayOptions(None, "1h", None, None, None, {}, None, None, False, {})
    prepared = prepare_replay((path,), reference, Roles(), options, lambda rows: None)
    return list(prepared.replay.run(prepared.batches(), lambda rows: None))


def renamed(results: Sequence[WindowResult], key: ModelKey) -> list[WindowResult]:
    """The same results of another model."""
    return [
        replace(
            result,
            model=key,
            alarms=tuple(replace(event, model=key) for event in result.alarms),
            incidents=tuple(replace(event, model=key) for event in result.incidents),
        )
        for result in results
    ]


def status(*models: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """Of a processor where all is well."""
    return {
        "version": "0",
        "time": 0.0,
        "window": {"size": 3600.0, "step": 3600.0, "lateness": 60.0},
        "models": list(models),
        "model_count": len(models),
        "unused_references": [],
        "unused_reference_count": 0,
        "counters": {"accepted.items": 12.0},
        "queue": {"requests": 0, "bytes": 0},
        "storage_ok": True,
        "export": {"endpoint": "http://127.0.0.1:4319", "protocol": "grpc"},
        "exports": [],
        **changed,
    }


def site(
    results: Sequence[WindowResult], now: int | None = None, told: dict[str, Any] | None = None, **changed: Any
) -> Site:
    """A site that shows these results, a minute after the last window."""
    board = Board(1 << 27)
    for result in results:
        board.publish([result])
    at = now or max((result.window.end for result in results), default=HOUR) + 60 * 10**9
    given: dict[str, Any] = {"tenant_of": lambda headers: "", "size": HOUR, "step": HOUR, "local": False}
    return Site(board=board, status=lambda tenant: told or status(), clock=lambda: at, **(given | changed))


def client(shown: Site) -> httpx.Client:
    """Asks in this process."""
    from starlette.testclient import TestClient

    return TestClient(application(shown), base_url="http://127.0.0.1")


@contextmanager
def serving(shown: Site) -> Iterator[str]:
    """The address of a server of the site."""
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    config = uvicorn.Config(application(shown), log_config=None, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, args=([bound],), daemon=True)
    thread.start()
    wait_for(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        bound.close()


def wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Returns once it holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
