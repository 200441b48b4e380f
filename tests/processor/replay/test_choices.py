"""One replay tells what other tolerances and budgets would have raised: as many alarms as replays of their own."""

from pathlib import Path
from typing import Any

import pytest

from replay_data import Columns, logged, replay, results, save_reference, write_csv

ROWS = 600
"""An hour."""


def drifting(hours: int, seed: int) -> Columns:
    """Moves of several sizes, there and back: any tolerance sees some of them, and none all."""
    data = logged(hours, seed, begin=24)
    hour = [i // ROWS for i in range(len(data["age"]))]
    data["age"] = [x and x + 2.5 * (4 <= h < 9) for x, h in zip(data["age"], hour, strict=True)]
    data["visits"] = [x + 2 * (h in {6, 7}) for x, h in zip(data["visits"], hour, strict=True)]
    data["score"] = [min(x + 0.05 * (h >= 10), 1.0) for x, h in zip(data["score"], hour, strict=True)]
    data["plan"] = [
        "pro" if h % 7 == 5 and i % 9 == 0 else x for i, (x, h) in enumerate(zip(data["plan"], hour, strict=True))
    ]
    return data


def retried(hours: int, seed: int) -> Columns:
    """Beside these moves, each row of two hours comes twelve times, and each of another one twice."""
    data = drifting(hours, seed)
    times = {3: 12, 10: 12, 11: 2}
    rows = [i - (i % ROWS) % times.get(i // ROWS, 1) for i in range(len(data["age"]))]
    return {name: values if name == "time" else [values[i] for i in rows] for name, values in data.items()}


STREAMS = {
    "hours": (True, 16, ("--window", "1h")),
    "sliding": (True, 12, ("--window", "2h", "--step", "1h")),
    "no times in training": (False, 30, ("--window", "1h")),
    "rows": (False, 14, ("--window", "400rows")),
    "other settings": (
        True,
        14,
        ("--window", "1h", "--tolerance", "0.04", "--false-alarms", "3", "--tolerance", "age=0.3"),
    ),
}


@pytest.mark.parametrize("stream", [*STREAMS, "retries"])
def test_the_table_counts_as_replays_of_their_own(stream: str, tmp_path: Path) -> None:
    """Exactly, whatever the windows, and whether training knows the time; the row that was chosen is marked."""
    clock, hours, options = STREAMS.get(stream, STREAMS["hours"])
    reference = save_reference(tmp_path / "churn.json", clock=clock)
    made = retried if stream == "retries" else drifting
    data = write_csv(tmp_path / "live.csv", made(hours, seed=3))
    found = results(tmp_path, data, "--reference", reference, *options, choices=True)
    table = found["choices"]["alarms"]

    def alone(row: dict[str, Any]) -> int:
        chosen = ("--tolerance", row["tolerance"], "--false-alarms", row["false_alarms"])
        return len(results(tmp_path, data, "--reference", reference, *options, *chosen)["alarms"])

    assert [row["alarms"] for row in table] == [alone(row) for row in table]
    assert len({row["alarms"] for row in table}) > 1
    (chosen,) = (row for row in table if row["chosen"])
    assert chosen["alarms"] == len(found["alarms"])


def test_the_rows_of_the_table(tmp_path: Path) -> None:
    """Four tolerances at the budget, and a tenth and ten times the budget; another choice has a row of its own."""
    reference = save_reference(tmp_path / "churn.json")
    data = write_csv(tmp_path / "live.csv", logged(2, seed=4, begin=24))

    def settings(*options: str) -> list[tuple[float, float, bool]]:
        table = results(tmp_path, data, "--reference", reference, *options, choices=True)["choices"]["alarms"]
        return [(row["tolerance"], row["false_alarms"], row["chosen"]) for row in table]

    budgets = [(0.05, 0.1, False), (0.05, 10.0, False)]
    assert settings() == [(0.02, 1.0, False), (0.05, 1.0, True), (0.1, 1.0, False), (0.2, 1.0, False), *budgets]
    assert (0.07, 2.0, True) in settings("--tolerance", "0.07", "--false-alarms", "2")
    assert len(settings("--tolerance", "0.07", "--false-alarms", "2")) == 7


def test_people_read_the_table_before_the_sum(tmp_path: Path) -> None:
    """With the smallest move of each column, the largest first; with --no-choices none of it, in JSON neither."""
    reference = save_reference(tmp_path / "churn.json")
    data = write_csv(tmp_path / "live.csv", logged(2, seed=4, begin=24))
    lines = replay(data, "--reference", reference, choices=True).stdout.splitlines()

    at = lines.index("  tolerance  false alarms in 30d  alarms of columns")
    assert lines[at + 2].split() == ["5%", "1", "0", "(chosen)"]
    assert "input age" in {line.split("%  ")[-1] for line in lines[at:]}
    assert lines[-1] == "2 windows of 1,200 rows: 0 alarms"
    without = replay(data, "--reference", reference).stdout.splitlines()
    assert without == lines[:at] + lines[-1:]
    assert "choices" not in results(tmp_path, data, "--reference", reference)


def test_a_column_with_more_rows_shows_smaller_moves(tmp_path: Path) -> None:
    """Windows of a quarter of the rows hide more; a column without rows is left out."""
    reference = save_reference(tmp_path / "churn.json")
    data = logged(8, seed=5, begin=24)
    del data["plan"]
    file = write_csv(tmp_path / "live.csv", data)
    hours, quarters = (
        results(tmp_path, file, "--reference", reference, "--window", window, choices=True)["choices"]["smallest_moves"]
        for window in ("1h", "15m")
    )
    assert "plan" not in hours
    assert hours.keys() >= {"age", "visits", "score", "prediction"}
    assert all(0.05 < hours[name] < quarters[name] < 1.0 for name in hours)
