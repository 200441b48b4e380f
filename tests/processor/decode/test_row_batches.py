"""Row batches as the processor reads them: whole, or rejected with a reason, each for itself."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from driftline import semconv
from driftline.rows.batch import RowBatch
from driftline.rows.table import INPUT, OUTPUT, RowColumn, RowTable
from driftline_processor.decode import decode_logs
from driftline_processor.records import ModelKey, ModelRows, Rejection
from otlp_requests import batch_record, logs_request, of_model, pairs

RNG = np.random.default_rng(4)
MODEL = ModelKey("churn", "", (("service.name", "shop"),))


def batch(uid: str = "p.1", rows: int = 30) -> RowBatch:
    columns = {RowColumn(INPUT, "age"): RNG.normal(size=rows), RowColumn(OUTPUT, "prediction"): np.arange(rows) % 2}
    table = RowTable(RNG.integers(0, 2**64, rows, np.uint64), 10**18 + np.arange(rows) * 1000, columns)
    return RowBatch(uid, 0xE8 << 48, rows * 9, table, "a" * 32, "b" * 32, "training-1")


def test_a_batch_is_read_whole() -> None:
    """Model, operation, resource, and all that the batch says."""
    sent = batch()
    found = decode_logs(logs_request(batch_record(sent)).SerializeToString())

    (record,) = found.records
    assert isinstance(record, ModelRows)
    assert not found.rejections
    assert (record.model, record.operation) == (MODEL, "predict")
    for name in ("uid", "threshold", "seen", "first", "last", "reference"):
        assert getattr(record.batch, name) == getattr(sent, name)
    np.testing.assert_array_equal(record.batch.table.keys, sent.table.keys)
    for column, values in sent.table.columns.items():
        np.testing.assert_array_equal(record.batch.table.columns[column], values)
    assert record.batch.weight == 256 / (256 - 0xE8)


def test_other_log_records_are_skipped() -> None:
    """A Collector may send all it has; where a hop drops the event's name, the attribute says it."""
    plain, nameless = LogRecord(body=AnyValue(string_value="hello")), batch_record(batch())
    nameless.event_name = ""
    other = batch_record(batch())
    other.event_name = "ml.alarm.opened"
    found = decode_logs(logs_request(plain, nameless, other).SerializeToString())

    assert len(found.records) == 1
    assert not found.rejections


def without(name: str) -> Callable[[LogRecord], None]:
    def change(record: LogRecord) -> None:
        kept = [pair for pair in record.attributes if pair.key != name]
        del record.attributes[:]
        record.attributes.extend(kept)

    return change


def with_value(name: str, value: Any) -> Callable[[LogRecord], None]:
    def change(record: LogRecord) -> None:
        without(name)(record)
        record.attributes.extend(pairs({name: value}))

    return change


def with_body(body: AnyValue) -> Callable[[LogRecord], None]:
    return lambda record: record.body.CopyFrom(body)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (without(semconv.MODEL_NAME), "must have the attributes ml.model.name and log.record.uid"),
        (without(semconv.RECORD_UID), "must have the attributes ml.model.name and log.record.uid"),
        (with_value(semconv.MODEL_NAME, "x" * 2000), "ml.model.name must be a text of at most 1024 characters"),
        (without(semconv.ROWS_SEEN), "ml.rows.seen must be a number of rows (got None)"),
        (with_value(semconv.ROWS_SEEN, -1), "ml.rows.seen must be a number of rows (got -1)"),
        (with_value(semconv.ROWS_SEEN, True), "ml.rows.seen must be a number of rows (got True)"),
        (without(semconv.ROWS_THRESHOLD), "a threshold must have 1 to 14 hexadecimal digits (got '')"),
        (with_value(semconv.ROWS_THRESHOLD, "xyz"), "a threshold must have 1 to 14 hexadecimal digits (got 'xyz')"),
        (with_body(AnyValue(string_value="rows")), "must have a body of bytes (got string_value)"),
        (with_body(AnyValue(bytes_value=b"rows")), "must begin with MLR1"),
        (lambda record: record.ClearField("body"), "must have a body of bytes (got None)"),
    ],
)
def test_a_damaged_batch_costs_itself_only(change: Callable[[LogRecord], None], reason: str) -> None:
    """It is rejected with what is wrong; the others of its request are read."""
    damaged = batch_record(batch("p.2"))
    change(damaged)
    request = logs_request(batch_record(batch("p.1")), damaged, batch_record(batch("p.3")))
    found = decode_logs(request.SerializeToString())

    assert [record.batch.uid for record in found.records if isinstance(record, ModelRows)] == ["p.1", "p.3"]
    (rejection,) = found.rejections
    assert rejection.items == 1
    assert rejection.reason.startswith(f"ml.rows: {reason}")


def test_a_resource_beyond_the_limits_is_rejected() -> None:
    """As for all other signals: results would keep it."""
    request = logs_request(batch_record(batch()), resource={"service.name": "x" * 2000})
    assert decode_logs(request.SerializeToString()).rejections == (
        Rejection(1, "resource: service.name must have at most 1024 characters (got 2000)"),
    )


def test_any_damaged_body_is_a_batch_or_a_rejection() -> None:
    """2,000 bodies with a bit turned: nothing else comes out."""
    record, rejected = batch_record(batch()), 0
    body = record.body.bytes_value
    for _ in range(2000):
        changed = bytearray(body)
        changed[RNG.integers(len(body))] ^= 1 << RNG.integers(8)
        record.body.bytes_value = bytes(changed)
        found = decode_logs(logs_request(record).SerializeToString())
        assert len(found.records) + len(found.rejections) == 1
        rejected += len(found.rejections)
    assert rejected > 1900


def test_models_are_told_apart() -> None:
    """By version and resource, as points are."""
    identity = {**of_model("fraud"), semconv.MODEL_VERSION: "7"}
    found = decode_logs(logs_request(batch_record(batch(), identity), resource={}).SerializeToString())
    assert [record.model for record in found.records if isinstance(record, ModelRows)] == [ModelKey("fraud", "7", ())]
