"""What a metric says of a window: a value with its interval, or why there is none."""

from typing import NamedTuple, TypeAlias


class Measured(NamedTuple):
    """A value and its 95 % interval."""

    value: float
    low: float
    high: float


class Refused(NamedTuple):
    """There is no value. reason: why, for people."""

    reason: str


Metric: TypeAlias = Measured | Refused
