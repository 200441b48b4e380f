"""The durations of model calls, as a histogram."""

from typing import Final

from opentelemetry import trace
from opentelemetry.metrics import Meter

from driftline import semconv
from driftline.records import Prediction

# From 0.1 ms for one row of a linear model to a minute for a large batch.
_BOUNDS: Final = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)


class Durations:
    """Records durations, in the background: an instrument costs more than everything the caller pays."""

    def __init__(self, meter: Meter) -> None:
        self._histogram = meter.create_histogram(
            semconv.INFERENCE_DURATION,
            unit="s",
            description="Duration of a model call",
            explicit_bucket_boundaries_advisory=_BOUNDS,
        )

    def record(self, prediction: Prediction) -> None:
        attributes = prediction.model.attributes(prediction.operation)
        if prediction.error is not None:
            attributes[semconv.ERROR_TYPE] = prediction.error
        parent = None if prediction.span is None else trace.set_span_in_context(prediction.span)
        self._histogram.record(prediction.duration, attributes, context=parent)
