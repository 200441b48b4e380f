"""`driftline.record_features`: what arrives at a backend."""

import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

import driftline
from driftline.outcomes import record_features as module
from driftline.outcomes.features_event import RecordedFeatures, are_features, read_features
from driftline.rows.keys import hash_ids, row_keys
from otlp_sink import OtlpSink


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[RecordedFeatures]:
    """What would be sent, as it is read from the wire."""
    found: list[RecordedFeatures] = []

    def send(events: Any) -> None:
        scope = InstrumentationScope("test")
        request = encode_logs([ReadableLogRecord(each, Resource.get_empty(), scope) for each in events])
        records = request.resource_logs[0].scope_logs[0].log_records
        assert all(map(are_features, records))
        found.extend(map(read_features, records))

    monkeypatch.setattr(module, "EVENTS", SimpleNamespace(send=send))
    return found


def test_one_row_and_its_key(recorded: list[RecordedFeatures]) -> None:
    """Values keep their types, what is missing says so, and the key is that of the row of the id."""
    driftline.record_features(
        42.0,
        {"age": 44, "ldl": 3.5, "city": "Bonn", "member": True, "income": float("nan"), "rate": float("inf")},
        row=1,
    )
    (found,) = recorded
    values = {"age": 44, "ldl": 3.5, "city": "Bonn", "member": True, "income": None, "rate": "inf"}
    assert found.values == values
    assert {name: type(value) for name, value in found.values.items()} == {n: type(v) for n, v in values.items()}
    assert found.row_key == int(row_keys(hash_ids(["42"]).hashes, 1)[0])


def test_rows_of_a_frame(recorded: list[RecordedFeatures]) -> None:
    """Pandas and polars frames, and lists of mappings, with an id a row."""
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    rows = {"age": [44, 51], "city": ["Bonn", None]}
    driftline.record_features(pd.Series(["a", "b"]), pd.DataFrame(rows))
    driftline.record_features(["a", "b"], pl.DataFrame(rows))
    driftline.record_features(["a", "b"], [{"age": 44, "city": "Bonn"}, {"age": 51, "city": None}])
    assert [(each.id, dict(each.values)) for each in recorded] == 3 * [
        ("a", {"age": 44, "city": "Bonn"}),
        ("b", {"age": 51, "city": None}),
    ]


def test_ids_are_hashed_with_a_secret(recorded: list[RecordedFeatures], monkeypatch: pytest.MonkeyPatch) -> None:
    """No id leaves then, and its key is that of the row batches."""
    monkeypatch.setenv("DRIFTLINE_ID_KEY", "secret")
    driftline.record_features("order-7", {"age": 44})
    assert recorded[0].id == ""
    assert recorded[0].row_key == int(row_keys(hash_ids(["order-7"], b"secret").hashes)[0])


@pytest.mark.parametrize(
    ("ids", "features", "message"),
    [
        (None, {"a": 1.0}, "id: must not be missing"),
        ("x", {}, "features: must have values by name"),
        (["x", "y"], [{"a": 1.0}], "features: must have a row for each of 2 ids"),
    ],
)
def test_what_cannot_be_sent_is_refused(ids: Any, features: Any, message: str) -> None:
    """At once, and with the rule."""
    with pytest.raises(ValueError, match=message):
        driftline.record_features(ids, features)


def test_features_arrive_from_a_script_that_ends(otlp_sink: OtlpSink) -> None:
    """Without a flush, over OTLP as the environment says."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "DRIFTLINE_"))}
    environment = {**kept, "OTEL_EXPORTER_OTLP_ENDPOINT": otlp_sink.endpoint}
    program = "import driftline; driftline.record_features('order-1', {'age': 44.0}, model='churn')"
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=60)
    (found,) = [read_features(log.record) for log in otlp_sink.logs() if are_features(log.record)]
    assert (found.id, found.values, found.model) == ("order-1", {"age": 44.0}, "churn")
