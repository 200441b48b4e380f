"""The files of collector-config/: the real Collector accepts them, and they say what they do."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

import wire_names
from driftline import semconv
from driftline_processor.decode.otlp_values import kept_resource
from e2e.collectors import CONFIG
from e2e.processes import ROOT, clean_environment, find_collector

BASES = ("gateway.yaml", "agent.yaml")
VALID = {
    "agent": ("agent.yaml",),
    "gateway": ("gateway.yaml",),
    "gateway without inputs at the backend": ("gateway.yaml", "strip-inputs.yaml"),
    "gateway with sketches at the backend": ("gateway.yaml", "with-sketches.yaml"),
    "gateway of several tenants": ("gateway.yaml", "tenants.yaml"),
    "gateway of several tenants, all": ("gateway.yaml", "with-sketches.yaml", "strip-inputs.yaml", "tenants.yaml"),
    "gateway with both": ("gateway.yaml", "with-sketches.yaml", "strip-inputs.yaml"),
    "gateway with both, the other way round": ("gateway.yaml", "strip-inputs.yaml", "with-sketches.yaml"),
}
SIGNALS = ("traces", "metrics", "logs")
PROTOCOLS = ("grpc", "http")
VARIABLE = re.compile(r"\$\{env:([A-Z_]+)(:-([^}]*))?\}")
MATCH = re.compile(r"""IsMatch\([a-z._]+, "([^"]+)"\)""")


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
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", ["backend", "of its own"])
def test_every_signal_can_have_an_exporter_of_each_protocol(name: str, protocol: str) -> None:
    """The common backend or one of its own, by gRPC or HTTP; what is no exporter of the file is refused."""
    chosen = {f"OTELCOL_{s.upper()}_EXPORTER": f"otlp_{protocol}/{name.replace('of its own', s)}" for s in SIGNALS}
    urls = {f"OTELCOL_{s.upper()}_URL": "https://example.test:9090/api/v1/otlp" for s in ("backend", *SIGNALS)}

    assert validate(CONFIG / "gateway.yaml", env=chosen | urls).returncode == 0
    for variable in chosen:
        assert "otlp_tcp/backend" in validate(CONFIG / "gateway.yaml", env={variable: "otlp_tcp/backend"}).stderr


@pytest.mark.e2e
def test_every_setting_reaches_the_collector() -> None:
    """A backend's keys are given as a YAML map; a wrong one is refused before anything runs."""
    gateway = CONFIG / "gateway.yaml"

    assert (
        validate(gateway, env={"OTELCOL_BACKEND_HEADERS": "{x-team: KEY, authorization: Bearer ABC}"}).returncode == 0
    )
    for name in ("BACKEND", *map(str.upper, SIGNALS)):
        assert "headers" in validate(gateway, env={f"OTELCOL_{name}_HEADERS": "x-team=KEY"}).stderr
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

    assert listed == {name: "(none)" if default in ("", "null") else default for name, default in used.items()}


@pytest.mark.parametrize("file", BASES)
def test_nobody_outside_the_machine_is_listened_to_unless_told(file: str) -> None:
    """By default everything listens, and sends, on the loopback interface."""
    defaults = {name: default for name, _, default in VARIABLE.findall((CONFIG / file).read_text())}
    addresses = [
        default for name, default in defaults.items() if name.endswith(("_LISTEN", "_ENDPOINT", "_URL", "_HOST"))
    ]

    assert len(addresses) >= 4
    assert all(re.fullmatch(r"(http://)?127\.0\.0\.1(:\d+)?", address) for address in addresses)


