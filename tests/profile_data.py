"""Training data that several tests profile: exact numbers, so that any machine makes the same of them."""

import datetime as dt
from typing import Any

ROWS = 240


def visits() -> dict[str, list[Any]]:
    """Ten days of visits, one an hour: an id, a clock, numbers with holes, codes, categories, a label and a score."""
    start = dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc)
    return {
        "visit": list(range(ROWS)),
        "time": [start + dt.timedelta(hours=i) for i in range(ROWS)],
        "age": [20.0 + i * 7 % 64 for i in range(ROWS)],
        "balance": [None if i % 10 == 9 else (i - 120) * 0.25 for i in range(ROWS)],
        "items": [i % 4 for i in range(ROWS)],
        "ward": [100 + i % 3 for i in range(ROWS)],
        "city": [("Bonn", "Köln", "Aachen", None)[i % 4] for i in range(ROWS)],
        "ill": [i % 5 == 0 for i in range(ROWS)],
        "risk": [i % 100 / 100 for i in range(ROWS)],
    }
