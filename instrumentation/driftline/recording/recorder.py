"""Records model calls as telemetry. Nothing in here can make a call fail."""

from __future__ import annotations  # numpy is only loaded once there is a row

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from opentelemetry import context as otel
from opentelemetry import metrics, trace
from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, Resource

from driftline import semconv
from driftline.checking import given
from driftline.export.exporter_selection import choose, choose_for_rows
from driftline.features.models import ModelFactsCache
from driftline.recording.sdk_providers import SdkProviders
from driftline.recording.span_budget import SpanBudget
from driftline.recording.spans import SpanSource
from driftline.records import Prediction, as_capture
from driftline.runtime import lifecycle
from driftline.runtime.call_scope import PREDICTION_IDS, end_call, row_ids_of
from driftline.runtime.self_faults import FAULTS
from driftline.runtime.threads import Lock, all_within
from driftline.settings import ALL

if TYPE_CHECKING:
    from contextvars import Token

    from opentelemetry.context import Context
    from opentelemetry.sdk._logs.export import LogRecordExporter
    from opentelemetry.sdk.metrics.export import MetricExporter

    from driftline.checking.failures import InputRejected
    from driftline.export.pipeline import Pipeline
    from driftline.recording.checked_calls import CheckedCalls
    from driftline.recording.span_values import SpanValues
    from driftline.records import CallRecord, Capture, ModelFacts, SmallArray
    from driftline.runtime.call_scope import ScopeToken
    from driftline.settings import Settings

_EXIT_SECONDS: Final = 2.0
"""How long a process may wait at exit for an unreachable backend."""

_SUPPRESS: Final = otel._SUPPRESS_INSTRUMENTATION_KEY  # noqa: SLF001  # checked by every instrumentation
_SUPPRESS_PLAIN: Final = "suppress_instrumentation"
"""As `opentelemetry.instrumentation.utils.is_instrumentation_enabled`, but with a single context lookup."""


def _outputs(read: Callable[[Any], Any], output: Any) -> Any:
    try:
        return read(output)
    except Exception as error:  # noqa: BLE001  # record the call without its outputs
        FAULTS.note("outputs", error)
        return None


def _edge_cases_of_inputs(span: trace.Span) -> tuple[str, ...]:
    """Those that a check of the inputs has found."""
    return tuple((getattr(span, "attributes", None) or {}).get(semconv.EDGE_CASE, ()))


# Extracts the outputs from a call's return value; None: it is the output.
_Read: TypeAlias = "Callable[[Any], Any] | None"

# A call in progress: model, operation, inputs, output reader, span, context token to detach, start time. A bare tuple,
# because one is created per row served and a named one costs five times as much.
_CallInProgress: TypeAlias = (
    "tuple[ModelFacts, str, Capture | SmallArray | None, _Read, trace.Span | None, Token[Context] | None, float]"
)


@dataclass(frozen=True, slots=True)
class Adapter:
    """What a framework contributes: the facts of models, and where a call's arguments hold the rows.

    outputs: extracts the outputs from a call's return value; None: it is the output.
    """

    models: ModelFactsCache
    rows: Callable[[str, tuple[Any, ...], dict[str, Any]], Any]
    outputs: Callable[[str, Any, tuple[Any, ...], dict[str, Any], Any], Any] | None = None


