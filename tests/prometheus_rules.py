"""The table of alerts that `make docs` writes to collector-config/driftline.rules.yml."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from dashboard_panels import in_prometheus
from driftline import semconv
from driftline_processor.service.internal_metrics import METRIC_PREFIX

RULES: Final = Path(__file__).parents[1] / "collector-config" / "driftline.rules.yml"
RUNBOOKS: Final = Path(__file__).parents[1] / "docs" / "runbooks"
RUNBOOK_URL: Final = "https://driftline.io/docs/runbooks"

MODEL: Final = (
    semconv.SERVICE_NAMESPACE,
    semconv.SERVICE_NAME,
    semconv.ENVIRONMENT_NAME,
    semconv.MODEL_NAME,
    semconv.MODEL_VERSION,
)
COLUMN: Final = (*MODEL, semconv.DRIFT_TARGET, semconv.FEATURE_NAME)

_HEAD: Final = """\
# Rules for Prometheus and Mimir, on what the processor says of models; `make docs` writes them from
# tests/prometheus_rules.py. Page on DriftlineIncident alone: it gathers what one cause moved. The other alerts about
# models say what it is made of, for routing.
# `last_over_time`: results come once a step (window.step, 1 minute); without it an alert would be gone five minutes
# after the last one. While a model in alarm has no rows, the processor repeats its incident. The range must hold two
# steps.
"""


def _labels(names: tuple[str, ...]) -> str:
    return ", ".join(map(in_prometheus, names))


def _of_own(name: str) -> str:
    """A counter of the processor's own."""
    return f"{in_prometheus(METRIC_PREFIX)}_{in_prometheus(name)}_total"


class Alert(NamedTuple):
    """An alert, with its page in docs/runbooks. wait: how long it must be true, "" for at once."""

    name: str
    severity: str
    expression: str
    summary: str
    description: str
    wait: str = ""


# Results that a provisional reference gives are for a person, not a pager: no training profile is behind them.
_TRAINED: Final = f'{in_prometheus(semconv.REFERENCE_PROVISIONAL)}="false"'
_ALARM: Final = f"{semconv.PREFIX}.drift.alarm"
_MODEL: Final = (
    "Model {{ $labels.ml_model_name }} {{ $labels.ml_model_version }} ({{ $labels.service_name }}, "
    "{{ $labels.deployment_environment_name }})"
)

RECORDED: Final[Mapping[str, str]] = {
    "model:ml_incident_open:last1h": (
        f"max by ({_labels(MODEL)}) (last_over_time({in_prometheus(semconv.INCIDENT_OPEN)}{{{_TRAINED}}}[1h]))"
    ),
    "column:ml_drift_alarm:last1h": (
        f"max by ({_labels(COLUMN)}) (last_over_time({in_prometheus(_ALARM)}{{{_TRAINED}}}[1h]))"
    ),
    "model:ml_drift_window_age_seconds:last1d": (
        f"time() - max by ({_labels(MODEL)}) (last_over_time({in_prometheus(semconv.WINDOW_END)}[1d]))"
    ),
}
"""By record: what alerts and dashboards ask for again and again."""


def _alarm(targets: str) -> str:
    target = in_prometheus(semconv.DRIFT_TARGET)
    return f'column:ml_drift_alarm:last1h{{{target}=~"{targets}"}} > 0'


