"""`driftline skew` on files."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from driftline import semconv
from driftline.cli import main
from driftline.outcomes.features_event import RecordedFeatures, feature_attributes
from driftline.rows.batch import RowBatch
from driftline.rows.body import encode_table
from driftline.rows.export_table import columns_of, write_csv, write_parquet
from driftline.rows.files import read_file
from driftline.rows.keys import hash_ids, row_keys
from driftline.rows.otlp import batch_attributes
from driftline.rows.table import INPUT, RowColumn, RowTable

ROWS = 250


@pytest.fixture
def table() -> pd.DataFrame:
    """What the training pipeline makes, an id a row."""
    rng = np.random.default_rng(5)
    return pd.DataFrame(
        {
            "order_id": np.arange(1000, 1000 + ROWS),
            "ldl": rng.normal(130, 30, ROWS),
            "age": rng.integers(18, 90, ROWS),
            "city": rng.choice(["Berlin", "Köln", "München"], ROWS),
            "member": rng.random(ROWS) < 0.5,
            "income": np.where(rng.random(ROWS) < 0.3, np.nan, rng.normal(4e4, 1e4, ROWS)),
            "at": pd.Timestamp("2026-03-01") + pd.to_timedelta(np.arange(ROWS) * 1800, "s"),
        }
    )


def _run(*arguments: Any) -> Result:
    return CliRunner().invoke(main, ["skew", *map(str, arguments)])


def _saved(frame: pd.DataFrame, path: Path) -> Path:
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    return path


def _compared(served: Path, recomputed: Path, *options: Any) -> dict[str, Any]:
    out = served.with_name("out.json")
    result = _run(served, recomputed, "--id", "order_id", "--json", out, *options)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(out.read_text())
    return found


def test_the_document_has_the_columns_and_what_they_look_like(table: pd.DataFrame, tmp_path: Path) -> None:
    """JSON has rows, ids of one side alone, and of each column share, interval, kind, detail and sentence."""
    served = table.iloc[5:].assign(ldl=table["ldl"] * 0.02586, income=table["income"].fillna(-1.0)).sample(frac=1.0)
    found = _compared(_saved(served, tmp_path / "a.parquet"), _saved(table.iloc[:240], tmp_path / "b.parquet"))

    assert list(found) == ["rows", "only_served", "only_recomputed", "columns"]
    assert (found["rows"], found["only_served"], found["only_recomputed"]) == (235, 10, 5)
    ldl = found["columns"]["ldl"]
    assert list(ldl) == ["unequal", "low", "high", "kind", "detail", "sentence"]
    assert (ldl["unequal"], ldl["high"], ldl["kind"]) == (1.0, 1.0, "factor")
    assert ldl["detail"]["units"] == "mg/dL → mmol/L"
    assert found["columns"]["income"]["kind"] == "default"
    assert found["columns"]["income"]["detail"]["default"] == -1
    assert {name for name, each in found["columns"].items() if each["kind"]} == {"ldl", "income"}


@pytest.mark.parametrize("other", ["csv", "parquet"])
@pytest.mark.parametrize(
    "ids",
    [str, float, Decimal, lambda each: f" {each} ", "category"],
    ids=["str", "float", "decimal", "blank", "category"],
)
def test_the_same_values_in_other_types_are_equal(table: pd.DataFrame, tmp_path: Path, ids: Any, other: str) -> None:
    """Ids and values join and compare by what they are, and not by how a file stores them."""
    changed = table.assign(
        order_id=table["order_id"].astype(str).astype("category") if ids == "category" else table["order_id"].map(ids),
        age=table["age"].astype("float64"),
        city=table["city"].astype("category"),
    )
    found = _compared(_saved(changed, tmp_path / f"a.{other}"), _saved(table, tmp_path / "b.parquet"))
    assert found["rows"] == ROWS
    assert {name: (each["unequal"], each["kind"]) for name, each in found["columns"].items()} == dict.fromkeys(
        ["ldl", "age", "city", "member", "income", "at"], (0.0, None)
    )


def test_numbers_as_text_and_truth_values_as_numbers_are_another_type(table: pd.DataFrame, tmp_path: Path) -> None:
    """A model gets texts where it learned numbers; zeros and ones are the same values of another type."""
    served = table.assign(ldl=table["ldl"].map(repr), member=table["member"].astype(int))
    columns = _compared(_saved(served, tmp_path / "a.parquet"), _saved(table, tmp_path / "b.parquet"))["columns"]
    assert (columns["ldl"]["kind"], columns["ldl"]["unequal"]) == ("type", 1.0)
    assert (columns["member"]["kind"], columns["member"]["unequal"]) == ("type", 0.0)


def test_a_time_zone_is_named_in_times_and_in_texts(table: pd.DataFrame, tmp_path: Path) -> None:
    """Local times beside UTC: two hours, whatever the column's type."""
    served = table.assign(at=table["at"] + pd.Timedelta(hours=2))
    for form in ("parquet", "csv"):
        columns = _compared(_saved(served, tmp_path / f"a.{form}"), _saved(table, tmp_path / f"b.{form}"))["columns"]
        assert (columns["at"]["kind"], columns["at"]["detail"]["hours"]) == ("timezone", 2.0)


