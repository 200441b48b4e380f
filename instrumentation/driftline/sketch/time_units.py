"""Units of time, once for both packages: integer nanoseconds, as in OTLP. Names that end in _SECONDS are seconds."""

from typing import Final

SECOND: Final = 1_000_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
WEEK: Final = 7 * DAY

DAY_SECONDS: Final = 86_400.0
WEEK_SECONDS: Final = 7 * DAY_SECONDS
YEAR_SECONDS: Final = 365.25 * DAY_SECONDS
