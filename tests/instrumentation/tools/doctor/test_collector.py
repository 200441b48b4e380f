"""A Collector's configuration: each way in which it takes from the processor what it needs is told."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

import wire_names
from driftline.tools.doctor.collector_checks import READ_METRICS, findings, prometheus_findings
from driftline.tools.doctor.collector_files import expanded, findings_of, merged
from driftline.tools.doctor.finding import Finding, Severity

CONFIG = Path(__file__).parents[4] / "collector-config"

PLAIN: dict[str, Any] = {
    "receivers": {"otlp": {}},
    "processors": {},
    "exporters": {"otlp/ml": {"endpoint": "http://processor:4327"}, "otlp/backend": {"endpoint": "http://tempo:4317"}},
    "service": {
        "pipelines": {
            signal: {"receivers": ["otlp"], "processors": [], "exporters": ["otlp/ml", "otlp/backend"]}
            for signal in ("traces", "metrics")
        }
    },
}


def with_processor(name: str, options: dict[str, Any], *pipelines: str) -> dict[str, Any]:
    """The plain configuration, with a processor in these pipelines."""
    config = copy.deepcopy(PLAIN)
    config["processors"][name] = options
    for pipeline in pipelines:
        config["service"]["pipelines"][pipeline]["processors"].append(name)
    return config


def problems(config: dict[str, Any]) -> list[Finding]:
    return [finding for finding in findings(config) if finding.severity is Severity.PROBLEM]


def test_the_names_are_those_that_the_processor_reads() -> None:
    """Kept here for want of the processor, and held against it."""
    assert set(READ_METRICS) == wire_names.READ_BY_PROCESSOR


@pytest.mark.parametrize(
    "files",
    [
        ("gateway.yaml",),
        ("agent.yaml",),
        ("gateway.yaml", "with-sketches.yaml"),
        ("gateway.yaml", "strip-inputs.yaml", "with-sketches.yaml", "prometheus.yml"),
    ],
    ids="+".join,
)
def test_what_we_ship_has_no_problem(files: tuple[str, ...]) -> None:
    """With each of its overlays."""
    found = findings_of([CONFIG / file for file in files])

    assert [finding for finding in found if finding.severity is Severity.PROBLEM] == []
    assert any(finding.check == "names" and finding.severity is Severity.OK for finding in found)


@pytest.mark.parametrize("name", sorted(READ_METRICS))
def test_a_name_that_our_gateway_would_drop_is_told(name: str, tmp_path: Path) -> None:
    """Each that a list kept by hand may lack."""
    config = yaml.safe_load(expanded((CONFIG / "gateway.yaml").read_text(), {}))
    conditions = config["processors"]["filter/ml"]["metric_conditions"]
    conditions.append(f'metric.name == "{name}"')
    (finding,) = problems(config)

    assert finding.check == "names"
    assert "filter/ml in pipeline metrics/ml" in finding.message
    assert f"drops {name}:" in finding.message
    assert "gateway.yaml" in finding.remedy


@pytest.mark.parametrize(
    "options",
    [
        {"metric_conditions": ['IsMatch(metric.name, "^ml\\\\.pair\\\\.")']},
        {"metrics": {"metric": ['name == "ml.pair.rows"']}},
        {"metrics": {"metric": ['HasPrefix(name, "ml.pair")'], "datapoint": []}},
        {"metrics": {"exclude": {"match_type": "strict", "metric_names": ["ml.pair.rows"]}}},
        {"metrics": {"exclude": {"match_type": "regexp", "metric_names": [".*pair.*"]}}},
        {
            "metrics": {
                "include": {
                    "match_type": "regexp",
                    "metric_names": ["^ml.(feature|output|inference)", "^ml.drift", "^ml"],
                },
                "exclude": {"match_type": "strict", "metric_names": ["ml.pair.rows"]},
            }
        },
        {"metric_conditions": [{"context": "metric", "conditions": ['metric.name == "ml.pair.rows"']}]},
    ],
)
def test_pairs_that_a_filter_drops_are_told(options: dict[str, Any]) -> None:
    """In each of the ways in which a filter can be written."""
    (finding,) = problems(with_processor("filter/mine", options, "metrics"))

    assert "filter/mine in pipeline metrics drops ml.pair.rows: " in finding.message


def test_an_old_filter_that_includes_too_little_is_told() -> None:
    """Everything that it does not name."""
    options = {
        "metrics": {
            "include": {"match_type": "regexp", "metric_names": ["^ml\\.(feature|drift|distribution|prediction)"]}
        }
    }
    (finding,) = problems(with_processor("filter", options, "metrics"))

    assert "drops ml.inference.rows, ml.output.value" in finding.message


@pytest.mark.parametrize(
    "options",
    [
        {"trace_conditions": ['span.attributes["ml.model.name"] != nil']},
        {"traces": {"span": ['attributes["ml.operation.name"] == "predict"']}},
        {"traces": {"span": ['IsMatch(name, "^predict")']}},
    ],
)
def test_spans_that_a_filter_drops_are_told(options: dict[str, Any]) -> None:
    """Those of models."""
    (finding,) = problems(with_processor("filter", options, "traces"))

    assert "drops spans of models" in finding.message


@pytest.mark.parametrize(
    "options",
    [
        {"metric_conditions": ['metric.name == "http.server.request.duration"']},
        {"metric_conditions": ['resource.attributes["service.name"] == "other"']},
        {"trace_conditions": ['span.attributes["http.route"] == "/health"']},
        {"error_mode": "ignore"},
    ],
)
def test_other_filters_have_no_problem(options: dict[str, Any]) -> None:
    """What we cannot judge is taken to let pass."""
    assert problems(with_processor("filter", options, "metrics", "traces")) == []


def test_the_way_leads_through_connectors() -> None:
    """A filter on the branch to the backend is none on that to the processor."""
    config = copy.deepcopy(PLAIN)
    drop_all = {"metric_conditions": ['IsMatch(metric.name, "^ml.feature")']}
    config |= {"connectors": {"forward/a": {}, "forward/b": {}}, "processors": {"filter": drop_all}}
    config["service"]["pipelines"] |= {
        "metrics": {"receivers": ["otlp"], "exporters": ["forward/a", "forward/b"]},
        "metrics/a": {"receivers": ["forward/a"], "processors": ["filter"], "exporters": ["otlp/backend"]},
        "metrics/b": {"receivers": ["forward/b"], "exporters": ["otlp/ml"]},
    }

    assert problems(config) == []
    config["service"]["pipelines"]["metrics/b"]["processors"] = ["filter"]
    (finding,) = problems(config)
    assert "in pipeline metrics/b drops ml.feature.value" in finding.message


def test_a_signal_without_a_way_is_told() -> None:
    """Spans go to the backend only."""
    config = copy.deepcopy(PLAIN)
    config["service"]["pipelines"]["traces"]["exporters"] = ["otlp/backend"]
    (finding,) = problems(config)

    assert "no pipeline of traces leads to otlp/ml" in finding.message


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("attributes", {"actions": [{"key": "ml.feature.name", "action": "delete"}]}),
        ("resource", {"attributes": [{"key": "service.instance.id", "action": "delete"}]}),
        ("transform", {"metric_statements": ['delete_key(datapoint.attributes, "ml.feature.name")']}),
        ("transform/r", {"metric_statements": [{"statements": ['delete_key(resource.attributes, "service.name")']}]}),
    ],
)
def test_attributes_that_are_needed_are_not_deleted(name: str, options: dict[str, Any]) -> None:
    """By them the processor tells workers, models and columns apart."""
    (finding,) = problems(with_processor(name, options, "metrics"))

    assert f"{name} in pipeline metrics deletes " in finding.message


def test_results_keep_their_environment() -> None:
    """Without it production and staging share a series."""
    name = "deployment.environment.name"
    options = {"actions": [{"key": name, "action": "delete"}]}
    (finding,) = problems(with_processor("attributes", options, "metrics"))

    assert f"deletes {name}: environments of one model share a series" in finding.message


def test_results_that_reach_no_backend_are_told() -> None:
    """A filter that keeps ml.* from it."""
    config = copy.deepcopy(PLAIN)
    config["processors"]["filter"] = {
        "metric_conditions": ['IsMatch(metric.name, "^ml.(drift|distribution|prediction)")']
    }
    config["service"]["pipelines"]["metrics"]["processors"] = ["filter"]
    (finding,) = problems(config)

    assert finding.check == "results"


@pytest.mark.parametrize(
    ("sampler", "severity"), [("tail_sampling", Severity.PROBLEM), ("probabilistic_sampler", Severity.NOTE)]
)
def test_sampling_belongs_after_the_fork(sampler: str, severity: Severity) -> None:
    """The weight of what a tail sampler keeps is unknown."""
    found = [each for each in findings(with_processor(sampler, {}, "traces")) if each.check == "sampling"]

    assert [each.severity for each in found] == [severity]
    assert "after the fork" in found[0].remedy


@pytest.mark.parametrize("exporter", ["prometheus", "prometheusremotewrite/mimir"])
def test_a_prometheus_exporter_makes_labels_of_the_resource(exporter: str) -> None:
    """Or the series of two environments are one."""
    config = copy.deepcopy(PLAIN)
    config["exporters"][exporter] = {"endpoint": "http://mimir"}
    config["service"]["pipelines"]["metrics"]["exporters"].append(exporter)
    (finding,) = problems(config)

    assert "resource_to_telemetry_conversion.enabled: true" in finding.remedy
    config["exporters"][exporter]["resource_to_telemetry_conversion"] = {"enabled": True}
    assert problems(config) == []


@pytest.mark.parametrize(
    ("otlp", "severity"),
    [
        ({"promote_resource_attributes": ["service.name", "deployment.environment.name"]}, Severity.OK),
        ({"promote_all_resource_attributes": True}, Severity.OK),
        ({"promote_resource_attributes": ["service.name"]}, Severity.PROBLEM),
        ({}, Severity.PROBLEM),
        (None, Severity.PROBLEM),
    ],
)
def test_prometheus_promotes_the_environment(otlp: dict[str, Any] | None, severity: Severity) -> None:
    """Its own file says so."""
    config = {"otlp": otlp, "storage": {"tsdb": {"out_of_order_time_window": "30m"}}}

    assert [finding.severity for finding in prometheus_findings(config)] == [severity]


def test_a_prometheus_that_refuses_late_results_is_noted() -> None:
    """One late point costs a whole request."""
    *_, finding = prometheus_findings({"otlp": {"promote_all_resource_attributes": True}})

    assert finding.severity is Severity.NOTE
    assert "out_of_order_time_window" in finding.message


def test_a_prometheus_by_otlp_asks_for_its_file() -> None:
    """Labels are promoted there."""
    config = copy.deepcopy(PLAIN)
    config["exporters"]["otlp/backend"]["endpoint"] = "http://prometheus:9090/api/v1/otlp"

    assert [each.severity for each in findings(config) if each.check == "labels"] == [Severity.NOTE]
    assert [each for each in findings(config, {"otlp": {}}) if each.check == "labels"] == []


@pytest.mark.parametrize(
    "config", [{}, {"service": None}, {"service": {"pipelines": {"traces": None}}}, {"exporters": []}]
)
def test_a_file_without_pipelines_is_told(config: dict[str, Any]) -> None:
    """Whatever else is in it."""
    (finding,) = problems(config)

    assert "no service.pipelines" in finding.message


@pytest.mark.parametrize("text", ["[", "- a", "", "\x00"])
def test_a_file_that_is_no_configuration_is_told(tmp_path: Path, text: str) -> None:
    """With its name."""
    file = tmp_path / "c.yaml"
    file.write_text(text)
    (finding,) = findings_of([file])

    assert finding.severity is Severity.PROBLEM
    assert "c.yaml" in finding.message


def test_variables_are_filled_in() -> None:
    """As the Collector does: by the environment, else by the default."""
    text = "${env:A:-1} ${A} ${env:B:-http://x:4317} ${env:B}"

    assert expanded(text, {"A": "2"}) == "2 2 http://x:4317 "


def test_overlays_are_merged() -> None:
    """Maps by key; a list takes the place of the other."""
    base = {"a": {"b": [1], "c": 2}}
    overlay = {"a": {"b": [3]}, "d": 4}

    assert merged(base, overlay) == {"a": {"b": [3], "c": 2}, "d": 4}
    assert json.dumps(base) == '{"a": {"b": [1], "c": 2}}'
