"""A long journal: when does the port answer after a crash, when does it serve, and is each row counted once?"""

import time
from collections.abc import Callable

import numpy as np

from e2e.processes import wait_until
from torture.client import Answer
from torture.otlp_stream import Message, Stream
from torture.processors import Processor
from torture.rig import Rig

_COLUMNS = [f"c{i}" for i in range(30)]
_MIB = 1 << 20
_PORT_WITHIN = 10.0
"""Seconds of an idle machine; what the processor is, is loaded before."""


def test_restart_with_a_long_journal(rig: Rig) -> None:
    """Until it serves, what comes is told to come again; what the journal may hold is bounded by its replay."""
    backend = rig.backend()
    processor = rig.processor(export=backend.port, settings={"snapshot": {"every": "1h"}})
    processor.start()
    streams = [Stream(f"m{i}", "delta", columns=_COLUMNS, number=i) for i in range(rig.choose(short=5, full=20))]
    rng, sent = np.random.default_rng(0), 0
    with rig.client(processor.port) as client:
        while sent < rig.choose(short=_MIB // 4, full=40 * _MIB):
            for stream in streams:
                message = stream.next(rng.normal(10, 2, 2000))
                assert client.deliver(message).taken
                sent += len(message.body)
        processor.kill()
        streams.append(Stream("other", "delta"))
        answered, served, answers = _started(processor, streams[-1].next(rng.normal(size=3)), client.send)
    rows = {stream.model: stream.rows for stream in streams}
    counted = backend.counted(rows)
    rig.figures |= {
        "MiB sent": round(sent / _MIB, 1),
        "s until the port answers": round(answered, 1),
        "s until it serves": round(served, 1),
        "s of CPU": round(processor.cpu, 1),
        "counted too few or too many": {model: int(counted.get(model, 0) - n) for model, n in rows.items()},
    }
    assert counted == rows
    assert all(answer.retry_after for answer in answers if not answer.taken and answer.message.startswith("starting"))
    assert not rig.full or answered < _PORT_WITHIN


def _started(
    processor: Processor, message: Message, send: Callable[[Message], Answer]
) -> tuple[float, float, list[Answer]]:
    """Seconds until the port answers, and until it serves; and what it said meanwhile."""
    begin, answered = time.monotonic(), 0.0
    answers: list[Answer] = []
    processor.launch()

    def taken() -> bool:
        nonlocal answered
        answers.append(send(message))
        if not answered and (answers[-1].taken or answers[-1].message.startswith("starting")):
            answered = time.monotonic() - begin
        return answers[-1].taken

    wait_until(taken, "requests are taken again", 120)
    return answered, time.monotonic() - begin, answers
