"""`python -m bench.tls`: what a processor takes in, with TLS and without: spans and points a second, and their ratio.

Sustained: for so many seconds, a few requests of one connection on their way at any time, answered after their commit.
By the clock and by the processor's CPU time, as whoever sends shares the cores.
"""

import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import grpc
import numpy as np
from rich.console import Console
from rich.table import Table

from certificates import Authority
from driftline_processor.service.receiver import SERVICES
from e2e.processes import wait_until
from torture.otlp_stream import Kind, Message, Stream
from torture.processors import Processor

_COLUMNS: Final = [f"c{i}" for i in range(30)]
_FLYING: Final = 8
_ROUNDS: Final = 3
_KINDS: Final[Mapping[str, tuple[Kind, int, int, int]]] = {
    "spans of 30 columns": ("spans", 200, 200, 400),
    "sketch points": ("delta", 500, len(_COLUMNS), 2_000),
}
"""The kind of a stream, rows of a request, what is counted in it, and requests until they begin again."""


class Rate(NamedTuple):
    """What was answered in a second of the clock, and in one of the processor's CPU."""

    clock: float
    cpu: float


def main(seconds: float = 5.0) -> None:
    """Turns of both, so that other work on the machine meets both alike; the medians."""
    table = Table("a second", "without TLS", "with TLS", "ratio", "ratio by CPU", title=f"{_ROUNDS} × {seconds:g} s")
    for what, (kind, rows, items, many) in _KINDS.items():
        messages = _messages(kind, rows, many)
        found = [[_rate(messages, items, seconds, tls=tls) for tls in (False, True)] for _ in range(_ROUNDS)]
        plain, tls = np.median(np.array(found), axis=0)
        clock, cpu = tls / plain
        table.add_row(what, f"{plain[0]:,.0f}", f"{tls[0]:,.0f}", f"{clock:.2f}", f"{cpu:.2f}")
    Console(width=100).print(table)


def _rate(messages: Sequence[Message], items: int, seconds: float, *, tls: bool) -> Rate:
    with TemporaryDirectory() as folder, _processor(Path(folder), tls=tls) as (processor, channel):
        export = channel.unary_unary(f"/{SERVICES[messages[0].signal].name}/Export")
        flying: deque[Any] = deque()
        answered, begun, cpu = 0, time.monotonic(), processor.cpu
        for message in cycle(messages):
            flying.append(export.future(message.body, timeout=60.0))
            if len(flying) >= _FLYING:
                flying.popleft().result()
                answered += 1
            if time.monotonic() - begun > seconds:
                break
        while flying:
            flying.popleft().result()
            answered += 1
        return Rate(answered * items / (time.monotonic() - begun), answered * items / (processor.cpu - cpu))


def _messages(kind: Kind, rows: int, many: int) -> Sequence[Message]:
    """Requests that are all new to the processor, until they begin again."""
    rng, now = np.random.default_rng(0), time.time_ns()
    stream = Stream("m", kind, columns=_COLUMNS)
    return [stream.next(rng.normal(10, 2, rows), now + 1_000_000 * number) for number in range(many)]


@contextmanager
def _processor(folder: Path, *, tls: bool) -> Iterator[tuple[Processor, grpc.Channel]]:
    authority = Authority(folder)
    pair = authority.issue("server")
    receive = {"receive": {"certificate": str(pair.certificate), "key": str(pair.key)}} if tls else {}
    # Nothing listens where its results go: they cost nothing here.
    processor = Processor(folder / "processor", export=9, settings={"window": {}, **receive})
    to = f"127.0.0.1:{processor.port}"
    secure = grpc.ssl_channel_credentials(authority.path.read_bytes())
    processor.launch()
    try:
        with grpc.secure_channel(to, secure) if tls else grpc.insecure_channel(to) as channel:
            probe = channel.unary_unary(f"/{SERVICES['traces'].name}/Export")
            wait_until(lambda: _is_taken(probe), "it serves", 60)
            yield processor, channel
    finally:
        processor.kill()


def _is_taken(probe: Any) -> bool:
    try:
        probe(b"", timeout=3.0)
    except grpc.RpcError:
        return False
    return True


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
