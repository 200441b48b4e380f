"""How far each sender of a model has come: a queue that is being emptied holds the watermark, a silent one does not.

What one sender sends comes in the order of its event times, or all but: one queue, one consumer. Another sender may be
an hour ahead of it.
"""

from dataclasses import dataclass, field
from typing import Final

MAX_SENDERS: Final = 10_000
"""Senders of a model; of more nobody is waited for."""


_UNKNOWN: Final = 1 << 62


@dataclass(slots=True)
class Progress:
    """Of a sender. newest: its newest event time. heard: when it was heard last.

    lag: how old its newest rows were when they came; since: when that was last clearly less than before, or it came
    back from a silence with older ones.
    """

    newest: int
    heard: int
    lag: int
    since: int


@dataclass(slots=True)
class Senders:
    """Of one model. lateness, step: of its windows; times in nanoseconds, receipts by a clock that does not step."""

    lateness: int
    step: int
    by_id: dict[bytes, Progress] = field(default_factory=dict)

    @property
    def wait(self) -> int:
        """For how long a silent sender is waited for."""
        return self.lateness + self.step

    def note(self, sender: bytes, time: int, received: int) -> None:
        """Rows of this time have come."""
        known = self.by_id.get(sender)
        if known is None:
            if len(self.by_id) < MAX_SENDERS:
                self.by_id[sender] = Progress(time, received, received - time, received)
            return
        lag, silent = received - max(time, known.newest), received - known.heard >= self.step
        if lag <= known.lag - self.step // 4 or (silent and lag > known.lag):
            known.lag, known.since = lag, received
        known.newest, known.heard = max(time, known.newest), max(received, known.heard)

    def held(self, now: int) -> int | None:
        """Up to here the rows of all senders have come that are waited for; None without any."""
        return min((self._reached(each) for each in self.by_id.values() if self._is_awaited(each, now)), default=None)

    def resume(self, now: int) -> None:
        """All of them may have waited for us."""
        for each in self.by_id.values():
            each.heard = each.since = max(each.heard, now)
            each.lag = _UNKNOWN

    def set_forward(self, by: int) -> None:
        """The clock of receipts was."""
        for each in self.by_id.values():
            each.heard, each.since = each.heard + by, each.since + by

    def forget(self, now: int) -> None:
        """Those that nobody waits for."""
        if len(self.by_id) > 1:
            self.by_id = {key: each for key, each in self.by_id.items() if now - each.heard <= self.wait}

    def _is_awaited(self, each: Progress, now: int) -> bool:
        """A backlog becomes younger as it comes. Rows that stay as old are those of a clock that is slow."""
        return now - each.heard <= self.wait and (not self._lags(each) or now - each.since <= self.wait)

    def _reached(self, each: Progress) -> int:
        return each.newest - (self.lateness if self._lags(each) else 0)

    def _lags(self, each: Progress) -> bool:
        return each.heard - each.newest > self.lateness
