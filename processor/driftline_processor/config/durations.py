"""Durations such as `90s`, `5m`, `1h30m` or `30d` ↔ integer nanoseconds."""

import re
from typing import Final

from driftline.sketch.time_units import DAY, HOUR, MINUTE, SECOND, WEEK

_UNITS: Final = {"w": WEEK, "d": DAY, "h": HOUR, "m": MINUTE, "s": SECOND, "ms": SECOND // 1_000}
_MOST: Final = 1e9
"""Seconds; 31 years."""

_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|[wdhms])")
_DURATION: Final = re.compile(rf"-?(?:{_PART.pattern})+", re.ASCII)


def parse_duration(value: object) -> int:
    """Nanoseconds of a text such as `1h30m`, or of a number of seconds. Raises ValueError for anything else.

    A leading minus is accepted, so that the rule of the key can reject it by name.
    """
    if isinstance(value, str) and _DURATION.fullmatch(value.strip()):
        parts = [float(number) * _UNITS[unit] for number, unit in _PART.findall(value)]
        if sum(parts) < _MOST * SECOND:
            total = sum(map(round, parts))
            return -total if value.strip().startswith("-") else total
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _MOST:
        return round(value * SECOND)
    raise ValueError("must be a duration such as 90s, 5m, 1h30m or 30d, or a number of seconds")


def format_duration(nanoseconds: int) -> str:
    """The shortest text that parses back to the same duration: `90s` is written `1m30s`, a week `7d`."""
    rest, parts = abs(nanoseconds), []
    for unit in ("d", "h", "m"):
        count, rest = divmod(rest, _UNITS[unit])
        parts += [f"{count}{unit}"] if count else []
    if rest or not parts:
        parts.append(f"{rest / SECOND:.9f}".rstrip("0").rstrip(".") + "s")
    return ("-" if nanoseconds < 0 else "") + "".join(parts)


def about(nanoseconds: int) -> str:
    """A duration for a sentence, by its two largest units: windows of so many rows last as long as they do.

    >>> about(21 * DAY + 18 * HOUR + 14 * MINUTE + 30_776_000_000), about(90 * SECOND), about(1_500_000_000)
    ('21d18h', '1m30s', '2s')
    """
    whole = abs(nanoseconds)
    unit = HOUR if whole >= DAY else MINUTE if whole >= HOUR else SECOND
    return format_duration(round(nanoseconds / unit) * unit if whole >= SECOND else nanoseconds)