class Recorder:
    """Records model calls. One per process; a forked child continues with an empty one."""

    def __init__(
        self,
        settings: Settings,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
        metric_exporter: MetricExporter | None = None,
        log_exporter: LogRecordExporter | None = None,
    ) -> None:
        self.settings = settings
        self._providers = SdkProviders(tracer_provider, meter_provider)
        self._spans = SpanSource(tracer_provider)
        self._make_exporter = choose(settings.otlp_endpoint) if metric_exporter is None else lambda: metric_exporter
        self._make_log_exporter: Callable[..., LogRecordExporter] | None = None
        if log_exporter is not None:
            self._make_log_exporter = lambda: log_exporter
        elif metric_exporter is None and settings.rows:
            self._make_log_exporter = choose_for_rows(settings.otlp_endpoint)
        self._resource = _ApplicationResource(tracer_provider)
        self._meter_provider = meter_provider
        self.before_export: list[Callable[[], None]] = []
        self._span_values: SpanValues | None = None
        # Where no sketch counts inputs, the processor counts those of spans: of all of them.
        self._span_budget = SpanBudget(settings.span_examples if settings.sketch == ALL else inf)
        self._abandoned: list[Pipeline] = []
        self._checked: CheckedCalls | None = None
        self._reset()
        if settings.check is not None or len(given.GIVEN):
            self._begin_checking()
        given.listeners.append(self._begin_checking)
        lifecycle.register(self)

    def _reset(self) -> None:
        self._pipeline: Pipeline | None = None
        self._making = Lock()

    def begin(self, adapter: Adapter, operation: str, model: Any, args: Any, kwargs: Any) -> _CallInProgress | None:
        """Before the call: copy its input, which it may modify. None if the call is not recorded."""
        try:
            context = otel.get_current()
            if context.get(_SUPPRESS) or context.get(_SUPPRESS_PLAIN):
                return None
            known = adapter.models.of(model)
            pipeline = self._pipeline or self._make_pipeline()
            rows = adapter.rows(operation, args, kwargs)
            inputs = pipeline.captures.of(rows)
            read = adapter.outputs and partial(adapter.outputs, operation, model, args, kwargs)
            span = self._spans.start(known, operation, context)
            rejected = None if self._checked is None else self._checked.examine(model, known, rows, inputs, span)
            if rejected is None:
                attached = None if span is None else otel.attach(trace.set_span_in_context(span, context))
                return known, operation, inputs, read, span, attached, time.perf_counter()
        except Exception as error:  # noqa: BLE001  # an internal fault must not reach the caller
            FAULTS.note("begin", error)
            return None
        self._reject(known, inputs, span, rejected)
        raise rejected

    def _reject(
        self, model: ModelFacts, inputs: Capture | SmallArray | None, span: trace.Span | None, error: InputRejected
    ) -> None:
        """Record a call that does not take place: it is in no sketch."""
        end_call()
        try:
            from driftline.capture.copies import release

            captured = as_capture(inputs)
            rows = captured.rows if captured else 0
            if captured is not None:
                release(captured)
            assert self._checked is not None
            self._checked.count_rejected(model, rows)
            if span is not None and span.is_recording():
                # The processor would count the rows of a span that are in no sketch.
                marks: dict[str, Any] = {
                    semconv.ROW_COUNT: rows,
                    semconv.SKETCHED: True,
                    semconv.ERROR_TYPE: type(error).__qualname__,
                }
                span.set_attributes(marks)
                shown = None if self.settings.redacts else str(error)
                span.set_status(trace.Status(trace.StatusCode.ERROR, shown))
        except Exception as fault:  # noqa: BLE001  # an internal fault must not hide the reason
            FAULTS.note("reject", fault)
        if span is not None:
            self._end_span(span)

    def _meter(self) -> metrics.Meter:
        return self.pipeline.meter()

    def _begin_checking(self) -> None:
        if self._checked is None:
            from driftline.recording.checked_calls import CheckedCalls

            self._checked = CheckedCalls(self.settings, self._meter)

    def end(self, started: _CallInProgress | None, output: Any, error: BaseException | None, token: ScopeToken) -> None:
        """After the call: hand over the record and end the span. error: what the model raised. token: of its scope."""
        if started is None:
            return
        now = time.perf_counter()
        model, operation, inputs, read, span, attached, began = started
        try:
            if attached is not None:
                otel.detach(attached)
            pipeline = self._pipeline or self._make_pipeline()
            if read is not None and error is None:
                output = _outputs(read, output)
            outputs = pipeline.captures.of(output, True)
            failure = None if error is None else type(error).__qualname__
            if token[0] is not False:
                row_ids_of(token)
            record = model, operation, inputs, outputs, now - began, failure, span, token, now
            if span is None:
                pipeline.queue.put(record)
            else:
                self._finish(span, record, error)
        except Exception as fault:  # noqa: BLE001  # an internal fault must not reach the caller
            FAULTS.note("end", fault)
        finally:
            if span is not None:
                self._end_span(span)

    def _finish(self, span: trace.Span, record: CallRecord, error: BaseException | None) -> None:
        prediction = Prediction.of(record)
        attributes: dict[str, Any] = {semconv.ROW_COUNT: prediction.rows}
        if span.is_recording():
            # Before the hand-over, after which the buffers of the rows may be reused.
            attributes |= self._content(prediction, record)
            if edge_cases := [*_edge_cases_of_inputs(span), *attributes.get(semconv.EDGE_CASE, ())]:
                attributes[semconv.EDGE_CASE] = edge_cases
        pipeline = self.pipeline
        kept = pipeline.queue.put(record) and not prediction.lost
        sketched = kept and pipeline.counts and self.settings.sketch != "none"
        # Without its inputs the processor must not count it either, should the queue have filled up this instant.
        attributes[semconv.SKETCHED] = sketched or semconv.INPUTS_OMITTED in attributes
        if not span.is_recording():
            return
        attributes[semconv.PREDICTION_ID] = f"{PREDICTION_IDS.of(prediction.token):032x}"
        if error is not None:
            attributes[semconv.ERROR_TYPE] = prediction.error
            # The message of an exception may contain input values.
            shown = None if self.settings.redacts else str(error)
            span.set_status(trace.Status(trace.StatusCode.ERROR, shown))
        span.set_attributes(attributes)

    def _content(self, prediction: Prediction, record: CallRecord) -> dict[str, Any]:
        try:
            if self._span_values is None:
                from driftline.recording.span_values import SpanValues

                self._span_values = SpanValues(self.settings, self.pipeline.references.named)
            return self._span_values.of(prediction, inputs_shown=self._shows_inputs(prediction, record))
        except Exception as error:  # noqa: BLE001  # a span without example rows is still useful
            FAULTS.note("span content", error)
            return {}

    def _shows_inputs(self, prediction: Prediction, record: CallRecord) -> bool:
        """All calls whose rows no sketch will count show their inputs: the processor counts those of their spans."""
        if self._span_budget.take(prediction.span.get_span_context().trace_id):
            return True
        return prediction.inputs is None or not (self.pipeline.counts and self.pipeline.queue.has_room(record))

    def _end_span(self, span: trace.Span) -> None:
        try:
            span.end()
        except Exception as error:  # noqa: BLE001  # span processors are third-party code
            FAULTS.note("end span", error)

    @property
    def pipeline(self) -> Pipeline:
        return self._pipeline or self._make_pipeline()

    def _make_pipeline(self) -> Pipeline:
        from driftline.export.pipeline import Pipeline

        with self._making:
            if self._pipeline is None:
                self._pipeline = Pipeline(
                    self.settings,
                    self._make_exporter,
                    self._resource.find,
                    self._on_export,
                    self._meter_provider,
                    make_log_exporter=self._make_log_exporter,
                )
            return self._pipeline

    def _on_export(self) -> None:
        for action in list(self.before_export):  # a copy: uninstrumenting a framework meanwhile removes its action
            action()

    def flush(self, timeout: float) -> bool:
        """Send everything recorded so far, and flush the SDK's providers; whether it was sent within `timeout`."""
        pipeline = self._pipeline
        if pipeline is None:
            return all_within(timeout, self._providers.flushes(timeout))
        # Drained first, because that records the durations.
        return all_within(
            timeout, [partial(pipeline.flush, timeout), *self._providers.flushes(timeout, first=pipeline.drain)]
        )

    def finish(self) -> None:
        """Before an exit that skips exit handlers, the SDK's too: flush if this process has recorded anything."""
        if self._pipeline is not None:
            self.flush(_EXIT_SECONDS)

    def after_fork(self) -> None:
        """Start empty: the parent sends what it holds. Its channel must not even be closed here."""
        if self._pipeline is not None:
            self._abandoned.append(self._pipeline)
        FAULTS.reset()
        PREDICTION_IDS.renew()
        self._resource.after_fork()
        self._providers.after_fork()
        self._reset()

    def at_exit(self) -> None:
        """Send what is pending, in bounded time, and stop."""
        if self._pipeline is not None:
            self._pipeline.close(_EXIT_SECONDS)

    def close(self) -> None:
        """As at exit, now."""
        lifecycle.unregister(self)
        given.listeners.remove(self._begin_checking)
        self.at_exit()


class _ApplicationResource:
    """The resource of the sketches: that of the application's tracer provider, if it has one."""

    def __init__(self, provider: trace.TracerProvider | None) -> None:
        self._provider = provider
        # Created eagerly if there is none yet: resource detectors use threads, which cannot start at exit.
        self._own = Resource.create() if self._of_application() is None else None

    def find(self) -> Resource:
        return self._of_application() or self._own or Resource.create()

    def after_fork(self) -> None:
        if self._own is not None:
            self._own = self._own.merge(Resource({SERVICE_INSTANCE_ID: secrets.token_hex(16)}))

    def _of_application(self) -> Resource | None:
        provider = self._provider or trace.get_tracer_provider()
        resource = getattr(provider, "resource", None)
        return resource if isinstance(resource, Resource) else None
