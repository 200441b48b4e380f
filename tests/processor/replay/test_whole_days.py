"""Windows of several hours, half days and whole days of healthy data are silent, whatever the traffic."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pytest

import driftline
from driftline.sketch.arrays import FloatArray
from replay_data import results

Shape: TypeAlias = Callable[[FloatArray], FloatArray]
FIRST = pd.Timestamp("2025-01-01")
TRAINED = 42

SHAPES: dict[str, Shape] = {
    "even": lambda hour: np.full(len(hour), 0.5),
    "quiet nights": lambda hour: 0.1 + 0.45 * (1 + np.cos((hour - 13) / 24 * 2 * np.pi)),
    "closed nights": lambda hour: np.where((hour > 6) & (hour < 22), 0.7, 0.0),
    "one hour a night": lambda hour: np.where((hour > 2) & (hour < 3), 1.0, 0.0),
    "a later peak": lambda hour: 0.1 + 0.45 * (1 + np.cos((hour - 17) / 24 * 2 * np.pi)),
}
STREAMS = [
    ("even", "even"),
    ("quiet nights", "quiet nights"),
    ("closed nights", "closed nights"),
    ("one hour a night", "one hour a night"),
    ("quiet nights", "even"),
    ("quiet nights", "a later peak"),
]


def rows(shape: str, first: int, days: int, seed: int, moved: float = 0.0) -> pd.DataFrame:
    """Two columns that swing in a day, one that steps at opening hours, one that does neither, from a day on.

    moved: by how much x and y are shifted.
    """
    random = np.random.default_rng(seed)
    day = np.repeat(np.arange(days), 3_000)
    hour = random.uniform(0, 24, len(day))
    at = np.sort((day * 24 + hour)[random.random(len(day)) < SHAPES[shape](hour)])
    hour, n = at % 24, len(at)
    office = (hour >= 9) & (hour <= 19)
    return pd.DataFrame(
        {
            "time": FIRST + pd.to_timedelta(first * 24 + at, unit="h"),
            "x": random.normal(size=n) + 0.5 * np.cos((hour - 13) / 24 * 2 * np.pi) + moved,
            "z": random.normal(size=n) - 0.5 * np.cos((hour - 17) / 24 * 2 * np.pi),
            "shop": np.where(random.random(n) < np.where(office, 0.3, 0.6), "web", "store"),
            "y": random.normal(size=n) + moved,
        }
    )


@pytest.fixture(scope="module")
def references(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A profile of six weeks of each shape of traffic."""
    folder = tmp_path_factory.mktemp("references")
    paths = {}
    for i, shape in enumerate(dict.fromkeys(trained for trained, _ in STREAMS)):
        paths[shape] = folder / f"{i}.reference.json"
        driftline.profile(rows(shape, 0, TRAINED, seed=i), model="shop").save(paths[shape])
    return paths


def alarms(tmp_path: Path, reference: Path, live: pd.DataFrame, window: str) -> list[dict[str, Any]]:
    """All that were opened."""
    live.to_parquet(tmp_path / "live.parquet")
    arguments = (tmp_path / "live.parquet", "--reference", reference, "--window", window)
    found: list[dict[str, Any]] = results(tmp_path, *arguments)["alarms"]
    return found


@pytest.mark.parametrize("window", ["1h", "4h"])
@pytest.mark.parametrize(("trained", "live"), STREAMS, ids=lambda shape: shape)
def test_healthy_hours_are_silent(
    references: dict[str, Path], tmp_path: Path, trained: str, live: str, window: str
) -> None:
    """Where a column swings. What steps at 9 and 19 is beyond the few waves that chunks of eight hours tell."""
    found = alarms(tmp_path, references[trained], rows(live, TRAINED, 14, seed=9), window)

    assert [each for each in found if each["column"] != "shop"] == []


@pytest.mark.parametrize("window", ["6h", "12h", "1d"])
@pytest.mark.parametrize(("trained", "live"), STREAMS, ids=lambda shape: shape)
def test_healthy_days_are_silent(
    references: dict[str, Path], tmp_path: Path, trained: str, live: str, window: str
) -> None:
    """Two weeks without an alarm, also where traffic comes at other hours than the training data."""
    assert alarms(tmp_path, references[trained], rows(live, TRAINED, 14, seed=9), window) == []


@pytest.mark.parametrize(("window", "hours"), [("6h", 24), ("1d", 24)])
@pytest.mark.parametrize("shape", ["quiet nights", "closed nights"])
def test_two_tolerances_are_found_within_a_day(
    references: dict[str, Path], tmp_path: Path, shape: str, window: str, hours: int
) -> None:
    """A quarter of a standard deviation, in a column that swings as in one that does not."""
    healthy, moved = rows(shape, TRAINED, 4, seed=9), rows(shape, TRAINED + 4, 3, seed=10, moved=0.25)
    found = alarms(tmp_path, references[shape], pd.concat((healthy, moved)), window)
    since = FIRST + pd.Timedelta(days=TRAINED + 4)
    opened = {each["column"]: pd.Timestamp(each["opened"]).tz_localize(None) - since for each in found}

    assert opened.keys() == {"x", "y"}
    assert all(pd.Timedelta(0) < delay <= pd.Timedelta(hours=hours) for delay in opened.values())


@pytest.mark.parametrize("window", ["6h", "12h", "1d"])
def test_what_is_told_of_training_is_what_its_rows_say(
    references: dict[str, Path], tmp_path: Path, window: str
) -> None:
    """The share in training, of a window that drifts, is that of the training rows of these hours.

    Of the first window: later ones may be told of together with those before.
    """
    size = {"6h": 6, "12h": 12, "1d": 24}[window]
    trained, live = rows("quiet nights", 0, TRAINED, seed=1), rows("quiet nights", TRAINED, 2, seed=10, moved=1.0)
    live.to_parquet(tmp_path / "live.parquet")
    arguments = (tmp_path / "live.parquet", "--reference", references["quiet nights"], "--window", window)
    told = [
        (pd.Timestamp(each["start"]).hour, reason)
        for each in results(tmp_path, *arguments)["windows"][:1]
        for reason in each["columns"]["x"]["reasons"]
        if reason.get("event") in ("above", "up_to")
    ]

    assert told
    for hour, reason in told:
        here = trained[(trained.time.dt.hour >= hour) & (trained.time.dt.hour < hour + size)]
        low, high = reason.get("low", -np.inf), reason.get("high", np.inf)
        assert reason["before"] == pytest.approx(((here.x > low) & (here.x <= high)).mean(), abs=0.03)
