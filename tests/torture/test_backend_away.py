"""A backend that refuses, or takes no request to its end: do requests notice, and what do the waiting results cost?"""

import time

import grpc
import numpy as np
import pytest

from torture.otlp_stream import Stream
from torture.rig import FULL, Rig

_BYTES = 2 << 20
_SETTINGS = {
    "window": {"size": "2s", "step": "1s", "lateness": "1s"},
    "export": {"timeout": "1s", "bytes": _BYTES},
}
_COLUMNS = [f"c{number}" for number in range(30)]


@pytest.mark.parametrize("how", ["refuses", "hangs"] if FULL else ["hangs"])
def test_backend_away(rig: Rig, how: str) -> None:
    """Requests are answered as before; what waits is bounded in bytes, and what is dropped is counted by reason."""
    backend, models = rig.backend(), rig.choose(short=10, full=50)
    settings = {**_SETTINGS, "export": {**_SETTINGS["export"], "endpoint": backend.endpoint}}
    processor = rig.processor(export=backend.port, settings=settings)
    processor.start()
    client = rig.client(processor.port)
    streams = [Stream(f"m{number}", "delta", columns=_COLUMNS, number=number) for number in range(models)]
    backend.hangs, backend.refuse = how == "hangs", grpc.StatusCode.UNAVAILABLE if how == "refuses" else None
    waits, memory, rng = list[float](), list[float](), np.random.default_rng(1)
    end = time.monotonic() + rig.choose(short=2.0, full=60.0)
    while time.monotonic() < end:
        for stream in streams:
            began = time.monotonic()
            assert client.deliver(stream.next(rng.normal(size=500))).taken
            waits.append(time.monotonic() - began)
        memory.append(processor.memory)
        time.sleep(0.2)
    backend.hangs, backend.refuse = False, None
    sent = {stream.model: stream.rows for stream in streams}
    counted = backend.counted(sent)
    dropped = {name[1]: value for name, value in backend.internal.items() if name[0].endswith("dropped.sets")}
    rig.figures |= {
        "slowest answer": f"{max(waits):.2f} s",
        "memory": f"{memory[0]:.0f} MiB, then {memory[len(memory) // 2]:.0f}, at last {memory[-1]:.0f}",
        "dropped": {dict(key).get("reason"): value for key, value in dropped.items()},
    }
    assert counted == sent
    assert max(waits) < rig.choose(short=5.0, full=1.0)
    if rig.full:
        assert memory[-1] - memory[len(memory) // 2] < 100
        assert any(("reason", "queue full") in key for key in dropped)
    assert "Traceback" not in processor.log
