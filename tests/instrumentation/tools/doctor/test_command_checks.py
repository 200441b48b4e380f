"""Commands that are known to lose rows or spans, by their words alone."""

import pytest

from driftline.tools.doctor import command_checks
from driftline.tools.doctor.checks import environment_findings
from driftline.tools.doctor.environment import Environment
from driftline.tools.doctor.finding import Finding, Severity


def found(command: str, **facts: object) -> list[Finding]:
    environment = Environment(command=tuple(command.split()), **facts)  # type: ignore[arg-type]
    return [finding for check in command_checks.CHECKS for finding in check(environment)]


def problems(command: str, **facts: object) -> list[Finding]:
    return [finding for finding in found(command, **facts) if finding.severity is Severity.PROBLEM]


@pytest.mark.parametrize(
    "command",
    [
        "python serve.py",
        "python -u -W ignore serve.py --I",
        "python -m uvicorn app:app --workers 2",
        "uvicorn app:app --reload",
        "gunicorn wsgi:app --preload --workers 4",
        "celery --app tasks worker --max-tasks-per-child 100",
        "mlflow models serve --model-uri m --env-manager local",
        "python -m mlflow models serve -m m --env-manager=local",
        "mlflow server",
        "streamlit run app.py",
        "uwsgi --http :8000 --enable-threads --lazy-apps",
    ],
)
def test_commands_without_a_problem(command: str) -> None:
    """As the guide has them."""
    assert problems(command) == []


@pytest.mark.parametrize(
    "command",
    [
        "mlflow models serve --model-uri models:/churn/1",
        "mlflow models serve -m m --env-manager virtualenv",
        "/opt/env/bin/mlflow models serve -m m --env-manager=uv",
        "python -m mlflow models serve -m m",
    ],
)
def test_mlflow_serves_in_another_environment(command: str) -> None:
    """It answers, and no row is counted."""
    (finding,) = problems(command, requirements=("mlflow==3.17.2", "scikit-learn"))
    (unknown,) = found(command)
    (fine,) = found(command, requirements=("scikit-learn", "driftline[sklearn]>=0.1"))

    assert "--env-manager local" in finding.remedy
    assert "extra_pip_requirements" in finding.remedy
    assert (unknown.severity, unknown.remedy) == (Severity.NOTE, finding.remedy)
    assert fine.severity is Severity.OK


@pytest.mark.parametrize("option", ["-I", "-E", "-S", "-sE"])
def test_python_that_ignores_its_path(option: str) -> None:
    """That is where OpenTelemetry comes in."""
    (finding,) = problems(f"python3.12 {option} serve.py")

    assert f"python {option}" in finding.message


def test_uwsgi_without_threads() -> None:
    """Nothing would be exported."""
    (finding,) = problems("uwsgi --http :8000 --module app")

    assert finding.remedy == "add --enable-threads"


def test_a_command_of_another_environment() -> None:
    """Driftline must be in the environment that predicts."""
    (finding,) = problems("/opt/env/bin/python a.py", command_python="/opt/env/bin/python", command_instrumented=False)

    assert "/opt/env/bin/python -m pip install" in finding.remedy
    (noted,) = found("/opt/env/bin/python a.py", command_python="/opt/env/bin/python")
    assert noted.severity is Severity.NOTE


def test_packages_of_another_environment_are_not_looked_at() -> None:
    """Those of this one say nothing of it."""
    elsewhere = Environment(command=("/opt/env/bin/python", "a.py"), command_python="/opt/env/bin/python")
    here = Environment(command=("python", "a.py"))

    assert "frameworks" not in {finding.check for finding in environment_findings(elsewhere)}
    assert "frameworks" in {finding.check for finding in environment_findings(here)}


@pytest.mark.parametrize("command", ["python manage.py runserver --noreload", "gunicorn mysite.wsgi:application"])
def test_django_needs_its_settings_by_name(command: str) -> None:
    """OpenTelemetry's instrumentation reads the variable before manage.py sets it."""
    versions = {"django": "5.2", "opentelemetry-instrumentation-django": "0.66b2"}
    (finding,) = problems(command, versions=versions)

    assert finding.check == "django"
    assert "export DJANGO_SETTINGS_MODULE" in finding.remedy
    assert "PYTHONPATH" in finding.remedy


def test_django_settings_must_be_importable() -> None:
    """The folder of the project is not on the path of `gunicorn`."""
    variables = {"DJANGO_SETTINGS_MODULE": "mysite.settings"}
    command = "gunicorn mysite.wsgi:application"
    (finding,) = problems(command, variables=variables, importable={"mysite.settings": False})

    assert "mysite.settings cannot be imported" in finding.message
    assert "PYTHONPATH" in finding.remedy
    assert problems(command, variables=variables, importable={"mysite.settings": True}) == []


def test_a_celery_child_that_is_killed_is_noted() -> None:
    """It loses the rows since its last export."""
    (finding,) = found("celery -A tasks worker --time-limit=10")

    assert finding.severity is Severity.NOTE
    assert "--soft-time-limit" in finding.remedy


def test_a_preloaded_application_is_fine() -> None:
    """Also where gunicorn is told by its variable."""
    (by_option,) = found("gunicorn app:app --preload")
    (by_variable,) = found("gunicorn app:app", variables={"GUNICORN_CMD_ARGS": "--preload"})

    assert by_option == by_variable
    assert by_option.severity is Severity.OK
