"""Columns that are constant within a day: a rare day that training had is no alarm, one that stays is."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import driftline
from replay_data import results

FIRST = pd.Timestamp("2024-01-01")
TRAINED, LIVE, PER_DAY = 364, 35, 160
KINDS = {
    "integer": lambda free: free.astype(int),
    "boolean": lambda free: free,
    "text": lambda free: np.where(free, "holiday", "work"),
}


def rows(first: int, days: int, free: list[int], kind: str) -> pd.DataFrame:
    """One column that says whether a day is free, and one that has nothing to do with it."""
    random = np.random.default_rng(first)
    at = np.sort(random.uniform(first, first + days, days * PER_DAY))
    return pd.DataFrame(
        {
            "time": FIRST + pd.to_timedelta(at, unit="D"),
            "day": KINDS[kind](np.isin(at.astype(int), free)),
            "x": random.normal(size=len(at)),
        }
    )


@pytest.fixture(scope="module", params=KINDS)
def reference(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A year with eleven free days."""
    path = tmp_path_factory.mktemp("reference") / "m.reference.json"
    free = np.random.default_rng(3).choice(TRAINED, 11, replace=False).tolist()
    driftline.profile(rows(0, TRAINED, free, request.param), model="m").save(path)
    return request.param, path


def opened(tmp_path: Path, reference: tuple[str, Path], free: list[int], window: str) -> list[dict[str, Any]]:
    kind, path = reference
    rows(TRAINED, LIVE, free, kind).to_parquet(tmp_path / "live.parquet")
    found = results(tmp_path, tmp_path / "live.parquet", "--reference", path, "--window", window)["alarms"]
    return list(found)


@pytest.mark.parametrize("window", ["6h", "1d"])
def test_a_rare_day_is_no_alarm_where_training_had_some(
    reference: tuple[str, Path], tmp_path: Path, window: str
) -> None:
    """Eleven days in a year are 3% of the rows, but one draw of a day is what they are to a window."""
    assert opened(tmp_path, reference, [TRAINED + 9, TRAINED + 30], window) == []


def test_a_rare_day_that_stays_is_one(reference: tuple[str, Path], tmp_path: Path) -> None:
    """A calendar that is stuck is found in its first days, and nothing else."""
    stuck = TRAINED + 20
    found = opened(tmp_path, reference, list(range(stuck, TRAINED + LIVE)), "1d")
    after = [pd.Timestamp(alarm["opened"]).tz_localize(None) - FIRST - pd.Timedelta(days=stuck) for alarm in found]

    assert [alarm["column"] for alarm in found] == ["day"]
    assert after[0] <= pd.Timedelta(days=4)
