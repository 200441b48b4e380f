"""The Kubernetes objects: by the API's own schemas, and by what they refer to in each other and in our images."""

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from driftline_processor.config import load_config
from kubernetes_parts import COLLECTOR_CONFIG, KUBERNETES, OPERATOR, parts

VERSIONS = ("1.30", "1.33", "1.36")
CUSTOM = {"Instrumentation", "PrometheusRule", "ServiceMonitor"}
"""Kinds that operators bring: the API has no schemas of them."""

BASE = KUBERNETES / "base"
FOLDERS = [BASE, *sorted((KUBERNETES / "components").iterdir())]


def objects(folder: Path) -> list[dict[str, Any]]:
    """Those that the folder's kustomization names."""
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    texts = [(folder / each).read_text() for each in kustomization.get("resources", ())]
    return [each for text in texts for each in yaml.safe_load_all(text)]


def of_kind(kind: str) -> list[dict[str, Any]]:
    return [each for each in objects(BASE) if each["kind"] == kind]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_file_is_named_and_every_object_is_valid(folder: Path) -> None:
    """Strictly: a field that the API does not know is an error."""
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    generators = kustomization.get("configMapGenerator", ())
    from_files = [each.rpartition("=")[2] for generator in generators for each in generator["files"]]
    named = {*kustomization.get("resources", ()), *from_files, "kustomization.yaml"}

    assert named == {str(each.relative_to(folder)) for each in folder.rglob("*.*") if each.is_file()}
    for each in objects(folder):
        for version in VERSIONS if each["kind"] not in CUSTOM else ():
            kubernetes_validate.validate(each, version, strict=True)


def test_rules_and_dashboards_are_those_of_the_other_files() -> None:
    """As `make docs` writes them."""
    assert {file: file.read_text() for file in parts()} == dict(parts())
    assert set(OPERATOR.rglob("dashboards/*")) == {each for each in parts() if each.suffix == ".json"}


@pytest.mark.parametrize("workload", of_kind("StatefulSet"), ids=lambda each: each["metadata"]["name"])
def test_a_workload_takes_no_more_rights_than_it_needs(workload: dict[str, Any]) -> None:
    """And its ports, volumes and probes are names that exist; a service, and a policy, are there for it."""
    pod = workload["spec"]["template"]["spec"]
    labels = workload["spec"]["template"]["metadata"]["labels"]
    (container,) = pod["containers"]
    ports = {each["name"] for each in container["ports"]}
    volumes = {each["name"] for each in pod["volumes"]}
    claims = {each["metadata"]["name"] for each in workload["spec"]["volumeClaimTemplates"]}

    assert re.search(r":\d+\.\d+\.\d+$", container["image"])
    assert pod["securityContext"]["runAsNonRoot"]
    assert not pod["automountServiceAccountToken"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["resources"]["limits"]["memory"]
    assert {each["name"] for each in container["volumeMounts"]} == volumes | claims
    assert workload["spec"]["selector"]["matchLabels"] == labels
    for each in (*of_kind("Service"), *of_kind("NetworkPolicy")):
        spec = each["spec"]
        if spec.get("selector", spec.get("podSelector", {}).get("matchLabels")) == labels:
            asked = {port.get("targetPort", port.get("port")) for port in _ports(spec)}
            assert asked <= ports, each["metadata"]["name"]


def _ports(spec: dict[str, Any]) -> list[dict[str, Any]]:
    return [*spec.get("ports", ()), *(port for rule in spec.get("ingress", ()) for port in rule["ports"])]


def test_addresses_are_those_of_services() -> None:
    """Whatever an object sends to is a port of a service beside it."""
    served = {
        f"{service['metadata']['name']}:{port['port']}"
        for service in of_kind("Service")
        for port in _ports(service["spec"])
    }
    texts = [each.read_text() for folder in FOLDERS for each in folder.glob("*.yaml")]
    named = {address for text in texts for address in re.findall(r"http://(driftline-[a-z]+:\d+)", text)}

    assert named
    assert named <= served


def test_the_collectors_variables_are_those_of_the_gateway() -> None:
    known = set(re.findall(r"env:(\w+)", (COLLECTOR_CONFIG / "gateway.yaml").read_text()))
    (collector,) = (each for each in of_kind("StatefulSet") if each["metadata"]["name"] == "driftline-collector")
    (container,) = collector["spec"]["template"]["spec"]["containers"]

    assert {each["name"] for each in container["env"]} <= known


def test_the_processor_accepts_its_configuration() -> None:
    """Its folders are those of the image, and of the mounts."""
    config = load_config(BASE / "processor-config.yaml", {})
    (processor,) = (each for each in of_kind("StatefulSet") if each["metadata"]["name"] == "driftline-processor")
    (container,) = processor["spec"]["template"]["spec"]["containers"]
    mounted = {each["mountPath"] for each in container["volumeMounts"]}

    assert {str(config.references), str(Path(config.store.removeprefix("sqlite:///")).parent)} <= mounted
    assert config.listen.endswith(f":{container['ports'][0]['containerPort']}")
