"""Starts the spans of model calls, with the attributes all calls of an operation share."""

from __future__ import annotations  # numpy is not loaded before the first row

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
"""Indices of `trace_flags` and `is_valid` in a span context, a tuple: its properties cost four times as much."""

_MOST_CONSTANTS: Final = 1000
"""Maximum number of cached models and operations."""


class SpanSource:
    """Starts the span of a call, unless it is known in advance that it would not be sampled.

    An unsampled span costs half as much as a recorded one, and an unsampled parent's children need none in between.
    """

    def __init__(self, provider: trace.TracerProvider | None) -> None:
        self._given = provider
        self._tracer: trace.Tracer | None = None
        self._constants: dict[tuple[int, str], tuple[ModelFacts, tuple[str, dict[str, Any]]]] = {}
        self._never_as_root = self._never_below_unsampled = False

    def start(self, model: ModelFacts, operation: str, context: Context) -> trace.Span | None:
        """A started span, not yet the current one; None if it would not be sampled."""
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
        """Name and attributes shared by all spans of a model and operation."""
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
            return None  # a provider may be set later
        self._tracer = trace.get_tracer(semconv.SCOPE, semconv.SCOPE_VERSION, tracer_provider=provider)
        if isinstance(provider, TracerProvider):
            sampler = provider.sampler.get_description()
            always_off = sampler == _NEVER
            self._never_as_root = always_off or sampler.startswith(f"ParentBased{{root:{_NEVER},")
            self._never_below_unsampled = always_off or (
                f"remoteParentNotSampled:{_NEVER}" in sampler and f"localParentNotSampled:{_NEVER}" in sampler
            )
        return self._tracer


def static_attributes(model: ModelFacts, operation: str) -> dict[str, Any]:
    """Attributes shared by all calls of a model and operation."""
    attributes = {
        semconv.MODEL_NAME: model.name,
        semconv.MODEL_TYPE: model.type,
        semconv.SYSTEM_NAME: model.system,
        semconv.OPERATION_NAME: operation,
        semconv.MODEL_VERSION: model.version,
        semconv.TASK: model.task,
    }
    return {name: value for name, value in attributes.items() if value is not None}
