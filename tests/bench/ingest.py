"""ingest_vs_parse: decoding spans, in a server.

Measured: spans a second that a gRPC server decodes to records (`decode_traces`): requests of 512 spans of a model with
30 features, as the instrumentation itself sends them where sketches are off, four in flight. Against: the same server
with a handler that only parses the protobuf. Each server is a process of its own, the client is a third one; loopback.
"""

import multiprocessing
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

import grpc
import numpy as np
from numpy.typing import NDArray
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from bench.harness import Figure, interleaved
from bench.rig import FEATURES, NoOp, rig
from driftline_processor.decode import decode_traces

SPANS: Final = 512
REQUESTS: Final = 24
IN_FLIGHT: Final = 4

_SERVICE: Final = "opentelemetry.proto.collector.trace.v1.TraceService"
_OPTIONS: Final = (("grpc.max_receive_message_length", 64 << 20), ("grpc.so_reuseport", 0))
_ANSWER: Final[bytes] = ExportTraceServiceResponse().SerializeToString()


def measure() -> NDArray[np.float64]:
    bodies = requests()
    assert sum(len(record.keys) for body in bodies for record in decode_traces(body).records) == SPANS * REQUESTS
    with _server("parse") as parse, _server("decode") as decode:
        seconds = interleaved({"parse": lambda: _send(parse, bodies), "decode": lambda: _send(decode, bodies)})
    return seconds["parse"] / seconds["decode"]


def requests() -> list[bytes]:
    """What an instrumented server sends."""
    rows = np.random.default_rng(0).normal(size=(SPANS * REQUESTS, 1, FEATURES))
    model = NoOp()
    with rig(sketch="none") as process:
        kept = process.exporter.requests = []
        for row in rows:
            model.predict(row)
        process.settle()
    return kept


def _parse(body: bytes) -> object:
    return ExportTraceServiceRequest.FromString(body)


HANDLERS: Final[dict[str, Callable[[bytes], object]]] = {"parse": _parse, "decode": decode_traces}


def serve(name: str, pipe: Any) -> None:
    """A server until the pipe says to stop; its port is the first thing that the pipe tells."""
    handle = HANDLERS[name]

    def export(body: bytes, context: grpc.ServicerContext) -> bytes:
        handle(body)
        return _ANSWER

    server = grpc.server(ThreadPoolExecutor(IN_FLIGHT), options=_OPTIONS)
    method = grpc.unary_unary_rpc_method_handler(export)
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(_SERVICE, {"Export": method})])
    pipe.send(server.add_insecure_port("127.0.0.1:0"))
    server.start()
    pipe.recv()
    server.stop(None).wait()


@contextmanager
def _server(name: str) -> Iterator[Any]:
    """A server in a process of its own: the method to call."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(name, theirs))
    process.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{ours.recv()}") as channel:
            yield channel.unary_unary(f"/{_SERVICE}/Export")
    finally:
        ours.send(None)
        process.join()


def _send(export: Any, bodies: list[bytes]) -> float:
    """Seconds until all requests are answered."""
    start = time.perf_counter()
    flying: list[Any] = []
    for body in bodies:
        if len(flying) == IN_FLIGHT:
            flying.pop(0).result()
        flying.append(export.future(body, wait_for_ready=True))
    for each in flying:
        each.result()
    return time.perf_counter() - start


FIGURE: Final = Figure("ingest_vs_parse", "a server that only parses", 0.2, 0.9, measure, at_least=True)
