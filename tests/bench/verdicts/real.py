"""Real data, where it is beside the repository (its README says what drifts where), as the other streams."""

import csv
import gzip
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from functools import cache, partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.verdicts.stream import DAY, EPOCH, HOUR, Column, Columns, Scenario, Stream

DATA: Final = Path(__file__).parents[4] / "shared" / "data"


def scenarios() -> tuple[Scenario, ...]:
    return SCENARIOS if DATA.is_dir() else ()


@cache
def _table(name: str) -> dict[str, list[str]]:
    with gzip.open(DATA / f"{name}.csv.gz", "rt", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    return {column: list(values) for column, values in zip(header, zip(*rows, strict=True), strict=True)}


def _columns(name: str, leave: set[str]) -> dict[str, Column]:
    return {column: _values(texts) for column, texts in _table(name).items() if column not in leave}


def _values(texts: list[str]) -> Column:
    try:
        return np.array([float(text) if text else np.nan for text in texts])
    except ValueError:
        return np.array([text or None for text in texts], object)


def _times(texts: list[str]) -> NDArray[np.float64]:
    return np.array([datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp() for text in texts])


def _cut(columns: Columns, rows: int, start: int = 0, stop: int | None = None) -> Callable[[], Iterator[Columns]]:
    """Windows of so many rows; what is left at the end is no window."""
    length = len(next(iter(columns.values()))) if stop is None else stop

    def windows() -> Iterator[Columns]:
        for first in range(start, length - rows + 1, rows):
            yield {name: values[first : first + rows] for name, values in columns.items()}

    return windows


def _car_loan(name: str, onsets: dict[str, int], _: int) -> Stream:
    """Synthetic, by NannyML: five columns drift in row 25,000, five windows of 5,000 rows from the start."""
    leave = {"id", "timestamp", "repaid"}
    reference, analysis = (_columns(f"{name}_{part}", leave) for part in ("reference", "analysis"))
    times = _times(_table(f"{name}_reference")["timestamp"])
    length = round((times[-1] - times[0]) / (len(times) - 1) * 5000 / HOUR) * HOUR
    return Stream(
        reference,
        _cut(analysis, 5000),
        5000,
        onsets,
        times=times,
        begin=-(-int(times[-1]) // length) * length,
        length=length,
    )


_DRIFTED: Final = dict.fromkeys(
    ("car_value", "loan_length", "salary_range", "repaid_loan_on_prev_car", "y_pred_proba"), 5
)
_FAULTY: Final = _DRIFTED | {"driver_tenure": 5, "size_of_downpayment": 0}


def _elec2(rows: int, _: int) -> Stream:
    """Half-hourly: three columns are constant until row 17,424. The price moves by itself: nobody knows."""
    columns = _columns("elec2", {"date"})
    trained, onset = 8736, 17_424
    length = rows * HOUR // 2
    begin = -(-EPOCH // length) * length
    return Stream(
        {name: values[:trained] for name, values in columns.items()},
        _cut(columns, rows, trained),
        rows,
        dict.fromkeys(("vicprice", "vicdemand", "transfer"), (onset - trained) // rows),
        unclaimed=frozenset({"nswprice"}),
        times=begin + np.arange(-trained, 0) * (HOUR / 2.0),
        begin=begin,
        length=length,
    )


def _bike(rows: int, _: int) -> Stream:
    """Trained on 2011, and 2012 in windows of 168 hours. Demand really grows; what else moves is the season."""
    columns = _columns("bike_sharing_hour", {"instant", "dteday", "yr", "casual", "registered"})
    table = _table("bike_sharing_hour")
    times = _times(table["dteday"]) + columns["hr"] * HOUR
    trained = table["yr"].index("1")
    length = rows * HOUR
    begin = -(-int(times[trained]) // length) * length
    first = int(np.searchsorted(times, begin))

    def windows() -> Iterator[Columns]:
        for start in range(begin, int(times[-1]) - length + 1, length):
            low, high = np.searchsorted(times, [start, start + length])
            yield {name: values[low:high] for name, values in columns.items()}

    assert first >= trained
    reference = {name: values[:trained] for name, values in columns.items()}
    fault = (int(times[table["dteday"].index("2012-08-17")]) - begin) // length
    return Stream(
        reference,
        windows,
        rows,
        {"atemp": fault},
        unclaimed=frozenset({"cnt"}),
        times=times[:trained],
        begin=begin,
        length=length,
    )


def _noaa(rows: int, _: int) -> Stream:
    """Daily, 1949 to 1999: weak, slow drift that nobody has dated; the pressure only has junk values."""
    columns = _columns("noaa_weather", set())
    trained = 3000
    return Stream(
        {name: values[:trained] for name, values in columns.items()},
        _cut(columns, rows, trained),
        rows,
        unclaimed=frozenset(columns.keys() - {"sea_level_pressure"}),
        begin=-(-EPOCH // (rows * DAY)) * rows * DAY,
        length=rows * DAY,
    )


SCENARIOS: Final = (
    Scenario("car loan", partial(_car_loan, "car_loan", _DRIFTED), rivals=1),
    Scenario("car loan, faulty", partial(_car_loan, "car_loan_dq", _FAULTY), rivals=1),
    Scenario("elec2, days", partial(_elec2, 48), rivals=1),
    Scenario("elec2, weeks", partial(_elec2, 336), rivals=1),
    Scenario("bike, weeks", partial(_bike, 168), rivals=1),
    Scenario("noaa, years", partial(_noaa, 365), rivals=1),
)
