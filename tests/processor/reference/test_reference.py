"""References: read from OTLP JSON, from a folder that changes, and from the pieces that the Collector makes of them."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import MetricsData

import driftline
from driftline.semconv import MISSING
from driftline.sketch import project
from driftline.sketch.pairs import Pair
from driftline_processor.decode import decode_metrics
from driftline_processor.records import ColumnKey, Reference, ReferencePart
from driftline_processor.reference import InvalidReference, ReferenceFolder, read_file, read_reference
from driftline_processor.reference.assembly import Assembly
from profile_data import ROWS
from reference_requests import FAULTS, GOLDEN, attribute, drop, metric, request


@pytest.fixture(scope="module")
def visits() -> Reference:
    return read_file(GOLDEN)


def test_a_reference_says_whose_it_is_and_when(visits: Reference) -> None:
    """Model, version, digest, and the chunks with their clock."""
    assert (visits.name, visits.version, visits.provisional, visits.has_timestamps) == ("visits", "3", False, True)
    assert len(visits.id) == 32
    assert len(visits.starts) == len(visits.ends) == ROWS // 8
    assert visits.starts[1:].tolist() == visits.ends[:-1].tolist()
    assert (visits.starts[0], visits.ends[-1]) == (1704067200.0, 1704067200.0 + (ROWS - 1) * 3600)


def test_columns_have_their_targets_types_and_rows(visits: Reference) -> None:
    """Inputs, outputs and the label; the id and the clock are none of them."""
    found = {key: (column.type, column.kind) for key, column in visits.columns.items()}
    assert found == {
        ("input", "age"): ("float", "numeric"),
        ("input", "balance"): ("float", "numeric"),
        ("input", "city"): ("string", "category"),
        ("input", "items"): ("integer", "numeric"),
        ("input", "ward"): ("category", "category"),
        ("label", "ill"): ("boolean", "category"),
        ("output", "confidence"): ("float", "numeric"),
        ("output", "score"): ("float", "numeric"),
        ("pair", "age × balance #0fc1a4"): ("pair", "category"),
        ("pair", "age × items #ed673f"): ("pair", "category"),
        ("pair", "balance × items #6fcfdf"): ("pair", "category"),
    }
    assert {column.summary.rows for column in visits.columns.values() if column.pair is None} == {float(ROWS)}


def test_every_row_is_in_the_tally_once(visits: Reference) -> None:
    """Values and states add up; a count of valid rows is no state."""
    for column in visits.columns.values():
        values = column.summary.intervals.total if column.kind == "numeric" else sum(column.summary.categories.values())
        assert values + sum(column.summary.states.values()) == column.summary.rows
        assert column.chunks.sum() == values
    assert visits.columns[ColumnKey("input", "balance")].summary.states == {MISSING: 24.0}
    assert visits.columns[ColumnKey("input", "balance")].states[MISSING].sum(axis=0).tolist() == [216.0, 24.0]


def test_pairs_have_members_thresholds_and_the_rows_that_hold_both(visits: Reference) -> None:
    """A row without a balance is in no pair of it; the file says by which values sides are told."""
    pair = visits.columns[ColumnKey("pair", "age × balance #0fc1a4")]
    assert pair.pair == Pair(("age", "balance"), (51.5, -0.25))
    assert pair.summary.categories == {"same": 109.0, "opposite": 107.0}
    assert (pair.summary.rows, pair.summary.states, pair.categories) == (216.0, {}, ("same", "opposite"))


def test_the_chunks_are_the_whole_in_the_reference_s_own_cells(visits: Reference) -> None:
    """Cells and sketch agree: nothing lies below the first edge or above the last."""
    for column in visits.columns.values():
        if column.kind == "numeric":
            whole = project(column.summary.intervals, column.edges, column.summary.intervals)
            assert whole[0] == whole[-1] == 0.0
            assert column.chunks.sum(axis=0) == pytest.approx(whole, abs=1.5)


def split(message: ExportMetricsServiceRequest) -> list[bytes]:
    """Requests of one metric each, as a Collector that cuts batches might send them, the last one twice."""
    requests = []
    for each in message.resource_metrics[0].scope_metrics[0].metrics:
        part = ExportMetricsServiceRequest()
        part.CopyFrom(message)
        del part.resource_metrics[0].scope_metrics[0].metrics[:]
        part.resource_metrics[0].scope_metrics[0].metrics.append(each)
        requests.append(part.SerializeToString())
    return [*reversed(requests), requests[0]]


def test_pieces_that_come_over_otlp_are_the_same_reference(visits: Reference) -> None:
    """In any order, with repetitions: it is whole with the last missing point, not before."""
    assembly, became_whole = Assembly(), []
    for body in split(request()):
        for part in decode_metrics(body).records:
            assert isinstance(part, ReferencePart)
            became_whole.append(assembly.add(part))
    assert became_whole.count(True) == 1
    assert became_whole[-2:] == [True, False]
    found = read_reference(MetricsData.FromString(assembly.body(visits.id)))
    assert found.columns.keys() == visits.columns.keys()
    for key, column in found.columns.items():
        assert column.chunks.tolist() == visits.columns[key].chunks.tolist()
        assert column.summary.categories == visits.columns[key].summary.categories
        assert column.summary.intervals.upper.tolist() == visits.columns[key].summary.intervals.upper.tolist()


def test_it_is_what_the_profile_holds(tmp_path: Path) -> None:
    """Without a clock, a version or outputs: rows, all missing columns and large categories included."""
    rng = np.random.default_rng(0)
    data = {
        "x": rng.lognormal(0, 3, 3000) * rng.choice([-1, 1], 3000),
        "zero": np.where(rng.random(3000) < 0.9, 0.0, rng.random(3000)),
        "nothing": np.full(3000, np.nan),
        "name": rng.choice([f"n{i}" for i in range(1500)], 3000),
    }
    profile = driftline.profile(data)
    profile.save(tmp_path / "churn.json")
    reference = read_file(tmp_path / "churn.json")
    assert (reference.name, reference.version, reference.has_timestamps) == ("churn", "", False)
    for expected in profile.columns:
        found = reference.columns[ColumnKey(*expected.key)]
        assert found.chunks.tolist() == expected.bins.tolist()
        assert found.summary.categories == expected.categories
        assert found.summary.states == expected.states
        if expected.numbers is not None:
            assert found.summary.intervals.weight.tolist() == expected.numbers.intervals().weight.tolist()


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_is_told_with_thing_rule_and_value(fault: str) -> None:
    """One error class for whatever a file may hold."""
    change, message = FAULTS[fault]
    broken = request()
    change(broken)
    with pytest.raises(InvalidReference) as caught:
        read_reference(broken)
    assert str(caught.value).startswith(message)


def test_a_column_that_is_not_described_is_named() -> None:
    """Its sketch alone is not enough."""
    broken = request()
    drop(broken.resource_metrics[0].resource, "ml.reference.points")
    del metric(broken, "ml.reference.column").gauge.data_points[0]
    with pytest.raises(InvalidReference, match=r"column 'age': must have a point of ml\.reference\.column"):
        read_reference(broken)
    metric(broken, "ml.reference.chunks").name = "something.else"
    with pytest.raises(InvalidReference, match=r"must have a point of ml\.reference\.chunks"):
        read_reference(broken)


def test_two_references_in_one_request_are_refused() -> None:
    """A file holds one."""
    message = request()
    other = message.resource_metrics.add()
    other.CopyFrom(message.resource_metrics[0])
    attribute(other.resource, "ml.reference.id").string_value = "another"
    with pytest.raises(InvalidReference, match=r"must hold one reference \(got 2: "):
        read_reference(message)


def test_an_unreadable_file_is_named_and_the_others_still_load(tmp_path: Path) -> None:
    """With the reason, on one line each."""
    (tmp_path / "a.json").write_bytes(GOLDEN.read_bytes())
    (tmp_path / "b.json").write_text("{")
    (tmp_path / "c.json").write_bytes(b"\xff")
    (tmp_path / "d.json").symlink_to(tmp_path / "nowhere")
    (tmp_path / "e.json").mkdir()
    (tmp_path / "f.txt").write_text("no reference")
    (tmp_path / "g.json").write_text('{"resourceMetrics": []}')
    change = ReferenceFolder(tmp_path).look()
    assert [path.name for path in change.read] == ["a.json"]
    told = {Path(error.split(": ")[0]).name: error.split(": ", 1)[1] for error in change.errors}
    assert told.keys() == {"b.json", "c.json", "d.json", "e.json", "g.json"}
    assert told["b.json"].startswith("must be OTLP JSON, an ExportMetricsServiceRequest (")
    assert told["d.json"] == "cannot be read: No such file or directory"
    assert told["e.json"] == "cannot be read: Is a directory"
    assert not any("\n" in error for error in change.errors)


def touch(path: Path, content: bytes) -> None:
    """Changes a file, and its time for certain."""
    path.write_bytes(content)
    found = path.stat()
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns + 1_000_000))


def renamed(identity: str) -> bytes:
    message = json.loads(GOLDEN.read_text("utf-8"))
    for pair in message["resourceMetrics"][0]["resource"]["attributes"]:
        if pair["key"] == "ml.reference.id":
            pair["value"] = {"stringValue": identity}
    return json.dumps(message).encode()


def test_files_are_read_again_when_they_change_and_only_then(tmp_path: Path) -> None:
    """New, changed, broken, mended, removed: each is told once."""
    folder, file = ReferenceFolder(tmp_path / "references"), tmp_path / "references" / "m.json"
    assert not folder.look()
    file.parent.mkdir()
    file.write_bytes(renamed("first"))
    assert [reference.id for reference in folder.look().read.values()] == ["first"]
    assert not folder.look()
    touch(file, renamed("second"))
    change = folder.look()
    assert ([reference.id for reference in change.read.values()], change.gone) == (["second"], ("first",))
    touch(file, b"{")
    change = folder.look()
    assert (len(change.errors), change.gone) == (1, ())
    assert not folder.look()
    touch(file, renamed("second"))
    assert folder.look().gone == ()
    file.unlink()
    assert folder.look().gone == ("second",)
    assert not folder.look()


def test_a_reference_in_two_files_is_gone_with_the_last(tmp_path: Path) -> None:
    """A file may be renamed without a gap."""
    folder = ReferenceFolder(tmp_path)
    (tmp_path / "a.json").write_bytes(renamed("same"))
    folder.look()
    (tmp_path / "a.json").rename(tmp_path / "b.json")
    change = folder.look()
    assert ([path.name for path in change.read], change.gone) == (["b.json"], ())
