"""Numbers and times as the page writes them."""

from datetime import datetime, timezone
from typing import Final

from driftline_processor.config.durations import about
from driftline_processor.verdicts.numbers import percent

NOTHING: Final = "–"

WORDS: Final = {
    "alarm": "Alarm",
    "warning": "Warning",
    "healthy": "Healthy",
    "insufficient_data": "Too few rows",
    "open": "Open",
    "closed": "Closed",
}


def state_word(state: str | None) -> str:
    return WORDS.get(state or "", "Not judged")


def moment(seconds: float | None) -> str:
    """In UTC, which the foot of each page says."""
    if seconds is None:
        return NOTHING
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%a %-d %b %Y, %H:%M}"


def ago(seconds: float | None, now: float) -> str:
    """How long it is since then."""
    if seconds is None:
        return ""
    minutes = max(round((now - seconds) / 60.0), 0)
    return about(minutes * 60_000_000_000) if minutes else "less than a minute"


def count(value: float | None) -> str:
    return NOTHING if value is None else f"{value:,.0f}"


def share(value: float | None) -> str:
    """Of the rows, in percent."""
    return NOTHING if value is None else percent(value, 3)


def ratio(value: float | None) -> str:
    """In tolerances."""
    return NOTHING if value is None else f"{value:.2g} ×"


def figure(value: float | None) -> str:
    return NOTHING if value is None else f"{value:,.5g}"
