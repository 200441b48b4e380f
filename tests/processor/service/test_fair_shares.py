"""Shares of senders: of CPU time in turns, of room in the queue, whatever one of them does."""

import gzip
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from time import thread_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline_processor.decode.wire_limits import tagged
from driftline_processor.records import Batch
from driftline_processor.service import request_queue as queue_module
from driftline_processor.service.fair_shares import FairShares, Sender
from driftline_processor.service.request_queue import QueueFull, Request, RequestQueue, _Admitted
from driftline_processor.service.sender import sender_of
from otlp_requests import metrics_request, trace_request

WAIT = 20.0


@given(costs=st.lists(st.sampled_from([0.1, 1.0, 10.0]), min_size=2, max_size=5))
def test_senders_get_equal_shares_of_what_their_requests_cost(costs: list[float]) -> None:
    """However dear the requests of each: while all of them wait, none has got more than one request ahead."""
    shares: FairShares[int] = FairShares()
    given_to = [0.0] * len(costs)
    for number in range(len(costs)):
        for _ in range(400):
            shares.add((str(number),), number)
    for _ in range(300):
        number = shares.next()
        assert number is not None
        shares.charge((str(number),), costs[number])
        given_to[number] += costs[number]

    assert max(given_to) - min(given_to) <= 2 * max(costs)


def test_one_connection_gains_nothing_by_many_names() -> None:
    """First connections share, then the services that speak over each."""
    shares: FairShares[str] = FairShares()
    for number in range(100):
        shares.add(("evil", f"service {number}"), "evil")
    for _ in range(50):
        shares.add(("good", "shop"), "good")
    turns = []
    for _ in range(40):
        item = shares.next()
        assert item is not None
        turns.append(item)
        shares.charge(("evil", f"service {len(turns)}") if item == "evil" else ("good", "shop"), 1.0)

    assert turns.count("good") == 20


def test_a_pause_is_no_credit_and_a_debt_is_not_forgotten() -> None:
    """Who comes back takes turns with the others from then on; who has just had much waits."""
    shares: FairShares[str] = FairShares()
    for _ in range(10):
        shares.add(("a", ""), "a")
    for _ in range(5):
        shares.next()
        shares.charge(("a", ""), 1.0)
    for _ in range(10):
        shares.add(("b", ""), "b")
    turns = []
    for _ in range(6):
        turns.append(str(shares.next()))
        shares.charge((turns[-1], ""), 1.0)

    assert turns.count("b") in (3, 4)


def test_names_without_end_are_forgotten() -> None:
    """What is remembered of senders is bounded."""
    shares: FairShares[int] = FairShares()
    for number in range(10_000):
        shares.add((f"connection {number}", ""), number)
        assert shares.next() == number

    assert len(shares._all.parts) <= 1025


def admitted(queue: RequestQueue, sender: Sender, cost: float = 0.0) -> None:
    with queue.admit(1, sender) as put:
        until = thread_time() + cost
        while thread_time() < until:
            pass
        put(Request("metrics", b"x", 1, Batch(), sender=sender))


def test_the_cheapest_sender_is_dequeued_first() -> None:
    """So its answer does not wait for what the others cost."""
    queue = RequestQueue(10, 1000)
    for _ in range(3):
        admitted(queue, ("evil", ""), cost=0.02)
    admitted(queue, ("good", ""))

    assert [request.sender[0] for request in queue.take(0)] == ["good", "evil", "evil", "evil"]


