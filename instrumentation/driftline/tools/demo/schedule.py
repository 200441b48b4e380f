"""When the traffic is healthy, when one feature is broken, and when it ends. Pure: no clock, no process."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

INTERACTIVE_HEALTHY: Final = 60.0
INTERACTIVE_SECONDS: Final = 150.0
SHORTEST: Final = 45.0
"""Shortest duration in seconds with a full window before the fault and one after it."""


class Phase(Enum):
    """Phase of the traffic."""

    HEALTHY = "healthy"
    BROKEN = "broken"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Schedule:
    """Duration of the traffic and of its healthy part, in seconds."""

    seconds: float
    healthy: float

    @classmethod
    def of(cls, seconds: float) -> "Schedule":
        """A schedule of so many seconds, the first half healthy."""
        return cls(seconds, seconds / 2)

    def phase(self, elapsed: float) -> Phase:
        """The phase so many seconds after the traffic began."""
        if elapsed < self.healthy:
            return Phase.HEALTHY
        return Phase.BROKEN if elapsed < self.seconds else Phase.OVER


INTERACTIVE: Final = Schedule(INTERACTIVE_SECONDS, INTERACTIVE_HEALTHY)
