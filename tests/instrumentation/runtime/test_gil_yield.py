import threading
import time

import pytest

from driftline.runtime.gil_yield import GilYield


def test_paced_items_are_the_same_items() -> None:
    """An encoder finds what it was given: order, length, positions and slices."""
    items = GilYield().between([3, 1, 2])
    assert (list(items), len(items), items[0], items[1:]) == ([3, 1, 2], 3, 3, [1, 2])


def test_long_work_pauses_and_short_work_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause comes once for every half a millisecond of work, not for every item."""
    now, pauses = [0.0], []
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(time, "sleep", pauses.append)
    gil_yield = GilYield()
    now[0] = 1.0
    for _ in gil_yield.between(range(100)):
        now[0] += 0.0001
    assert 15 <= len(pauses) <= 25


def test_whoever_waits_for_the_interpreter_goes_first() -> None:
    """A thread that becomes ready while another computes through paced items has its turn long before the end."""
    ready, ran = threading.Event(), []

    def caller() -> None:
        ready.wait()
        ran.append(True)

    thread = threading.Thread(target=caller)
    thread.start()
    seen_after = None
    for number in GilYield().between(range(2000)):
        if number == 0:
            ready.set()
        sum(range(2000))
        if ran and seen_after is None:
            seen_after = number
    thread.join()
    assert seen_after is not None
    assert seen_after < 1000
