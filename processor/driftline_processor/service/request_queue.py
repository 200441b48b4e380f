"""The bounded queue between the receiver's threads and the worker, in which each sender has its share."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Condition, Event
from time import thread_time
from typing import Final

from driftline_processor.decode import OtlpSignal
from driftline_processor.records import Batch, Rejection
from driftline_processor.service.fair_shares import FairShares, Sender

DECODED_AT_ONCE: Final = 2
"""Requests that are inflated and decoded at the same time, of one connection one less. More would not be faster, as
Python runs one thread at a time; each may take some 100 MB while that lasts."""

DECODED_SECONDS: Final = 0.25
"""CPU time of decoded requests that wait for the worker: others must not have to wait for many more."""

NOBODY: Final = ("",)


class QueueFull(Exception):  # noqa: N818  (a state of the queue; the sender is at fault as little as we are)
    """The queue has no room for the request."""


class QueueClosed(Exception):  # noqa: N818  (as QueueFull)
    """The queue admits no more requests."""


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """A queued request. `answer` is set once it is durable and counted: to its rejections, or to the error.

    tenant: whose it is, or "". sender: who is charged for what it costs. seconds: of CPU that decoding it took.
    """

    signal: OtlpSignal
    body: bytes
    received: int
    batch: Batch
    tenant: str = ""
    sender: Sender = NOBODY
    answer: "Future[tuple[Rejection, ...]]" = field(default_factory=Future)
    seconds: float = 0.0


@dataclass(slots=True, eq=False)
class _Admitted:
    """A request from its admission until it is dequeued. decided: its turn has come, or never will.

    seconds: of CPU that decoding it took.
    """

    sender: Sender
    size: int
    decided: Event = field(default_factory=Event)
    pushed_out: bool = False
    request: Request | None = None
    seconds: float = 0.0


class RequestQueue:
    """Holds at most `requests` requests of at most `size` bytes in total; an empty queue admits one of any size.

    A request counts from its admission, before it is decoded, until it is dequeued: decoding needs memory too. When the
    queue is full, a sender that takes less room than another pushes out the last request of who takes the most. Who
    has been given the least CPU time so far is decoded first.
    """

    def __init__(self, requests: int, size: int) -> None:
        self._limit, self._size = requests, size
        self._shares: FairShares[_Admitted] = FairShares()
        self._decoded: list[_Admitted] = []
        self._decoding: dict[str, int] = {}  # connection -> requests that are being decoded
        self._admitted, self._bytes = 0, 0
        self._closed = False
        self._changed = Condition()

    def __len__(self) -> int:
        return self._admitted

    @property
    def bytes(self) -> int:
        return self._bytes

    @contextmanager
    def admit(self, size: int, sender: Sender = NOBODY) -> Iterator[Callable[[Request], None]]:
        """Reserves room for a request of that many bytes, and waits for its turn; room that is not used is released.

        Returns:
            A context manager whose value is the function that queues the request.

        Raises:
            QueueFull: No room at present.
            QueueClosed: The processor is shutting down.

        """
        admitted = self._enter(_Admitted(sender, size))
        admitted.decided.wait()
        if admitted.pushed_out:
            raise QueueFull(self._full_for_others())
        started = thread_time()

        def put(request: Request) -> None:
            admitted.request = request

        try:
            yield put
        finally:
            admitted.seconds = thread_time() - started
            self._leave(admitted)

    def _enter(self, admitted: _Admitted) -> _Admitted:
        with self._changed:
            if self._closed:
                raise QueueClosed("shutting down")
            while self._admitted and not self._has_room(admitted.size):
                if not self._push_out(admitted):
                    raise QueueFull(self._full())
            self._count(admitted, 1)
            self._shares.add(admitted.sender, admitted)
            self._give_turns()
            return admitted

    def _push_out(self, admitted: _Admitted) -> bool:
        """Makes way for a request of who takes less than another: by one that waits for its turn, or for the worker."""
        room = self._room(admitted.size)
        if (other := self._shares.pushed_out(admitted.sender, room)) is not None:
            other.pushed_out = True
            other.decided.set()
            self._count(other, -1)
            return True
        more = (each for each in reversed(self._decoded) if self._shares.takes_more(each.sender, admitted.sender, room))
        other = next(more, None)
        if other is None:
            return False
        self._decoded.remove(other)
        self._count(other, -1)
        if other.request is not None:
            other.request.answer.set_exception(QueueFull(self._full_for_others()))
        return True

    def _leave(self, admitted: _Admitted) -> None:
        """Of a request that has been decoded, or was not to be."""
        with self._changed:
            connection = admitted.sender[0]
            self._decoding[connection] -= 1
            if not self._decoding[connection]:
                del self._decoding[connection]
            self._shares.charge(admitted.sender, admitted.seconds)
            if admitted.request is None:
                self._count(admitted, -1)
            else:
                self._decoded.append(admitted)
            self._give_turns()
            self._changed.notify_all()

    def _give_turns(self) -> None:
        """Lets requests be decoded, as long as the worker keeps up; one connection never has all turns."""
        while sum(self._decoding.values()) < DECODED_AT_ONCE and self._backlog() < DECODED_SECONDS:
            barred = [name for name, turns in self._decoding.items() if turns >= DECODED_AT_ONCE - 1]
            admitted = self._shares.next(barred)
            if admitted is None:
                return
            connection = admitted.sender[0]
            self._decoding[connection] = self._decoding.get(connection, 0) + 1
            admitted.decided.set()

    def _backlog(self) -> float:
        return sum(admitted.seconds for admitted in self._decoded)

    def take(self, timeout: float) -> list[Request]:
        """Dequeues the decoded requests as soon as there is one; [] after `timeout` seconds, or at once when drained.

        First come the requests of the sender that cost least: their answers do not have to wait for the others.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._decoded or self._drained, timeout)
            taken, self._decoded = self._cheapest_first(), []
            for admitted in taken:
                self._count(admitted, -1)
            self._give_turns()
            return [admitted.request for admitted in taken if admitted.request is not None]

    def _cheapest_first(self) -> list[_Admitted]:
        costs: Counter[str] = Counter()
        for admitted in self._decoded:
            costs[admitted.sender[0]] += admitted.seconds  # type: ignore[assignment]  # a Counter also holds floats
        return sorted(self._decoded, key=lambda each: costs[each.sender[0]])

    def charge(self, sender: Sender, seconds: float) -> None:
        """Counts CPU time that the worker has given to the sender."""
        with self._changed:
            self._shares.charge(sender, seconds)

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

    def _has_room(self, size: int) -> bool:
        return self._admitted < self._limit and self._bytes + size <= self._size

    def _room(self, size: int) -> float:
        """The share of the queue that a request takes, by number or by bytes."""
        return max(1 / self._limit, size / self._size)

    def _full(self) -> str:
        return f"queue is full ({self._admitted} requests, {self._bytes} bytes)"

    def _full_for_others(self) -> str:
        return f"{self._full()}, and others take less of it"

    def _count(self, admitted: _Admitted, sign: int) -> None:
        self._admitted += sign
        self._bytes += sign * admitted.size
        self._shares.hold(admitted.sender, sign * self._room(admitted.size))
