"""Requests that a database can never hold, sent again and again: do others notice?"""

import threading
import time
from collections import Counter

import grpc
import pytest

from driftline import semconv
from otlp_requests import counter, metrics_request, number, of_model
from postgres_cluster import PostgresCluster
from torture.client import Client
from torture.otlp_stream import Message, Stream
from torture.rig import Rig
from torture.traffic import normal

# The last one is within the limits on characters and has too many bytes for an index.
IDENTITIES = {
    "2,000 characters": "z" * 2000,
    "a NUL": "a\0b",
    "1,000 Chinese characters": "".join(chr(0x4E00 + 7919 * n % 20_000) for n in range(1000)),
}
FOR_GOOD = {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.OK}


@pytest.mark.full
def test_poison(rig: Rig, cluster: PostgresCluster) -> None:
    """Each is refused for good, or rejected as an item, by name; others in the same commit are stored."""
    backend = rig.backend()
    processor = rig.processor(export=backend.port, settings={"store": cluster.new_database()})
    processor.start()
    answers, slowest = {}, 0.0
    stream, values, client = Stream("good", "spans"), normal(10.0), rig.client(processor.port)
    for what, identity in IDENTITIES.items():
        message = reference(identity)
        answers[what] = client.send(message)
        stop = threading.Event()
        repeaters = [threading.Thread(target=repeat, args=(processor.port, message, stop)) for _ in range(4)]
        for repeater in repeaters:
            repeater.start()
        for _ in range(60):
            begun = time.monotonic()
            assert client.send(stream.next(values())).taken
            slowest = max(slowest, time.monotonic() - begun)
        stop.set()
        for repeater in repeaters:
            repeater.join()
    named = [Stream(f"m\0{n}", "spans", columns=["a\0b", "\ufffe"], number=n) for n in range(1, 4)]
    names = [client.send(each.next(values())) for each in named]
    counted = backend.counted({each.model: each.rows for each in (stream, *named)})

    rig.figures |= {what: f"{answer.code.name} {answer.message[:60]}" for what, answer in answers.items()}
    rig.figures |= {
        "names with NUL": dict(Counter(answer.code.name for answer in names)),
        "slowest answer to another": f"{slowest:.2f} s",
        "rows of others lost": int(stream.rows - counted.get("good", 0)),
    }
    assert {answer.code for answer in answers.values()} <= FOR_GOOD
    assert all(answer.message for answer in answers.values())
    assert counted.get("good") == stream.rows
    assert all(answer.taken for answer in names)
    assert client.serving
    assert "Traceback" not in processor.log


def reference(identity: str) -> Message:
    """A part of a reference by that id."""
    now = time.time_ns()
    rows = counter(semconv.INFERENCE_ROWS, [number(of_model("m"), 1, now - 1, now)])
    resource = {"ml.dataset.role": "reference", "ml.reference.id": identity, "ml.reference.points": 2}
    return Message("metrics", metrics_request(rows, resource=resource).SerializeToString())


def repeat(port: int, message: Message, stop: threading.Event) -> None:
    """As a sender does that was told to come again."""
    with Client(port) as client:
        while not stop.is_set():
            client.send(message, timeout=5.0)
