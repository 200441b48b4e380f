"""OpenTelemetry's declarative configuration, in real processes: one file switches the SDK and Driftline on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from driftline import semconv
from e2e.processes import ROOT
from otlp_sink import OtlpSink

pytestmark = pytest.mark.e2e
pytest.importorskip("opentelemetry.configuration", reason="opentelemetry-configuration is not installed")

PROGRAM = """
import numpy as np
from sklearn.linear_model import LogisticRegression
X = np.random.default_rng(1).normal(size=(100, 3))
model = LogisticRegression().fit(X, X[:, 0] > 0)
for row in X[:40]:
    model.predict(row[None])
model.predict(X)
print("served")
"""
EXAMPLE = (
    (ROOT / "docs/guides/declarative-config.md").read_text().partition("```yaml\nfile_format")[2].partition("```")[0]
)
SDK, _, BLOCK = ("file_format" + EXAMPLE).partition("    driftline_sklearn:")


def serve(sink: OtlpSink, folder: Path, blocks: str, **more: str) -> str:
    """Run the program with the guide's file, whose `python:` holds these blocks; what it wrote to stderr."""
    script, file = folder / "serve.py", folder / "otel.yaml"
    script.write_text(PROGRAM)
    file.write_text(SDK + blocks)
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "DRIFTLINE_"))}
    done = subprocess.run(
        [Path(sys.executable).parent / "opentelemetry-instrument", sys.executable, script],
        env=environ
        | {"OTEL_CONFIG_FILE": str(file), "OTLP_ENDPOINT": sink.endpoint, "PYTHONWARNINGS": "ignore"}
        | more,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "served\n"
    return done.stderr


def test_one_file_switches_everything_on(otlp_sink: OtlpSink, tmp_path: Path) -> None:
    """The guide's file: its options hold, the environment says what it leaves open, every row arrives once."""
    block = f"    driftline_sklearn:{BLOCK}".replace("ssn", "x1")
    errors = serve(otlp_sink, tmp_path, block, DRIFTLINE_MODEL_NAME="other", DRIFTLINE_MODEL_VERSION="7")

    assert "not enabled" not in errors
    model = {semconv.MODEL_NAME: "churn", semconv.MODEL_VERSION: "7"}
    assert otlp_sink.total(semconv.INFERENCE_ROWS) == otlp_sink.total(semconv.INFERENCE_ROWS, model) == 140
    assert otlp_sink.total(semconv.OUTPUT_PREDICTIONS, model) == 140
    assert otlp_sink.total(semconv.INFERENCE_DURATION, model) == 41
    spans = otlp_sink.spans()
    assert len(spans) == 41
    assert {span.resource["service.name"] for span in spans} == {"churn-api"}
    shown = {name for span in spans for name in span.attributes if name.startswith(f"{semconv.INPUT}.")}
    assert shown == {f"{semconv.INPUT}.x0", f"{semconv.INPUT}.x2"}
    (rows,) = otlp_sink.streams(semconv.INFERENCE_ROWS)
    assert rows.resource["service.name"] == "churn-api"


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("captuer: none", "not enabled: unknown settings ['captuer']"),
        ("capture: nothing", "not enabled: capture: must be one of all, outputs, none (got 'nothing')"),
    ],
)
def test_a_wrong_option_is_named_and_records_nothing(
    option: str, message: str, otlp_sink: OtlpSink, tmp_path: Path
) -> None:
    """The program runs to its end; a mistyped switch does not show what it was to hide."""
    errors = serve(otlp_sink, tmp_path, f"    driftline_sklearn: {{{option}, otlp_endpoint: '{otlp_sink.endpoint}'}}\n")

    assert message in errors
    assert otlp_sink.total(semconv.INFERENCE_ROWS) == 0
    assert not otlp_sink.spans()


def test_options_are_those_of_the_process(otlp_sink: OtlpSink, tmp_path: Path) -> None:
    """Of two blocks that disagree the second is refused by name, whatever the loader switches on afterwards."""
    blocks = f"    driftline_onnxruntime: {{otlp_endpoint: '{otlp_sink.endpoint}'}}\n"
    blocks += "    driftline_sklearn: {capture: none}\n"
    errors = serve(otlp_sink, tmp_path, blocks)

    assert "SklearnInstrumentor not enabled: capture: already set to 'all' for all frameworks in this process" in errors
    assert not otlp_sink.spans()
