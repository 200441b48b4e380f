"""Shipped alerts and panels, as Prometheus evaluates them: silence does not look healthy."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboard_panels import DASHBOARD, in_prometheus
from driftline import semconv
from driftline_processor.encode.metrics import METRICS
from e2e.collectors import CONFIG
from e2e.prometheus import find_promtool

RULES = CONFIG / "driftline.rules.yml"
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


def firing(alert: str, minute: int, severity: str | None) -> dict[str, Any]:
    """Whether an alert of the model fires; annotations are compared too, so they come from the file."""
    if severity is None:
        return {"alertname": alert, "eval_time": f"{minute}m", "exp_alerts": []}
    (rule,) = (each for each in yaml.safe_load(RULES.read_text())["groups"][0]["rules"] if each["alert"] == alert)
    told = {name: _rendered(text, minute) for name, text in rule["annotations"].items()}
    expected = {"exp_labels": {**LABELS, "severity": severity}, "exp_annotations": told}
    return {"alertname": alert, "eval_time": f"{minute}m", "exp_alerts": [expected]}


def _rendered(text: str, minute: int) -> str:
    """As Prometheus does it, of a model that was last judged in minute 10."""
    text = re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: LABELS[found[1]], text)
    return text.replace("{{ $value | humanizeDuration }}", f"{minute - 10}m 0s")


def test_an_incident_pages_until_it_is_closed_and_not_until_results_stop(tmp_path: Path) -> None:
    """Results that cease resolve nothing; one that says so does, at once."""
    alert = "ModelIncidentOpen"
    check(
        tmp_path,
        input_series=[incident(f"0 0 1x8 {NOTHING}")],
        alert_rule_test=[firing(alert, 1, None), firing(alert, 2, "page"), firing(alert, 40, "page")],
    )
    check(
        tmp_path,
        input_series=[incident("0 0 1x8 0x10")],
        alert_rule_test=[firing(alert, 10, "page"), firing(alert, 11, None)],
    )


def test_a_provisional_incident_pages_nobody(tmp_path: Path) -> None:
    """It is in the dashboard and among the events."""
    check(tmp_path, input_series=[incident("1x10", "true")], alert_rule_test=[firing("ModelIncidentOpen", 5, None)])


@pytest.mark.parametrize("repeated", [True, False], ids=["in alarm", "healthy"])
def test_silence_is_told(tmp_path: Path, repeated: bool) -> None:
    """Half an hour after the last window: of a model in alarm, whose last window is repeated, and of a healthy one."""
    ends = judged(10)
    ends["values"] += " 600x60" if repeated else f" {NOTHING}"
    check(
        tmp_path,
        input_series=[ends],
        alert_rule_test=[firing("ModelNotJudged", 40, None), firing("ModelNotJudged", 41, "info")],
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
    known = {in_prometheus(metric.name) for metric in METRICS}
    labels = (
        semconv.MODEL_NAME, semconv.MODEL_VERSION, semconv.REFERENCE_PROVISIONAL,
        semconv.SERVICE_NAME, semconv.SERVICE_NAMESPACE, semconv.ENVIRONMENT_NAME,
    )  # fmt: skip
    asked = set(re.findall(r"\b(?:ml|service|deployment)_\w+", expressions))

    assert asked - known == {in_prometheus(name) for name in labels}
    assert {in_prometheus(semconv.INCIDENT_OPEN), in_prometheus(semconv.WINDOW_END)} == asked & known
