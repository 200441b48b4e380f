"""OTLP requests → records; pure. Any bytes give a Batch, with rejections counted, or raise Malformed or TooLarge.

Imports no other room of the processor but `records` and `limits`.
"""

from driftline_processor.decode.logs import decode_logs
from driftline_processor.decode.metrics import decode_metrics
from driftline_processor.decode.otlp_values import Malformed
from driftline_processor.decode.requests import DECODERS, Decoded, decode_request
from driftline_processor.decode.traces import decode_traces
from driftline_processor.decode.wire_limits import OtlpSignal, TooLarge

__all__ = [
    "DECODERS",
    "Decoded",
    "Malformed",
    "OtlpSignal",
    "TooLarge",
    "decode_logs",
    "decode_metrics",
    "decode_request",
    "decode_traces",
]
