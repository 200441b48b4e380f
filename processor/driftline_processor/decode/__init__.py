"""OTLP requests → records; pure. Any bytes give a Batch, with rejections counted, or raise Malformed.

Imports no other room of the processor but `records`.
"""

from collections.abc import Callable, Mapping
from typing import Final, Literal, TypeAlias

from driftline_processor.decode.metrics import decode_metrics
from driftline_processor.decode.otlp_values import Malformed, decode_logs
from driftline_processor.decode.traces import decode_traces
from driftline_processor.records import Batch

__all__ = ["DECODERS", "Malformed", "OtlpSignal", "decode_logs", "decode_metrics", "decode_traces"]

OtlpSignal: TypeAlias = Literal["traces", "metrics", "logs"]

DECODERS: Final[Mapping[OtlpSignal, Callable[[bytes], Batch]]] = {
    "traces": decode_traces,
    "metrics": decode_metrics,
    "logs": decode_logs,
}
"""The decoder of each signal's requests."""
