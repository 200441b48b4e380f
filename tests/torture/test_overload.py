"""More than can be taken: is everybody told when to come again, is memory flat, and does another sender notice?"""

import threading
import time
from collections import Counter
from typing import Any

import grpc
import numpy as np

from e2e.processes import wait_until
from torture.otlp_stream import Message, Stream
from torture.rig import Rig

_SETTINGS = {"window": {"size": "10s", "step": "2s", "lateness": "5s"}, "queue": {"requests": 16, "bytes": 32 << 20}}
_FLYING = 200
_COLUMNS = [f"c{number}" for number in range(30)]


def test_overload(rig: Rig) -> None:
    """Every refusal says when to come again, other senders are answered soon, and the queue drains."""
    backend = rig.backend()
    processor = rig.processor(export=backend.port, settings=_SETTINGS)
    processor.start()
    greedy = Stream("greedy", "spans", columns=_COLUMNS, resource={"service.name": "greedy"}, number=1)
    bodies = [greedy.next(np.linspace(0.0, 1.0, 256)) for _ in range(20)]
    flood, modest, other = rig.client(processor.port), rig.client(processor.port), Stream("modest", "spans", number=2)
    answers, flying, waits = Counter[tuple[str, bool]](), threading.Semaphore(_FLYING), list[float]()

    def answered(call: Any) -> None:
        flying.release()
        trailers = [key for key, _ in call.trailing_metadata() or ()]
        answers[call.code().name, "grpc-status-details-bin" in trailers] += 1

    end = time.monotonic() + rig.choose(short=2.0, full=60.0)
    while time.monotonic() < end:
        for at in range(20):
            flying.acquire()
            flood.future(Message("traces", bodies[at].body)).add_done_callback(answered)
        began = time.monotonic()
        answer = modest.send(other.next(np.ones(1)))
        assert answer.taken, answer
        waits.append(time.monotonic() - began)
    peak, ended = processor.peak_memory, time.monotonic()
    wait_until(lambda: flying._value == _FLYING, "all are answered", 60)
    rig.figures |= {
        "answers (code, with RetryInfo)": dict(answers),
        "drained in": f"{time.monotonic() - ended:.1f} s",
        "memory at most": f"{peak:.0f} MiB",
        "slowest answer to another sender": f"{max(waits):.2f} s",
    }
    assert answers.keys() <= {(grpc.StatusCode.OK.name, False), (grpc.StatusCode.UNAVAILABLE.name, True)}
    assert peak < 700
    assert max(waits) < rig.choose(short=5.0, full=1.0)
    wait_until(lambda: backend.rows.get("modest") == other.rows, "every row of the other sender is counted", 60)
