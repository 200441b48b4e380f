"""Probes see what is there: packages that do not fit, references, interpreters, settings of Django."""

import os
import sys
from pathlib import Path

import opentelemetry.instrumentation.auto_instrumentation as auto
import pytest

import driftline
from driftline.tools.doctor.environment_probe import (
    interpreter_of,
    is_importable,
    launcher_beside,
    look,
    model_requirements,
    references_at,
)


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and no exporters to ask."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


QUIET = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}


def test_this_environment_is_seen(nowhere: Path) -> None:
    """Versions of what the tests run with."""
    environment = look(QUIET)

    assert {"driftline", "scikit-learn", "numpy", "pyarrow", "opentelemetry-sdk"} <= environment.versions.keys()
    assert environment.arrow_error == ""
    assert "otlp_proto_grpc" in environment.components["traces"]
    assert not environment.auto_instrumented
    assert look(QUIET | {"PYTHONPATH": str(Path(auto.__file__).parent)}).auto_instrumented


def test_pyarrow_and_numpy_are_tried(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not compared by their versions: a pyarrow that cannot be imported says so."""
    (nowhere / "pyarrow.py").write_text("raise ImportError('numpy.core.multiarray failed to import')\n")
    monkeypatch.setenv("PYTHONPATH", str(nowhere))

    assert look(QUIET).arrow_error == "ImportError: numpy.core.multiarray failed to import"


def test_references_are_read(nowhere: Path) -> None:
    """One that is there, one that is none, one that is missing, and an empty folder."""
    driftline.profile({"age": [1.0, 2.0, 3.0]}, model="churn").save(nowhere / "good.json")
    (nowhere / "bad.json").write_text("{}")
    (nowhere / "empty").mkdir()

    def models(path: str) -> list[tuple[str, str, bool]]:
        return [(Path(file.path).name, file.model, bool(file.error)) for file in references_at(path)]

    assert models("good.json") == [("good.json", "churn", False)]
    assert models(".") == [("bad.json", "", True), ("good.json", "churn", False)]
    assert models("missing.json") == [("missing.json", "", True)]
    assert models("empty") == [("", "", False)]
    assert models("") == []


def test_django_settings_are_looked_for(nowhere: Path) -> None:
    """Here, on PYTHONPATH, and among what is installed."""
    (nowhere / "project" / "mysite").mkdir(parents=True)
    (nowhere / "project" / "mysite" / "settings.py").touch()

    def importable(name: str, path: str = "") -> bool:
        return is_importable(name, {"PYTHONPATH": path})

    assert not importable("mysite.settings")
    assert importable("mysite.settings", str(nowhere / "project"))
    assert importable("json.tool")
    assert not importable("json.settings")
    assert not importable("..")


def test_a_file_that_configures_the_sdk_is_looked_for(nowhere: Path) -> None:
    """Then the default endpoints are not asked."""
    environment = look({"OTEL_CONFIG_FILE": "otel.yaml"})

    assert (environment.config_file, environment.endpoints) == (False, ())
    (nowhere / "otel.yaml").touch()
    assert look({"OTEL_CONFIG_FILE": "otel.yaml"}).config_file


def test_settings_of_gunicorn_are_looked_at(nowhere: Path) -> None:
    """The default file, or the one that is named."""
    (nowhere / "gunicorn.conf.py").write_text("workers = 2\n")
    (nowhere / "own.py").write_text("def post_fork(server, worker):\n    import driftline; driftline.instrument()\n")

    assert not look(QUIET, ["gunicorn", "app:app"]).gunicorn_hook
    assert look(QUIET, ["gunicorn", "-c", "own.py", "app:app"]).gunicorn_hook
    (nowhere / "gunicorn.conf.py").write_text("import opentelemetry\n")
    assert look(QUIET).gunicorn_hook


def test_requirements_of_a_model_are_read(nowhere: Path) -> None:
    """Of a folder as MLflow saves it; elsewhere they are unknown."""
    (nowhere / "churn").mkdir()
    (nowhere / "churn" / "MLmodel").touch()
    serve = ("mlflow", "models", "serve", "-m")

    assert model_requirements((*serve, "models:/churn/1")) is None
    assert model_requirements((*serve, "churn")) == ()
    (nowhere / "churn" / "requirements.txt").write_text("mlflow\ndriftline[sklearn]")
    assert model_requirements((*serve, "churn")) == ("mlflow", "driftline[sklearn]")
    assert model_requirements((*serve, f"file://{nowhere}/churn")) == ("mlflow", "driftline[sklearn]")


def test_the_interpreter_of_a_command_is_found(nowhere: Path) -> None:
    """By its name or by the first line of a script; "" for this one, and for what is no Python."""
    other = nowhere / "other" / "bin"
    other.mkdir(parents=True)
    for name, text in (
        ("python", "#!/bin/sh\n"),
        ("serve", f"#!{other}/python\n"),
        ("ours", f"#!{sys.executable}\n"),
        ("native", "\x7fELF"),
        ("opentelemetry-instrument", ""),
    ):
        (other / name).write_text(text)
        (other / name).chmod(0o755)
    variables = {"PATH": f"{other}{os.pathsep}{os.environ['PATH']}"}

    def found(*command: str) -> str:
        return interpreter_of(command, variables)

    assert found("python", "a.py") == found("serve") == str(other / "python")
    assert found("ours") == found(sys.executable, "a.py") == ""
    assert found("native") == found("missing") == found("sh") == interpreter_of([], variables) == ""
    assert launcher_beside(str(other / "python")) == str(other / "opentelemetry-instrument")
    assert look(QUIET | variables, ["serve"]).command_instrumented
    (other / "opentelemetry-instrument").unlink()
    assert not look(QUIET | variables, ["serve"]).command_instrumented
