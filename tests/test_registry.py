"""The registry of names is that of the code, and what is sent is in it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from live_check import complaints, groups, types
from otlp_sink import Received
from registry import files
from telemetry import Telemetry

GOLDEN = Path(__file__).parent / "golden" / "processor"
REQUESTS = {
    "resourceMetrics": ("metrics", ExportMetricsServiceRequest),
    "resourceLogs": ("logs", ExportLogsServiceRequest),
}


def test_the_files_are_those_of_the_code() -> None:
    """As `make docs` writes them."""
    assert {file: file.read_text() for file in files()} == dict(files())


@pytest.mark.parametrize("kind", ["spans", "metrics", "events", "entities"])
def test_every_reference_resolves(kind: str) -> None:
    """And every group has what Weaver asks of its kind."""
    required = {
        "spans": {"span_kind"},
        "metrics": {"metric_name", "instrument", "unit"},
        "events": {"name"},
        "entities": {"name"},
    }[kind]
    for group in groups(kind).values():
        assert {"id", "type", "brief", "stability", *required} <= group.keys()
        assert {each["ref"] for each in group.get("attributes", ())} <= types().keys(), group["id"]
    assert len({group["id"] for group in groups(kind).values()}) == len(groups(kind))


def test_what_the_processor_sends_is_registered() -> None:
    """Results, alarms and incidents of the golden run."""
    received = Received()
    for request in json.loads((GOLDEN / "results.json").read_text()):
        signal, kind = REQUESTS[next(iter(request))]
        received.take(signal, json_format.ParseDict(request, kind()))

    assert complaints(received) == set()


@pytest.mark.parametrize("rows", [1, 7])
def test_what_a_model_server_sends_is_registered(instrumented: Callable[..., Telemetry], rows: int) -> None:
    """Numbers, texts, booleans and times; classes and values; calls that fail."""
    telemetry, random = instrumented(), np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(100, 3)), columns=["age", "bmi", "bp"])
    classifier = RandomForestClassifier(5).fit(frame, random.integers(0, 3, 100))
    regressor = RandomForestRegressor(5).fit(frame, frame["age"])
    classifier.predict_proba(frame[:rows])
    classifier.predict(frame[:rows])
    regressor.predict(frame[:rows])
    with pytest.raises(ValueError, match="feature"):
        regressor.predict(frame[:rows].drop(columns="bp"))
    telemetry.flush()

    assert telemetry.points()
    assert complaints(telemetry) == set()


def test_a_name_that_is_not_registered_is_found() -> None:
    """The check can fail."""
    received = Received()
    metric: Any = {"name": "ml.unheard.of", "unit": "s", "gauge": {"dataPoints": [{"asDouble": 1.0}]}}
    known: Any = {"name": "ml.inference.rows", "unit": "s", "gauge": {"dataPoints": [{"asDouble": 1.0}]}}
    request = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric, known]}]}]}
    received.take("metrics", json_format.ParseDict(request, ExportMetricsServiceRequest()))

    assert complaints(received) == {
        "metric ml.unheard.of: unknown",
        "metric ml.inference.rows: unit 's', not '{row}'",
        "metric ml.inference.rows: gauge, not counter",
    }
