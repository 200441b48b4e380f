"""The processor is away behind the shipped gateway.yaml: is a row lost, or does an alarm differ?"""

import time

import pytest

from e2e.processes import free_ports
from torture.otlp_stream import Kind, Stream
from torture.rig import Rig
from torture.traffic import normal, sending

_SHORT = {"window": {"size": "3s", "step": "1s", "lateness": "1s"}}
_KINDS: tuple[Kind, ...] = ("spans", "cumulative", "delta")


@pytest.mark.parametrize("warm", [15.0, 75.0], ids=["before a snapshot", "after a snapshot"])
def test_outage(rig: Rig, warm: float) -> None:
    """The Collector keeps what servers send meanwhile; with the default window for longer than that waits for rows.

    In the short form once, with windows of seconds.
    """
    if not rig.full and warm > 15.0:
        pytest.skip("one of both in the short form")
    backend = rig.backend()
    port, results = free_ports(2)
    processor = rig.processor(export=results, port=port, settings=rig.choose(short=_SHORT, full={"window": {}}))
    processor.start()
    gateway = rig.gateway(backend=backend.port, processor=port, results=results)
    streams = [Stream(kind, kind, number=number) for number, kind in enumerate(_KINDS)]
    with sending(streams, gateway.port, values=normal(10.0, rows=20), pause=rig.choose(short=0.2, full=0.5)) as traffic:
        time.sleep(rig.choose(short=2.0, full=warm))
        processor.kill()
        time.sleep(rig.choose(short=4.0, full=150.0))
        processor.start()
        back = time.monotonic()
        time.sleep(rig.choose(short=1.0, full=20.0))
    counted = backend.counted(traffic.rows, rig.choose(short=40.0, full=120.0))

    rig.figures |= {
        "rows sent": sum(traffic.rows.values()),
        "counted too few or too many": {model: int(counted.get(model, 0) - n) for model, n in traffic.rows.items()},
        "caught up after": f"{time.monotonic() - back:.0f} s",
    }
    assert counted == traffic.rows
    assert not traffic.refused
    assert "Dropping data" not in gateway.process.output()
