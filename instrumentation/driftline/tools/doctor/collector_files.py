"""Reads files of the Collector and of Prometheus, with their environment variables and overlays."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from driftline.tools.doctor.collector_checks import findings, prometheus_findings
from driftline.tools.doctor.finding import Finding, problem

_VARIABLE: Final = re.compile(r"\$\{(?:env:)?([A-Za-z_]\w*)(?::-([^}]*))?\}")
_PROMETHEUS_KEYS: Final = frozenset({"global", "scrape_configs", "otlp", "rule_files", "remote_write", "storage"})


def findings_of(files: Sequence[Path]) -> list[Finding]:
    """The findings of a Collector's file with its overlays, and of a prometheus.yml among them."""
    return list(_findings(files))


def _findings(files: Sequence[Path]) -> Iterator[Finding]:
    collector: dict[str, Any] = {}
    prometheus: Mapping[str, Any] | None = None
    for file in files:
        read = _read(file)
        if isinstance(read, Finding):
            yield read
        elif _is_prometheus(read):
            prometheus = read
        else:
            collector = merged(collector, read)
    if collector:
        yield from findings(collector, prometheus)
    if prometheus is not None:
        yield from prometheus_findings(prometheus)


def _read(file: Path) -> Mapping[str, Any] | Finding:
    try:
        import yaml
    except ImportError:
        return problem("collector", "PyYAML is not installed, so no configuration can be read", "pip install pyyaml")
    try:
        read = yaml.safe_load(expanded(file.read_text(), os.environ))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        return problem("collector", f"{file} cannot be read: {error}", "correct the file")
    if not isinstance(read, Mapping):
        return problem(
            "collector", f"{file} must hold a mapping, as a Collector's configuration does", "correct the file"
        )
    return read


def _is_prometheus(config: Mapping[str, Any]) -> bool:
    return "service" not in config and "exporters" not in config and bool(_PROMETHEUS_KEYS & config.keys())


def expanded(text: str, variables: Mapping[str, str]) -> str:
    """The text with `${env:NAME:-default}` filled in, as the Collector does."""
    return _VARIABLE.sub(lambda found: variables.get(found[1]) or found[2] or "", text)


def merged(base: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """As the Collector merges files: maps by key; a list takes the place of the other."""
    result = dict(base)
    for key, value in overlay.items():
        known = result.get(key)
        result[key] = merged(known, value) if isinstance(known, Mapping) and isinstance(value, Mapping) else value
    return result
