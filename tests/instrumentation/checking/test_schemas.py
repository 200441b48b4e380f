"""`driftline schema`: other tools refuse what an input check refuses, and nothing else."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from mlflow.models.utils import _enforce_schema
from mlflow.types import Schema
from pydantic import ValidationError

import driftline
from driftline.checking.column_rules import column_rules
from driftline.checking.input_check import InputCheck
from driftline.checking.schemas.formats import FORMATS
from driftline.cli import main
from driftline.features.blocks import ColumnBlock
from pandera_process import refused

RNG = np.random.default_rng(5)
ROWS = 3000
TRAINING = pd.DataFrame(
    {
        "age": RNG.normal(45, 12, ROWS),
        "order id's": RNG.choice(["a", 'b"', "c\\"], ROWS),
        "class": RNG.choice(["100", "200"], ROWS),
        "visits": np.where(RNG.random(ROWS) < 0.2, np.nan, RNG.poisson(3, ROWS)),
        "member": RNG.random(ROWS) < 0.4,
        "note": [f"note {i}" for i in range(ROWS)],
        "city": pd.Series(RNG.choice(["Köln", "Bonn"], ROWS)).where(RNG.random(ROWS) < 0.9, None),
    }
)
PROFILE = driftline.profile(TRAINING, keep=["note"], model="churn")
HEALTHY: dict[str, Any] = {
    "age": 44.5,
    "order id's": "a",
    "class": "100",
    "visits": 2.0,
    "member": True,
    "note": "new",
    "city": "Köln",
}
CHANGES: dict[str, dict[str, Any]] = {
    "healthy": {},
    "integer": {"age": 44},
    "code as number": {"class": 200},
    "missing where it may": {"visits": None, "city": None},
    "empty where it may": {"city": ""},
    "truth as number": {"member": 1},
    "further column": {"more": 1},
    "unit": {"age": 4500.0},
    "negative": {"visits": -1.0},
    "text for number": {"age": "old"},
    "missing number": {"age": None},
    "missing text": {"order id's": None},
    "empty text": {"note": ""},
    "number for text": {"note": 12},
    "unknown category": {"order id's": "d"},
    "unknown code": {"class": 300},
    "truth out of range": {"member": 2},
}


def written(tmp_path: Path, name: str) -> str:
    path = tmp_path / "churn.reference.json"
    PROFILE.save(path)
    result = CliRunner().invoke(main, ["schema", str(path), "--format", name])
    assert result.exit_code == 0, result.output
    output = tmp_path / "schema"
    assert CliRunner().invoke(main, ["schema", str(path), "--format", name, "-o", str(output)]).exit_code == 0
    assert output.read_text(encoding="utf-8") == result.output
    return result.output


def passes_check(row: dict[str, Any]) -> bool:
    columns = [np.array([value], object) for value in row.values()]
    block = ColumnBlock(columns=columns, rows=1, names=tuple(row))
    return not InputCheck.of(PROFILE).failures([block], lambda _: True)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_json_schema_agrees_with_the_check(tmp_path: Path, change: dict[str, Any]) -> None:
    """The same rows are valid."""
    document = json.loads(written(tmp_path, "jsonschema"))
    Draft202012Validator.check_schema(document)
    row = HEALTHY | change
    assert Draft202012Validator(document).is_valid(row) == passes_check(row)


def test_json_schema_requires_every_column(tmp_path: Path) -> None:
    """Also those that may be missing."""
    document = Draft202012Validator(json.loads(written(tmp_path, "jsonschema")))
    rows = [{key: value for key, value in HEALTHY.items() if key != name} for name in HEALTHY]
    assert [document.is_valid(row) for row in rows] == [passes_check(row) for row in rows] == [False] * len(HEALTHY)


def test_json_schema_passes_the_training_rows(tmp_path: Path) -> None:
    """And knows good from bad: one row of another unit is refused."""
    document = Draft202012Validator(json.loads(written(tmp_path, "jsonschema")))
    rows = json.loads(TRAINING.head(300).to_json(orient="records"))
    assert all(map(document.is_valid, rows))
    assert not document.is_valid(rows[0] | {"age": 4500.0})


def pydantic_passes(source: str, row: dict[str, Any]) -> bool:
    names: dict[str, Any] = {}
    exec(compile(source, "churn_input.py", "exec"), names)  # what the command wrote
    try:
        names["ChurnInput"].model_validate(row)
    except ValidationError:
        return False
    return True


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_pydantic_agrees_with_the_check(tmp_path: Path, change: dict[str, Any]) -> None:
    """The same rows are valid, whatever the columns are called, and each column is required."""
    source, row = written(tmp_path, "pydantic"), HEALTHY | change
    assert pydantic_passes(source, row) == passes_check(row)
    assert not pydantic_passes(source, {key: value for key, value in row.items() if key != "visits"})


@pytest.mark.filterwarnings("error")
def test_pydantic_fields_may_have_any_name() -> None:
    """Keywords, names of pydantic's own, digits, quotes and names that come to the same identifier."""
    columns = ["class", "copy", "model_fields", "1st", "a b", "a-b", "", "_x", "Größe", "float", "'\n", "datetime"]
    profile = driftline.profile({name: np.arange(50.0) % 7 for name in columns}, keep=columns, model="churn")
    row = dict.fromkeys((column.key.name for column in profile.columns), 3.0)
    source = FORMATS["pydantic"]("churn", column_rules(profile))
    assert len(row) == len(columns)
    assert pydantic_passes(source, row)
    assert not any(pydantic_passes(source, row | {name: 1e9}) for name in row)


def test_pandera_agrees_with_the_check(tmp_path: Path) -> None:
    """The same rows are valid, whatever the columns are called, and each column is required."""
    rows = {name: HEALTHY | change for name, change in CHANGES.items()}
    tables = [pd.DataFrame([row], dtype=object) for row in (*rows.values(), HEALTHY)]
    *found, without = refused(written(tmp_path, "pandera"), [*tables[:-1], tables[-1].drop(columns="visits")])

    passed = {name: cases is None for name, cases in zip(rows, found, strict=True)}
    assert passed == {name: passes_check(row) for name, row in rows.items()}
    assert without is not None


def test_pandera_passes_the_training_rows(tmp_path: Path) -> None:
    """With the types of a frame; the rows that it refuses are those of the other unit."""
    other = TRAINING.assign(age=TRAINING["age"].where(TRAINING.index != 7, 4500.0))

    assert refused(written(tmp_path, "pandera"), [TRAINING, other]) == [None, [["age", "range", 7]]]


def test_mlflow_enforces_types_and_missing_values(tmp_path: Path) -> None:
    """Healthy frames pass; another type and an absent column do not; ranges are not known."""
    schema = Schema.from_json(written(tmp_path, "mlflow"))
    _enforce_schema(TRAINING.head(100), schema)
    _enforce_schema(TRAINING.head(100).assign(age=4500.0), schema)
    for bad in (TRAINING.assign(age="old"), TRAINING.assign(note=12), TRAINING.drop(columns="age")):
        with pytest.raises(Exception, match=r"(?i)incompatible input types|missing inputs"):
            _enforce_schema(bad.head(100), schema)


def test_a_file_that_is_no_profile_is_named(tmp_path: Path) -> None:
    """An error in one line, no traceback."""
    path = tmp_path / "other.json"
    path.write_text("[]")
    result = CliRunner().invoke(main, ["schema", str(path), "--format", "jsonschema"])
    assert result.exit_code == 1
    assert str(path) in result.output