def test_stale_by_one_day_of_each_entity(tmp_path: Path) -> None:
    """Yesterday's value of the same shop, with and without --entity."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "order_id": [f"{shop}-{day}" for day in range(30) for shop in range(8)],
            "shop": [shop for _ in range(30) for shop in range(8)],
            "day": [pd.Timestamp("2026-03-01") + pd.Timedelta(days=day) for day in range(30) for _ in range(8)],
            "sales": rng.normal(100, 10, 240),
        }
    )
    served = frame.assign(sales=frame.groupby("shop")["sales"].shift(1))
    a, b = _saved(served, tmp_path / "a.parquet"), _saved(frame, tmp_path / "b.parquet")
    for options in ([], ["--entity", "shop"], ["--entity", "shop", "--time", "day"]):
        sales = _compared(a, b, *options)["columns"]["sales"]
        assert (sales["kind"], sales["detail"]["seconds"]) == ("stale", 86400.0)
        assert "stale by 1 day" in sales["sentence"]


def test_repeated_and_missing_ids_are_said(table: pd.DataFrame, tmp_path: Path) -> None:
    """The first row of an id counts; rows without one are left out."""
    again = table.iloc[:3].assign(ldl=0.0)
    nameless = table.iloc[:2].assign(order_id=None)
    served = pd.concat([table.astype({"order_id": "Int64"}), again, nameless.astype({"order_id": "Int64"})])
    a, b = _saved(served, tmp_path / "a.parquet"), _saved(table, tmp_path / "b.parquet")
    result = _run(a, b, "--id", "order_id")
    assert "3 rows repeat an id" in result.output
    assert "2 rows without an id" in result.output
    assert _compared(a, b)["columns"]["ldl"]["kind"] is None


def test_a_tolerance_is_of_all_columns_or_of_some(table: pd.DataFrame, tmp_path: Path) -> None:
    """--tolerance 0.01 ignores half a percent; PATTERN=VALUE takes precedence."""
    served = table.assign(ldl=table["ldl"] * 1.005)
    a, b = _saved(served, tmp_path / "a.parquet"), _saved(table, tmp_path / "b.parquet")
    assert _compared(a, b)["columns"]["ldl"]["kind"] == "factor"
    assert _compared(a, b, "--tolerance", "0.01")["columns"]["ldl"]["kind"] is None
    assert _compared(a, b, "--tolerance", "0.01", "--tolerance", "l*=0.001")["columns"]["ldl"]["kind"] == "factor"


def test_exit_statuses(table: pd.DataFrame, tmp_path: Path) -> None:
    """0 on success, 1 for skew where it is asked for, 2 where nothing can be compared."""
    a = _saved(table.assign(age=table["age"] * 12), tmp_path / "a.parquet")
    b = _saved(table, tmp_path / "b.parquet")
    c = _saved(table.assign(order_id=table["order_id"] + 10_000), tmp_path / "c.csv")
    assert _run(a, b, "--id", "order_id").exit_code == 0
    assert _run(a, b, "--id", "order_id", "--fail-on-skew").exit_code == 1
    assert _run(b, b, "--id", "order_id", "--fail-on-skew").exit_code == 0
    nothing = _run(a, c, "--id", "order_id")
    assert (nothing.exit_code, "no id is on both sides" in nothing.output) == (2, True)
    unknown = _run(a, b, "--id", "row")
    assert (unknown.exit_code, "must have the column 'row' of --id (it has order_id, " in unknown.output) == (2, True)


def _exported(table: pd.DataFrame, path: Path) -> Path:
    """Row batches as the `file` exporter writes them: a request a line, the second batch twice."""
    lines = []
    for number, part in enumerate(np.array_split(np.arange(len(table)), 2)):
        rows = table.iloc[part]
        keys = row_keys(hash_ids(rows["order_id"].to_numpy()).hashes)
        columns = {RowColumn(INPUT, name): rows[name].to_numpy() for name in ("ldl", "age", "city", "member", "income")}
        times = rows["at"].astype("datetime64[ns]").astype("int64").to_numpy()
        batch = RowBatch(f"uid-{number}", 0, len(rows), RowTable(keys, times, columns))
        request = ExportLogsServiceRequest()
        record = request.resource_logs.add().scope_logs.add().log_records.add(event_name=semconv.ROWS_EVENT)
        record.body.bytes_value = encode_table(batch.table)
        identity = {semconv.MODEL_NAME: "churn", semconv.OPERATION_NAME: "predict"}
        for key, value in batch_attributes(batch, identity).items():
            pair = record.attributes.add(key=key)
            setattr(pair.value, "string_value" if isinstance(value, str) else "int_value", value)
        lines.append(json_format.MessageToJson(request, indent=None))
    path.write_text("\n".join([*lines, lines[-1]]))
    return path


@pytest.mark.parametrize("form", ["jsonl", "parquet", "csv"])
def test_row_batches_of_a_collector_are_the_served_side(table: pd.DataFrame, tmp_path: Path, form: str) -> None:
    """As the Collector wrote them, or as `driftline rows` converted them: joined by the hash of the id."""
    served = _exported(table.assign(ldl=table["ldl"] * 1.8), tmp_path / "rows.jsonl")
    if form != "jsonl":
        columns = columns_of([each for each in read_file(served) if not isinstance(each, str)])
        served = tmp_path / f"rows.{form}"
        (write_csv if form == "csv" else write_parquet)(columns, served)
    found = _compared(served, _saved(table, tmp_path / "b.parquet"))
    assert found["rows"] == ROWS
    kinds = {name: each["kind"] for name, each in found["columns"].items()}
    member = "type" if form == "parquet" and kinds["member"] == "type" else None
    assert kinds == {"ldl": "factor", "age": None, "city": None, "member": member, "income": None}


def test_recorded_features_are_the_recomputed_side(table: pd.DataFrame, tmp_path: Path) -> None:
    """Row batches and features in one file of a Collector: one side each."""
    path = _exported(table.assign(ldl=table["ldl"] * 1.8), tmp_path / "logs.jsonl")
    request = ExportLogsServiceRequest()
    logs = request.resource_logs.add().scope_logs.add().log_records
    for number, row in enumerate(table.drop(columns="at").to_dict("records")):
        values = {str(name): None if value != value else value for name, value in row.items() if name != "order_id"}  # noqa: PLR0124
        record = logs.add(event_name=semconv.FEATURES_EVENT)
        features = RecordedFeatures(f"f-{number}", values, id=str(row["order_id"]))
        for key, value in feature_attributes(features).items():
            kind = {bool: "bool_value", int: "int_value", float: "double_value", str: "string_value"}[type(value)]
            setattr(record.attributes.add(key=key).value, kind, value)
    path.write_text(path.read_text() + "\n" + json_format.MessageToJson(request, indent=None))
    found = _compared(path, path)
    assert found["rows"] == ROWS
    assert {name: each["kind"] for name, each in found["columns"].items()} == {
        "ldl": "factor",
        "age": None,
        "city": None,
        "member": None,
        "income": None,
    }


def test_float32_as_it_is_written_is_equal(table: pd.DataFrame, tmp_path: Path) -> None:
    """A CSV of float32 has their shortest decimals; float32 beside float64 in typed files is named."""
    single = table.assign(ldl=table["ldl"].astype("float32"))
    a, b = _saved(single, tmp_path / "a.csv"), _saved(single, tmp_path / "b.parquet")
    assert _compared(a, b)["columns"]["ldl"]["kind"] is None
    assert _compared(b, a)["columns"]["ldl"]["kind"] is None
    c = _saved(table, tmp_path / "c.parquet")
    ldl = _compared(b, c)["columns"]["ldl"]
    assert (ldl["kind"], ldl["detail"]["precision"]) == ("rounded", "float32")


def test_columns_of_any_type_compare_with_themselves(tmp_path: Path) -> None:
    """Nothing is unequal, and what is neither a number nor a text is said to be left out."""
    rows = 50
    frame = pd.DataFrame(
        {
            "order_id": [f"o{i}" for i in range(rows)],
            "constant": 1.0,
            "missing": np.nan,
            "none": [None] * rows,
            "unsigned": np.arange(rows).astype("uint64") + 2**63,
            "infinite": np.inf,
            "truth": pd.array([True, None] * (rows // 2), "boolean"),
            "date": pd.date_range("2026-01-01", periods=rows).date,
            "duration": pd.to_timedelta(np.arange(rows), "s"),
            "decimal": [Decimal(i) / 4 for i in range(rows)],
            "list": [[1, 2]] * rows,
            "zone": pd.date_range("2026-03-28", periods=rows, freq="h", tz="Europe/Berlin"),
        }
    )
    path = _saved(frame, tmp_path / "a.parquet")
    assert {name: each["kind"] for name, each in _compared(path, path)["columns"].items()} == dict.fromkeys(
        [name for name in frame.columns if name not in ("order_id", "list")]
    )
    assert "not compared, as neither numbers nor texts: list" in _run(path, path, "--id", "order_id").output
    lonely = _saved(frame.iloc[:1], tmp_path / "b.parquet")
    assert _compared(lonely, path)["rows"] == 1
