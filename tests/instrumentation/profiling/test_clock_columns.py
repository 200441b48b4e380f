"""Columns that tell the time are no features to watch: they are left out of the profile, and that is said."""

import datetime as dt
from typing import Any

import numpy as np
import pytest

import driftline
from driftline.reference.errors import ProfileError
from driftline.sketch.arrays import FloatArray

BEGIN = 1_740_787_200
"""A Saturday, 1 March 2025: within the six weeks, summer time begins."""

HOUR, DAY = 3_600.0, 86_400.0


def profiled(days: float, rows: int, seed: int, **options: Any) -> tuple[set[str], tuple[str, ...]]:
    """Names of the columns that are profiled, of all kinds, and the notes."""
    random = np.random.default_rng(seed)
    at = BEGIN + np.sort(random.uniform(0.0, days * DAY, rows))
    profile = driftline.profile({"time": _timestamps(at), **tell_time(at), **tell_nothing(at, random)}, **options)
    return {column.key.name for column in profile.columns}, profile.notes


def _timestamps(at: FloatArray) -> list[dt.datetime]:
    return [dt.datetime.fromtimestamp(second, dt.timezone.utc) for second in at.tolist()]


def tell_time(at: FloatArray) -> dict[str, Any]:
    """Counters first, then clocks."""
    rows = len(at)
    local = at + HOUR * (1 + (at >= BEGIN + 29 * DAY + HOUR))
    hour, weekday = (at // HOUR % 24).astype(int), (at // DAY % 7).astype(int)
    names = np.array(["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"])
    return {
        "epoch": np.floor(at),
        "days_since": at // DAY - 20_000.0,
        "order": 7 * (np.arange(rows) // 3),
        "hour": hour,
        "local_hour": (local // HOUR % 24).astype(int),
        "minute_of_day": at % DAY / 60.0,
        "weekday": weekday,
        "day_name": names[weekday],
        "night": (hour < 6).astype(int),
    }


def tell_nothing(at: FloatArray, random: np.random.Generator) -> dict[str, Any]:
    """What depends on the time of day, of week and of all time, but does not tell it."""
    rows, hour = len(at), at / HOUR % 24
    office = (hour > 8) & (hour < 18) & (at // DAY % 7 < 5)
    days = np.arange(at.min() // DAY, at.max() // DAY + 2)
    level = np.cumsum(random.normal(size=len(days)))
    return {
        "swing": random.normal(size=rows) + 0.9 * np.cos((hour - 13) / 24 * 2 * np.pi),
        "trend": random.normal(size=rows) + (at - at[0]) / (at[-1] - at[0]),
        "tenant": np.where(random.random(rows) < np.where(office, 0.8, 0.1), "a", "b"),
        "weather": np.interp(at / DAY, days, level)
        + np.cos((hour - 15) / 24 * 2 * np.pi)
        + random.normal(size=rows) / 4,
        "rate_of_the_day": random.normal(size=len(days))[(at // DAY - days[0]).astype(int)],
        "rare": (random.random(rows) < 0.002).astype(int),
        "constant": np.ones(rows),
        "noise": random.normal(size=rows),
    }


NOTHING = {"swing", "trend", "tenant", "weather", "rate_of_the_day", "rare", "constant", "noise"}
COUNTERS = ("epoch", "days_since", "order")


@pytest.mark.parametrize("days", [28, 42, 90])
@pytest.mark.parametrize("seed", range(3))
def test_what_tells_the_time_is_left_out(days: int, seed: int) -> None:
    """Epochs, days, growing ids, hours, also local ones over summer time, and days of the week; and nothing else."""
    left, notes = profiled(days, 8_000, seed)

    assert left == NOTHING
    assert all(
        f"Left out '{name}': a clock or counter, it will always drift (--keep includes it)" in notes
        for name in COUNTERS
    )
    assert "Left out 'hour': a clock, the time of day tells its value (--keep includes it)" in notes
    assert "Left out 'day_name': a clock, the time of the week tells its value (--keep includes it)" in notes


@pytest.mark.parametrize("rows", [60, 300, 1_000])
@pytest.mark.parametrize("seed", range(5))
def test_few_rows_do_not_make_a_clock(rows: int, seed: int) -> None:
    """Where every hour has a row or two, chance would explain all of them."""
    assert profiled(30, rows, seed)[0] >= NOTHING


def test_less_than_three_rounds_are_no_clock() -> None:
    """A day of the week, in two weeks, may be anything; the hour is known by then."""
    left, _ = profiled(14, 8_000, 1)

    assert {"weekday", "day_name"} <= left
    assert "hour" not in left


def test_three_weeks_of_rows_know_a_week() -> None:
    """The last row comes a little before the end of the third."""
    left, _ = profiled(21, 8_000, 1)

    assert not {"weekday", "day_name"} & left


@pytest.mark.parametrize("days", [42, 90, 400])
@pytest.mark.parametrize("zone", [0, 9])
def test_what_tells_the_date_or_the_minute_is_left_out(days: int, zone: int) -> None:
    """Days of the month, months and their names, also in local time, and minutes; no number that is merely as small."""
    random = np.random.default_rng(days)
    at = BEGIN + np.sort(random.uniform(0.0, days * DAY, 6_000))
    there = _timestamps(at + zone * HOUR)
    clocks = {
        "day": [each.day for each in there],
        "month": [float(each.month) for each in there],
        "month_name": [each.strftime("%B") for each in there],
        "short": [each.strftime("%b").upper() for each in there],
        "minute": [each.minute for each in there],
    }
    others = {"rooms": random.integers(1, 13, len(at)), "noise": random.normal(size=len(at))}
    profile = driftline.profile({"time": _timestamps(at), **clocks, **others})

    assert {column.key.name for column in profile.columns} == set(others)
    assert "Left out 'month_name': a clock, the date tells its value (--keep includes it)" in profile.notes
    assert "Left out 'minute': a clock, the minute tells its value (--keep includes it)" in profile.notes


def test_columns_are_kept_on_demand() -> None:
    """As IDs are."""
    left, notes = profiled(28, 4_000, 2, keep=["hour", "epoch"])

    assert {"hour", "epoch"} <= left
    assert not any("'hour'" in note or "'epoch'" in note for note in notes)


def test_without_timestamps_nothing_tells_the_time() -> None:
    """Sorted data is no counter: what is sorted in training need not be so when the model serves."""
    random = np.random.default_rng(3)
    profile = driftline.profile(
        {"price": np.sort(random.normal(size=2_000).round(1)), "noise": random.normal(size=2_000)}
    )

    assert {column.key.name for column in profile.columns} == {"price", "noise"}


def test_data_of_clocks_alone_has_nothing_to_profile() -> None:
    """The error names them."""
    at = BEGIN + np.arange(4_000) * 900.0

    with pytest.raises(ProfileError, match=r"got IDs and clocks only: hour\)"):
        driftline.profile({"time": _timestamps(at), "hour": (at // HOUR % 24).astype(int)})
