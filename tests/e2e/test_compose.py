"""docker-compose.yml and what it mounts: Compose accepts it, and it refers only to things that exist."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import make_url

from driftline import semconv
from driftline_processor.config import load_config, page_exposed
from driftline_processor.encode.metrics import METRICS
from driftline_processor.encode.performance import PERFORMANCE_METRICS
from driftline_processor.service.internal_metrics import INTERNAL_METRICS, METRIC_PREFIX
from e2e.collectors import CONFIG
from e2e.processes import BIN, ROOT, clean_environment

FILE = ROOT / "docker-compose.yml"
SERVICES = {"collector", "grafana", "processor", "server", "traffic", "training"}
DASHBOARD = CONFIG / "grafana" / "driftline.json"


@pytest.fixture(scope="module")
def compose() -> Any:
    return yaml.safe_load(FILE.read_text())


def test_compose_accepts_the_file() -> None:
    """`docker compose config` has nothing to say against it (no engine is needed for that)."""
    docker = shutil.which("docker")
    if docker is None or _run(docker, "compose", "version").returncode:
        pytest.skip("no `docker compose` here: the other tests look at the file without it")
    result = _run(docker, "compose", "--file", str(FILE), "config", "--format", "json")

    assert result.returncode == 0, result.stderr
    assert not result.stderr
    assert set(json.loads(result.stdout)["services"]) == SERVICES


def test_every_service_is_pinned_and_takes_no_more_rights_than_it_needs(compose: Any) -> None:
    """No image is `latest`; none but the Grafana image, which offers no other user, runs as root."""
    for name, service in compose["services"].items():
        assert re.search(r":\d+\.\d+\.\d+$", service["image"]), name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        if name != "grafana":
            assert service["user"] == "10001:10001", name
            assert (service["cap_drop"], service["read_only"]) == (["ALL"], True), name
    assert set(compose["services"]) == SERVICES


def test_ports_are_published_on_the_loopback_interface_only(compose: Any) -> None:
    """Nothing of the example is reachable from another machine."""
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]

    assert {port.rsplit(":", 1)[1] for port in ports} == {"3000", "4317", "4318", "4328", "8000"}
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_whoever_is_waited_for_can_tell_that_it_is_healthy(compose: Any) -> None:
    """A service that others wait for has a health check, in its image or here."""
    services = compose["services"]
    waited = {
        name
        for service in services.values()
        for name, condition in service.get("depends_on", {}).items()
        if condition["condition"] == "service_healthy"
    }

    assert waited == {"collector", "grafana", "processor", "server"}
    for name in waited:
        service = services[name]
        assert "healthcheck" in service or "HEALTHCHECK" in _dockerfile(service["build"]).read_text(), name


def test_what_is_built_mounted_and_set_exists(compose: Any) -> None:
    """Dockerfiles, bind mounts and named volumes are there, and gateway.yaml knows the variables that it is given."""
    for service in compose["services"].values():
        if "build" in service:
            assert _dockerfile(service["build"]).is_file()
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (ROOT / source).is_file() if source.startswith(".") else source in compose["volumes"]
    gateway = (CONFIG / "gateway.yaml").read_text()
    assert all(f"${{env:{name}:-" in gateway for name in compose["services"]["collector"]["environment"])


def test_the_server_counts_the_pairs_of_the_reference(compose: Any) -> None:
    """It is told of the folder that the training writes to, so that correlation is judged, too."""
    server, training = compose["services"]["server"], compose["services"]["training"]
    folder = server["environment"]["DRIFTLINE_REFERENCE"]

    assert f"references:{folder}:ro" in server["volumes"]
    assert f"references:{folder}" in training["volumes"]
    assert f"--output {folder}/" in training["command"][-1]


@pytest.mark.parametrize("file", sorted(ROOT.glob("*/Dockerfile")), ids=lambda file: file.parent.name)
def test_images_start_from_a_pinned_one_and_leave_root(file: Any) -> None:
    """Every base image has a version, what is copied is there, and the last stage runs as a user of its own."""
    text = file.read_text()
    stages = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    context = CONFIG if file.parent == CONFIG else ROOT
    copied = [part for line in re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE) for part in line.split()]

    assert all(re.search(r":\d+\.\d+", stage) for stage in stages)
    assert all(list(context.glob(part)) for part in copied), copied
    assert re.search(r"^USER (driftline|10001:10001)$", text.split("FROM")[-1], re.MULTILINE)


def test_the_dashboard_is_provisioned_where_grafana_looks(compose: Any) -> None:
    """The provider file points at the folder that the dashboard is mounted in, which is also Grafana's home page."""
    grafana = compose["services"]["grafana"]
    provider = yaml.safe_load((CONFIG / "grafana" / "provider.yaml").read_text())["providers"][0]
    mounted = {target for _, target in (volume.split(":")[:2] for volume in grafana["volumes"])}
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]

    assert home in mounted
    assert home == f"{provider['options']['path']}/{DASHBOARD.name}"
    assert "/otel-lgtm/grafana/conf/provisioning/dashboards/driftline.yaml" in mounted


