"""What is installed: each mismatch is a problem with its remedy, and what fits is said, too."""

from importlib.metadata import entry_points

import pytest

from driftline.tools.doctor import installation_checks
from driftline.tools.doctor.environment import FRAMEWORKS, Environment
from driftline.tools.doctor.finding import Finding, Severity

FITTING = {
    "scikit-learn": "1.9.1",
    "numpy": "2.4.6",
    "pyarrow": "26.0.1",
    "opentelemetry-api": "1.45.2",
    "opentelemetry-sdk": "1.45.2",
    "opentelemetry-distro": "0.66b2",
    "opentelemetry-instrumentation": "0.66b2",
}


def found(environment: Environment, check: str) -> list[Finding]:
    every = (finding for each in installation_checks.CHECKS for finding in each(environment))
    return [finding for finding in every if finding.check == check]


def severities(environment: Environment, check: str) -> list[Severity]:
    return [finding.severity for finding in found(environment, check)]


def test_every_framework_is_known() -> None:
    """A new instrumentor gets its row in the doctor's table."""
    ours = {
        each.name for each in entry_points(group="opentelemetry_instrumentor") if each.value.startswith("driftline.")
    }

    assert set(FRAMEWORKS.values()) == ours


def test_an_installation_that_fits_has_no_problem() -> None:
    """Every check says what it found."""
    environment = Environment(versions=FITTING, auto_instrumented=True)
    every = [finding for each in installation_checks.CHECKS for finding in each(environment)]

    assert {finding.severity for finding in every} == {Severity.OK}
    assert {finding.check for finding in every} == {
        "frameworks",
        "instrumentors",
        "auto-instrumentation",
        "opentelemetry",
        "arrow",
    }


def test_without_a_framework_nothing_can_be_recorded() -> None:
    """The remedy is the environment of the server."""
    (finding,) = found(Environment(python="/usr/bin/python3", versions={"numpy": "2.0"}), "frameworks")

    assert finding.severity is Severity.PROBLEM
    assert "/usr/bin/python3" in finding.message
    assert "environment of the model server" in finding.remedy


@pytest.mark.parametrize(
    ("framework", "entry_point"),
    [
        ("scikit-learn", "driftline_sklearn"),
        ("xgboost", "driftline_boosters"),
        ("torch", "driftline_torch"),
        ("onnxruntime", "driftline_onnxruntime"),
    ],
)
@pytest.mark.parametrize("disabled", ["{}", "flask, {}", "*"])
def test_a_framework_that_is_switched_off_is_named(framework: str, entry_point: str, disabled: str) -> None:
    """By its own name, in a list, or with all others."""
    variables = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": disabled.format(entry_point)}
    (finding,) = found(Environment(versions={framework: "1.0"}, variables=variables), "instrumentors")

    assert finding.severity is Severity.PROBLEM
    assert entry_point in finding.message
    assert framework in finding.message


def test_another_library_may_be_switched_off() -> None:
    """Only what is installed and ours matters."""
    variables = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "flask,driftline_torch"}

    assert severities(Environment(versions=FITTING, variables=variables), "instrumentors") == [Severity.OK]


def test_a_process_that_is_not_instrumented_is_told_so() -> None:
    """As in a notebook, where `instrument()` sends no spans: a note, as a shell is not instrumented either."""
    (finding,) = found(Environment(versions=FITTING), "auto-instrumentation")

    assert finding.severity is Severity.NOTE
    assert "sketches and no spans" in finding.message
    assert "opentelemetry-instrument" in finding.remedy


def test_hooks_of_gunicorn_are_seen() -> None:
    """Its workers then set OpenTelemetry up themselves."""
    (finding,) = found(Environment(versions=FITTING, gunicorn_hook=True), "auto-instrumentation")

    assert finding.severity is Severity.OK
    assert "gunicorn" in finding.message


@pytest.mark.parametrize(
    "versions",
    [
        {"opentelemetry-api": "1.44.0"},
        {"opentelemetry-exporter-otlp-proto-grpc": "1.43.0"},
        {"opentelemetry-instrumentation": "0.65b0"},
        {"opentelemetry-instrumentation-fastapi": "0.60b0"},
        {"opentelemetry-distro": "0.64b0", "opentelemetry-instrumentation": "0.64b0"},
    ],
)
def test_versions_of_opentelemetry_must_go_together(versions: dict[str, str]) -> None:
    """Within its core, within its contrib packages, and between both."""
    (finding,) = found(Environment(versions=FITTING | versions), "opentelemetry")

    assert finding.severity is Severity.PROBLEM
    assert all(number in finding.message for number in versions.values())
    assert finding.remedy.startswith("pip install --upgrade opentelemetry-")


@pytest.mark.parametrize("name", ["opentelemetry-sdk", "opentelemetry-distro"])
def test_what_sets_the_sdk_up_must_be_there(name: str) -> None:
    """Without a distro `opentelemetry-instrument` does nothing."""
    versions = {key: value for key, value in FITTING.items() if key != name}
    problems = found(Environment(versions=versions), "opentelemetry")

    assert [(each.severity, each.remedy) for each in problems] == [(Severity.PROBLEM, f"pip install {name}")]


def test_pyarrow_that_does_not_work_with_numpy_is_a_problem() -> None:
    """Whatever the versions are: it is tried."""
    versions = FITTING | {"numpy": "1.26.4"}
    (finding,) = found(Environment(versions=versions, arrow_error="ImportError: numpy.core._multiarray"), "arrow")

    assert finding.severity is Severity.PROBLEM
    assert "pyarrow 26.0.1 with numpy 1.26.4" in finding.message
    assert "numpy.core._multiarray" in finding.message
    assert "numpy>=2" in finding.remedy


@pytest.mark.parametrize("server", ["fastapi", "flask", "django", "celery"])
def test_a_server_without_its_instrumentation_is_noted(server: str) -> None:
    """Its requests cannot be parents; rows are counted all the same."""
    (finding,) = found(Environment(versions=FITTING | {server: "1.0"}), "parents")

    assert finding.severity is Severity.NOTE
    assert finding.remedy == f"pip install opentelemetry-instrumentation-{server}"
    assert not found(
        Environment(versions=FITTING | {server: "1.0", f"opentelemetry-instrumentation-{server}": "0.66b2"}), "parents"
    )
