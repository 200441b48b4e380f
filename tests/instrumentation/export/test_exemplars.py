"""The counter of rows names a call by its trace, so that an alarm can name one."""

from collections.abc import Callable

import numpy as np
import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from sklearn.linear_model import LogisticRegression

import driftline
from driftline import semconv
from telemetry import Telemetry

X = np.random.default_rng(5).normal(size=(10, 3))


@pytest.fixture
def model() -> LogisticRegression:
    return LogisticRegression().fit(X, X[:, 0] > 0)


def exemplars(telemetry: Telemetry) -> list[tuple[bytes, bytes, float]]:
    """Trace, span and rows of all that were sent, in order."""
    points = telemetry.points(semconv.INFERENCE_ROWS)
    return [(each.trace_id, each.span_id, each.as_int) for point in points for each in point.point.exemplars]


def test_each_export_names_one_call(instrumented: Callable[..., Telemetry], model: LogisticRegression) -> None:
    """It is one of those that the export tells of for the first time, and its span is in the backend."""
    telemetry = instrumented()
    for size in (3, 4):
        model.predict(X[:size])
        model.predict(X)
        assert driftline.flush(10)
    spans = [span.span for span in telemetry.spans()]

    assert exemplars(telemetry) == [(spans[i].trace_id, spans[i].span_id, size) for i, size in ((0, 3), (2, 4))]


def test_a_trace_that_is_not_recorded_is_not_named(
    instrumented: Callable[..., Telemetry], model: LogisticRegression
) -> None:
    """Nobody could look it up."""
    telemetry = instrumented(sampler=ALWAYS_OFF)
    model.predict(X)
    assert driftline.flush(10)

    assert telemetry.total(semconv.INFERENCE_ROWS) == 10
    assert exemplars(telemetry) == []
