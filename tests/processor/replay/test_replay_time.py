"""Event time: clocks of all kinds, late rows, files in any order."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from driftline.reference.column_types import FLOAT, INTEGER, TIMESTAMP
from driftline_processor.replay.replay import rebatch
from driftline_processor.replay.timeline import NO_TIME, RowNumbers, TimestampColumn
from replay_data import START, Columns, logged, replay, results, rows, save_reference, write_csv, write_parquet

SECOND = 1_000_000_000
FIRST = int(START.timestamp())


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_reference(tmp_path_factory.mktemp("reference") / "churn.json")


def batch(times: list[float | None], kind: Any = None) -> Any:
    return pa.record_batch({"at": pa.array(times, kind or pa.float64())})


@pytest.mark.parametrize(
    ("unit", "name"), [(1, "seconds"), (10**3, "milliseconds"), (10**6, "microseconds"), (10**9, "nanoseconds")]
)
def test_the_unit_of_numbers_is_guessed(unit: int, name: str) -> None:
    """By their size; the moment is the same."""
    timestamps = TimestampColumn("at", INTEGER)
    times = timestamps.times(batch([FIRST * unit, (FIRST + 60) * unit], pa.int64()), 0)
    assert times.tolist() == [FIRST * SECOND + 1, (FIRST + 60) * SECOND + 1]
    assert timestamps.guessed == name


def test_the_unit_stays_what_the_first_rows_told() -> None:
    """A later junk time changes no other row's."""
    timestamps = TimestampColumn("at", FLOAT)
    timestamps.times(batch([float(FIRST)]), 0)
    assert timestamps.times(batch([1e18, float(FIRST)]), 1).tolist() == [NO_TIME, FIRST * SECOND + 1]


def test_what_is_no_time_is_told_apart() -> None:
    """Missing, not finite, before 1970 and after 2262."""
    times = TimestampColumn("at", TIMESTAMP).times(batch([None, float("nan"), float("inf"), -5.0, 0.0, 1e10, 1.5]), 0)
    assert times.tolist() == [NO_TIME] * 6 + [1_500_000_001]


def test_moments_are_named_in_utc() -> None:
    """ISO 8601; with as many digits as they need."""
    timestamps = TimestampColumn("at", TIMESTAMP)
    assert timestamps.name(FIRST * SECOND, 0) == "2024-03-01T00:00:00Z"
    assert timestamps.name(FIRST * SECOND + 500_000_000, 0) == "2024-03-01T00:00:00.500000Z"


def test_row_numbers_are_a_clock_of_even_steps() -> None:
    """The bounds of windows are row numbers within the data."""
    timeline = RowNumbers(each=10)
    assert timeline.times(batch([0.0] * 3), 7).tolist() == [71, 81, 91]
    assert [timeline.name(time, 12) for time in (-50, 0, 70, 500)] == [0, 0, 7, 12]


def test_blocks_hold_the_same_rows_however_they_come() -> None:
    """Of equal size, but the last one."""
    parts = [pa.record_batch({"x": pa.array(list(part))}) for part in np.array_split(np.arange(1000), [1, 3, 500, 501])]
    found = list(rebatch(parts, 300))
    assert [block.num_rows for block in found] == [300, 300, 300, 100]
    assert [x for block in found for x in block.column("x").to_pylist()] == list(range(1000))


