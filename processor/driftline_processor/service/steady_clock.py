"""The time of day without steps back: the machine's clock may be set, by hand or by NTP, while requests wait."""

import time
from collections.abc import Callable
from threading import Lock
from typing import Final

from driftline.sketch.time_units import DAY, SECOND

_STEP: Final = SECOND
"""A clock that gains more between two readings than passed was set forward."""


class SteadyClock:
    """Unix nanoseconds; thread-safe.

    Where the machine's clock is set back this one goes on, or rows of right clocks would be ahead of it. Where that is
    set forward it follows, as a clock that was late takes all senders for early, and tells by how much: nobody was
    silent for that long.
    """

    def __init__(
        self, wall: Callable[[], int] = time.time_ns, monotonic: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._wall, self._monotonic, self._lock = wall, monotonic, Lock()
        self._offset = wall() - monotonic()
        self._forward = 0

    def __call__(self) -> int:
        elapsed = self._monotonic()
        with self._lock:
            gained = self._wall() - elapsed - self._offset
            if gained > 0:
                self._offset += gained
                self._forward += gained if gained > _STEP else 0
            return elapsed + self._offset

    def not_before(self, time: int) -> None:
        """It was this late in an earlier run: the machine's clock was set back since. Not by more than a day."""
        behind = time - self()
        with self._lock:
            self._offset += behind if 0 < behind <= DAY else 0

    def set_forward(self) -> int:
        """By how many nanoseconds the machine's clock was set forward since the last call."""
        self()
        with self._lock:
            forward, self._forward = self._forward, 0
            return forward
