"""The link to the processor breaks in the middle of a window, for longer than it waits: is a row lost?"""

import time
from collections.abc import Callable

import pytest

from torture.client import Client
from torture.otlp_stream import Stream, Values
from torture.rig import Rig
from torture.traffic import normal

_SETTINGS = {"window": {"size": "3s", "step": "1s", "lateness": "1s"}}
_PAUSE = 0.1


@pytest.mark.parametrize("what", ["the link", pytest.param("the processor", marks=pytest.mark.full)])
def test_silence(rig: Rig, what: str) -> None:
    """What a queue held meanwhile counts, whether windows were judged without it or the processor was away."""
    backend = rig.backend()
    processor = rig.processor(export=backend.port, settings=_SETTINGS)
    processor.start()
    client, stream, values = rig.client(processor.port), Stream("held", "spans"), normal(10.0, rows=3)
    _deliver(client, stream, seconds=rig.choose(short=1.3, full=3.7), values=values)
    queue = []
    if what == "the processor":
        processor.kill()
    end = time.monotonic() + rig.choose(short=4.0, full=20.0)
    while time.monotonic() < end:
        queue.append(stream.next(values()))
        time.sleep(_PAUSE)
    if what == "the processor":
        processor.start()
    answers = [client.deliver(message) for message in queue]
    counted = backend.counted({"held": stream.rows})

    rig.figures |= {"rows sent": stream.rows, "rows counted": int(counted.get("held", 0))}
    assert counted == {"held": stream.rows}
    assert not any(answer.rejected for answer in answers)


def _deliver(client: Client, stream: Stream, *, seconds: float, values: Callable[[], Values]) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert client.deliver(stream.next(values())).taken
        time.sleep(_PAUSE)
