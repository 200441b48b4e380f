"""`driftline replay` names the segments in which the model is worse, that are new, and that are gone."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from driftline.cli import main

ROLES = ("--label", "y", "--prediction", "pred", "--score", "score", "--timestamp", "t")


def table(rows: int, start: str, seed: int, cold: bool = False) -> pd.DataFrame:
    """1,000 rows an hour; cold: six times the errors where region is east and plan gold, 2 % of the rows."""
    rng = np.random.default_rng(seed)
    region = rng.choice(["north", "south", "east"], rows, p=[0.5, 0.3, 0.2])
    plan = rng.choice(["basic", "plus", "gold"], rows, p=[0.6, 0.3, 0.1])
    label = rng.integers(0, 2, rows)
    chance = np.where((region == "east") & (plan == "gold") & cold, 0.3, 0.05)
    prediction = np.where(rng.random(rows) < chance, 1 - label, label)
    score = np.where(prediction == 1, 0.5, 0.0) + rng.random(rows) / 2
    times = pd.to_datetime(start) + pd.to_timedelta(np.sort(rng.random(rows)) * rows / 1000, unit="h")
    age = rng.normal(40, 12, rows)
    return pd.DataFrame(
        {"t": times, "region": region, "plan": plan, "age": age, "pred": prediction, "score": score, "y": label}
    )


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("segments")
    table(40_000, "2026-01-01", 0).to_parquet(folder / "train.parquet")
    path = folder / "m.reference.json"
    made = CliRunner().invoke(main, ["profile", str(folder / "train.parquet"), "-o", str(path), *ROLES])
    assert made.exit_code == 0, made.output
    return path


def replay(reference: Path, data: pd.DataFrame, folder: Path) -> tuple[dict[str, Any], str]:
    data.to_parquet(folder / "live.parquet")
    document = folder / "out.json"
    arguments = ["replay", str(folder / "live.parquet"), "--reference", str(reference), *ROLES, "--no-choices"]
    done = CliRunner().invoke(main, [*arguments, "--json", str(document)])
    assert done.exit_code == 0, done.output
    return json.loads(document.read_text()), done.output


def test_a_weak_segment_is_found_and_nothing_else(reference: Path, tmp_path: Path) -> None:
    """It opens after it began, is an alarm and part of an incident as all others are, and is printed."""
    healthy = table(12_000, "2026-03-01", 1)
    found, printed = replay(reference, pd.concat([healthy, table(24_000, "2026-03-01T12:00", 2, True)]), tmp_path)
    (segment,) = found["segments"]
    assert segment["where"] == {"region": "east", "plan": "gold"}
    assert (segment["kind"], segment["closed"]) == ("weak", None)
    assert segment["opened"] > "2026-03-01T12:00"
    assert segment["elsewhere"] < segment["low"] <= segment["value"] <= segment["high"]
    assert segment["reference_share"] == pytest.approx(0.02, abs=0.005)
    assert segment["sentence"].startswith("region = east and plan = gold: error ")
    (alarm,) = found["alarms"]
    assert (alarm["target"], alarm["column"]) == ("segment", "region = east and plan = gold")
    assert "segment region = east and plan = gold stands out" in printed


def test_a_pair_that_training_never_had_is_told(reference: Path, tmp_path: Path) -> None:
    """Both of its columns are as ever; the pair of plan and age is new where training had no gold below 20."""
    data = table(12_000, "2026-03-01", 3)
    moved = (data["plan"] == "gold").to_numpy() & (np.random.default_rng(4).random(len(data)) < 0.5)
    data.loc[moved, "region"] = "north"
    found, _ = replay(reference, data, tmp_path)
    (segment,) = found["segments"]
    assert segment["kind"] in {"growing", "drift"}
    assert set(segment["where"]) <= {"plan", "region"}
    assert "gold" in segment["where"].values()


def test_healthy_data_has_no_segments(reference: Path, tmp_path: Path) -> None:
    """The list is there, and empty."""
    found, _ = replay(reference, table(12_000, "2026-03-01", 5), tmp_path)
    assert found["segments"] == []


def test_a_reference_without_segments_finds_none(reference: Path, tmp_path: Path) -> None:
    """References of earlier versions say nothing of them."""
    old = tmp_path / "old.json"
    old.write_text(reference.read_text().replace("ml.reference.segments", "ml.of.later"))
    found, _ = replay(old, table(6_000, "2026-03-01", 2, True), tmp_path)
    assert found["segments"] == []
