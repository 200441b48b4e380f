"""Kubernetes objects that are made from files of collector-config: `make docs` writes them, a test checks them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import yaml

COLLECTOR_CONFIG: Final = Path(__file__).parents[1] / "collector-config"
KUBERNETES: Final = COLLECTOR_CONFIG / "kubernetes"
OPERATOR: Final = KUBERNETES / "components" / "prometheus-operator"

_WRITTEN: Final = "# Written by `make docs` from the rules in collector-config/: change them there.\n"


class _Block(str):
    """A text that is written over several lines."""

    __slots__ = ()


yaml.SafeDumper.add_representer(
    _Block, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|")
)


def parts() -> Mapping[Path, str]:
    """By file, what must be in it."""
    dashboards = {
        OPERATOR / "dashboards" / each.name: each.read_text()
        for each in sorted((COLLECTOR_CONFIG / "grafana").glob("*.json"))
    }
    return {OPERATOR / "rules.yaml": _rules(), **dashboards}


def _rules() -> str:
    """All files of rules as one PrometheusRule."""
    files = sorted({*COLLECTOR_CONFIG.glob("*.rules.yml"), *COLLECTOR_CONFIG.glob("prometheus/*.rules.yml")})
    groups = [group for each in files for group in yaml.safe_load(each.read_text())["groups"]]
    rule = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "driftline", "labels": {"app.kubernetes.io/name": "driftline"}},
        "spec": {"groups": [_blocks(group) for group in groups]},
    }
    return _WRITTEN + yaml.safe_dump(rule, sort_keys=False, width=120, allow_unicode=True)


def _blocks(value: object) -> object:
    if isinstance(value, dict):
        return {key: _blocks(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_blocks(each) for each in value]
    return _Block(value) if isinstance(value, str) and "\n" in value else value


if __name__ == "__main__":
    for file, text in parts().items():
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
