"""SIGKILL of the processor and of the Collector in front of it, at random moments: rows once, alarms as without?"""

import os
import random
import time
from collections.abc import Collection
from contextlib import suppress
from threading import Event, Thread

from driftline import semconv
from e2e.collectors import Collector
from e2e.processes import free_ports, wait_until
from torture.backend import Backend
from torture.otlp_stream import Kind, Stream
from torture.processors import kill_often
from torture.rig import Rig
from torture.traffic import CYCLE, drifting, sending

_SETTINGS = {"window": {"size": "10s", "step": "2s", "lateness": "60s"}}
_ROWS = 20
"""Of a request."""

_KINDS: tuple[Kind, ...] = ("spans", "cumulative", "delta")


def test_gateway_kills(rig: Rig) -> None:
    """The kills of the processor cost nothing; those of the Collector at most the requests that were being written.

    Of these a cumulative stream loses nothing either: its next point says it again. In the full form a processor
    that is not killed gets the same requests directly: of what lost no rows both tell the same events.
    """
    backend, undisturbed = rig.backend(), rig.backend()
    port, results = free_ports(2)
    processor = rig.processor(export=results, port=port, settings=_SETTINGS)
    processor.start()
    gateway = rig.gateway(backend=backend.port, processor=port, results=results)
    ports = [gateway.port]
    if rig.full:
        control = rig.processor(export=undisturbed.port, settings=_SETTINGS)
        control.start()
        ports.append(control.port)
    kills, of_collector = rig.choose(short=(1, 1), full=(100, 20))
    streams = [Stream(kind, kind, number=number) for number, kind in enumerate(_KINDS)]
    over = Event()
    other = Thread(target=_kill_collector, args=(gateway, of_collector, over, rig.choose(short=1.0, full=20.0)))
    with sending(streams, *ports, values=drifting(_ROWS), pause=rig.choose(short=0.2, full=0.4)) as traffic:
        other.start()
        kill_often(processor, times=kills)
        other.join()
        time.sleep(rig.choose(short=1.0, full=CYCLE))  # the last life tells what it owes
    counted = backend.counted(traffic.rows, rig.choose(short=20.0, full=60.0))
    missing = {model: int(rows - counted.get(model, 0)) for model, rows in traffic.rows.items()}
    being_written = of_collector * ((os.cpu_count() or 1) + 1) * _ROWS
    exact = {model for model, rows in missing.items() if not rows}
    if rig.full:
        with suppress(AssertionError):
            wait_until(lambda: _events(backend, exact) == _events(undisturbed, exact), "the same events", 120)

    rig.figures |= {
        "kills": f"{kills} of the processor, {of_collector} of the Collector",
        "rows sent": sum(traffic.rows.values()),
        "rows lost": missing,
        "events of those without loss": len(_events(undisturbed, exact)),
        "events missing": len(_events(undisturbed, exact) - _events(backend, exact)),
        "events too many": len(_events(backend, exact) - _events(undisturbed, exact)) if rig.full else 0,
    }
    assert missing["cumulative"] == 0
    assert all(0 <= rows <= being_written for rows in missing.values())
    assert not traffic.refused
    assert not rig.full or _events(backend, exact) == _events(undisturbed, exact)


def _events(backend: Backend, models: Collection[str]) -> set[tuple[str, str]]:
    return {(event.name, event.uid) for event in backend.events if event.attributes[semconv.MODEL_NAME] in models}


def _kill_collector(gateway: Collector, times: int, over: Event, pause: float) -> None:
    """And starts it again at once, with the queue that it left."""
    chance = random.Random(2)
    for _ in range(times):
        over.wait(chance.uniform(0.5, 1.5) * pause)
        gateway.process.kill()
        gateway.process.launch()
