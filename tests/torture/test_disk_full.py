"""The store's disk is full, then has room again: what is answered, is anything lost, does the processor live?"""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import grpc
import pytest

from e2e.processes import wait_until
from torture.client import Answer, Client
from torture.disks import Disk, file_system, quota
from torture.otlp_stream import Message, Stream
from torture.rig import Rig
from torture.traffic import normal

COLUMNS = [f"c{number}" for number in range(30)]
SETTINGS = {"window": {"size": "6s", "step": "2s", "lateness": "30s"}}


@pytest.mark.parametrize("make", [quota, pytest.param(file_system, marks=pytest.mark.full)])
def test_disk_full(make: Callable[[Path], AbstractContextManager[Disk]], rig: Rig) -> None:
    """Senders are told to wait; what was acknowledged is counted once, before and after a kill."""
    with make(rig.folder / "disk") as disk:
        backend = rig.backend()
        store = {"store": f"sqlite:///{disk.folder}/driftline.db"}
        processor = rig.processor(export=backend.port, settings={**SETTINGS, **store})
        processor.start()
        sender = _Sender(rig.client(processor.port))
        for _ in range(5):
            sender.send()
        disk.fill(processor)
        until = time.monotonic() + rig.choose(short=0, full=20)
        while time.monotonic() < until or sender.codes[grpc.StatusCode.UNAVAILABLE] < 2:
            sender.send()
            time.sleep(rig.choose(short=0.0, full=0.25))  # what waits must fit in the end
        serving_while_full = sender.client.serving
        disk.free(processor)
        sender.send_what_waits()
        counted = backend.counted(sender.rows)
        serves_again = sender.client.serving
        processor.kill()
        backend.rows.clear()
        processor.start()
        kept = backend.counted(sender.rows)
        processor.stop()

    rig.figures |= {
        "rows sent": sender.stream.rows,
        "answers": {code.name: number for code, number in sender.codes.items()},
        "refusals without RetryInfo": sender.without_retry,
        "health while full": "SERVING" if serving_while_full else "NOT_SERVING",
        "rows lost or counted twice": int(counted.get("m", 0)) - sender.stream.rows,
        "after a kill": int(kept.get("m", 0)) - sender.stream.rows,
    }
    assert set(sender.codes) == {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE}
    assert not sender.without_retry
    assert not serving_while_full
    assert serves_again
    assert counted == kept == sender.rows
    assert "Traceback" not in processor.log


class _Sender:
    """Sends, and keeps what was not taken."""

    def __init__(self, client: Client) -> None:
        self.client, self.stream = client, Stream("m", "spans", columns=COLUMNS)
        self.codes: Counter[grpc.StatusCode] = Counter()
        self.without_retry = 0
        self._waiting: list[Message] = []
        self._values = normal(10.0)

    @property
    def rows(self) -> dict[str, int]:
        return {"m": self.stream.rows}

    def send(self) -> None:
        message = self.stream.next(self._values())
        if not self._try(message).taken:
            self._waiting.append(message)

    def send_what_waits(self) -> None:
        for message in self._waiting:
            wait_until(lambda message=message: self._try(message).taken, "what waited is taken")

    def _try(self, message: Message) -> Answer:
        answer = self.client.send(message)
        self.codes[answer.code] += 1
        self.without_retry += not answer.taken and answer.retry_after is None
        return answer
