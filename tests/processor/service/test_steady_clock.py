"""The clock that does not step back, whatever happens to the machine's."""

from driftline_processor.service.steady_clock import SteadyClock
from engine_records import SECOND, START

HOUR = 3600 * SECOND


class Machine:
    """A machine whose clock is set by hand."""

    def __init__(self) -> None:
        self.wall, self.monotonic = START, 5 * SECOND
        self.clock = SteadyClock(lambda: self.wall, lambda: self.monotonic)

    def passes(self, time: int, step: int = 0) -> None:
        self.wall += time + step
        self.monotonic += time


def test_it_is_the_machines_while_that_is_not_set() -> None:
    """It passes as the machine's does."""
    machine = Machine()
    assert machine.clock() == START
    machine.passes(HOUR)
    assert machine.clock() == START + HOUR
    assert machine.clock.set_forward() == 0


def test_a_clock_that_is_set_back_changes_nothing() -> None:
    """By an hour, and again: time goes on, and meets the machine's when that has caught up."""
    machine = Machine()
    machine.passes(SECOND, step=-HOUR)
    assert machine.clock() == START + SECOND
    machine.passes(SECOND, step=-24 * HOUR)
    assert machine.clock() == START + 2 * SECOND
    machine.passes(SECOND, step=26 * HOUR)
    assert machine.clock() == START + 3 * SECOND + HOUR


def test_a_clock_that_is_set_forward_is_followed_and_said_so_once() -> None:
    """Nobody was silent for that hour."""
    machine = Machine()
    machine.passes(SECOND, step=HOUR)
    assert machine.clock() == START + SECOND + HOUR
    assert machine.clock.set_forward() == HOUR
    assert machine.clock.set_forward() == 0


def test_a_clock_that_is_slewed_is_not_set() -> None:
    """NTP corrects milliseconds all the time."""
    machine = Machine()
    for _ in range(100):
        machine.passes(SECOND, step=SECOND // 1000)
        machine.clock()
    assert machine.clock.set_forward() == 0
    assert machine.clock() == machine.wall


def test_a_clock_that_was_set_back_before_the_start_goes_on_from_where_it_was() -> None:
    """By up to a day; more than that is no step, but a store from another time."""
    machine = Machine()
    machine.clock.not_before(START + HOUR)
    assert machine.clock() == START + HOUR
    machine.clock.not_before(START)
    machine.clock.not_before(START + 400 * 24 * HOUR)
    machine.passes(SECOND)
    assert machine.clock() == START + HOUR + SECOND
    assert machine.clock.set_forward() == 0
