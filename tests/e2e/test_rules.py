"""Shipped alerts and panels, as Prometheus evaluates them: silence does not look healthy."""

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboard_panels import DASHBOARD, in_prometheus
from driftline import semconv
from driftline_processor.encode.metrics import METRICS
from driftline_processor.service.internal_metrics import INTERNAL_METRICS, METRIC_PREFIX
from e2e.prometheus import find_promtool
from prometheus_rules import ALERTS, RULES, RUNBOOK_URL, RUNBOOKS, Alert, text

LABELS = {
    "service_namespace": "retail",
    "service_name": "shop",
    "deployment_environment_name": "prod",
    "ml_model_name": "churn",
    "ml_model_version": "7",
}
NOTHING = "_x60"
"""No sample for an hour."""


def series(name: str, values: str, **labels: str) -> dict[str, str]:
    """One sample a minute."""
    shown = ",".join(f'{key}="{value}"' for key, value in {**LABELS, **labels}.items())
    return {"series": f"{name}{{{shown}}}", "values": values}


def incident(values: str, provisional: str = "false") -> dict[str, str]:
    return series("ml_incident_open", values, ml_reference_provisional=provisional)


def judged(minutes: int) -> dict[str, str]:
    """The end of the window, which is judged as it ends."""
    return series("ml_drift_window_end", f"0+60x{minutes}", ml_reference_provisional="false")


def check(folder: Path, **case: Any) -> None:
    """Runs a test of promtool. Times in it begin at 0."""
    test = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [{"interval": "1m", **case}]}
    (folder / "test.yml").write_text(yaml.safe_dump(test))
    result = subprocess.run(
        [find_promtool(), "test", "rules", "test.yml"], cwd=folder, capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stdout + result.stderr


def firing(
    name: str, minute: int, severity: str | None, labels: Mapping[str, str] = LABELS, value: str = ""
) -> dict[str, Any]:
    """Whether an alert fires; annotations are compared too, so they come from the file. value: as a text shows it."""
    if severity is None:
        return {"alertname": name, "eval_time": f"{minute}m", "exp_alerts": []}
    (alert,) = (each for each in ALERTS if each.name == name)
    told = {"summary": alert.summary, "description": alert.description, "runbook_url": f"{RUNBOOK_URL}/{name}/"}
    shown = {key: _rendered(each, labels, value) for key, each in told.items()}
    expected = {"exp_labels": {**labels, "severity": severity}, "exp_annotations": shown}
    return {"alertname": name, "eval_time": f"{minute}m", "exp_alerts": [expected]}


def _rendered(text: str, labels: Mapping[str, str], value: str) -> str:
    """As Prometheus does it."""
    text = re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: labels[found[1]], text)
    return re.sub(r"\{\{ \$value( \| \w+)? \}\}", value, text)


