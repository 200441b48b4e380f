"""Rare events from rows to alarms: whatever type they have, with timestamps in the training data or without."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import driftline
from replay_data import results, write_parquet

HOUR = 3_600
EPOCH = 1_700_006_400 // 86_400 * 86_400
AN_HOUR = 1_000
TRAINED = 50_000
HEALTHY = 30
"""Hours."""


def rows(seed: int, share: float, times: np.ndarray[Any, Any]) -> dict[str, list[Any]]:
    """Flags of that share, each of its own; a column with gaps; codes of which one is rare; and one that is not."""
    random = np.random.default_rng(seed)

    def inside() -> np.ndarray[Any, Any]:
        return random.random(len(times)) < share

    values = random.normal(size=len(times))
    return {
        "time": [float(each) for each in times],
        "boolean": inside().tolist(),
        "integer": inside().astype(int).tolist(),
        "one hot": inside().astype(float).tolist(),
        "text": np.where(inside(), "yes", "no").tolist(),
        "code": np.where(inside(), 7, random.integers(0, 3, len(times))).tolist(),
        "plan": np.where(inside(), "old", random.choice(["a", "b", "c"], len(times))).tolist(),
        "gaps": [None if gone else float(value) for gone, value in zip(inside(), values, strict=True)],
        "steady": values.tolist(),
    }


@pytest.mark.parametrize("timed", [True, False])
@pytest.mark.parametrize(("before", "after", "within"), [(0.03, 0.0, 2), (0.01, 0.08, 2)])
def test_what_is_rare_is_found_whatever_it_is(
    tmp_path: Path, before: float, after: float, within: int, *, timed: bool
) -> None:
    """Within two hours of 1,000 rows; each says that it is rare, and nothing else moves."""
    trained = rows(0, before, EPOCH - 42 * 24 * HOUR + np.arange(TRAINED) * (42 * 24 * HOUR / TRAINED))
    if not timed:
        del trained["time"]
    driftline.profile(trained, timestamp="time" if timed else None, model="m").save(tmp_path / "m.json")
    first, second = HEALTHY * AN_HOUR, (within + 1) * AN_HOUR
    times = EPOCH + np.arange(first + second) * (HOUR / AN_HOUR)
    live = rows(1, before, times[:first])
    for name, values in rows(2, after, times[first:]).items():
        live[name] += values
    file = write_parquet(tmp_path / "live.parquet", live)
    found = results(tmp_path, file, "--reference", tmp_path / "m.json", "--timestamp", "time", "--window", "1h")

    opened = {alarm["column"]: alarm for alarm in found["alarms"]}
    assert set(opened) == set(live) - {"time", "steady"}
    ends = [window["end"] for window in found["windows"]]
    assert {ends.index(alarm["opened"]) - HEALTHY for alarm in opened.values()} <= set(range(within))
    rare = [alarm for alarm in opened.values() if "rare in training" in alarm["summary"]]
    assert len(rare) == len(opened) or after > before + 0.05
    assert all(any(reason["kind"] == "moved" for reason in alarm["reasons"]) for alarm in opened.values())
