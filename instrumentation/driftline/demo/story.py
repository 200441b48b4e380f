"""The plot: healthy traffic, then one feature in another unit, then the end. Pure: no clock, no process."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

INTERACTIVE_HEALTHY: Final = 60.0
INTERACTIVE_SECONDS: Final = 150.0
SHORTEST: Final = 45.0
"""Seconds below which there would be no full window before the fault, or none after it."""


class Act(Enum):
    """What the traffic is like."""

    HEALTHY = "healthy"
    BROKEN = "broken"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Story:
    """Seconds of traffic, and how many of them are healthy."""

    seconds: float
    healthy: float

    @classmethod
    def of(cls, seconds: float) -> "Story":
        """The story scaled to so many seconds: half of them healthy."""
        return cls(seconds, seconds / 2)

    def act(self, elapsed: float) -> Act:
        """What the traffic is like so many seconds after it began."""
        if elapsed < self.healthy:
            return Act.HEALTHY
        return Act.BROKEN if elapsed < self.seconds else Act.OVER


INTERACTIVE: Final = Story(INTERACTIVE_SECONDS, INTERACTIVE_HEALTHY)
