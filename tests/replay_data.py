"""Logged predictions that several tests replay, and the reference that they are compared with."""

import csv
import datetime as dt
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
from click.testing import CliRunner, Result

import driftline
from driftline.cli import main

START = dt.datetime(2024, 3, 1, tzinfo=dt.timezone.utc)
AN_HOUR = 600
"""Rows an hour: one each six seconds."""

Columns = dict[str, list[Any]]


def logged(hours: float, seed: int, begin: int = 0) -> Columns:
    """So many hours of healthy predictions, from the hour `begin` on."""
    rows = round(hours * AN_HOUR)
    rng = np.random.default_rng(seed)
    age, plan = rng.normal(40, 10, rows).round(3), rng.choice(["basic", "family", "pro"], rows, p=[0.5, 0.3, 0.2])
    age[rng.random(rows) < 0.05] = np.nan
    risk = rng.beta(2, 5, rows).round(4)
    return {
        "time": [START + dt.timedelta(hours=begin, seconds=6 * i) for i in range(rows)],
        "age": [None if np.isnan(x) else float(x) for x in age],
        "visits": rng.poisson(3, rows).tolist(),
        "plan": plan.tolist(),
        "prediction": np.where(risk > 0.35, "leaves", "stays").tolist(),
        "score": risk.tolist(),
    }


def save_reference(path: Path, *, clock: bool = True) -> Path:
    """The profile of a day of training data."""
    data = logged(24, seed=0)
    if not clock:
        del data["time"]
    profile = driftline.profile(data, prediction="prediction", score="score", model="churn")
    profile.save(path)
    return path


def write_csv(path: Path, data: Columns, *, times: str = "%Y-%m-%d %H:%M:%S") -> Path:
    """Also compressed, by the end of the name."""
    opened = gzip.open if path.name.endswith(".gz") else open
    with opened(path, "wt", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(data)
        for row in zip(*data.values(), strict=True):
            lines.writerow([each.strftime(times) if isinstance(each, dt.datetime) else each for each in row])
    return path


def write_parquet(path: Path, data: Columns) -> Path:
    pyarrow.parquet.write_table(pa.table(data), path, row_group_size=777)
    return path


def write_arrow(path: Path, data: Columns) -> Path:
    pyarrow.feather.write_feather(pa.table(data), path, chunksize=1234)
    return path


def replay(*arguments: object, choices: bool = False) -> Result:
    """The command, in this process; choices: with the table of other choices, which takes longer."""
    return CliRunner().invoke(main, ["replay", *map(str, arguments), *(() if choices else ("--no-choices",))])


def results(tmp_path: Path, *arguments: object, choices: bool = False) -> Any:
    """What the command writes as JSON."""
    path = tmp_path / "results.json"
    result = replay(*arguments, "--json", path, choices=choices)
    assert result.exit_code == 0, result.output
    return json.loads(path.read_text(encoding="utf-8"))


def rows(found: Any) -> list[int]:
    return [window["rows"] for window in found["windows"]]


def alarmed(window: Any) -> set[str]:
    return {name for name, column in window["columns"].items() if column["alarm"]}
