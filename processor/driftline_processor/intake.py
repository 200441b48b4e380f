"""The bounded queue between the threads that receive requests and the one that stores and counts them."""

from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Condition

from driftline_processor.decode import Signal
from driftline_processor.records import Batch, Rejection


class QueueFull(Exception):  # noqa: N818  (a state of the queue; the sender is at fault as little as we are)
    """No room for another request now."""


class QueueClosed(Exception):  # noqa: N818  (as QueueFull)
    """No request is taken any more."""


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """A request that waits. `answer` is set once it is durable and counted: to what was rejected, or why it failed."""

    signal: Signal
    body: bytes
    received: int
    batch: Batch
    answer: "Future[tuple[Rejection, ...]]" = field(default_factory=Future)


class Intake:
    """Holds at most `requests` requests of together at most `size` bytes; a single larger one is still taken."""

    def __init__(self, requests: int, size: int) -> None:
        self._limit, self._size = requests, size
        self._waiting: deque[Request] = deque()
        self._bytes = 0
        self._closed = False
        self._changed = Condition()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def bytes(self) -> int:
        return self._bytes

    def check(self, size: int) -> None:
        """Raises QueueFull or QueueClosed when a request of that many bytes would not be taken now."""
        with self._changed:
            self._check(size)

    def put(self, request: Request) -> None:
        """Queues a request. Raises QueueFull or QueueClosed."""
        with self._changed:
            self._check(len(request.body))
            self._waiting.append(request)
            self._bytes += len(request.body)
            self._changed.notify()

    def take(self, timeout: float) -> list[Request]:
        """All that wait, as soon as there is one; none after `timeout` seconds, or at once when closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed, timeout)
            taken, self._bytes = list(self._waiting), 0
            self._waiting.clear()
            return taken

    def close(self) -> None:
        """Takes no more; what waits can still be taken out."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def drained(self) -> bool:
        """Closed, and nothing left in it."""
        with self._changed:
            return self._closed and not self._waiting

    def _check(self, size: int) -> None:
        if self._closed:
            raise QueueClosed("shutting down")
        if len(self._waiting) >= self._limit or (self._waiting and self._bytes + size > self._size):
            raise QueueFull(f"queue is full ({len(self._waiting)} requests, {self._bytes} bytes)")
