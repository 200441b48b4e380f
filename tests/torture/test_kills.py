"""SIGKILL at random moments: is each row counted once, and each alarm event told once?"""

import time
from collections import Counter
from contextlib import suppress

import pytest

from driftline import semconv
from e2e.processes import wait_until
from torture.backend import Backend
from torture.otlp_stream import Kind, Stream
from torture.processors import kill_often
from torture.rig import Rig
from torture.traffic import CYCLE, drifting, sending

_SETTINGS = {"window": {"size": "10s", "step": "2s", "lateness": "20s"}}


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.full)])
def test_kills(kind: str, rig: Rig, request: pytest.FixtureRequest) -> None:
    """Each row of spans and of sketches of both temporalities counts once, half of the requests being sent twice.

    In the full form a processor that is not killed gets the same requests: both tell the same events.
    """
    backend, undisturbed = rig.backend(), rig.backend()
    store = {"store": request.getfixturevalue("cluster").new_database()} if kind == "postgresql" else {}
    victim = rig.processor(export=backend.port, settings={**_SETTINGS, **store})
    victim.start()
    ports = [victim.port]
    if rig.full:
        control = rig.processor(export=undisturbed.port, settings=_SETTINGS)
        control.start()
        ports.append(control.port)
    kinds: tuple[Kind, ...] = ("spans", "cumulative", "delta")
    streams = [Stream(kind, kind, number=number) for number, kind in enumerate(kinds)]
    with sending(streams, *ports, values=drifting(), pause=rig.choose(short=0.1, full=0.4), again=0.5) as traffic:
        kill_often(victim, times=rig.choose(short=1, full=20))
        before = sum(traffic.rows.values())
        wait_until(lambda: sum(traffic.rows.values()) > before + 2000, "requests are taken again")
        if rig.full:
            time.sleep(CYCLE)  # of traffic that nobody disturbs: the last life tells what it owes
    counted = backend.counted(traffic.rows)
    if rig.full:
        with suppress(AssertionError):
            wait_until(lambda: _events(backend) == _events(undisturbed), "the same events", 60)

    lost, repeated = _events(undisturbed) - _events(backend), len(backend.events) - len(_events(backend))
    rig.figures |= {
        "kills": rig.choose(short=1, full=20),
        "rows sent": sum(traffic.rows.values()),
        "counted too few or too many": {model: int(counted.get(model, 0) - n) for model, n in traffic.rows.items()},
        "requests refused for good": len(traffic.refused),
    }
    if rig.full:
        rig.figures |= {"events": len(_events(undisturbed)), "lost": len(lost), "repeated": repeated}
        assert _events(backend) == _events(undisturbed)
        assert max(Counter(_opened(backend)).values()) == 1
    assert counted == traffic.rows
    assert not traffic.refused
    assert "Traceback" not in victim.log


def _events(backend: Backend) -> set[tuple[str, str]]:
    return {(event.name, event.uid) for event in backend.events}


def _opened(backend: Backend) -> list[str]:
    """The ids of alarms that opened, by event: one that is told twice is the same."""
    told = {event.uid: event for event in backend.events if event.name == semconv.ALARM_EVENTS["opened"]}
    return [event.attributes[semconv.ALARM_ID] for event in told.values()]
