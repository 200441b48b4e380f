"""`driftline.replay`: rows in memory, results as tables."""

from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import driftline
from replay_data import AN_HOUR, logged, results, write_parquet


@pytest.fixture(scope="module")
def profile() -> Any:
    data = logged(24, seed=0)
    return driftline.profile(data, prediction="prediction", score="score", model="churn")


def broken() -> dict[str, Any]:
    data: dict[str, Any] = logged(6, seed=1)
    data["age"] = [x and 12 * x if i >= 3 * AN_HOUR else x for i, x in enumerate(data["age"])]
    return data


def test_it_finds_what_the_command_finds(profile: Any, tmp_path: Path) -> None:
    """The same document, as tables with a row each."""
    path = write_parquet(tmp_path / "broken.parquet", broken())
    profile.save(tmp_path / "churn.json")
    found = driftline.replay(pd.DataFrame(broken()), profile, window="1h")
    assert found.document == {**results(tmp_path, path, "--reference", tmp_path / "churn.json", "--window", "1h")}
    assert found.windows["alarms"].tolist() == [0, 0, 0, 1, 1, 1]
    assert found.alarms[["column", "target"]].to_numpy().tolist() == [["age", "input"]]
    assert len(found.incidents) == 1
    ages = found.columns[found.columns["column"] == "age"]
    assert ages["state"].tolist() == ["healthy"] * 3 + ["alarm"] * 3
    assert "values never seen in training" in found.to_html()
    assert found._repr_html_().startswith("<iframe")


@pytest.mark.parametrize("container", [dict, pl.DataFrame, pa.table])
def test_every_container_of_columns_is_taken(profile: Any, container: Any) -> None:
    """Dictionaries, polars, Arrow."""
    assert len(driftline.replay(container(broken()), profile).windows) == 6


def test_what_cannot_be_replayed_is_said(profile: Any, tmp_path: Path) -> None:
    """As a ValueError."""
    with pytest.raises(ValueError, match="rows: must be a data frame"):
        driftline.replay(7, profile)
    with pytest.raises(ValueError, match="window"):
        driftline.replay(broken(), profile, window="soon")
