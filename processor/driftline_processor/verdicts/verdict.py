"""What a monitor says of one aspect of a column in a window."""

from dataclasses import dataclass
from enum import Enum

from driftline_processor.verdicts.reasons import Reason
from driftline_processor.verdicts.wording import sentence


class State(Enum):
    """What a verdict says."""

    HEALTHY = "healthy"
    WARNING = "warning"
    ALARM = "alarm"
    INSUFFICIENT_DATA = "insufficient_data"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The detection of one aspect of a column in a window.

    distance, lower_bound and tolerance are in shares of rows, as a reader subtracts them: alarm if and only if
    lower_bound > tolerance, to first order. score > 1 is an alarm exactly. reasons: what moved, and what qualifies it.
    base_bound: when an alarm may close, the greatest lower bound over all events and aspects of the base window, beyond
    natural variation and in units in which each event's own tolerance is the configured one; None where that window has
    too little data. duration: of the window, or of several that are judged together, nanoseconds.
    """

    aspect: str
    state: State
    distance: float
    lower_bound: float
    tolerance: float
    score: float
    reasons: tuple[Reason, ...]
    base_bound: float | None = None
    duration: int = 0

    @property
    def sentence(self) -> str:
        """The reasons in words; nothing where a column is healthy and nothing may have gone unseen."""
        return sentence(self.reasons)
