"""Whatever names something on the wire or in a store is frozen: renaming a class or a field changes none of it."""

from pathlib import Path

import msgpack
import pytest

from driftline.sketch.categories import hashed
from driftline.sketch.identity import DigestField, digest
from driftline.sketch.pairs import Pair
from driftline_processor.decode.metric_streams import Origin, stream
from driftline_processor.engine.alarms import _identity
from driftline_processor.engine.incidents import _identity as _incident_identity
from driftline_processor.engine.provisional_reference import provisional_reference
from driftline_processor.engine.snapshot import dump, load
from driftline_processor.monitors.drift.history.trailing_windows import pack
from driftline_processor.records import ColumnKey, ModelKey
from driftline_processor.service.store.rows import model_digest
from golden.processor_files import OLD_SNAPSHOTS, SNAPSHOT

MODEL = ModelKey("churn", "3", (("deployment.environment.name", "prod"), ("service.name", "shop")))
AGE = ColumnKey("input", "age")
SECOND = 10**9


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ((), "cae66941d9efbd404e4d88758ea67670"),
        (("age",), "51688c9010452ead3bf59956b7e7ca44"),
        (("a", "ge"), "c964a71527b8b10b4a1117c458107f95"),
        ((b"\x00", -1, 0.1), "f4c52e986021a262f03f2d89547487c1"),
        (("\ud800", "日本"), "2f394537464496292a81b4ef121a41d2"),
    ],
)
def test_digests(fields: tuple[DigestField, ...], expected: str) -> None:
    """Of texts, bytes, whole and other numbers; where one field ends and the next begins matters."""
    assert digest(*fields).hex() == expected


def test_pairs_are_named_by_members_and_thresholds() -> None:
    """The same on the server, in the profile and in the processor, whatever type a threshold has."""
    assert Pair(("age", "balance"), (44.0, 1.5)).name == "age × balance #ddbc68"
    assert Pair(("age", "balance"), (44, 1.5)).name == "age × balance #ddbc68"


def test_hidden_categories_are_named_by_their_digest() -> None:
    """A user can compute it from the value: 16 hexadecimal digits of BLAKE2b."""
    assert hashed("gold") == "#96656c9aef9c4a98"


def test_streams_are_known_by_resource_scope_metric_and_attributes() -> None:
    """In the journal and in snapshots."""
    attributes = (b"\n\rml.model.name\x12\x07\n\x05churn", b"\n\x0fml.feature.name\x12\x05\n\x03age")
    found = stream(Origin(digest(b"resource", b"scope"), MODEL.resource, 1024, None), "ml.feature.value", attributes)

    assert not isinstance(found, str)
    assert found.digest.hex() == "09fdd197d2982c07759be36c34b6e7df"


def test_alarms_have_the_same_id_in_every_replay() -> None:
    """Of the model, the column, and the end of the window that opened it."""
    assert _identity(MODEL, AGE, 1_800_000_020 * SECOND) == "4d14576907c52dc293f827e038f268d7"


def test_incidents_have_the_same_id_in_every_replay() -> None:
    """Of the model, and the end of the window that opened it."""
    assert _incident_identity(MODEL, 1_800_000_020 * SECOND) == "810b6e50b94b8bf4ab9edf593015b665"


def test_provisional_references_are_named_by_what_they_hold() -> None:
    """Of the model, and the panes that were gathered."""
    panes = {1_800_000_000 * SECOND: {}, 1_800_000_060 * SECOND: {}}

    assert provisional_reference(MODEL, panes, 60 * SECOND).id == "provisional-883520bbb51926fa"


def test_snapshots_are_stored_by_model() -> None:
    """The key of a row in the store."""
    assert model_digest(MODEL) == "6ad27280efacb67985a52fce5c395bfc"


@pytest.mark.parametrize("file", OLD_SNAPSHOTS, ids=lambda file: str(file.stem))
def test_a_snapshot_of_an_earlier_form_is_read(file: Path) -> None:
    """Its alarm stays open, with what was told of it for what surely moved, and closes as another one does."""
    old, new = (load(each.read_bytes(), 10 * SECOND, 5 * SECOND, 2 * SECOND) for each in (file, SNAPSHOT))
    before, now = old.alarms[AGE], new.alarms[AGE]

    assert (before.id, before.opened, before.reference) == (now.id, now.opened, now.reference)
    assert before.reported.sentence
    assert before.largest_bound == before.reported.lower_bound > 0.05
    assert msgpack.unpackb(dump(old)).keys() == msgpack.unpackb(dump(new)).keys()
    assert pack(old.trailing)[:-1] == pack(new.trailing)[:-1]


def test_a_snapshot_of_form_4_is_read_and_written_as_it_was() -> None:
    """Every field has its place and name in the file, whatever it is called in the code."""
    stored = SNAPSHOT.read_bytes()
    model = load(stored, 10 * SECOND, 5 * SECOND, 2 * SECOND)

    assert model.key.name == "churn"
    assert list(model.alarms) == [AGE]
    assert model.incident is None  # it opens with the next window
    assert msgpack.unpackb(dump(model)) == msgpack.unpackb(stored)
