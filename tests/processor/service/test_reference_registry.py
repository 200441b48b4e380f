"""Where references come from: a folder that is read again, and OTLP requests that may come in parts and twice."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

import driftline
from driftline import semconv
from driftline_processor.decode import decode_metrics
from driftline_processor.records import Reference, ReferencePart, Rejection
from driftline_processor.reference import assembly
from driftline_processor.service.reference_registry import ReferenceRegistry
from driftline_processor.service.store import JournalEntry, ReferenceKey, Store


class Shelf:
    """Stands for the engine: keeps what it is given."""

    def __init__(self) -> None:
        self.references: dict[str, Reference] = {}

    def put_reference(self, reference: Reference) -> None:
        self.references[reference.id] = reference

    def drop_reference(self, identity: str) -> None:
        self.references.pop(identity, None)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store("sqlite://")
    yield store
    store.close()


@pytest.fixture
def registry(tmp_path: Path, store: Store, shelf: Shelf) -> ReferenceRegistry:
    return opened(tmp_path, store, shelf)


def opened(folder: Path, store: Store, shelf: Any, **options: Any) -> ReferenceRegistry:
    registry = ReferenceRegistry(folder, store, shelf, **options)
    registry.open()
    return registry


def profile(path: Path, mean: float = 0.0, model: str = "churn", version: str | None = None) -> Path:
    values = np.random.default_rng(1).normal(mean, 1.0, 500)
    driftline.profile({"age": values}, model=model, version=version).save(path)
    return path


def request(path: Path, **resource: str) -> ExportMetricsServiceRequest:
    found = json_format.Parse(path.read_bytes(), ExportMetricsServiceRequest())
    for key, value in resource.items():
        found.resource_metrics[0].resource.attributes.add(key=key.replace("_", ".")).value.string_value = value
    return found


def parts(request: ExportMetricsServiceRequest) -> list[ReferencePart]:
    """One part for each point, as if the Collector had sent each in a request of its own."""
    (part,) = decode_metrics(request.SerializeToString()).records
    assert isinstance(part, ReferencePart)
    return [replace(part, points={digest: body}) for digest, body in part.points.items()]


def arrive(registry: ReferenceRegistry, store: Store, found: list[ReferencePart]) -> tuple[Rejection, ...]:
    """As the worker does: stored, then used."""
    points = {ReferenceKey("", identity): its for identity, its in registry.new_points(found).items()}
    store.append([JournalEntry(1, "metrics", b"")], points)
    return registry.add(found)


def test_folder_is_read_and_read_again(tmp_path: Path, registry: ReferenceRegistry, shelf: Shelf) -> None:
    """Files are used when they appear, replaced when they change, dropped when they go."""
    path = profile(tmp_path / "a.json")
    registry.refresh()
    (first,) = shelf.references
    profile(path, mean=5.0)
    registry.refresh()
    (second,) = shelf.references
    path.unlink()
    registry.refresh()

    assert first != second
    assert shelf.references == {}


def test_unreadable_file_costs_no_other(
    tmp_path: Path, registry: ReferenceRegistry, shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    """A file that is no reference is named with its reason; the others load."""
    profile(tmp_path / "b.json")
    (tmp_path / "a.json").write_text("{not json")
    (tmp_path / "c.json").write_text("{}")
    registry.refresh()
    registry.refresh()

    assert len(shelf.references) == 1
    told = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert [text.partition(": ")[0] for text in told] == [
        f"Reference {tmp_path}/a.json",
        f"Reference {tmp_path}/c.json",
    ]


def test_reference_in_parts(tmp_path: Path, registry: ReferenceRegistry, store: Store, shelf: Shelf) -> None:
    """A reference that comes over OTLP counts once all of its points are there, in any order, some of them twice."""
    sent = request(profile(tmp_path / "sent.txt"))
    pieces = parts(sent)
    arrive(registry, store, pieces[:2])
    arrive(registry, store, pieces[1:-1])
    before = dict(shelf.references)
    arrive(registry, store, pieces[-1:])
    arrive(registry, store, pieces)

    assert before == {}
    (reference,) = shelf.references.values()
    assert (reference.name, list(reference.columns)) == ("churn", [("input", "age")])
    assert reference.columns["input", "age"].summary.rows == 500  # type: ignore[index]  # a ColumnKey is such a tuple


def test_sent_reference_survives_a_restart(
    tmp_path: Path, registry: ReferenceRegistry, store: Store, shelf: Shelf
) -> None:
    """What was sent is there after a restart, whole or half; the rest may come then."""
    whole = parts(request(profile(tmp_path / "a.txt", model="a")))
    half = parts(request(profile(tmp_path / "b.txt", model="b")))
    arrive(registry, store, whole)
    arrive(registry, store, half[:2])
    after = Shelf()
    restarted = opened(tmp_path, store, after)
    assert [reference.name for reference in after.references.values()] == ["a"]
    arrive(restarted, store, half[2:])

    assert [reference.name for reference in after.references.values()] == ["a", "b"]


def test_newer_reference_of_a_model_replaces_the_older(
    tmp_path: Path, registry: ReferenceRegistry, store: Store, shelf: Shelf
) -> None:
    """Of one model and version the reference that was sent last is used, and the older one forgotten for good."""
    for mean in (0.0, 5.0):
        arrive(registry, store, parts(request(profile(tmp_path / "a.txt", mean))))
    arrive(registry, store, parts(request(profile(tmp_path / "a.txt", version="2"))))

    assert [reference.version for reference in shelf.references.values()] == ["", "2"]
    assert store.references().keys() == shelf.references.keys()


def test_sent_reference_that_cannot_be_read(
    tmp_path: Path, registry: ReferenceRegistry, store: Store, shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    """One that comes in full and is none is told and forgotten."""
    sent = request(profile(tmp_path / "sent.txt"))
    for metric in sent.resource_metrics[0].scope_metrics[0].metrics:
        if metric.name == semconv.REFERENCE_CHUNKS:
            metric.gauge.data_points[0].ClearField("attributes")
    arrive(registry, store, parts(sent))

    assert (shelf.references, store.references()) == ({}, {})
    assert "received over OTLP" in caplog.text


def test_references_that_never_come_in_full_are_forgotten(
    tmp_path: Path, registry: ReferenceRegistry, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Halves do not pile up: past a number, the one that has waited longest goes."""
    monkeypatch.setattr(assembly, "MAX_INCOMPLETE", 2)
    kept: Callable[[int], ReferencePart] = lambda i: ReferencePart(f"r{i}", 2, {b"d": b""})  # noqa: E731
    for i in range(4):
        arrive(registry, store, [kept(i)])

    assert list(store.references()) == ["r2", "r3"]


