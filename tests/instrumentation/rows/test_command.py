"""`driftline rows`: what a Collector wrote to files, as a table."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from google.protobuf.json_format import MessageToDict, MessageToJson
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from driftline.cli import main
from driftline.rows.batch import RowBatch
from driftline.rows.table import INPUT, OUTPUT, RowColumn, RowTable
from otlp_requests import batch_record, logs_request, of_model


def batch(uid: str, first: int = 0) -> RowBatch:
    columns = {
        RowColumn(INPUT, "age"): np.array([30.0, np.nan]),
        RowColumn(INPUT, "city"): np.array(["bern", None], object),
        RowColumn(INPUT, "mixed"): np.array([1, "a"], object),
        RowColumn(OUTPUT, "prediction"): np.array([True, False]),
    }
    table = RowTable(np.array([first, 2**64 - 1], np.uint64), np.array([10**18, 10**18 + 1000]), columns)
    return RowBatch(uid, 1 << 55, 4, table)


REQUESTS = (
    logs_request(batch_record(batch("p.1")), batch_record(batch("p.2", 2), of_model("fraud"))),
    logs_request(batch_record(batch("p.1"))),
)


def as_json(*requests: ExportLogsServiceRequest) -> bytes:
    return "".join(json.dumps(MessageToDict(request)) + "\n" for request in requests).encode()


def as_protobuf(*requests: ExportLogsServiceRequest) -> bytes:
    bodies = [request.SerializeToString() for request in requests]
    return b"".join(len(body).to_bytes(4, "big") + body for body in bodies)


def convert(folder: Path, data: bytes, output: str, *options: str) -> Result:
    (folder / "logs").write_bytes(data)
    arguments = ["rows", str(folder / "logs"), "-o", str(folder / output), *options]
    return CliRunner().invoke(main, arguments)


@pytest.mark.parametrize(
    "data",
    [as_json(*REQUESTS), as_protobuf(*REQUESTS), "\n".join(map(MessageToJson, REQUESTS)).encode()],
    ids=["JSON lines", "protobuf", "indented JSON"],
)
def test_files_of_the_collector_become_parquet(data: bytes, tmp_path: Path) -> None:
    """Each batch once; the rows of one model if asked for."""
    result = convert(tmp_path, data, "rows.parquet", "--model", "churn")
    found = pq.read_table(tmp_path / "rows.parquet").to_pydict()

    assert result.exit_code == 0, result.output
    assert result.output.endswith("rows.parquet: 2 of 4 rows, in 1 batches\n")
    assert found["key"] == [0, 2**64 - 1]
    assert [each.isoformat() for each in found["time"]] == ["2001-09-09T01:46:40", "2001-09-09T01:46:40.000001"]
    assert found["weight"] == [2.0, 2.0]
    assert (found["model"], found["operation"]) == (["churn"] * 2, ["predict"] * 2)
    np.testing.assert_array_equal(found["input.age"], [30.0, np.nan])
    assert found["input.city"] == ["bern", None]
    assert found["input.mixed"] == ["1", "a"]
    assert found["output.prediction"] == [True, False]


def test_csv(tmp_path: Path) -> None:
    """Missing values are empty; without pyarrow too."""
    assert convert(tmp_path, as_json(*REQUESTS), "rows.csv").exit_code == 0
    rows: list[dict[str, Any]] = list(csv.DictReader((tmp_path / "rows.csv").read_text().splitlines()))

    assert [row["model"] for row in rows] == ["churn", "churn", "fraud", "fraud"]
    assert [row["input.age"] for row in rows] == ["30.0", "", "30.0", ""]
    assert [row["input.city"] for row in rows] == ["bern", "", "bern", ""]
    assert rows[0]["time"] == "2001-09-09T01:46:40.000000"


def test_damaged_batches_are_told(tmp_path: Path) -> None:
    """The others are converted."""
    damaged = batch_record(batch("p.3"))
    damaged.body.bytes_value = b"MLR1"
    result = convert(tmp_path, as_json(logs_request(damaged), *REQUESTS), "rows.csv")

    assert result.exit_code == 0
    assert "1 damaged: must begin with MLR1 and a length" in result.output


@pytest.mark.parametrize(
    ("data", "output", "reason"),
    [
        (b"", "rows.csv", "no row batches found"),
        (as_json(logs_request()), "rows.csv", "no row batches found"),
        (b'{"resourceLogs": 1}', "rows.csv", "must be OTLP JSON"),
        (b"{", "rows.csv", "must be OTLP JSON"),
        (b"plain text that is no log", "rows.csv", "must be protobuf"),
        (as_protobuf(*REQUESTS)[:-5], "rows.csv", "cut off at byte"),
        (as_json(*REQUESTS), "rows.txt", "must end in .parquet or .csv"),
    ],
)
def test_other_files_are_errors(data: bytes, output: str, reason: str, tmp_path: Path) -> None:
    """With the reason, and nothing is written."""
    result = convert(tmp_path, data, output)

    assert result.exit_code
    assert reason in result.output
    assert not (tmp_path / output).exists()
