"""How many calls a sampled span stands for, from OpenTelemetry's sampling threshold in the trace state.

`ot=th:8` says that trace ids whose randomness lies below 8 / 16 of the range were dropped: the probability to be kept
was one half, and the span stands for two. https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/
"""

from functools import lru_cache
from typing import Final

_RANGE: Final = 1 << 56
_DIGITS: Final = 14
_HEX: Final = frozenset("0123456789abcdef")


@lru_cache(4096)
def weight(trace_state: str) -> float:
    """One over the probability with which the span was sampled; 1 where the trace state does not say."""
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