OWNER = {"service_namespace": "ml", "service_name": "training"}
NOBODY: dict[str, str] = {}


@pytest.mark.parametrize("version", [None, "1"])
@pytest.mark.parametrize(
    ("first", "second", "replaces"),
    [
        (OWNER, OWNER, True),
        (OWNER, {"service_name": "training"}, False),
        (OWNER, {**OWNER, "service_namespace": "others"}, False),
        (OWNER, NOBODY, False),
        (NOBODY, NOBODY, False),
        (NOBODY, OWNER, False),
        (OWNER, {"service_name": "release"}, True),
        (NOBODY, {"service_name": "release"}, True),
    ],
)
def test_who_may_replace_a_reference(
    tmp_path: Path, store: Store, shelf: Shelf, first: Any, second: Any, *, replaces: bool, version: str | None
) -> None:
    """The service that sent it, and those of the configuration; for all its points the others are told why not."""
    registry = opened(tmp_path, store, shelf, trusted=("release",))
    arrive(registry, store, parts(request(profile(tmp_path / "a.txt"), **first)))
    before = shelf.references.keys() | set()
    sent = parts(request(profile(tmp_path / "a.txt", 5.0, version=version), **second))
    rejections = arrive(registry, store, sent)

    assert (shelf.references.keys() != before) == replaces
    assert sum(items for items, _ in rejections) == (0 if replaces else len(sent))
    assert all("receive.references_from (got " in reason for _, reason in rejections)
    assert len(store.references()) == len(shelf.references)


