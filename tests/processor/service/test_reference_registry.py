"""Where references come from: a folder that is read again, and OTLP requests that may come in parts and twice."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

import driftline
from driftline import semconv
from driftline_processor.decode import decode_metrics
from driftline_processor.records import Reference, ReferencePart
from driftline_processor.reference import assembly
from driftline_processor.service.reference_registry import ReferenceRegistry
from driftline_processor.service.store import JournalEntry, Store


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


def opened(folder: Path, store: Store, shelf: Any) -> ReferenceRegistry:
    registry = ReferenceRegistry(folder, store, shelf)
    registry.open()
    return registry


def profile(path: Path, mean: float = 0.0, model: str = "churn", version: str | None = None) -> Path:
    values = np.random.default_rng(1).normal(mean, 1.0, 500)
    driftline.profile({"age": values}, model=model, version=version).save(path)
    return path


def request(path: Path) -> ExportMetricsServiceRequest:
    return json_format.Parse(path.read_bytes(), ExportMetricsServiceRequest())


def parts(request: ExportMetricsServiceRequest) -> list[ReferencePart]:
    """One part for each point, as if the Collector had sent each in a request of its own."""
    (part,) = decode_metrics(request.SerializeToString()).records
    assert isinstance(part, ReferencePart)
    return [ReferencePart(part.id, part.expected, {digest: body}) for digest, body in part.points.items()]


def arrive(registry: ReferenceRegistry, store: Store, found: list[ReferencePart]) -> None:
    """As the worker does: stored, then used."""
    store.append([JournalEntry(1, "metrics", b"")], registry.new_points(found))
    registry.add(found)


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