ALERTS: Final = (
    Alert(
        "DriftlineIncident",
        "critical",
        "model:ml_incident_open:last1h > 0",
        f"{_MODEL} is not as it was in training",
        "The body of its event ml.incident.opened says which columns moved, how far and since when.",
    ),
    Alert(
        "DriftlineFeatureDrifted",
        "info",
        _alarm(f"{semconv.TARGET_INPUT}|{semconv.TARGET_PAIR}|{semconv.TARGET_BLOCK}|{semconv.TARGET_ROWS}"),
        f"{_MODEL}: input {{{{ $labels.ml_feature_name }}}} has drifted",
        "The event ml.alarm.opened of the column says what moved, and names calls.",
    ),
    Alert(
        "DriftlineOutputCollapsed",
        "warning",
        # Outputs are held against the stream's own past, too: that needs no training profile.
        f"max by ({_labels(COLUMN)}) (last_over_time("
        f'{in_prometheus(_ALARM)}{{{in_prometheus(semconv.DRIFT_TARGET)}="{semconv.TARGET_OUTPUT}"}}[1h])) > 0',
        f"{_MODEL}: what it answers has changed ({{{{ $labels.ml_feature_name }}}})",
        "The event ml.alarm.opened says which answers became more or fewer, and names calls.",
    ),
    Alert(
        "DriftlinePerformanceDropped",
        "warning",
        _alarm(f"performance|concept|{semconv.TARGET_LABEL}"),
        f"{_MODEL}: it is right less often, or what it predicts has changed ({{{{ $labels.ml_feature_name }}}})",
        "The event ml.alarm.opened says by how much, and whether labels or an estimate tell it.",
    ),
    Alert(
        "DriftlineColdSpot",
        "warning",
        _alarm("segment"),
        f"{_MODEL}: a part of its traffic fares worse ({{{{ $labels.ml_feature_name }}}})",
        "The event ml.alarm.opened names the segment, its share of the traffic and what is worse there.",
    ),
    Alert(
        "DriftlineSkewFound",
        "warning",
        _alarm("skew"),
        f"{_MODEL}: {{{{ $labels.ml_feature_name }}}} is computed another way than in training",
        "The event ml.alarm.opened says how the two differ.",
    ),
    Alert(
        "DriftlineInputRejected",
        "warning",
        f"sum by ({_labels(MODEL[:4])}) (rate({in_prometheus(semconv.CHECK_REJECTED)}_total[5m])) > 0",
        "Model {{ $labels.ml_model_name }} ({{ $labels.service_name }}) refuses rows",
        "{{ $value | humanize }} rows a second break a rule of the training profile or one of yours.",
        wait="5m",
    ),
    Alert(
        "DriftlineNoData",
        "info",
        "model:ml_drift_window_age_seconds:last1d > 1800",
        f"{_MODEL} was last judged {{{{ $value | humanizeDuration }}}} ago",
        "Healthy or not: no window has been judged, as no rows came, or none arrived.",
    ),
    Alert(
        "DriftlineDataLate",
        "info",
        f"sum by ({in_prometheus(semconv.MODEL_NAME)}) (increase({_of_own('late.rows')}[15m])) > 0",
        "Rows of model {{ $labels.ml_model_name }} come too late to be judged",
        "{{ $value | humanize }} rows in 15 minutes came after window.retention.",
    ),
    Alert(
        "DriftlineProcessorDropping",
        "warning",
        f"sum by (reason) (increase({_of_own('dropped.sets')}[15m])) > 0",
        "The processor drops results ({{ $labels.reason }})",
        "{{ $value | humanize }} batches in 15 minutes never reached the backend.",
    ),
    Alert(
        "DriftlineReferenceUnmatched",
        "info",
        f"max(last_over_time({in_prometheus(METRIC_PREFIX)}_unused_references[1h])) > 0",
        "{{ $value }} training profiles match no model",
        "Their names, or those of their columns, are not those that model servers send.",
        wait="1h",
    ),
)


def _rules() -> Iterator[dict[str, Any]]:
    for record, expression in RECORDED.items():
        yield {"record": record, "expr": expression}
    for alert in ALERTS:
        waits = {"for": alert.wait} if alert.wait else {}
        yield {
            "alert": alert.name,
            "expr": alert.expression,
            **waits,
            "labels": {"severity": alert.severity},
            "annotations": {
                "summary": alert.summary,
                "description": alert.description,
                "runbook_url": f"{RUNBOOK_URL}/{alert.name}/",
            },
        }


def text() -> str:
    """The file."""
    groups = {"groups": [{"name": "driftline", "rules": list(_rules())}]}
    return _HEAD + yaml.safe_dump(groups, sort_keys=False, width=120)


if __name__ == "__main__":
    RULES.write_text(text())