@pytest.mark.parametrize("times", ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S+00:00", "%Y-%m-%dT%H:%M:%S"])
def test_texts_are_iso_8601_and_utc_where_they_say_no_zone(reference: Path, tmp_path: Path, times: str) -> None:
    """Windows begin at the same moments."""
    found = results(tmp_path, write_csv(tmp_path / "x.csv", logged(2, seed=1), times=times), "--reference", reference)
    assert [window["start"] for window in found["windows"]] == ["2024-03-01T00:00:00Z", "2024-03-01T01:00:00Z"]


def test_times_of_another_zone_are_moved_to_utc(reference: Path, tmp_path: Path) -> None:
    """In Parquet with its zone, as texts in Parquet, and as texts with an offset in a CSV."""
    zone = dt.timezone(dt.timedelta(hours=2))
    data = logged(2, seed=1)
    local: Columns = {**data, "time": [time.astimezone(zone) for time in data["time"]]}
    texts: Columns = {**data, "time": [time.isoformat() for time in local["time"]]}
    files = [
        write_parquet(tmp_path / "zone.parquet", local),
        write_parquet(tmp_path / "texts.parquet", texts),
        write_csv(tmp_path / "offset.csv", texts),
    ]
    for file in files:
        found = results(tmp_path, file, "--reference", reference, "--timestamp", "time")
        assert [window["start"][11:13] for window in found["windows"]] == ["00", "01"], file
        assert rows(found) == [600, 600]


def test_a_row_on_the_bound_belongs_to_the_later_window(reference: Path, tmp_path: Path) -> None:
    """A window holds its start, and not its end."""
    data = logged(1, seed=1)
    data["time"] = [START + dt.timedelta(minutes=i // 60) for i in range(600)]
    found = results(tmp_path, write_parquet(tmp_path / "x.parquet", data), "--reference", reference, "--window", "5m")
    assert rows(found) == [300, 300]


def test_rows_within_the_lateness_need_no_order(reference: Path, tmp_path: Path) -> None:
    """None is lost, and each is in its own window."""
    data = logged(3, seed=1)
    order = np.argsort(np.arange(1800) + np.random.default_rng(0).uniform(0, 9, 1800))  # at most 54 s
    mixed = {name: [values[i] for i in order] for name, values in data.items()}
    found = results(tmp_path, write_parquet(tmp_path / "x.parquet", mixed), "--reference", reference)
    assert rows(found) == [600, 600, 600]


def test_late_rows_are_counted_and_told(reference: Path, tmp_path: Path) -> None:
    """How many, and what helps; with more lateness they count."""
    first, second = logged(40, seed=1), logged(2, seed=2)  # more rows than are looked at in one block
    data = {name: first[name] + second[name] for name in first}
    path = write_parquet(tmp_path / "x.parquet", data)
    result = replay(path, "--reference", reference)
    told = "Left out 1,200 rows that came more than 1m after newer ones"
    assert told in result.output
    assert "sort the data by time, or allow more with --lateness" in result.output
    found = results(tmp_path, path, "--reference", reference, "--lateness", "2d")
    assert rows(found) == [1200, 1200] + [600] * 38


def test_rows_without_a_time_are_left_out_and_told(reference: Path, tmp_path: Path) -> None:
    """Of all others none is lost; where none has a time it is an error."""
    data = logged(1, seed=1)
    data["time"][::3] = [None] * 200
    path = write_parquet(tmp_path / "x.parquet", data)
    result = replay(path, "--reference", reference, "--json", tmp_path / "x.json")
    assert "Left out 200 rows without a time within 1970 to 2262" in result.output
    assert rows(results(tmp_path, path, "--reference", reference)) == [400]
    data["time"] = [dt.datetime(1950, 1, 1, tzinfo=dt.timezone.utc)] * 600
    result = replay(write_parquet(tmp_path / "y.parquet", data), "--reference", reference)
    assert result.exit_code == 2
    assert "timestamp: must be within 1970 to 2262 (got 600 rows, none within)" in result.output


def test_files_are_one_stream_in_the_order_of_their_times(reference: Path, tmp_path: Path) -> None:
    """Whatever they are named, and in whatever order they are given: as one file of all rows."""
    whole = logged(3, seed=1)
    parts = [{name: values[i : i + 600] for name, values in whole.items()} for i in (0, 600, 1200)]
    files = [
        write_parquet(tmp_path / name, part)
        for name, part in zip(("z.parquet", "b.pq", "m.parquet"), parts, strict=True)
    ]
    expected = results(tmp_path, write_parquet(tmp_path / "whole.parquet", whole), "--reference", reference)
    assert results(tmp_path, *reversed(files), "--reference", reference) == expected


@pytest.mark.parametrize("times", ["%Y-%m-%d %H:%M:%S UTC", "%m/%d/%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%b %d %Y"])
def test_dates_in_another_form_are_refused_with_what_to_write(times: str, reference: Path, tmp_path: Path) -> None:
    """The first of them, and ISO 8601 beside it: not what a library of ours says of its types."""
    file = write_csv(tmp_path / "x.csv", logged(1, seed=1), times=times)
    result = replay(file, "--reference", reference, "--timestamp", "time")
    told = " ".join(result.output.split())

    assert result.exit_code == 2
    assert f"{START.strftime(times)!r} is no time in ISO 8601; write 2024-05-31 12:00:00, in UTC, or" in told
    assert "timestamp[us]" not in told


def test_times_with_and_without_a_zone_are_refused_with_what_to_write(reference: Path, tmp_path: Path) -> None:
    """Some of both in one column."""
    data = logged(1, seed=1)
    texts: Columns = {
        **data,
        "time": [time.isoformat()[: None if i % 2 else 19] for i, time in enumerate(data["time"])],
    }
    result = replay(write_csv(tmp_path / "x.csv", texts), "--reference", reference, "--timestamp", "time")

    assert result.exit_code == 2
    assert "some times have a time zone and some have none" in " ".join(result.output.split())
