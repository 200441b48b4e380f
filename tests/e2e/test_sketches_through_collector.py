"""Every sketch point of the named distributions, through the real Collector: it arrives bit for bit as it was sent."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricsData, ResourceMetrics, ScopeMetrics
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from contracts.test_sketch_accuracy import DISTRIBUTIONS, OUTLIERS, sketch
from driftline import semconv
from driftline.export.data_points import MetricPoint, column_points, metrics
from driftline.runtime.gil_yield import GilYield
from driftline.settings import HIDDEN, SHOWN
from driftline.sketch import NumericPoints
from driftline.sketch.column import ColumnPoints, TimeRange
from e2e import otlp_client
from e2e.collectors import gateway
from otlp_sink import OtlpSink, Received

pytestmark = pytest.mark.e2e

SPAN = TimeRange(1_795_000_000_000_000_000, 1_795_000_060_000_000_000)


def columns() -> Iterator[tuple[str, NumericPoints]]:
    for name, draw in DISTRIBUTIONS.items():
        for outliers, put in OUTLIERS.items():
            yield f"{name}, {outliers}", sketch(put(draw(np.random.default_rng(4))))


def points(name: str, numbers: NumericPoints) -> Iterator[MetricPoint]:
    """As they leave the instrumentation, with the extremes of the tails and without them."""
    found = ColumnPoints(SPAN.time, [(SPAN, numbers)], {}, {})
    for redaction in (SHOWN, HIDDEN):
        attributes = {semconv.MODEL_NAME: "churn", semconv.FEATURE_NAME: f"{name}, {redaction}"}
        yield from column_points(semconv.INPUT_COLUMN, attributes, redaction, found)


def keyed(received: Received) -> dict[tuple[Any, ...], Any]:
    """Data points by metric, column and part."""
    found = {}
    for each in received.points():
        for side in (each.point.positive, each.point.negative):
            side.SetInParent()  # the Collector writes buckets that are empty; without rows they say the same
        key = each.metric.name, each.attributes[semconv.FEATURE_NAME], each.attributes.get(semconv.SKETCH_PART)
        found[key] = each.point
    return found


@pytest.mark.parametrize("temporality", [AggregationTemporality.CUMULATIVE, AggregationTemporality.DELTA])
def test_every_point_arrives_as_it_was(temporality: AggregationTemporality, tmp_path: Path) -> None:
    """Scale, offsets, counts, zeros, minimum, maximum and times: all fields are equal, at the processor and beyond."""
    named = [point for name, numbers in columns() for point in points(name, numbers)]
    scope = ScopeMetrics(InstrumentationScope(semconv.SCOPE), metrics(named, temporality, GilYield()), "")
    sent = encode_metrics(MetricsData([ResourceMetrics(Resource({"service.name": "churn-api"}), [scope], "")]))
    expected = Received()
    expected.take("metrics", sent)
    assert len(keyed(expected)) == len(named) > 2 * len(DISTRIBUTIONS) * len(OUTLIERS)

    with (
        OtlpSink() as processor,
        OtlpSink() as backend,
        gateway(
            tmp_path, backend=backend.endpoint, processor=processor.endpoint, overlays=("with-sketches.yaml",)
        ) as collector,
    ):
        with otlp_client.client(collector.port) as client:
            client.send(sent)
        for sink in (processor, backend):
            sink.wait_for(lambda received: len(received.points()) >= len(named))
            assert keyed(sink) == keyed(expected)
            assert {each.metric.exponential_histogram.aggregation_temporality for each in sink.points()} == {
                temporality.value
            }
