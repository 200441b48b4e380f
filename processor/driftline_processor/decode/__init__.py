"""OTLP requests → records. Pure: any bytes give a Batch, in which the unusable is counted, or the error Malformed."""

from collections.abc import Callable, Mapping
from typing import Final, Literal, TypeAlias

from driftline_processor.decode.metrics import decode_metrics
from driftline_processor.decode.otlp_values import Malformed, decode_logs
from driftline_processor.decode.traces import decode_traces
from driftline_processor.records import Batch

__all__ = ["DECODERS", "Malformed", "Signal", "decode_logs", "decode_metrics", "decode_traces"]

Signal: TypeAlias = Literal["traces", "metrics", "logs"]

DECODERS: Final[Mapping[Signal, Callable[[bytes], Batch]]] = {
    "traces": decode_traces,
    "metrics": decode_metrics,
    "logs": decode_logs,
}
"""How the requests of each signal are read."""
