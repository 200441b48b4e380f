"""The files of collector-config/: the real Collector accepts them, and they say what they do."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.collectors import CONFIG
from e2e.processes import ROOT, clean_environment, find_collector

DEMO = ROOT / "instrumentation" / "driftline" / "demo" / "collector.yaml"
BASES = ("gateway.yaml", "agent.yaml")
VALID = {
    "agent": ("agent.yaml",),
    "gateway": ("gateway.yaml",),
    "gateway without inputs at the backend": ("gateway.yaml", "strip-inputs.yaml"),
}
VARIABLE = re.compile(r"\$\{env:([A-Z_]+)(:-([^}]*))?\}")


def validate(*files: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [str(find_collector()), "validate", *(f"--config={file}" for file in files)]
    environment = clean_environment() | (env or {})
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.e2e
@pytest.mark.parametrize("files", VALID.values(), ids=VALID.keys())
def test_the_collector_accepts(files: tuple[str, ...]) -> None:
    """Every file, alone or with its overlays, is valid and uses no deprecated name."""
    result = validate(*(CONFIG / file for file in files))

    assert result.returncode == 0, result.stderr
    assert "deprecated" not in result.stderr


@pytest.mark.e2e
def test_the_collector_accepts_the_configuration_of_the_demo() -> None:
    """The pipelines that `driftline demo` starts are valid, too."""
    names = {name for name, _, _ in VARIABLE.findall(DEMO.read_text())}
    result = validate(DEMO, env={name: str(port) for port, name in enumerate(sorted(names), 4317)})

    assert result.returncode == 0, result.stderr


@pytest.mark.e2e
def test_every_setting_reaches_the_collector() -> None:
    """A backend's keys are given as a YAML map; a wrong one is refused before anything runs."""
    gateway = CONFIG / "gateway.yaml"

    assert (
        validate(gateway, env={"OTELCOL_BACKEND_HEADERS": "{x-team: KEY, authorization: Bearer ABC}"}).returncode == 0
    )
    assert "headers" in validate(gateway, env={"OTELCOL_BACKEND_HEADERS": "x-team=KEY"}).stderr
    assert "queue_size" in validate(gateway, env={"OTELCOL_QUEUE_BYTES": "much"}).stderr


def test_every_file_is_validated() -> None:
    """Whoever adds a pipeline or an overlay adds it to these tests."""
    files = {file.name for file in CONFIG.glob("*.yaml")}

    assert files == {file for each in VALID.values() for file in each} | {"builder.yaml"}


@pytest.mark.parametrize("file", BASES)
def test_the_head_of_a_file_lists_its_variables_with_their_defaults(file: str) -> None:
    """The comment at the head names every environment variable that the file reads, and the right default."""
    text = (CONFIG / file).read_text()
    used = {name: default for name, _, default in VARIABLE.findall(text)}
    listed = dict(re.findall(r"^# (OTELCOL_[A-Z_]+)  +(\S+)", text, re.MULTILINE))

    assert listed == {name: "(none)" if default == "null" else default for name, default in used.items()}


@pytest.mark.parametrize("file", BASES)
def test_nobody_outside_the_machine_is_listened_to_unless_told(file: str) -> None:
    """By default everything listens, and sends, on the loopback interface."""
    defaults = {name: default for name, _, default in VARIABLE.findall((CONFIG / file).read_text())}
    addresses = [default for name, default in defaults.items() if name.endswith(("_LISTEN", "_ENDPOINT", "_HOST"))]

    assert len(addresses) >= 4
    assert all(re.fullmatch(r"(http://)?127\.0\.0\.1(:\d+)?", address) for address in addresses)


def test_results_have_no_way_to_the_processor() -> None:
    """In gateway.yaml nothing that enters by the second receiver can reach the processor's exporter."""
    service = _load("gateway.yaml")["service"]
    reached, before = {"otlp/ml"}, set[str]()
    while reached != before:
        before = set(reached)
        for pipeline in service["pipelines"].values():
            if reached & set(pipeline["receivers"]):
                reached |= set(pipeline["exporters"])

    assert reached == {"otlp/ml", "otlp_grpc/backend"}


def test_one_version_of_the_collector_everywhere() -> None:
    """The builder's manifest, the Makefile and the container image name the same release."""
    manifest = _load("builder.yaml")
    version = manifest["dist"]["version"]
    parts = [part["gomod"] for kind, parts in manifest.items() if kind not in ("dist", "providers") for part in parts]

    assert f"OTELCOL_VERSION := {version}\n" in (ROOT / "Makefile").read_text()
    assert f"opentelemetry-collector-contrib:{version}\n" in (CONFIG / "Dockerfile").read_text()
    assert {part.split(" v")[1] for part in parts} == {version}


def _load(name: str) -> Any:
    return yaml.safe_load((CONFIG / name).read_text())
