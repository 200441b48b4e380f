"""Times as callers and tables write them."""

import re
from datetime import date, datetime, time, timezone
from typing import Any, Final

import numpy as np

from driftline.sketch.time_units import SECOND

_ZULU: Final = re.compile("[zZ]$")
"""Python 3.10 knows no Z."""


def nanoseconds(value: Any) -> int:
    """Unix nanoseconds of a time: a `datetime`, Unix seconds, text in ISO 8601, or a `datetime64`.

    Without a time zone it is UTC.

    Raises:
        ValueError: it is none of them.

    """
    if isinstance(value, np.datetime64):
        return _of_numpy(value)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str):
        value = _of_text(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if isinstance(value, datetime):
        value = value if value.tzinfo else value.replace(tzinfo=timezone.utc)
        return int(round(value.timestamp() * 1_000_000) * 1000)
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise ValueError(f"time: must be a datetime, Unix seconds, or a text in ISO 8601 (got {value!r:.60})")
    return round(value * SECOND)


def _of_text(text: str) -> datetime:
    try:
        return datetime.fromisoformat(_ZULU.sub("+00:00", text.strip()))
    except ValueError:
        raise ValueError(f"time: must be a text in ISO 8601, as 2024-05-31T12:00:00Z (got {text[:60]!r})") from None


def _of_numpy(value: np.datetime64) -> int:
    if np.isnat(value):
        raise ValueError("time: must be a time (got NaT)")
    whole: int = value.astype("datetime64[ns]").astype(np.int64).item()
    return whole
