"""ingest_vs_parse: decoding spans, in a server.

Measured: spans a second that a gRPC server decodes to records (`decode_traces`): requests of 512 spans of a model with
30 features, as the instrumentation itself sends them where sketches are off, four in flight. Against: the same server
with a handler that only parses the protobuf. Each server is a process of its own, the client is a third one; loopback.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench.harness import Figure, interleaved
from bench.otlp_server import serving
from bench.rig import FEATURES, NoOp, rig
from driftline_processor.decode import decode_traces

SPANS: Final = 512
REQUESTS: Final = 24


def measure() -> NDArray[np.float64]:
    bodies = requests()
    assert sum(len(record.keys) for body in bodies for record in decode_traces(body).records) == SPANS * REQUESTS
    with serving(_parse) as parse, serving(decode_traces) as decode:
        seconds = interleaved({"parse": lambda: parse.send(bodies), "decode": lambda: decode.send(bodies)})
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


FIGURE: Final = Figure("ingest_vs_parse", "a server that only parses", 0.2, 0.9, measure, at_least=True)
