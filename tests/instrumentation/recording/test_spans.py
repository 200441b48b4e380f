"""Whether a call has a span."""

from collections.abc import Callable

import numpy as np
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased, Sampler, TraceIdRatioBased
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from sklearn.linear_model import LogisticRegression

from driftline import semconv
from driftline.recording.spans import SpanSource, static_attributes
from driftline.records import ModelFacts
from telemetry import Telemetry

MODEL = ModelFacts("m", "1", "M", "test", "classification", None, None, lambda operation, columns, head: [])
UNSAMPLED = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(0))
SAMPLED = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(1))

X = np.random.default_rng(0).normal(size=(20, 2))


@pytest.mark.parametrize(
    ("sampler", "parent", "recorded"),
    [
        (ALWAYS_ON, None, True),
        (ALWAYS_ON, UNSAMPLED, True),
        (ALWAYS_OFF, None, False),
        (ALWAYS_OFF, SAMPLED, False),
        (ParentBased(ALWAYS_ON), UNSAMPLED, False),
        (ParentBased(ALWAYS_ON), SAMPLED, True),
        (ParentBased(ALWAYS_ON), None, True),
        (ParentBased(ALWAYS_OFF), None, False),
        (ParentBased(ALWAYS_OFF), SAMPLED, True),
        (ParentBased(ALWAYS_OFF, remote_parent_not_sampled=ALWAYS_ON), UNSAMPLED, True),
        (ParentBased(TraceIdRatioBased(1.0)), None, True),
        (ParentBased(TraceIdRatioBased(0.0)), None, False),
    ],
)
def test_the_sampler_decides(sampler: Sampler, parent: SpanContext | None, recorded: bool) -> None:
    """Our short cut says what the sampler would have said."""
    provider = TracerProvider(sampler, shutdown_on_exit=False)
    context = (
        trace.set_span_in_context(NonRecordingSpan(parent)) if parent else trace.set_span_in_context(trace.INVALID_SPAN)
    )
    expected = provider.get_tracer("t").start_span("s", context)
    found = SpanSource(provider).start(MODEL, "predict", context)

    assert expected.is_recording() is recorded
    assert (found is not None and found.is_recording()) is recorded


def test_constant_attributes() -> None:
    """What is not known is not there."""
    assert static_attributes(MODEL._replace(version=None, task=None), "predict") == {
        semconv.MODEL_NAME: "m",
        semconv.MODEL_TYPE: "M",
        semconv.SYSTEM_NAME: "test",
        semconv.OPERATION_NAME: "predict",
    }


def test_spans_are_children_and_parents(instrumented: Callable[..., Telemetry]) -> None:
    """The call's span is the child of the current one, and the parent of what the model opens inside."""
    telemetry = instrumented()
    tracer = telemetry.tracer_provider.get_tracer("application")

    class Opens(LogisticRegression):
        def predict(self, X: np.ndarray) -> np.ndarray:
            with tracer.start_as_current_span("inside"):
                return super().predict(X)

    model = Opens().fit(X, X[:, 0] > 0)
    with tracer.start_as_current_span("request"):
        model.predict(X)
    telemetry.flush()

    spans = {each.span.name: each.span for each in telemetry.spans()}
    assert spans["predict Opens"].parent_span_id == spans["request"].span_id
    assert spans["inside"].parent_span_id == spans["predict Opens"].span_id


def test_attributes_have_plain_types(telemetry: Telemetry) -> None:
    """Every value is what OpenTelemetry takes as it is: no numpy scalar becomes a text."""
    LogisticRegression().fit(X, X[:, 0] > 0).predict_proba(X[:1].astype(np.float32))
    telemetry.flush()

    (span,) = telemetry.spans()
    assert isinstance(span.attributes[f"{semconv.INPUT}.x0"], float)
    assert isinstance(span.attributes[f"{semconv.OUTPUT}.prediction"], bool)
    assert isinstance(span.attributes[f"{semconv.OUTPUT}.confidence"], float)
