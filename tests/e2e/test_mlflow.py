"""MLflow as the guide starts it: every row of a served model arrives, and every span lies below its request."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from driftline import semconv
from e2e.processes import BIN, answers_http, clean_environment, free_ports, running
from otlp_sink import OtlpSink, ReceivedSpan

pytestmark = pytest.mark.e2e

SAVE = """
import mlflow.sklearn, numpy as np, pandas as pd
from sklearn.linear_model import LogisticRegression
X = pd.DataFrame(np.random.default_rng(1).normal(size=(1000, 3)), columns=["age", "income", "debt"])
model = LogisticRegression().fit(X, X.age > 0)
mlflow.sklearn.save_model(model, "churn", pip_requirements=[], serialization_format="cloudpickle")
"""
COLUMNS, ROW = ["age", "income", "debt"], [0.5, 1.0, -1.0]
ROWS, CALLS = sum(range(1, 21)), 20


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model as MLflow saves it, `churn`."""
    folder = tmp_path_factory.mktemp("mlflow")
    environment = clean_environment() | {"PYTHONWARNINGS": "ignore"}
    subprocess.run([sys.executable, "-c", SAVE], check=True, cwd=folder, env=environment, timeout=120)
    return folder


def environment(**more: str) -> dict[str, str]:
    """MLflow finds uvicorn on the path."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "PYTHONWARNINGS": "ignore", "OTEL_SERVICE_NAME": "churn-api", **more}


def body(rows: int) -> dict[str, Any]:
    return {"dataframe_split": {"columns": COLUMNS, "data": [ROW] * rows}}


def command(port: int, *options: str) -> list[str]:
    serve = ("-m", "mlflow", "models", "serve", "--model-uri", "churn", "--port", str(port))
    return [sys.executable, *serve, *options]


def test_every_row_and_span_arrives(otlp_sink: OtlpSink, model: Path) -> None:
    """From two workers; none comes twice, also not at their end."""
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    served = [BIN / "opentelemetry-instrument", *command(port, "--env-manager", "local", "--workers", "2")]
    env = environment(
        OTEL_EXPORTER_OTLP_ENDPOINT=otlp_sink.endpoint,
        DRIFTLINE_EXPORT_INTERVAL="500",
        OTEL_BSP_SCHEDULE_DELAY="200",
        UVICORN_TIMEOUT_WORKER_HEALTHCHECK="60",  # on a busy machine it kills workers that start slowly
    )
    with running("mlflow", served, folder=model, ready=lambda: answers_http(f"{url}/ping"), env=env):
        for rows in range(1, 21):
            httpx.post(f"{url}/invocations", json=body(rows), timeout=30).raise_for_status()
        otlp_sink.wait_for(lambda sink: sink.total(semconv.INFERENCE_ROWS) >= ROWS)
        otlp_sink.wait_for(lambda sink: len(inferences(sink)) >= CALLS and len(requests(sink)) >= CALLS)

    assert otlp_sink.total(semconv.INFERENCE_ROWS) == ROWS
    assert len(inferences(otlp_sink)) == CALLS
    assert all(span.span.parent_span_id in requests(otlp_sink) for span in inferences(otlp_sink))


def inferences(sink: OtlpSink) -> list[ReceivedSpan]:
    return [span for span in sink.spans() if semconv.MODEL_NAME in span.attributes]


def requests(sink: OtlpSink) -> set[bytes]:
    """Ids of the spans of requests for predictions."""
    spans = (span.span for span in sink.spans())
    return {span.span_id for span in spans if span.kind == Span.SPAN_KIND_SERVER and "invocations" in span.name}


def test_the_doctor_warns_of_the_default(model: Path) -> None:
    """An environment of the model's own has no Driftline: the doctor says so before it starts anything."""
    run = subprocess.run(
        [str(BIN / "driftline"), "doctor", "--json", "--seconds", "0.1", "--", *command(1)],
        cwd=model,
        env=clean_environment() | environment(MLFLOW_ENV_ROOT=str(model / "envs")),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    remedies = [finding["remedy"] for finding in json.loads(run.stdout)["findings"]]

    assert run.returncode == 1
    assert any("--env-manager local" in remedy for remedy in remedies)
