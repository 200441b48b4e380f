"""Results to OTLP: the origin's resource, the right labels, one window's end a request, and never an invalid point."""

import json
import math
from dataclasses import replace

import pytest
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.metrics.export import MetricsData

from driftline_processor.encode.gauges import encode_gauges
from driftline_processor.records import ColumnKey, ColumnResult, ModelKey, Window, WindowResult

SHOP = (("deployment.environment.name", "prod"), ("service.name", "shop"))
AGE = ColumnResult(ColumnKey("input", "age"), 200.0, 200.0, 0.0, {"psi": 0.5}, {"mean": 41.5}, {}, None)
PLAN = ColumnResult(ColumnKey("output", "prediction"), 200.0, 200.0, 0.0, {}, {}, {"yes": 0.75, "no": 0.25}, None)
MINUTE = 60 * 10**9


def result(model: ModelKey, minute: int = 1, provisional: bool = False) -> WindowResult:
    return WindowResult(model, Window((minute - 1) * MINUTE, minute * MINUTE), 200.0, None, provisional, (AGE, PLAN))


def points(data: MetricsData) -> dict[str, list[tuple[dict[str, object], float]]]:
    return {
        metric.name: [(dict(point.attributes or {}), point.value) for point in metric.data.data_points]
        for held in data.resource_metrics
        for scope in held.scope_metrics
        for metric in scope.metrics
    }


def test_labels_and_values() -> None:
    """A point says model, version, target and column, and whether a reference stands behind it."""
    (data,) = encode_gauges([result(ModelKey("churn", "2", SHOP), provisional=True)])
    model = {**dict(SHOP), "ml.model.name": "churn", "ml.model.version": "2", "ml.reference.provisional": True}

    found = points(data)
    assert found["ml.drift.psi"] == [({**model, "ml.drift.target": "input", "ml.feature.name": "age"}, 0.5)]
    assert found["ml.drift.window.end"] == [(model, 60.0)]
    output = {**model, "ml.drift.target": "output", "ml.feature.name": "prediction"}
    assert found["ml.prediction.class.share"] == [
        ({**output, "ml.output.class": "yes"}, 0.75),
        ({**output, "ml.output.class": "no"}, 0.25),
    ]
    assert "ml.drift.alarm" not in found


def test_environments_are_told_apart_by_attributes() -> None:
    """Of a resource some backends keep nothing but the service: no two points of a metric have the same attributes."""
    served = [ModelKey("churn", "2", (("deployment.environment.name", each), SHOP[1])) for each in ("prod", "staging")]
    (data,) = encode_gauges([result(model) for model in served])

    for values in points(data).values():
        attributes = [tuple(sorted(each.items())) for each, _ in values]
        assert len(set(attributes)) == len(attributes)


def test_unknown_version_is_absent() -> None:
    """An empty label would be another series in some backends and none in others."""
    (data,) = encode_gauges([result(ModelKey("churn"))])

    assert all("ml.model.version" not in attributes for found in points(data).values() for attributes, _ in found)


def test_resource_is_the_origin() -> None:
    """Results carry the resource of the service that they are about, one block for each."""
    (data,) = encode_gauges([result(ModelKey("a", "", SHOP)), result(ModelKey("b", "", SHOP)), result(ModelKey("a"))])

    assert [dict(held.resource.attributes) for held in data.resource_metrics] == [dict(SHOP), {}]
    shop = MetricsData(data.resource_metrics[:1])
    assert [attributes["ml.model.name"] for attributes, _ in points(shop)["ml.drift.psi"]] == ["a", "b"]


def test_one_window_end_a_request() -> None:
    """Late windows go out before, and never with, fresh ones: a point too old costs its whole request."""
    results = [result(ModelKey("a"), 3), result(ModelKey("b"), 1), result(ModelKey("c"), 3)]
    ends = [{value for _, value in points(data)["ml.drift.window.end"]} for data in encode_gauges(results)]

    assert ends == [{60.0}, {180.0}]


def test_times_are_those_of_the_window() -> None:
    """A replay sends the same points: their time is the window's, not the clock's."""
    (data,) = encode_gauges([result(ModelKey("churn"), 2)])
    times = {
        (point.start_time_unix_nano, point.time_unix_nano)
        for metric in data.resource_metrics[0].scope_metrics[0].metrics
        for point in metric.data.data_points
    }

    assert times == {(MINUTE, 2 * MINUTE)}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_invalid_point(value: float) -> None:
    """A value that is not finite is left out, and the others stay; a metric without points is not sent."""
    column = replace(AGE, statistics={"psi": value, "ks": 0.25}, distribution={"mean": value})
    (data,) = encode_gauges([replace(result(ModelKey("churn")), columns=(column,))])

    found = points(data)
    assert "ml.drift.psi" not in found
    assert "ml.distribution.mean" not in found
    assert found["ml.drift.ks"][0][1] == 0.25


def test_nothing_to_say() -> None:
    """Without results there is no request."""
    assert encode_gauges([]) == []


def test_what_the_sdk_makes_of_it() -> None:
    """The SDK encodes every request, and its own JSON form of it is valid."""
    (data,) = encode_gauges([result(ModelKey("churn", "2", SHOP))])
    request = encode_metrics(data)

    assert json.loads(data.to_json())["resource_metrics"]
    assert {attribute.key for attribute in request.resource_metrics[0].resource.attributes} == dict(SHOP).keys()
    assert request.resource_metrics[0].scope_metrics[0].scope.name == "driftline.processor"
    assert all(metric.HasField("gauge") for metric in request.resource_metrics[0].scope_metrics[0].metrics)
