"""The values of `--window` and `--step`: lengths in time or in rows."""

import re
from typing import Final, NamedTuple, TypeAlias

from driftline_processor.config.durations import parse_duration
from driftline_processor.config.rules import MAX_PANES
from driftline_processor.replay.errors import ReplayError

MAX_WINDOW_ROWS: Final = 1_000_000_000
"""Rows of a window."""

_ROWS_PATTERN: Final = re.compile(r"(\d[\d_,]*)\s*rows?", re.ASCII)


class RowCount(NamedTuple):
    """A length in rows."""

    number: int


class TimeSpan(NamedTuple):
    """A length in nanoseconds."""

    nanoseconds: int


WindowLength: TypeAlias = RowCount | TimeSpan


def parse_window_length(option: str, text: str) -> WindowLength:
    """The length of a text such as `5000rows` or `1h`. Raises ReplayError, which names the option."""
    written = _ROWS_PATTERN.fullmatch(text.strip())
    if written:
        number = int(re.sub("[_,]", "", written[1]))
        if not 1 <= number <= MAX_WINDOW_ROWS:
            raise ReplayError(f"{option}: must be from 1 to {MAX_WINDOW_ROWS:,} rows (got {text!r})")
        return RowCount(number)
    try:
        duration = parse_duration(text)
    except ValueError:
        raise ReplayError(f"{option}: must be a duration such as 1h, or rows such as 5000rows (got {text!r})") from None
    if duration <= 0:
        raise ReplayError(f"{option}: must be more than 0 (got {text!r})")
    return TimeSpan(duration)


def check_step(window: RowCount, step: RowCount) -> None:
    """Raises ReplayError if windows of rows cannot slide by this step; durations are checked with the configuration."""
    if window.number % step.number:
        raise ReplayError(f"--step: must divide --window, {window.number:,} rows (got {step.number:,})")
    if window.number > MAX_PANES * step.number:
        least = -(-window.number // MAX_PANES)
        raise ReplayError(f"--step: must be at least {least:,} rows, a {MAX_PANES}th of --window (got {step.number:,})")
