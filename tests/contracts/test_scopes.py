"""Everything that we send says which version of us sent it."""

from importlib.metadata import version
from typing import Any

import numpy as np
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from sklearn.linear_model import LogisticRegression

from driftline_processor.service import internal_metrics
from telemetry import Telemetry


def scopes(requests: list[Any]) -> set[tuple[str, str]]:
    """Names and versions."""
    resources = [each for request in requests for each in _held(request)]
    return {(each.scope.name, each.scope.version) for resource in resources for each in _held(resource)}


def _held(message: Any) -> list[Any]:
    """What the one repeated field of a message holds, whichever signal it is of."""
    return [each for field, value in message.ListFields() if field.is_repeated for each in value]


def test_spans_durations_and_sketches(telemetry: Telemetry) -> None:
    """Of the instrumentation."""
    x = np.arange(20.0).reshape(10, 2)
    LogisticRegression().fit(x, np.arange(10) % 2).predict(x)
    telemetry.flush()

    for signal in ("traces", "metrics"):
        assert scopes(telemetry.requests(signal)) == {("driftline", version("driftline"))}
    assert len(telemetry.requests("metrics")) >= 2


def test_the_processors_own_counters() -> None:
    """Results are in the golden files."""
    reader = InMemoryMetricReader()
    internal_metrics.InternalMetrics(MeterProvider([reader])).add("exported.sets", 1)
    data = reader.get_metrics_data()

    assert data is not None
    assert scopes([encode_metrics(data)]) == {("driftline.processor", version("driftline"))}