def test_every_panel_of_the_dashboard_says_what_it_shows() -> None:
    """Panels have a title, a description and at least one query, and ids and places of their own."""
    dashboard = json.loads(DASHBOARD.read_text())
    panels = [panel for each in dashboard["panels"] for panel in (each, *each.get("panels", []))]
    shown = [panel for panel in panels if panel["type"] != "row"]

    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel["title"] and panel["description"] and panel["targets"] for panel in shown)
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in dashboard["panels"]]
    assert len(set(places)) == len(places)


def _dockerfile(build: Any) -> Any:
    return ROOT / build["context"] / build.get("dockerfile", "Dockerfile")


def _run(*command: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, **options)


def test_the_dashboard_asks_for_metrics_and_labels_that_exist() -> None:
    """Every name in a query is one that the server or the processor sends, as Prometheus translates it."""
    queries = " ".join(_strings(json.loads(DASHBOARD.read_text()), {"expr", "query"}))
    asked = set(re.findall(r"\b(?:ml|driftline)_\w+", queries))
    documented = [(term.name, *term.kind.split(", "), "", "") for term in semconv.TERMS]
    own = [(f"{METRIC_PREFIX}.{metric.name}", "metric", metric.kind, metric.unit) for metric in INTERNAL_METRICS]
    results = [(metric.name, "metric", "gauge", metric.unit) for metric in (*METRICS, *PERFORMANCE_METRICS)]
    sent = {name for each in (*documented, *own, *results) for name in _in_prometheus(*each[:4])}

    assert len(asked) > 20
    assert asked <= sent, asked - sent


def test_the_configuration_in_the_image_is_valid(compose: Any) -> None:
    """The processor takes what its image holds, and sends results to where Compose says."""
    config = load_config(ROOT / "processor" / "container.yaml", compose["services"]["processor"]["environment"])
    mounted = {volume.split(":")[1] for volume in compose["services"]["processor"]["volumes"]}

    assert (config.listen, config.export.endpoint) == ("0.0.0.0:4327", "http://collector:4319")
    assert config.http.listen == "0.0.0.0:4328"
    assert page_exposed(config) is None
    assert {str(config.references), str(Path(make_url(config.store).database or "").parent)} == mounted


@pytest.mark.e2e
def test_the_commands_of_the_example_run(compose: Any, tmp_path: Path) -> None:
    """The training command leaves a model and a reference; the traffic says so when there is no server."""
    services = compose["services"]
    path = f"{BIN}:{os.environ['PATH']}"
    train = [part.replace("/srv/references", str(tmp_path)) for part in services["training"]["command"]]
    send = [part.replace("server:8000", "127.0.0.1:1") for part in services["traffic"]["command"]]

    done = _run(*train, cwd=tmp_path, env=clean_environment() | {"PATH": path})
    assert done.returncode == 0, done.stderr
    assert {file.name for file in tmp_path.iterdir()} >= {"model.joblib", "progression.reference.json"}

    failed = _run(*send, cwd=tmp_path, env=clean_environment() | {"PATH": path})
    assert failed.returncode == 1
    assert "TrafficError: the model server failed a request" in failed.stderr


def _in_prometheus(name: str, what: str, kind: str, unit: str) -> set[str]:
    """The names under which Prometheus stores a metric, or the label that an attribute becomes."""
    name = name.replace(".", "_")
    if what != "metric":
        return {name}
    name += {"s": "_seconds", "By": "_bytes"}.get(unit, "")
    if kind.endswith("counter"):
        return {f"{name}_total"}
    return {f"{name}_bucket", f"{name}_count"} if kind == "histogram" else {name}


def _strings(part: Any, keys: set[str]) -> Iterator[str]:
    """Every text that stands under one of these keys, however deep."""
    for key, value in part.items() if isinstance(part, dict) else enumerate(part):
        if isinstance(value, dict | list):
            yield from _strings(value, keys)
        elif key in keys:
            yield value
