"""OTLP requests → records. Pure: any bytes give a Batch, in which the unusable is counted, or the error Malformed."""

from driftline_processor.decode.metrics import decode_metrics
from driftline_processor.decode.traces import decode_traces
from driftline_processor.decode.wire import Malformed, decode_logs

__all__ = ["Malformed", "decode_logs", "decode_metrics", "decode_traces"]
