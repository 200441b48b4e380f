"""One sender does its worst: do the others' answers, rows, results and references stay theirs, and memory bounded?"""

import gzip
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import Event, Thread
from typing import Any, Final

import grpc
import numpy as np

from driftline import semconv
from driftline.sketch import Histogram
from driftline_processor.decode.wire_limits import tagged
from e2e.processes import wait_until
from otlp_requests import counter, metrics_request, number, of_model, sketch, sketch_point, span, trace_request
from torture.client import Client
from torture.otlp_stream import Message, Stream
from torture.rig import Rig

MAX_MEMORY: Final = 700
"""MiB, at any time."""

_WIDE: Final = ("many_models", "many_columns")
"""Attacks after which others wait longer: each window of 5,000 columns is judged, and each model saved, as a whole."""

_SETTINGS: Final = {"window": {"size": "6s", "step": "2s", "lateness": "5s"}}
_GOOD: Final = {"service.name": "good"}
_EVIL: Final = {"service.name": "evil"}
_ALLOWED: Final = {
    grpc.StatusCode.OK,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.UNAVAILABLE,
}

Attack = Callable[[int], Iterator[Message]]


class Witness:
    """Another sender, with a row each 100 ms: how long it waits for answers, and what it is refused."""

    def __init__(self, client: Client) -> None:
        self.slowest, self.refused = 0.0, Counter[str]()
        self.stream = Stream("good", "spans", resource=_GOOD, number=7)
        self._client, self._end = client, Event()
        self._thread = Thread(target=self._run)

    def __enter__(self) -> "Witness":  # noqa: PYI034  # typing.Self is 3.11's
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(0.1):
            began = time.monotonic()
            answer = self._client.send(self.stream.next(np.ones(1)), timeout=30.0)
            self.slowest = max(self.slowest, time.monotonic() - began)
            if not answer.taken or answer.rejected:
                self.refused[f"{answer.code.name}: {answer.message}"] += 1


def test_hostile_senders(rig: Rig) -> None:
    """Whatever one sends, every row of the other is counted, its answers come soon, and its model is judged on."""
    backend, scale = rig.backend(), rig.choose(short=1, full=10)
    processor = rig.processor(export=backend.port, settings=_SETTINGS)
    processor.start()
    evil, answers, slowest = rig.client(processor.port), Counter[str](), dict[str, float]()
    before = processor.memory
    with Witness(rig.client(processor.port)) as witness:
        for attack in ATTACKS:
            witness.slowest = 0.0
            calls = [evil.future(message, timeout=60.0) for message in attack(scale)]
            codes = Counter(call.code() for call in calls)
            time.sleep(rig.choose(short=0.1, full=6.0))
            slowest[attack.__name__.removeprefix("_")] = round(witness.slowest, 2)
            answers.update({f"{code.name}": count for code, count in codes.items()})
            assert codes.keys() <= _ALLOWED, f"{attack.__name__}: {codes}"
        rig.figures["slowest answer to others, s"] = slowest
        attacked = time.time_ns()
        wait_until(lambda: any(r.end > attacked and _is_good(r.attributes) for r in backend.results), "a result", 60)
        waited = (time.time_ns() - attacked) / 1e9
    sent = witness.stream.rows
    wait_until(lambda: backend.rows.get("good") == sent, f"{sent} rows are counted", 60)
    rig.figures |= {
        "answers to the attacks": dict(answers),
        "memory": f"{before:.0f} MiB before, {processor.memory:.0f} after, {processor.peak_memory:.0f} at most",
        "s from the attacks to a result of others": round(waited, 1),
    }
    assert not witness.refused
    assert "Traceback" not in processor.log
    assert processor.peak_memory < MAX_MEMORY
    bounds = {name: rig.choose(short=15.0, full=5.0 if name in _WIDE else 1.0) for name in slowest}
    assert {name: waited for name, waited in slowest.items() if waited >= bounds[name]} == {}
    assert rig.client(processor.port).send(Stream("newcomer", "spans", number=8).next(np.ones(1))).rejected == 0


def _is_good(attributes: Mapping[str, Any]) -> bool:
    return bool(attributes.get(semconv.MODEL_NAME) == "good")


def _spans(*columns: Mapping[str, Any], model: str = "evil", first: int = 1) -> Message:
    spans = [
        span({**of_model(model), **values}, number, time.time_ns()) for number, values in enumerate(columns, first)
    ]
    return Message("traces", trace_request(*spans, resource=_EVIL).SerializeToString())


def _counter(attributes: Mapping[str, Any], resource: Mapping[str, Any] = _EVIL) -> Message:
    point = number({**of_model("evil"), **attributes}, 1, time.time_ns() - 10**9, time.time_ns())
    request = metrics_request(counter(semconv.INFERENCE_ROWS, [point]), resource=resource)
    return Message("metrics", request.SerializeToString())


def _point(**more: Any) -> Any:
    of = {**of_model("evil"), semconv.FEATURE_NAME: "a"}
    point = sketch_point(of, Histogram.of(np.ones(1), 5, 160), time.time_ns() - 10**9, time.time_ns())
    for side, counts in more.items():
        getattr(point, side).bucket_counts.extend(counts)
    return point


