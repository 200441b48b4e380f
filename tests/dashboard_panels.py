"""The panels of the Grafana dashboard that are made from the code; `make docs` writes them, a test checks them."""

import json
import sys
from pathlib import Path
from typing import Any

from driftline import semconv
from driftline_processor.monitors.drift.statistics import STATISTICS, Statistic

DASHBOARD = Path(__file__).parents[1] / "collector-config" / "grafana" / "driftline.json"

ROW = "Statistics"
"""The row, by its title, whose panels are made: one a statistic, three side by side."""

FIRST_ID = 100
WIDTH, HEIGHT = 8, 7
_PROMETHEUS = {"type": "prometheus", "uid": "${datasource}"}
_COLUMN = (
    'service_name=~"$service",deployment_environment_name=~"$environment",'
    'ml_model_name="$model",ml_model_version=~"$version",ml_feature_name=~"$column"'
)


def in_prometheus(name: str) -> str:
    """A gauge's name as Prometheus has it; units in braces add nothing."""
    return name.replace(".", "_")


def panel(statistic: Statistic, i: int, top: int) -> dict[str, Any]:
    """The i-th panel of a row that begins at `top`."""
    metric = in_prometheus(f"{semconv.PREFIX}.drift.{statistic.name}")
    return {
        "id": FIRST_ID + i,
        "type": "timeseries",
        "title": statistic.title,
        "description": f"{statistic.description}. {statistic.reading}. For reading, not for alarms.",
        "datasource": _PROMETHEUS,
        "gridPos": {"x": i % 3 * WIDTH, "y": top + i // 3 * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "targets": [
            {
                "refId": "A",
                "datasource": _PROMETHEUS,
                "expr": f"max by (ml_drift_target, ml_feature_name) ({metric}{{{_COLUMN}}})",
                "legendFormat": "{{ml_drift_target}} {{ml_feature_name}}",
            }
        ],
        "fieldConfig": {"defaults": _LINES, "overrides": []},
        "options": {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
    }


_LINES = {
    "unit": "short",
    "custom": {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 0,
        "showPoints": "never",
        "spanNulls": 180000,
    },
    "decimals": 3,
}


def filled(text: str) -> str:
    """The dashboard with a panel for every statistic that the code has now."""
    dashboard = json.loads(text)
    (row,) = (each for each in dashboard["panels"] if each["title"] == ROW)
    top = row["gridPos"]["y"] + 1
    row["panels"] = [panel(statistic, i, top) for i, statistic in enumerate(STATISTICS)]
    return json.dumps(dashboard, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    DASHBOARD.write_text(filled(DASHBOARD.read_text()))
    sys.stdout.write(f"{DASHBOARD.name}: {len(STATISTICS)} panels\n")
