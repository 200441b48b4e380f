"""Streams that are sent in the background, each by a thread of its own, until the block is left."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import numpy as np

from torture.client import Answer, Client
from torture.otlp_stream import Message, Stream, Values

_REMEMBERED = 8

CYCLE = 60.0
"""Seconds, of which drifting values are others in the second half."""


@dataclass(frozen=True)
class Traffic:
    """refused: the answers of requests that were not taken in the end, each with its model."""

    streams: Sequence[Stream]
    refused: list[tuple[str, Answer]] = field(default_factory=list)

    @property
    def rows(self) -> dict[str, int]:
        """How many were told of, by model."""
        total: dict[str, int] = {}
        for stream in self.streams:
            total[stream.model] = total.get(stream.model, 0) + stream.rows
        return total


@contextmanager
def sending(
    streams: Sequence[Stream],
    *ports: int,
    values: Callable[[], Values],
    pause: float = 0.25,
    again: float = 0.0,
) -> Iterator[Traffic]:
    """Sends a request of each stream every `pause` seconds, to each of the ports, until it is taken there.

    Args:
        streams: Those of one model and kind differ in their `number`.
        ports: The first one's requests are sent once more, or an older one is, with probability `again`.
        values: The values of the next request.
        pause: Seconds.
        again: A probability.

    """
    traffic, stop = Traffic(streams), threading.Event()
    how = _Sending(ports, values, pause, again, traffic, stop)
    threads = [threading.Thread(target=how.send, args=(stream,)) for stream in streams]
    for thread in threads:
        thread.start()
    try:
        yield traffic
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@dataclass(frozen=True)
class _Sending:
    ports: Sequence[int]
    values: Callable[[], Values]
    pause: float
    again: float
    traffic: Traffic
    stop: threading.Event

    def send(self, stream: Stream) -> None:
        """Until told to stop."""
        chance = random.Random(stream.number)
        old: list[Message] = []
        with ExitStack() as stack:
            clients = [stack.enter_context(Client(port)) for port in self.ports]
            while not self.stop.is_set():
                old = [*old, stream.next(self.values())][-_REMEMBERED:]
                for client in clients:
                    self._deliver(client, stream.model, old[-1])
                if chance.random() < self.again:
                    clients[0].send(chance.choice(old), timeout=5.0)
                self.stop.wait(self.pause)

    def _deliver(self, client: Client, model: str, message: Message) -> None:
        answer = client.deliver(message)
        if not answer.taken:
            self.traffic.refused.append((model, answer))


def normal(mean: float, rows: int = 100, seed: int = 1) -> Callable[[], Values]:
    """Values of a normal distribution of standard deviation 2, anew at each call, from any thread."""
    rng, lock = np.random.default_rng(seed), threading.Lock()

    def draw() -> Values:
        with lock:
            return rng.normal(mean, 2.0, rows)

    return draw


def drifting(rows: int = 100) -> Callable[[], Values]:
    """Values that are others in the second half of each cycle."""
    good, bad, begun = normal(10.0, rows), normal(900.0, rows), time.monotonic()
    return lambda: bad() if (time.monotonic() - begun) % CYCLE > CYCLE / 2 else good()