def test_what_a_stranger_may_send(tmp_path: Path, store: Store, shelf: Shelf) -> None:
    """References of models, and of versions, that nobody has sent one of."""
    registry = opened(tmp_path, store, shelf, trusted=())
    arrive(registry, store, parts(request(profile(tmp_path / "a.txt", version="1"), **OWNER)))
    for model, version in (("churn", "2"), ("fraud", None)):
        assert arrive(registry, store, parts(request(profile(tmp_path / "a.txt", model=model, version=version)))) == ()

    assert [(each.name, each.version) for each in shelf.references.values()] == [
        ("churn", "1"),
        ("churn", "2"),
        ("fraud", ""),
    ]


def test_a_file_is_replaced_by_nobody_until_it_goes(tmp_path: Path, store: Store, shelf: Shelf) -> None:
    """What lies in the folder was put there by whoever runs the processor."""
    path = profile(tmp_path / "a.json")
    registry = opened(tmp_path, store, shelf, trusted=())
    sent = parts(request(profile(tmp_path / "a.txt", 5.0), **OWNER))
    assert "'the folder of references'" in arrive(registry, store, sent)[0].reason
    path.unlink()
    registry.refresh()

    assert arrive(registry, store, sent) == ()
    assert len(shelf.references) == 1


def test_owners_survive_a_restart(tmp_path: Path, store: Store, shelf: Shelf) -> None:
    """Of a reference that was sent, the store knows by whom."""
    arrive(opened(tmp_path, store, shelf, trusted=()), store, parts(request(profile(tmp_path / "a.txt"), **OWNER)))
    registry = opened(tmp_path, store, shelf, trusted=())
    assert arrive(registry, store, parts(request(profile(tmp_path / "a.txt", 5.0)))) != ()

    assert arrive(registry, store, parts(request(profile(tmp_path / "a.txt", 5.0), **OWNER))) == ()


def test_points_that_are_not_of_a_reference_do_not_spoil_it(tmp_path: Path, store: Store, shelf: Shelf) -> None:
    """One more under its id, or one that says it has more of them, is refused; after a restart it is still whole."""
    registry = opened(tmp_path, store, shelf, trusted=())
    whole = parts(request(profile(tmp_path / "a.txt"), **OWNER))
    arrive(registry, store, whole[:-1])
    ((_, other),) = arrive(registry, store, [replace(whole[-1], expected=999)])
    arrive(registry, store, whole[-1:])
    ((items, reason),) = arrive(registry, store, [replace(whole[0], points={b"x" * 16: b"", b"y" * 16: b""})])

    assert (items, "must have no more than its" in reason) == (2, True)
    assert f"must say {len(whole)} points, as before (got 999)" in other
    assert arrive(registry, store, whole) == ()
    again = Shelf()
    opened(tmp_path, store, again, trusted=())
    assert again.references.keys() == shelf.references.keys()
    assert len(again.references) == 1


def test_the_same_id_from_two_senders_is_two_references_until_one_is_whole(
    tmp_path: Path, store: Store, shelf: Shelf
) -> None:
    """Nobody can spoil a reference that is still coming by points of his own."""
    registry = opened(tmp_path, store, shelf, trusted=())
    whole = parts(request(profile(tmp_path / "a.txt"), **OWNER))
    arrive(registry, store, whole[:2])
    arrive(registry, store, [replace(whole[0], points={b"x" * 16: b"junk"}, service="stranger")])
    arrive(registry, store, whole[2:])

    assert len(shelf.references) == 1


def test_one_service_leaves_room_for_the_references_of_others(tmp_path: Path, store: Store, shelf: Shelf) -> None:
    """It may take as much as is left for all others: half, if it is alone."""
    registry = opened(tmp_path, store, shelf, trusted=(), room=100_000)
    big = ReferencePart("big", 9, {bytes([i]) * 16: bytes(10_000) for i in range(6)}, "churn", service="greedy")
    ((items, reason),) = arrive(registry, store, [big])
    small = [replace(big, points=dict(list(big.points.items())[:n])) for n in (5, 6, 2)]

    assert items == 6
    assert "what is left of limits.references, 100000 bytes (got 60000 more)" in reason
    assert [len(arrive(registry, store, [each])) for each in small[:2]] == [0, 1]
    assert arrive(registry, store, [replace(small[2], id="other", service="modest")]) == ()
