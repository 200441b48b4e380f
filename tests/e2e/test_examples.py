"""The examples, by the commands of their READMEs, in a copy of their folder."""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx
import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits

from driftline import semconv
from e2e.processes import BIN, ROOT, answers_http, clean_environment, free_ports, running
from otlp_sink import OtlpSink

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

EXAMPLES = ROOT / "examples"


class Example:
    """A copy of an example, and the commands of its README."""

    def __init__(self, name: str, folder: Path, endpoint: str) -> None:
        self.folder = folder / name
        shutil.copytree(EXAMPLES / name, self.folder)
        blocks = re.findall(r"```sh\n(.*?)```", (self.folder / "README.md").read_text(), re.DOTALL)
        self.commands = [line for block in blocks for line in block.replace("\\\n", "").splitlines()]
        exports = " ".join(line.removeprefix("export ") for line in self.commands if line.startswith("export "))
        self.env = {
            **dict(each.split("=", 1) for each in shlex.split(exports)),
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
            "DRIFTLINE_EXPORT_INTERVAL": "500",
            "PATH": f"{BIN}:{os.environ['PATH']}",
        }

    def run(self, start: str) -> None:
        """The command that begins so."""
        (command,) = (line for line in self.commands if line.startswith(start))
        done = subprocess.run(
            ["bash", "-ec", command],
            cwd=self.folder,
            env={**clean_environment(), **self.env},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"

    @contextmanager
    def served(self, path: str) -> Iterator[httpx.Client]:
        """Its server, once it answers a GET of this path; a client of it."""
        (command,) = (line for line in self.commands if "uvicorn" in line and not line.startswith("pip"))
        (port,) = free_ports(1)
        url = f"http://127.0.0.1:{port}"
        words = shlex.split(command.replace("8000", str(port)))
        ready = partial(answers_http, url + path)
        with (
            running("server", [BIN / words[0], *words[1:]], folder=self.folder, ready=ready, env=self.env),
            httpx.Client(base_url=url, timeout=30) as client,
        ):
            yield client


def test_fastapi_and_scikit_learn(tmp_path: Path) -> None:
    """A patient's row, span and diagnosis have one id; the profile knows every column."""
    with OtlpSink() as backend:
        example = Example("fastapi-scikit-learn", tmp_path, backend.endpoint)
        example.run("python train.py")
        example.run("driftline profile")
        patient = load_breast_cancer(as_frame=True).data.iloc[0].to_dict()
        with example.served("/docs") as client:
            answer = client.post("/patients/42", json=patient).raise_for_status().json()
            client.put("/patients/42/diagnosis", json="malignant").raise_for_status()
        (span,) = (each for each in backend.spans() if semconv.MODEL_NAME in each.attributes)
        (outcome,) = (each for each in backend.logs() if each.record.event_name == semconv.OUTCOME_EVENT)

    assert answer["malignant"] == pytest.approx(1, abs=0.1)
    assert span.attributes[semconv.MODEL_NAME] == "cancer"
    assert span.attributes[f"{semconv.INPUT}.mean radius"] == patient["mean radius"]
    assert outcome.attributes[semconv.OUTCOME_LABEL] == "malignant"
    assert backend.seen_rows() == 1
    reference = (example.folder / "references" / "cancer.reference.json").read_text()
    assert all(f'"{name}"' in reference for name in patient)


def test_pytorch_images(tmp_path: Path) -> None:
    """A digit is read, and summaries of the image are counted."""
    with OtlpSink() as backend:
        example = Example("pytorch-images", tmp_path, backend.endpoint)
        example.run("python train.py")
        digits = load_digits()
        with example.served("/docs") as client:
            images = digits.images[:20] / 16
            read = [client.post("/digits", json=image.tolist()).raise_for_status().json() for image in images]
        names = {point.attributes.get(semconv.FEATURE_NAME) for point in backend.points(semconv.FEATURE_OBSERVATIONS)}

    assert np.mean(np.equal(read, digits.target[:20])) > 0.8
    assert backend.total(semconv.INFERENCE_ROWS) == len(read)
    assert "image.mean" in names
    assert "image.mean" in (example.folder / "references" / "digits.reference.json").read_text()


def test_batch_scoring(tmp_path: Path) -> None:
    """Every customer is scored and counted; what became of each is sent under the same id."""
    with OtlpSink() as backend:
        example = Example("batch-scoring", tmp_path, backend.endpoint)
        for command in ("python train.py", "driftline profile", "opentelemetry-instrument", "driftline outcomes"):
            example.run(command)
        rows = backend.total(semconv.INFERENCE_ROWS)
        outcomes = [each for each in backend.logs() if each.record.event_name == semconv.OUTCOME_EVENT]

    assert rows == len(outcomes) == 1_000
    assert backend.seen_rows() == 1_000