def test_the_file_is_that_of_the_table() -> None:
    """As `make docs` writes it, and promtool accepts it."""
    assert RULES.read_text() == text()
    result = subprocess.run(
        [find_promtool(), "check", "rules", str(RULES)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_every_alert_has_a_runbook(alert: Alert) -> None:
    """A page of its name, which is in the site, and no page is of an alert that is gone."""
    assert f"`{alert.name}`" in (RUNBOOKS / f"{alert.name}.md").read_text()
    assert f"runbooks/{alert.name}.md" in (RUNBOOKS.parents[1] / "mkdocs.yml").read_text()
    assert {each.stem for each in RUNBOOKS.iterdir()} == {each.name for each in ALERTS}


@pytest.mark.parametrize(
    ("alert", "severity", "target"),
    [
        ("DriftlineFeatureDrifted", "info", "input"),
        ("DriftlineFeatureDrifted", "info", "pair"),
        ("DriftlineFeatureDrifted", "info", "block"),
        ("DriftlineFeatureDrifted", "info", "rows"),
        ("DriftlineOutputCollapsed", "warning", "output"),
        ("DriftlinePerformanceDropped", "warning", "performance"),
        ("DriftlinePerformanceDropped", "warning", "concept"),
        ("DriftlinePerformanceDropped", "warning", "label"),
        ("DriftlineColdSpot", "warning", "segment"),
        ("DriftlineSkewFound", "warning", "skew"),
    ],
)
def test_each_kind_of_finding_has_its_alert(tmp_path: Path, alert: str, severity: str, target: str) -> None:
    """It fires with the column's alarm, resolves with it but not when results cease, and is silent on another kind."""
    column = {"ml_drift_target": target, "ml_feature_name": "age"}
    trained, provisional = {"ml_reference_provisional": "false"}, {"ml_reference_provisional": "true"}
    labels = {**LABELS, **column}
    others = {each.name for each in ALERTS if each.name != alert}
    check(
        tmp_path,
        input_series=[
            series("ml_drift_alarm", f"0 0 1x8 {NOTHING}", **column, **trained),
            *(
                series("ml_drift_alarm", "1x60", ml_drift_target=target, ml_feature_name="bmi", **provisional)
                for _ in range(target != "output")
            ),
        ],
        alert_rule_test=[
            firing(alert, 1, None),
            firing(alert, 2, severity, labels),
            firing(alert, 40, severity, labels),
            *(firing(each, 40, None) for each in others),
        ],
    )
    check(
        tmp_path,
        input_series=[series("ml_drift_alarm", "0 0 1x8 0x10", **column, **trained)],
        alert_rule_test=[firing(alert, 10, severity, labels), firing(alert, 11, None)],
    )


def test_outputs_need_no_training_profile(tmp_path: Path) -> None:
    """They are held against the stream's own past."""
    column = {"ml_drift_target": "output", "ml_feature_name": "prediction"}
    check(
        tmp_path,
        input_series=[series("ml_drift_alarm", "0 1x10", **column, ml_reference_provisional="true")],
        alert_rule_test=[firing("DriftlineOutputCollapsed", 2, "warning", {**LABELS, **column})],
    )


def test_refused_rows_are_told_after_five_minutes(tmp_path: Path) -> None:
    """And no longer than they are refused."""
    labels = {name: value for name, value in LABELS.items() if name != "ml_model_version"}
    check(
        tmp_path,
        input_series=[series("ml_check_rejected_total", "0x10 60+60x20 1260x20")],
        alert_rule_test=[
            firing("DriftlineInputRejected", 10, None),
            firing("DriftlineInputRejected", 20, "warning", labels, "1"),
            firing("DriftlineInputRejected", 45, None),
        ],
    )


@pytest.mark.parametrize(
    ("alert", "severity", "counter", "by"),
    [
        ("DriftlineDataLate", "info", "driftline_processor_late_rows_total", {"ml_model_name": "churn"}),
        ("DriftlineProcessorDropping", "warning", "driftline_processor_dropped_sets_total", {"reason": "expired"}),
    ],
)
def test_faults_of_the_line_are_told(
    tmp_path: Path, alert: str, severity: str, counter: str, by: dict[str, str]
) -> None:
    """While they go on, and a quarter of an hour after."""
    shown = ",".join(f'{key}="{value}"' for key, value in by.items())
    check(
        tmp_path,
        input_series=[{"series": f"{counter}{{{shown}}}", "values": "0x10 15+15x15 240x60"}],
        alert_rule_test=[
            firing(alert, 9, None),
            firing(alert, 25, severity, by, "225"),
            firing(alert, 60, None),
        ],
    )


def test_a_profile_without_a_model_is_told_after_an_hour(tmp_path: Path) -> None:
    check(
        tmp_path,
        input_series=[{"series": "driftline_processor_unused_references", "values": "2x120 0x30"}],
        alert_rule_test=[
            firing("DriftlineReferenceUnmatched", 59, None),
            firing("DriftlineReferenceUnmatched", 61, "info", {}, "2"),
        ],
    )


def test_an_incident_pages_until_it_is_closed_and_not_until_results_stop(tmp_path: Path) -> None:
    """Results that cease resolve nothing; one that says so does, at once."""
    alert = "DriftlineIncident"
    check(
        tmp_path,
        input_series=[incident(f"0 0 1x8 {NOTHING}")],
        alert_rule_test=[firing(alert, 1, None), firing(alert, 2, "critical"), firing(alert, 40, "critical")],
    )
    check(
        tmp_path,
        input_series=[incident("0 0 1x8 0x10")],
        alert_rule_test=[firing(alert, 10, "critical"), firing(alert, 11, None)],
    )


def test_a_provisional_incident_pages_nobody(tmp_path: Path) -> None:
    """It is in the dashboard and among the events."""
    check(tmp_path, input_series=[incident("1x10", "true")], alert_rule_test=[firing("DriftlineIncident", 5, None)])


@pytest.mark.parametrize("repeated", [True, False], ids=["in alarm", "healthy"])
def test_silence_is_told(tmp_path: Path, repeated: bool) -> None:
    """Half an hour after the last window: of a model in alarm, whose last window is repeated, and of a healthy one."""
    ends = judged(10)
    ends["values"] += " 600x60" if repeated else f" {NOTHING}"
    check(
        tmp_path,
        input_series=[ends],
        alert_rule_test=[firing("DriftlineNoData", 40, None), firing("DriftlineNoData", 41, "info", value="31m 0s")],
    )


def expression(title: str) -> str:
    """Of a panel, for the model of the series here."""
    (panel,) = (each for each in json.loads(DASHBOARD.read_text())["panels"] if each["title"] == title)
    return (
        str(panel["targets"][0]["expr"])
        .replace("$model", "churn")
        .replace("$version", "7")
        .replace('=~"$service"', '=~".*"')
        .replace('=~"$environment"', '=~".*"')
    )


def sample(title: str, minute: int, *values: float) -> dict[str, Any]:
    samples = [{"labels": "{}", "value": value} for value in values]
    return {"expr": expression(title), "eval_time": f"{minute}m", "exp_samples": samples}


def test_panels_outlive_the_last_window(tmp_path: Path) -> None:
    """Twenty minutes after it the columns in alarm are still there, and how old that is; a healthy one shows 0."""
    of_column = {"ml_drift_target": "input", "ml_reference_provisional": "false"}
    alarms = [
        series("ml_drift_alarm", f"1x10 {NOTHING}", ml_feature_name="age", **of_column),
        series("ml_drift_alarm", f"0x10 {NOTHING}", ml_feature_name="plan", **of_column),
    ]
    check(
        tmp_path,
        input_series=[*alarms, judged(10)],
        promql_expr_test=[sample("Columns in alarm", 30, 1), sample("Since the last verdict", 30, 20 * 60)],
    )
    check(tmp_path, input_series=alarms[1:], promql_expr_test=[sample("Columns in alarm", 30, 0)])


def test_a_model_that_was_never_judged_is_not_shown_as_healthy(tmp_path: Path) -> None:
    """No data is not zero."""
    check(
        tmp_path, input_series=[], promql_expr_test=[sample("Columns in alarm", 5), sample("Since the last verdict", 5)]
    )


def test_rules_ask_for_what_the_code_sends() -> None:
    """Metrics and labels, by their names in Prometheus."""
    expressions = " ".join(rule["expr"] for rule in yaml.safe_load(RULES.read_text())["groups"][0]["rules"])
    recorded = {f"{each.split(':')[1]}" for each in re.findall(r"[a-z]+:[a-z_]+:[a-z0-9]+", expressions)}
    own = {f"{in_prometheus(METRIC_PREFIX)}_{in_prometheus(each.name)}" for each in INTERNAL_METRICS}
    known = {in_prometheus(name) for name in (*(each.name for each in METRICS), *(term.name for term in semconv.TERMS))}
    asked = set(re.findall(r"\b(?:ml|service|deployment|driftline)_\w+", expressions))

    assert {each.removesuffix("_total") for each in asked - recorded} <= known | own
