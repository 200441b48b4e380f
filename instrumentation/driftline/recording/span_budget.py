"""Which spans show the values of their inputs: a few a second, whatever the traffic."""

import time
from collections.abc import Callable
from heapq import heappush, heapreplace
from math import inf
from typing import Final

_RANDOM_BITS: Final = (1 << 56) - 1
"""Of a trace id: random by W3C Trace Context Level 2, and what OpenTelemetry's samplers decide by."""

_BURST: Final = 2
"""How many times the budget a window may spend: it only learns of its own traffic for the next one."""


class SpanBudget:
    """Spends a budget of spans a second on the traces of greatest randomness.

    The calls of a trace are treated alike, and processes with the same rate choose the same traces: a trace that shows
    values shows them from one end to the other. Of a window's traffic the next one's threshold follows, so up to
    `rate` calls a second all show their values. Not locked: threads that meet may spend a call more.
    """

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        """rate: spans a second. clock: in seconds."""
        self._clock = clock
        self._window = 1.0 if rate >= 1 or not rate else 1 / rate
        self._most = rate * self._window
        self._began = clock()
        self._threshold = self._spent = 0
        self._greatest: list[int] = []

    def take(self, trace_id: int) -> bool:
        """Whether a call of this trace shows its values."""
        if self._most in (0, inf):
            return self._most > 0
        now = self._clock()
        if now - self._began >= self._window:
            self._begin(now)
        randomness = trace_id & _RANDOM_BITS
        if len(self._greatest) <= self._most:
            heappush(self._greatest, randomness)
        elif randomness > self._greatest[0]:
            heapreplace(self._greatest, randomness)
        shown = randomness >= self._threshold and self._spent < _BURST * self._most
        self._spent += shown
        return shown

    def _begin(self, now: float) -> None:
        full = len(self._greatest) > self._most and now - self._began < 2 * self._window
        self._threshold = self._greatest[0] + 1 if full else 0
        self._greatest, self._began, self._spent = [], now, 0
