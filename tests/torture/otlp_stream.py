"""What one server sends about one model, made by hand: every request's rows are counted as it is made."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from driftline import semconv
from driftline.sketch import Histogram
from driftline_processor.decode import OtlpSignal
from otlp_requests import (
    CUMULATIVE,
    DELTA,
    SERVICE,
    counter,
    metrics_request,
    number,
    of_model,
    sketch,
    sketch_point,
    span,
    trace_request,
)

Kind = Literal["spans", "cumulative", "delta"]
Values = npt.NDArray[np.float64]

_SCALE: Final = 5
_BUCKETS: Final = 160
_SPAN_BITS: Final = 40


class Message(NamedTuple):
    """A request in bytes, and the signal whose service takes it."""

    signal: OtlpSignal
    body: bytes


class Stream:
    """Telemetry of a model, of one kind, from one server.

    `rows`: how many it has told of so far. Span ids are unique among streams of different `number`.
    """

    def __init__(
        self,
        model: str,
        kind: Kind,
        *,
        columns: Sequence[str] = ("a", "b", "c"),
        resource: Mapping[str, Any] = SERVICE,
        number: int = 0,
    ) -> None:
        self.model, self.kind, self.number, self.rows = model, kind, number, 0
        self._columns, self._resource = columns, resource
        self._span = number << _SPAN_BITS
        self._start = self._last = time.time_ns()
        self._total: Histogram | None = None

    def next(self, values: Values, when: int | None = None) -> Message:
        """A request of as many rows as there are values, each of which is in every column; `when`: Unix nanoseconds."""
        when = when or time.time_ns()
        self.rows += len(values)
        if self.kind == "spans":
            return self._spans(values, when)
        return self._points(values, when)

    def _spans(self, values: Values, when: int) -> Message:
        spans = []
        for value in values.tolist():
            self._span += 1
            row = {f"{semconv.INPUT}.{column}": value for column in self._columns}
            spans.append(span({**of_model(self.model), **row}, self._span, when))
        return Message("traces", trace_request(*spans, resource=self._resource).SerializeToString())

    def _points(self, values: Values, when: int) -> Message:
        histogram = Histogram.of(values, _SCALE, _BUCKETS)
        rows, start, temporality = len(values), self._last, DELTA
        if self.kind == "cumulative":
            histogram = histogram if self._total is None else self._total.merge(histogram, _BUCKETS)
            rows, start, temporality = self.rows, self._start, CUMULATIVE
        self._total, self._last = histogram, when
        of = of_model(self.model)
        points = [
            sketch_point({**of, semconv.FEATURE_NAME: column}, histogram, start, when) for column in self._columns
        ]
        request = metrics_request(
            counter(semconv.INFERENCE_ROWS, [number(of, rows, start, when)], temporality),
            sketch(semconv.FEATURE_VALUE, points, temporality),
            resource=self._resource,
        )
        return Message("metrics", request.SerializeToString())
