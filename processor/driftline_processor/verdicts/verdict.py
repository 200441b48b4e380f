"""What a monitor says of one aspect of a column in a window."""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from driftline_processor.verdicts.reasons import Reason
from driftline_processor.verdicts.wording import sentence


class State(Enum):
    """What a verdict says."""

    HEALTHY = "healthy"
    WARNING = "warning"
    ALARM = "alarm"
    INSUFFICIENT_DATA = "insufficient_data"


class OpenAlarm(NamedTuple):
    """An alarm of a column that is open.

    largest_bound: the largest of all its verdicts in alarm so far. aspects: all that were reported, where known.
    """

    opened: int
    largest_bound: float
    aspects: tuple[str, ...] = ()


class ClosingEvidence(NamedTuple):
    """What closes an alarm: at most so much of any move is left since then; 0 where all is within the tolerance."""

    since: int
    at_most: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """The detection of one aspect of a column in a window.

    distance, lower_bound and tolerance are in shares of rows, as a reader subtracts them: alarm if and only if
    lower_bound > tolerance, to first order. score > 1 is an alarm exactly. reasons: what moved, and what qualifies it.
    duration: of the window, or of several that are judged together, nanoseconds. largest_bound: the largest lower bound
    of all events in alarm, of which only one is reported. closing: what closes the alarm of the column that is open
    before this window, if anything does. asked: the tolerance that the column was given, 0 where that is not known.
    block: that the column belongs to and moves with, if it needs no alarm of its own.
    """

    aspect: str
    state: State
    distance: float
    lower_bound: float
    tolerance: float
    score: float
    reasons: tuple[Reason, ...]
    duration: int = 0
    largest_bound: float = 0.0
    closing: ClosingEvidence | None = None
    asked: float = 0.0
    block: str | None = None

    @property
    def sentence(self) -> str:
        """The reasons in words; nothing where a column is healthy and nothing may have gone unseen."""
        return sentence(self.reasons)