def test_results_have_no_way_to_the_processor() -> None:
    """In gateway.yaml nothing that enters by the second receiver can reach the processor's exporter."""
    config = _load("gateway.yaml")
    reached, before = {"otlp/ml"}, set[str]()
    while reached != before:
        before = set(reached)
        for pipeline in config["service"]["pipelines"].values():
            if reached & set(pipeline["receivers"]):
                reached |= {VARIABLE.sub(r"\3", exporter) for exporter in pipeline["exporters"]}

    assert reached == {"otlp/ml", "otlp_grpc/backend"}
    to_processor = [name for name, each in config["exporters"].items() if "PROCESSOR" in each["endpoint"]]
    assert to_processor == ["otlp_grpc/ml", "otlp_grpc/rows"]


@pytest.mark.parametrize(
    ("file", "processor", "kind", "matched", "others"),
    [
        ("gateway.yaml", "filter/ml", "metric", wire_names.READ_BY_PROCESSOR, wire_names.NOT_READ),
        ("gateway.yaml", "filter/ml", "log", wire_names.READ_EVENTS, wire_names.NOT_READ_EVENTS),
        ("gateway.yaml", "filter/sketches", "metric", wire_names.SKETCHES, wire_names.KNOWN),
        ("strip-inputs.yaml", "filter/strip_inputs", "metric", wire_names.INPUT_VALUES, wire_names.KNOWN),
    ],
)
def test_lists_of_names_are_those_of_semconv(
    file: str, processor: str, kind: str, matched: frozenset[str], others: frozenset[str]
) -> None:
    """A pattern in a shipped file takes exactly the names that the code's own tables say, and nothing like them."""
    (condition,) = _load(file)["processors"][processor][f"{kind}_conditions"]
    (pattern,) = (found.replace(r"\\", "\\") for found in MATCH.findall(condition))
    alike = {changed for name in matched for changed in (f"{name}.x", f"x.{name}", name.replace(".", "x"), name[:-1])}

    assert {name for name in matched | others | alike if re.search(pattern, name)} == matched


def test_keys_in_conditions_are_those_of_semconv() -> None:
    """Spans are known by their model, training profiles by their role, row values by the prefix of their names."""
    gateway, strip = _load("gateway.yaml")["processors"], _load("strip-inputs.yaml")["processors"]
    profile = f'resource.attributes["{semconv.DATASET_ROLE}"] {{}} "{semconv.REFERENCE}"'
    (deletion,) = strip["transform/strip_inputs"]["trace_statements"]
    (pattern,) = re.findall(r'delete_matching_keys\(span.attributes, "([^"]+)"\)', deletion)
    stripped = re.compile(pattern.replace(r"\\", "\\"))

    assert gateway["filter/ml"]["trace_conditions"] == [f'span.attributes["{semconv.MODEL_NAME}"] == nil']
    assert gateway["filter/ml"]["metric_conditions"][0].startswith(profile.format("!="))
    assert gateway["filter/backend"]["metric_conditions"] == [profile.format("==")]
    (kept,) = (condition.removeprefix("not ") for condition in gateway["filter/ml"]["log_conditions"])
    assert gateway["filter/backend"]["log_conditions"] == [kept]
    (deleted,) = gateway["transform/results"]["metric_statements"]
    assert deleted.startswith(f'delete_key(resource.attributes, "{semconv.ENVIRONMENT_NAME}") ')
    names = [term.name for term in semconv.TERMS if term.kind == "attribute"]
    values = {
        name
        for name in names
        if name.startswith(
            (f"{semconv.INPUT}.", f"{semconv.BATCH_INPUT}.", semconv.VECTOR_NAMES, semconv.VECTOR_VALUES)
        )
    }
    assert {name for name in names if stripped.search(name)} == values
    assert len(values) == 4


def test_prometheus_promotes_what_results_say_themselves() -> None:
    """So that metrics of a model server and results about it are found by the same labels."""
    promoted = _load("prometheus.yml")["otlp"]["promote_resource_attributes"]

    assert {name for name, _ in kept_resource(dict.fromkeys(promoted, "x"))} == set(promoted)
    assert set(promoted) == {semconv.SERVICE_NAME, semconv.SERVICE_NAMESPACE, semconv.ENVIRONMENT_NAME}


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