def test_no_more_is_decoded_than_the_worker_keeps_up_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is dear waits undecoded: who comes then has its turn before it."""
    monkeypatch.setattr(queue_module, "DECODED_SECONDS", 0.01)
    queue = RequestQueue(10, 1000)
    with ThreadPoolExecutor(4) as pool:
        admitted(queue, ("evil", ""), cost=0.02)
        waiting = pool.submit(admitted, queue, ("evil", ""), 0.02)
        while len(queue) < 2:
            Event().wait(0.005)
        good = pool.submit(admitted, queue, ("good", ""))
        while len(queue) < 3:
            Event().wait(0.005)
        assert not waiting.done()
        assert not good.done()
        assert [request.sender[0] for request in queue.take(WAIT)] == ["evil"]
        waiting.result(WAIT)
        good.result(WAIT)


def test_a_full_queue_makes_room_for_who_takes_less() -> None:
    """The last that waits of who takes most is told to come again; who takes as much as anybody is refused itself."""
    queue, hold = RequestQueue(8, 1000), Event()

    def busy(sender: Sender) -> str:
        try:
            with queue.admit(1, sender) as put:
                hold.wait(WAIT)
                put(Request("metrics", b"", 1, Batch(), sender=sender))
        except QueueFull:
            return "refused"
        return "queued"

    with ThreadPoolExecutor(20) as pool:
        evil = [pool.submit(busy, ("evil", "")) for _ in range(8)]
        while len(queue) < 8:
            Event().wait(0.005)
        with pytest.raises(QueueFull):
            queue._enter(_fresh(("evil", "")))
        good = pool.submit(busy, ("good", ""))
        (refused,) = _done(evil)
        hold.set()

        assert refused == "refused"
        assert good.result(WAIT) == "queued"
        assert sorted(each.result(WAIT) for each in evil) == ["queued"] * 7 + ["refused"]


@pytest.mark.parametrize(("evil", "good"), [(("evil", ""), ("good", "")), (("one", "evil"), ("one", "good"))])
def test_a_full_queue_of_decoded_requests_makes_room_too(evil: Sender, good: Sender) -> None:
    """The last that waits for the worker is answered that it has to come again, also over the same connection."""
    queue = RequestQueue(3, 1000)
    requests = [Request("metrics", b"x", 1, Batch(), evil) for _ in range(3)]
    for request in requests:
        with queue.admit(1, request.sender) as put:
            put(request)
    admitted(queue, good)

    with pytest.raises(QueueFull, match="others take less of it"):
        requests[-1].answer.result(WAIT)
    assert [request.sender for request in queue.take(0)].count(good) == 1


def _fresh(sender: Sender) -> Any:
    return _Admitted(sender, 1)


def _done(calls: list[Any]) -> list[str]:
    while not any(call.done() for call in calls):
        Event().wait(0.005)
    return [call.result() for call in calls if call.done()]


def test_one_connection_never_has_all_turns() -> None:
    """While it decodes as many long requests as it may, another sender's turn comes at once."""
    queue, hold = RequestQueue(100, 1000), Event()

    def slow() -> None:
        with queue.admit(1, ("evil", "")):
            hold.wait(WAIT)

    with ThreadPoolExecutor(20) as pool:
        for _ in range(10):
            pool.submit(slow)
        while len(queue) < 10:
            Event().wait(0.005)
        pool.submit(admitted, queue, ("good", "")).result(WAIT)
        hold.set()


@pytest.mark.parametrize(
    ("resource", "service"),
    [
        ({"service.name": "shop"}, "shop"),
        ({"service.name": "shop", "service.namespace": "eu"}, "eu/shop"),
        ({}, ""),
        ({"service.name": "s" * 500}, "s" * 128),
        ({"service.name": "shop", "junk": "x" * 9_000}, ""),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_who_a_sender_is(resource: Any, service: str, *, packed: bool) -> None:
    """Its connection, and the service of its first resource, read from the first kilobytes, compressed or not."""
    for request in (metrics_request(resource=resource), trace_request(resource=resource)):
        data = request.SerializeToString()
        assert sender_of(gzip.compress(data) if packed else data, "ipv4:1") == ("ipv4:1", service)


@pytest.mark.parametrize("data", [b"", b"\xff" * 9, b"\x1f\x8b", tagged(1, tagged(1, b"\xff")), b"\x0a\x05\x0a"])
def test_any_bytes_have_a_sender(data: bytes) -> None:
    """What says nothing about its service counts for its connection."""
    assert sender_of(data, "ipv4:1") == ("ipv4:1", "")
