"""The weight of a sampled span, from OpenTelemetry's sampling threshold in the trace state.

With `ot=th:8`, traces whose randomness lies below 8/16 of the range were dropped: the sampling probability is one half
and the span counts twice. https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/
"""

from functools import lru_cache
from typing import Final

_RANGE: Final = 1 << 56
_DIGITS: Final = 14
_HEX: Final = frozenset("0123456789abcdef")


@lru_cache(4096)
def sampling_weight(trace_state: str) -> float:
    """One over the span's sampling probability; 1 if the trace state has no threshold."""
    for member in trace_state.split(","):
        vendor, _, fields = member.strip().partition("=")
        if vendor == "ot":
            return _of_threshold(fields)
    return 1.0


def _of_threshold(fields: str) -> float:
    for field in fields.split(";"):
        name, _, digits = field.partition(":")
        if name == "th" and 0 < len(digits) <= _DIGITS and _HEX.issuperset(digits):
            return _RANGE / (_RANGE - int(digits.ljust(_DIGITS, "0"), 16))
    return 1.0
