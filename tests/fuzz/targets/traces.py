"""A request of OTLP traces: decoded within limits, counted, judged and saved, or one of the two known errors."""

from fuzz.requests import taken


def enter(data: bytes) -> None:
    taken("traces", data)
