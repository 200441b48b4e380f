"""The bounded queue between the threads that receive requests and the one that stores and counts them."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
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
    """Holds at most `requests` requests of together at most `size` bytes; a single larger one is still taken.

    A request counts from the moment it is admitted, before it is decoded, until it is taken out: what is being decoded
    needs memory too.
    """

    def __init__(self, requests: int, size: int) -> None:
        self._limit, self._size = requests, size
        self._waiting: deque[Request] = deque()
        self._admitted, self._bytes = 0, 0
        self._closed = False
        self._changed = Condition()

    def __len__(self) -> int:
        return self._admitted

    @property
    def bytes(self) -> int:
        return self._bytes

    @contextmanager
    def admit(self, size: int) -> Iterator[Callable[[Request], None]]:
        """Room for a request of that many bytes, and the function that queues it; room that is not used is given back.

        Raises:
            QueueFull: there is none now.
            QueueClosed: there is none any more.

        """
        with self._changed:
            if self._closed:
                raise QueueClosed("shutting down")
            if self._admitted and (self._admitted >= self._limit or self._bytes + size > self._size):
                raise QueueFull(f"queue is full ({self._admitted} requests, {self._bytes} bytes)")
            self._count(1, size)
        queued = False

        def put(request: Request) -> None:
            nonlocal queued
            with self._changed:
                self._waiting.append(request)
                queued = True
                self._changed.notify_all()

        try:
            yield put
        finally:
            if not queued:
                with self._changed:
                    self._count(-1, -size)
                    self._changed.notify_all()

    def take(self, timeout: float) -> list[Request]:
        """All that wait, as soon as there is one; none after `timeout` seconds, or at once when drained."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._drained, timeout)
            taken = list(self._waiting)
            self._waiting.clear()
            self._count(-len(taken), -sum(len(request.body) for request in taken))
            return taken

    def close(self) -> None:
        """Admits no more; what has been admitted can still be queued and taken out."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def drained(self) -> bool:
        """Closed, and nothing left in it or on its way."""
        with self._changed:
            return self._drained

    @property
    def _drained(self) -> bool:
        return self._closed and not self._admitted

    def _count(self, requests: int, size: int) -> None:
        self._admitted += requests
        self._bytes += size
