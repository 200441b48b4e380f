"""A gRPC server in a process of its own, and a client that keeps it busy: loopback, so many requests in flight."""

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import grpc

IN_FLIGHT: Final = 4

_METHOD: Final = "Export"
_SERVICES: Final = tuple(
    f"opentelemetry.proto.collector.{name.lower()}.v1.{name}Service" for name in ("Trace", "Metrics", "Logs")
)
_OPTIONS: Final = (("grpc.max_receive_message_length", 64 << 20), ("grpc.so_reuseport", 0))


@dataclass(frozen=True, slots=True)
class Server:
    """export: the method to call, of traces. port: takes all three signals. pipe: to the process."""

    export: Any
    port: int
    pipe: Any

    def send(self, bodies: Sequence[bytes]) -> float:
        """Seconds until all requests are answered."""
        start = time.perf_counter()
        flying: list[Any] = []
        for body in bodies:
            if len(flying) == IN_FLIGHT:
                flying.pop(0).result()
            flying.append(self.export.future(body, wait_for_ready=True))
        for each in flying:
            each.result()
        return time.perf_counter() - start

    def work(self, bodies: Sequence[bytes]) -> float:
        """Seconds of the server's CPU time until all requests are answered, one after the other."""
        before = self._cpu()
        for body in bodies:
            self.export(body, wait_for_ready=True)
        return self._cpu() - before

    def _cpu(self) -> float:
        self.pipe.send("cpu")
        seconds: float = self.pipe.recv()
        return seconds


@contextmanager
def serving(handle: Callable[[bytes], object]) -> Iterator[Server]:
    """A server whose requests are handled by a function of a module."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(handle, theirs))
    process.start()
    try:
        port = ours.recv()
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Server(channel.unary_unary(f"/{_SERVICES[0]}/{_METHOD}"), port, ours)
    finally:
        ours.send(None)
        process.join()


def _serve(handle: Callable[[bytes], object], pipe: Any) -> None:
    """Until the pipe says to stop; the port is the first thing that it tells."""

    def export(body: bytes, context: grpc.ServicerContext) -> bytes:
        handle(body)
        return b""

    server = grpc.server(ThreadPoolExecutor(IN_FLIGHT), options=_OPTIONS)
    method = grpc.unary_unary_rpc_method_handler(export)
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler(service, {_METHOD: method}) for service in _SERVICES]
    )
    pipe.send(server.add_insecure_port("127.0.0.1:0"))
    server.start()
    while pipe.recv() is not None:
        pipe.send(time.process_time())
    server.stop(None).wait()
