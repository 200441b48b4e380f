"""What `--window` and `--step` say: stretches of time, or of rows."""

import re
from typing import Final, NamedTuple, TypeAlias

from driftline_processor.config.durations import parse_duration
from driftline_processor.config.rules import MAX_PANES
from driftline_processor.replay.errors import ReplayError

MOST_ROWS: Final = 1_000_000_000
"""Of a window."""

_ROWS: Final = re.compile(r"(\d[\d_,]*)\s*rows?", re.ASCII)


class Rows(NamedTuple):
    """A stretch of rows."""

    number: int


class Duration(NamedTuple):
    """A stretch of time, in nanoseconds."""

    nanoseconds: int


Stretch: TypeAlias = Rows | Duration


def parse_stretch(option: str, text: str) -> Stretch:
    """Of `5000rows` or `1h`. Raises ReplayError, which names the option."""
    written = _ROWS.fullmatch(text.strip())
    if written:
        number = int(re.sub("[_,]", "", written[1]))
        if not 1 <= number <= MOST_ROWS:
            raise ReplayError(f"{option}: must be from 1 to {MOST_ROWS:,} rows (got {text!r})")
        return Rows(number)
    try:
        duration = parse_duration(text)
    except ValueError:
        raise ReplayError(f"{option}: must be a duration such as 1h, or rows such as 5000rows (got {text!r})") from None
    if duration <= 0:
        raise ReplayError(f"{option}: must be more than 0 (got {text!r})")
    return Duration(duration)


def check_step(window: Rows, step: Rows) -> None:
    """Raises ReplayError where windows of rows cannot slide so; for durations the processor's own rules speak."""
    if window.number % step.number:
        raise ReplayError(f"--step: must divide --window, {window.number:,} rows (got {step.number:,})")
    if window.number > MAX_PANES * step.number:
        least = -(-window.number // MAX_PANES)
        raise ReplayError(f"--step: must be at least {least:,} rows, a {MAX_PANES}th of --window (got {step.number:,})")