def _empty_buckets(scale: int) -> Iterator[Message]:
    """Millions of empty buckets, a kilobyte each million when compressed."""
    point = _point().SerializeToString() + tagged(8, tagged(2, bytes(3_000_000 * scale)))
    metric = tagged(1, semconv.FEATURE_VALUE.encode()) + tagged(10, tagged(1, point) + b"\x10\x02")
    yield from [Message("metrics", gzip.compress(tagged(1, tagged(2, tagged(2, metric))), 1))] * 4


def _bombs(scale: int) -> Iterator[Message]:
    """What is 60 MB and more once it is inflated, many at once, of every signal."""
    for size in (60 << 20, 600 << 20):
        body = gzip.compress(bytes(size // (10 // scale)), 1)
        yield from [Message(signal, body) for signal in ("traces", "metrics", "logs") for _ in range(2)]


def _empty_messages(scale: int) -> Iterator[Message]:
    """Two bytes each, a hundred and more once they are parsed: resources, scopes, spans and attributes."""
    many = 1_000_000 * scale
    for signal in ("traces", "metrics", "logs"):
        yield Message(signal, gzip.compress(b"\x0a\x00" * many, 1))
        yield Message(signal, gzip.compress(tagged(1, b"\x12\x00" * many), 1))
        yield Message(signal, gzip.compress(tagged(1, tagged(2, b"\x12\x00" * many)), 1))
        yield Message(signal, gzip.compress(tagged(1, tagged(2, tagged(2, b"\x4a\x00" * many))), 1))


def _long_names(scale: int) -> Iterator[Message]:
    """Of columns, categories, models, resources and what nobody asked for: a megabyte each, never the same."""
    for i in range(scale):
        long = f"{i}" + "n" * 1_000_000
        yield _spans({f"ml.input.{long}": 1.0}, first=100 + i)
        yield _spans({"ml.input.c": long}, first=200 + i)
        yield _spans({"ml.input.c": 1.0}, model=long, first=300 + i)
        yield _counter({"junk": long})
        yield _counter({"ml.model.version": long})
        yield _counter({}, resource={**_EVIL, "junk": long})
        yield _counter({}, resource={"service.name": long})


def _deep(scale: int) -> Iterator[Message]:
    """Values within values, deeper than they can be read."""
    value = b"\x0a\x01x"
    for _ in range(2_000 * scale):
        value = tagged(5, tagged(1, value))
    held = span({**of_model("evil"), "ml.input.a": 1.0}).SerializeToString()
    deep = held + tagged(9, tagged(1, b"deep") + tagged(2, value))
    yield Message("traces", tagged(1, tagged(2, b"".join(tagged(2, each) for each in (deep, *[held] * 50)))))


def _wild_numbers(_scale: int) -> Iterator[Message]:
    """Counts and offsets at the ends of their types."""
    for offset, counts in ((2**31 - 1, [1]), (-(2**31), [2**63]), (0, [2**64 - 1] * 8), (0, [1] * 60_000)):
        point = _point(positive=counts, negative=counts)
        point.positive.offset = offset
        point.scale = -(2**31) if offset else 2**31 - 1
        yield Message("metrics", metrics_request(sketch(semconv.FEATURE_VALUE, [point])).SerializeToString())


def _exemplars(scale: int) -> Iterator[Message]:
    """More calls than anybody looks at."""
    point = _point()
    for _ in range(10_000 * scale):
        point.exemplars.add(trace_id=bytes(16), span_id=bytes(8), as_double=1.0)
    yield Message("metrics", metrics_request(sketch(semconv.FEATURE_VALUE, [point])).SerializeToString())


def _many_models(scale: int) -> Iterator[Message]:
    """Names that are made up for each row."""
    for at in range(0, 550 * scale, 550):
        spans = [span({**of_model(f"evil{n}"), "ml.input.a": 1.0}, n + 1, time.time_ns()) for n in range(at, at + 550)]
        yield Message("traces", trace_request(*spans, resource=_EVIL).SerializeToString())


def _many_columns(scale: int) -> Iterator[Message]:
    """Thousands of columns in each of some models."""
    for i in range(scale):
        yield _spans({f"ml.input.c{j}": 1.0 for j in range(5_000)}, model=f"wide{i}", first=10_000 + i)


def _many_services(scale: int) -> Iterator[Message]:
    """One that calls itself another with each resource."""
    requests = [_counter({}, resource={"service.name": f"evil {n}"}).body for n in range(100 * scale)]
    yield Message("metrics", b"".join(requests))
    yield from [Message("metrics", body) for body in requests[:50]]


def _flood(scale: int) -> Iterator[Message]:
    """More rows at once than can be counted for a while."""
    for at in range(4 * scale):
        first = 1_000_000 + at * 1_000
        yield _spans(*[{f"ml.input.c{j}": j / 7 for j in range(30)} for _ in range(256)], first=first)


def _noise(scale: int) -> Iterator[Message]:
    """Any bytes."""
    rng = np.random.default_rng(1)
    for signal in ("traces", "metrics", "logs"):
        yield from [Message(signal, rng.bytes(int(size))) for size in rng.integers(1, 10_000, 5 * scale)]


ATTACKS: Final[Sequence[Attack]] = (
    _empty_buckets,
    _bombs,
    _empty_messages,
    _long_names,
    _deep,
    _wild_numbers,
    _exemplars,
    _many_services,
    _flood,
    _noise,
    _many_models,
    _many_columns,
)
