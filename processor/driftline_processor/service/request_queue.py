"""The bounded queue between the receiver's threads and the worker."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Condition

from driftline_processor.decode import OtlpSignal
from driftline_processor.records import Batch, Rejection


class QueueFull(Exception):  # noqa: N818  (a state of the queue; the sender is at fault as little as we are)
    """The queue has no room for the request."""


class QueueClosed(Exception):  # noqa: N818  (as QueueFull)
    """The queue admits no more requests."""


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """A queued request. `answer` is set once it is durable and counted: to its rejections, or to the error."""

    signal: OtlpSignal
    body: bytes
    received: int
    batch: Batch
    answer: "Future[tuple[Rejection, ...]]" = field(default_factory=Future)


class RequestQueue:
    """Holds at most `requests` requests of at most `size` bytes in total; an empty queue admits one of any size.

    A request counts from its admission, before it is decoded, until it is dequeued: decoding needs memory too.
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
        """Reserves room for a request of that many bytes; room that is not used is released.

        Returns:
            A context manager whose value is the function that queues the request.

        Raises:
            QueueFull: No room at present.
            QueueClosed: The processor is shutting down.

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
        """Dequeues all requests as soon as there is one; [] after `timeout` seconds, or at once when drained."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._drained, timeout)
            taken = list(self._waiting)
            self._waiting.clear()
            self._count(-len(taken), -sum(len(request.body) for request in taken))
            return taken

    def close(self) -> None:
        """Admits no more requests; those admitted can still be queued and dequeued."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def drained(self) -> bool:
        """Closed and empty, with no admitted request left to be queued."""
        with self._changed:
            return self._drained

    @property
    def _drained(self) -> bool:
        return self._closed and not self._admitted

    def _count(self, requests: int, size: int) -> None:
        self._admitted += requests
        self._bytes += size
