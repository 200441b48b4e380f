"""Spans of model calls: whether there is one, and what is the same for every call."""

from __future__ import annotations  # numpy is only loaded once there is a row

from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import TraceFlags
from opentelemetry.trace.propagation import _SPAN_KEY  # `get_current_span`, at a fifth of its cost

from driftline import semconv

if TYPE_CHECKING:
    from opentelemetry.context import Context

    from driftline.records import ModelFacts

_NEVER: Final = "AlwaysOffSampler"

_FLAGS: Final = 3
_IS_VALID: Final = 5
"""Where a span context, a tuple, has its `trace_flags` and `is_valid`: the properties cost four times as much."""

_MOST_CONSTANTS: Final = 1000
"""Models and operations that are remembered."""


class SpanSource:
    """Starts the span of a call, unless it is known beforehand that nobody will record one.

    An unsampled span costs half of a recorded one. Children of a span that is not sampled need none of ours in between.
    """

    def __init__(self, provider: trace.TracerProvider | None) -> None:
        self._given = provider
        self._tracer: trace.Tracer | None = None
        self._constants: dict[tuple[int, str], tuple[ModelFacts, tuple[str, dict[str, Any]]]] = {}
        self._never_as_root = self._never_below_unsampled = False

    def start(self, model: ModelFacts, operation: str, context: Context) -> trace.Span | None:
        """A recording span, not yet the current one; None where nothing is recorded."""
        tracer = self._tracer or self._find_tracer()
        if tracer is None:
            return None
        parent: Any = context.get(_SPAN_KEY)
        above = trace.INVALID_SPAN_CONTEXT if parent is None else parent.get_span_context()
        if not (above[_FLAGS] & TraceFlags.SAMPLED) and (
            self._never_below_unsampled if above[_IS_VALID] else self._never_as_root
        ):
            return None
        name, attributes = self._constant(model, operation)
        return tracer.start_span(name, context, attributes=attributes)

    def _constant(self, model: ModelFacts, operation: str) -> tuple[str, dict[str, Any]]:
        """Name and attributes that all spans of an operation of a model have."""
        key = id(model), operation
        known = self._constants.get(key)
        if known is None or known[0] is not model:
            if len(self._constants) >= _MOST_CONSTANTS:
                self._constants.clear()
            name, attributes = f"{operation} {model.name}", static_attributes(model, operation)
            known = self._constants[key] = model, (name, attributes)
        return known[1]

    def _find_tracer(self) -> trace.Tracer | None:
        provider = self._given or trace.get_tracer_provider()
        if self._given is None and isinstance(provider, trace.ProxyTracerProvider):
            return None  # there may be one later
        self._tracer = trace.get_tracer(semconv.SCOPE, tracer_provider=provider)
        if isinstance(provider, TracerProvider):
            sampler = provider.sampler.get_description()
            always_off = sampler == _NEVER
            self._never_as_root = always_off or sampler.startswith(f"ParentBased{{root:{_NEVER},")
            self._never_below_unsampled = always_off or (
                f"remoteParentNotSampled:{_NEVER}" in sampler and f"localParentNotSampled:{_NEVER}" in sampler
            )
        return self._tracer


def static_attributes(model: ModelFacts, operation: str) -> dict[str, Any]:
    """What is the same for every call of an operation of a model."""
    attributes = {
        semconv.MODEL_NAME: model.name,
        semconv.MODEL_TYPE: model.type,
        semconv.SYSTEM_NAME: model.system,
        semconv.OPERATION_NAME: operation,
        semconv.MODEL_VERSION: model.version,
        semconv.TASK: model.task,
    }
    return {name: value for name, value in attributes.items() if value is not None}
